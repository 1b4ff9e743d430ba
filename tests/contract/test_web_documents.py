"""The JSON documents: their fields, what unknown looks like, and how a thing is found."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from bot.domain.drain import Drain
from bot.domain.incidents import EventKind, Phase
from bot.domain.marks import Age
from bot.domain.model import Destination, PartitionReading, TaskKey, TaskState
from bot.domain.policy import RuleType
from bot.domain.reports import AccountHealth, HealthReport, LagRow, TaskView, TopicView
from bot.domain.verdicts import Level
from tests.builders import START, a_judgement, a_key, a_sample, a_view, an_event, an_incident, at
from tests.contract.web_site import MadeUpFleet, site_of

HUGE = 10**30


async def test_a_task_that_was_read_has_every_field() -> None:
    view = replace(
        a_view(labels={"team": "orders"}),
        instance_id="kafka-1",
        destination=Destination(
            "bucket", "dumps/", "yyyy/MM/dd", "TEXT", "latest", timedelta(seconds=300)
        ),
        topics_text="orders",
        unknown=1,
        topics=(TopicView("orders", 4, 200_000, 1),),
        worst=(
            LagRow(
                PartitionReading("orders", 2, "RUNNING", 10, 200_010, 200_000),
                timedelta(seconds=600),
            ),
        ),
        age=Age(timedelta(seconds=600), None),
        drain=Drain(900, 60.0, 50.0, None),
        open_incidents=("i-7KQ2M4XW9B",),
    )
    async with site_of(MadeUpFleet([view])) as site:
        document = (await site.get("/api/tasks/orders")).json

    assert document == {
        "name": "orders",
        "account": "prod",
        "connector_id": "connector-of-orders",
        "task_id": "id-of-orders",
        "instance_id": "kafka-1",
        "labels": {"team": "orders"},
        "state": "warning",
        "cloud_status": "RUNNING",
        "cloud_status_since": "2026-03-02T10:00:00Z",
        "read_at": "2026-03-02T10:00:00Z",
        "reading_age_seconds": 90,
        "failure": None,
        "failing_since": None,
        "lag": 200_000,
        "partitions_known": 3,
        "partitions_unknown": 1,
        "delivery_interval_seconds": 300,
        "delivery_interval_assumed": False,
        "destination": {
            "bucket": "bucket",
            "path": "dumps/",
            "partition_format": "yyyy/MM/dd",
            "file_type": "TEXT",
            "consumer_strategy": "latest",
            "deliver_interval_seconds": 300,
        },
        "topics_configured": "orders",
        "topics": [
            {
                "topic": "orders",
                "partitions": 4,
                "lag": 200_000,
                "partitions_unknown": 1,
                "age_at_least_seconds": None,
                "age_at_most_seconds": None,
            }
        ],
        "age_at_least_seconds": 600,
        "age_at_most_seconds": None,
        "drain": {
            "backlog": 900,
            "intake_per_minute": 60.0,
            "outgo_per_minute": 50.0,
            "lasts_seconds": None,
        },
        "loss_seconds": None,
        "worst_partitions": [
            {
                "topic": "orders",
                "partition": 2,
                "status": "RUNNING",
                "last_transferred_offset": 10,
                "log_end_offset": 200_010,
                "lag": 200_000,
                "age_at_least_seconds": 600,
                "age_at_most_seconds": None,
            }
        ],
        "open_incidents": ["i-7KQ2M4XW9B"],
    }


async def test_of_a_task_never_read_everything_unknown_is_null_and_nothing_is_absent() -> None:
    view = TaskView(a_key(), "orders", failure="connection refused", failing_since=at(0.5))
    async with site_of(MadeUpFleet([a_view(), view])) as site:
        read, unread = (await site.get("/api/tasks")).listed("tasks")

    assert set(unread) == set(read)
    assert unread["state"] == "unknown"
    unknown = ["cloud_status", "cloud_status_since", "read_at", "reading_age_seconds", "lag"]
    assert {name: unread[name] for name in unknown} == dict.fromkeys(unknown)
    assert unread["failure"] == "connection refused"
    assert unread["failing_since"] == "2026-03-02T10:00:00.500000Z"


async def test_tasks_come_in_the_order_of_the_fleet_with_the_time_they_speak_of() -> None:
    fleet = MadeUpFleet([a_view(name="worst"), a_view(name="fine", state=TaskState.OK)])
    async with site_of(fleet) as site:
        got = await site.get("/api/tasks")

    assert got.json["now"] == "2026-03-02T10:01:30Z"
    assert [task["name"] for task in got.listed("tasks")] == ["worst", "fine"]


async def test_numbers_beyond_64_bits_are_json_numbers() -> None:
    worst = LagRow(PartitionReading("orders", 0, None, None, HUGE, HUGE))
    async with site_of(MadeUpFleet([replace(a_view(lag=HUGE), worst=(worst,))])) as site:
        text = (await site.get("/api/tasks/orders")).text

    assert f'"lag":{HUGE}' in text
    assert json.loads(text)["worst_partitions"][0]["log_end_offset"] == HUGE


async def test_text_that_is_no_unicode_is_still_json() -> None:
    async with site_of(MadeUpFleet([replace(a_view(), cloud_status="\ud800")])) as site:
        assert (await site.get("/api/tasks/orders")).json["cloud_status"] == "\ud800"


NAMES = ["orders", "prod/orders", "prod/orders#3f1c0000", "a b", "任务 ✓", "50%", "a?b&c=d", ".."]


@pytest.mark.parametrize("name", NAMES)
async def test_a_task_is_found_by_its_name_percent_encoded(name: str) -> None:
    async with site_of(MadeUpFleet([a_view(name="other"), a_view(name=name)])) as site:
        got = await site.get(f"/api/tasks/{quote(name, safe='')}")

    assert (got.status, got.json.get("name")) == (200, name)


async def test_a_task_is_found_by_its_id_too_and_a_name_goes_before_an_id() -> None:
    by_id = a_view(TaskKey("prod", "c", "3f1c"), name="orders")
    namesake = a_view(TaskKey("prod", "c", "9999"), name="id-taken")
    misleading = a_view(TaskKey("prod", "c", "id-taken"), name="other")
    async with site_of(MadeUpFleet([misleading, namesake, by_id])) as site:
        found = [
            (await site.get(f"/api/tasks/{name}")).json["task_id"]
            for name in ("3f1c", "id-taken", "prod%2Fc%2F3f1c")
        ]

    assert found == ["3f1c", "9999", "3f1c"]


@pytest.mark.parametrize("name", ["nothing", "order", "Orders", "orders%2F"])
@pytest.mark.parametrize("rest", ["", "/samples"])
async def test_a_task_that_is_not_watched_is_404(name: str, rest: str) -> None:
    async with site_of(MadeUpFleet([a_view()])) as site:
        got = await site.get(f"/api/tasks/{name}{rest}")

    assert got.status == 404
    assert got.json["error"] == "not_found"


# --- incidents --------------------------------------------------------------------------------


async def test_an_incident_has_every_field_and_its_events() -> None:
    incident = replace(
        an_incident(),
        evidence=(replace(a_judgement(200_000), level=Level(100_000, 1_000_000)),),
        phase=Phase.RECOVERING,
        closes_at=at(600),
    )
    fleet = MadeUpFleet(told=[incident], happened=[an_event(incident)])
    async with site_of(fleet) as site:
        document = (await site.get(f"/api/incidents/{incident.id}")).json

    evidence = incident.evidence[0]
    assert document == {
        "id": incident.id,
        "task": "orders",
        "account": "prod",
        "connector_id": "connector-of-orders",
        "task_id": "id-of-orders",
        "type": "partition_lag",
        "rule": "lag",
        "severity": "warning",
        "state": "recovering",
        "opened_at": "2026-03-02T10:00:00Z",
        "breached_since": "2026-03-02T10:00:00Z",
        "observed_at": "2026-03-02T10:00:00Z",
        "closes_at": "2026-03-02T10:10:00Z",
        "resolved_at": None,
        "resolution": None,
        "unit": "messages",
        "peak": 200_000,
        "peak_at": "2026-03-02T10:00:00Z",
        "evidence": [
            {
                "topic": evidence.subject.topic,
                "partition": evidence.subject.partition,
                "rule": evidence.rule,
                "severity": "warning",
                "value": 200_000,
                "warning": 100_000,
                "critical": 1_000_000,
                "detail": evidence.detail or None,
            }
        ],
        "breached": [{"topic": "orders", "partitions": [0]}],
        "events": [
            {
                "at": "2026-03-02T10:00:00Z",
                "kind": EventKind.OPENED.value,
                "state": "recovering",
                "severity": "warning",
            }
        ],
    }


async def test_an_incident_of_an_account_names_no_task() -> None:
    incident = an_incident(key=TaskKey("prod"), rule_type=RuleType.UNREACHABLE)
    async with site_of(MadeUpFleet(told=[incident])) as site:
        [document] = (await site.get("/api/incidents")).listed("incidents")

    assert (document["account"], document["task"], document["task_id"]) == ("prod", None, None)


async def test_incidents_are_the_open_ones_unless_all_are_asked_for() -> None:
    ended = an_incident(at(-600), resolved_at=START)
    fleet = MadeUpFleet([a_view()], [an_incident(), ended])
    async with site_of(fleet) as site:
        opened = (await site.get("/api/incidents")).listed("incidents")
        every = await site.get("/api/incidents?state=all&task=orders&since=1h&limit=7")

    assert [i["state"] for i in opened] == ["open"]
    assert [i["state"] for i in every.listed("incidents")] == ["open", "resolved"]
    asked = fleet.wanted[-1]
    assert (asked.open_only, asked.key, asked.since, asked.limit) == (
        False,
        a_key(),
        at(90 - 3600),
        7,
    )


async def test_incidents_of_a_task_that_is_not_watched_are_404() -> None:
    async with site_of(MadeUpFleet([a_view()], [an_incident()])) as site:
        got = await site.get("/api/incidents?task=nothing")

    assert got.status == 404
    assert got.json["error"] == "not_found"


async def test_an_incident_is_found_by_the_beginning_of_its_id_in_any_case() -> None:
    incident = an_incident()
    async with site_of(MadeUpFleet(told=[incident])) as site:
        got = await site.get(f"/api/incidents/{incident.id[:6].lower()}")

    assert got.json["id"] == incident.id


async def test_a_beginning_that_several_incidents_share_is_said_to_be_ambiguous() -> None:
    told = [replace(an_incident(), id=f"i-7KQ2{end}") for end in ("AAAAAA", "BBBBBB")]
    async with site_of(MadeUpFleet(told=told)) as site:
        shared = await site.get("/api/incidents/i-7kq2")
        whole = await site.get("/api/incidents/i-7KQ2BBBBBB")
        none = await site.get("/api/incidents/i-ZZZZ")

    assert (shared.status, shared.json["error"]) == (404, "ambiguous")
    assert whole.json["id"] == "i-7KQ2BBBBBB"
    assert (none.status, none.json["error"]) == (404, "not_found")


# --- samples ----------------------------------------------------------------------------------


async def test_samples_are_given_from_an_instant_on_in_columns() -> None:
    fleet = MadeUpFleet(
        [a_view()], readings=[a_sample(at(0)), a_sample(at(60), lags=(5, None), transferred=1_000)]
    )
    async with site_of(fleet) as site:
        document = (await site.get("/api/tasks/orders/samples?since=2026-03-02T10:00:30Z")).json

    assert document == {
        "task": "orders",
        "since": "2026-03-02T10:00:30Z",
        "samples": [
            {
                "at": "2026-03-02T10:01:00Z",
                "cloud_status": "RUNNING",
                "topics": [
                    {
                        "topic": "orders",
                        "unreadable": 0,
                        "partitions": [0, 1],
                        "statuses": ["RUNNING", "RUNNING"],
                        "last_transferred_offsets": [1_000, 1_000],
                        "log_end_offsets": [1_005, None],
                        "lags": [5, None],
                    }
                ],
            }
        ],
        "next_since": None,
    }


@pytest.mark.parametrize(
    ("since", "count"),
    [
        ("", 2),
        ("?since=1h", 2),
        ("?since=45s", 1),
        ("?since=2026-03-02T11:00:30+01:00", 1),
        ("?since=0s", 0),
    ],
)
async def test_since_is_an_instant_or_a_duration_and_an_hour_when_not_given(
    since: str, count: int
) -> None:
    fleet = MadeUpFleet([a_view()], readings=[a_sample(at(0)), a_sample(at(60))])
    async with site_of(fleet) as site:
        got = await site.get(f"/api/tasks/orders/samples{since}")

    assert len(got.listed("samples")) == count


async def test_more_samples_than_wanted_are_left_out_and_where_they_begin_is_said() -> None:
    fleet = MadeUpFleet([a_view()], readings=[a_sample(at(second)) for second in (0, 20, 40, 60)])
    async with site_of(fleet) as site:
        first = await site.get("/api/tasks/orders/samples?limit=3")
        rest = await site.get(f"/api/tasks/orders/samples?since={first.json['next_since']}")
        head = await site.ask("HEAD", "/api/tasks/orders/samples")

    assert len(first.listed("samples")) == 3
    assert [s["at"] for s in rest.listed("samples")] == ["2026-03-02T10:01:00Z"]
    assert (head.status, head.text) == (200, "")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/api/tasks/orders/samples?since=yesterday", "since"),
        ("/api/tasks/orders/samples?since=2026-03-02T10:00:00", "since"),
        ("/api/tasks/orders/samples?since=5", "since"),
        ("/api/tasks/orders/samples?since=999999999d", "since"),
        ("/api/tasks/orders/samples?since=9999-12-31T23:59:59-14:00", "since"),
        ("/api/tasks/orders/samples?since=0001-01-01T00:00:00%2B14:00", "since"),
        ("/api/incidents?since=9999-12-31T23:59:59-14:00", "since"),
        ("/api/tasks/orders/samples?limit=0", "limit"),
        ("/api/tasks/orders/samples?limit=2001", "limit"),
        ("/api/tasks/orders/samples?limit=%C2%B2", "limit"),
        ("/api/incidents?limit=-1", "limit"),
        ("/api/incidents?state=closed", "state"),
        ("/api/incidents?since=1w", "since"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_400_with_what_would_be_right(
    path: str, key: str
) -> None:
    async with site_of(MadeUpFleet([a_view()])) as site:
        got = await site.get(path)

    assert got.status == 400
    assert got.json["error"] == "bad_request"
    assert str(got.json["message"]).startswith(f"{key}: found ")
    assert "would be right" in str(got.json["message"])


# --- health -----------------------------------------------------------------------------------


async def test_health_has_every_field() -> None:
    report = HealthReport(
        "1.2.3",
        START,
        accounts=(AccountHealth("prod", 12, 11),),
        lateness=timedelta(seconds=1.5),
        outbox_waiting=2,
        outbox_oldest=timedelta(seconds=40),
        given_up=1,
        store="SQLite",
    )
    async with site_of(MadeUpFleet(report=report)) as site:
        got = await site.get("/api/health")

    assert got.status == 200
    assert got.json == {
        "healthy": True,
        "problems": [],
        "version": "1.2.3",
        "started_at": "2026-03-02T10:00:00Z",
        "accounts": [{"account": "prod", "tasks": 12, "tasks_fresh": 11, "failure": None}],
        "poll_lateness_seconds": 1.5,
        "outbox_depth": 2,
        "outbox_oldest_seconds": 40,
        "messages_given_up": 1,
        "store": "SQLite",
    }
