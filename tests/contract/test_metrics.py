"""Metrics as Prometheus reads them: the fixed names and labels, and what unknown looks like."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypedDict, cast

import pytest
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.adapters.telemetry import Meters, Scrape
from bot.domain.incidents import Incident
from bot.domain.model import Severity, TaskKey, TaskState
from bot.domain.notifications import Reason
from bot.domain.policy import RuleType
from bot.domain.reports import TaskView, TopicView
from bot.ports import DeliveryMeasured, PollMeasured
from tests.builders import START, a_key, a_view, an_incident, at

_CONTRACT = Path(__file__).parent.parent / "data" / "metrics.json"


class Promise(TypedDict):
    type: str
    labels: list[str]


def promised() -> dict[str, Promise]:
    return cast("dict[str, Promise]", json.loads(_CONTRACT.read_text(encoding="utf-8"))["metrics"])


def scrape(
    tasks: Iterable[TaskView] = (), incidents: Iterable[Incident] = (), **changes: object
) -> Scrape:
    made = Scrape(at(90), list(tasks), list(incidents), outbox=(0, timedelta(0)))
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names real fields


def families(meters: Meters, seen: Scrape) -> dict[str, Metric]:
    text = meters.exposition(seen).decode()
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert name not in found, "a family stands twice"
        found[name] = family
    return found


def samples(seen: Scrape, name: str, meters: Meters | None = None) -> list[Sample]:
    return list(families(meters or Meters("1.2.3"), seen)[name].samples)


def values(seen: Scrape, name: str, label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in samples(seen, name)}


def busy() -> tuple[Meters, Scrape]:
    """Everything that can be measured, measured once."""
    meters = Meters("1.2.3")
    meters.polled(PollMeasured("prod", "ok", timedelta(seconds=0.2), timedelta(seconds=3)))
    meters.polled(PollMeasured("prod", "throttled", timedelta(seconds=5), timedelta(0)))
    meters.delivered(DeliveryMeasured(Reason.OPENED, "delivered"))
    view = replace(a_view(labels={"team": "orders"}), topics=(TopicView("orders", 3, 200_000, 0),))
    return meters, scrape([view], [an_incident()])


def test_every_promised_metric_is_there_with_its_type_and_its_labels() -> None:
    found = families(*busy())

    for name, promise in promised().items():
        assert found[name].type == promise["type"], name
        for sample in found[name].samples:
            labels = {"label_*" if key.startswith("label_") else key for key in sample.labels}
            assert labels - {"le"} == set(promise["labels"]), name


def test_no_metric_of_ours_is_there_that_was_not_promised() -> None:
    ours = {name for name in families(*busy()) if name.startswith("dumptask_")}

    assert ours == set(promised())


def test_what_the_process_uses_is_told_too_and_nothing_is_registered_globally() -> None:
    before = set(REGISTRY._names_to_collectors)
    found = families(*busy())

    assert "process_resident_memory_bytes" in found
    assert set(REGISTRY._names_to_collectors) == before


def test_the_series_of_a_task_go_with_it() -> None:
    meters = Meters("1.2.3")
    both = meters.exposition(scrape([a_view(name="orders"), a_view(name="clicks")])).decode()
    one = meters.exposition(scrape([a_view(name="orders")])).decode()

    assert 'task="clicks"' in both
    assert 'task="clicks"' not in one
    assert 'task="orders"' in one


def test_labels_of_a_task_become_labels_of_its_info() -> None:
    view = a_view(labels={"team": "orders", "cost-centre": "7", "cost.centre": "8", "名": "x"})
    [info] = samples(scrape([view]), "dumptask_task_info")

    assert info.value == 1
    assert info.labels == {
        "task": "orders",
        "account": "prod",
        "connector_id": "connector-of-orders",
        "label_team": "orders",
        "label_cost_centre": "7",
        "label_cost_centre_2": "8",
        "label__": "x",
    }


def test_a_task_is_in_one_state_of_all() -> None:
    states = values(scrape([a_view(state=TaskState.PAUSED)]), "dumptask_task_state", "state")

    assert states == {state.value: float(state is TaskState.PAUSED) for state in TaskState}


def test_what_is_unknown_has_no_series() -> None:
    unread = TaskView(a_key(), "orders", topics=(TopicView("orders", 3, None, 3),))
    seen = scrape([unread], outbox=None)

    for name in ("dumptask_lag_messages", "dumptask_task_reading_age_seconds"):
        assert samples(seen, name) == []
    for name in ("dumptask_outbox_depth", "dumptask_outbox_oldest_seconds"):
        assert samples(seen, name) == []


def test_lag_is_told_by_topic_and_the_reading_by_its_age() -> None:
    topics = (TopicView("a", 2, 7, 0), TopicView("b", 2, 0, 1), TopicView("c", 2, 10**400, 0))
    seen = scrape([replace(a_view(), topics=topics)])

    assert values(seen, "dumptask_lag_messages", "topic") == {"a": 7, "b": 0, "c": float("inf")}
    assert values(seen, "dumptask_task_reading_age_seconds", "task") == {"orders": 90}


def test_open_incidents_are_counted_by_task_rule_and_severity() -> None:
    incidents = [
        an_incident(),
        an_incident(at(1)),
        an_incident(severity=Severity.CRITICAL),
        an_incident(resolved_at=at(5)),
        replace(an_incident(key=TaskKey("prod")), name="prod", type=RuleType.UNREACHABLE),
    ]
    counted = {
        (sample.labels["task"], sample.labels["severity"]): sample.value
        for sample in samples(scrape(incidents=incidents), "dumptask_incidents_open")
    }

    assert counted == {("orders", "warning"): 2, ("orders", "critical"): 1, ("prod", "warning"): 1}


def test_polls_and_deliveries_are_counted_by_outcome() -> None:
    meters = Meters("1.2.3")
    for result in ("ok", "ok", "denied"):
        meters.polled(PollMeasured("prod", result, timedelta(0), timedelta(0)))
    for reason in (Reason.OPENED, Reason.OPENED, Reason.RESOLVED):
        meters.delivered(DeliveryMeasured(reason, "delivered"))
    found = families(meters, scrape())

    polls = {s.labels["result"]: s.value for s in found["dumptask_polls_total"].samples}
    deliveries = {s.labels["reason"]: s.value for s in found["dumptask_deliveries_total"].samples}
    assert polls == {"ok": 2, "denied": 1}
    assert deliveries == {"opened": 2, "resolved": 1}


@pytest.mark.parametrize(
    ("late_s", "buckets"),
    [(-1.0, "0.1"), (0.0, "0.1"), (0.1, "0.1"), (0.2, "0.5"), (60.0, "60.0"), (301.0, "+Inf")],
)
def test_lateness_falls_into_the_bucket_it_does_not_exceed(late_s: float, buckets: str) -> None:
    meters = Meters("1.2.3")
    meters.polled(PollMeasured("prod", "ok", timedelta(0), timedelta(seconds=late_s)))
    told = samples(scrape(), "dumptask_poll_lateness_seconds", meters)

    filled = [s.labels["le"] for s in told if s.name.endswith("_bucket") and s.value == 1]
    assert filled[0] == buckets
    by_name = {s.name: s.value for s in told if "le" not in s.labels}
    assert by_name == {
        "dumptask_poll_lateness_seconds_count": 1,
        "dumptask_poll_lateness_seconds_sum": max(late_s, 0.0),
    }


def test_the_outbox_the_configuration_and_the_version_are_told() -> None:
    seen = scrape(outbox=(3, timedelta(seconds=41)), config_reloaded=False)

    assert [s.value for s in samples(seen, "dumptask_outbox_depth")] == [3]
    assert [s.value for s in samples(seen, "dumptask_outbox_oldest_seconds")] == [41]
    assert [s.value for s in samples(seen, "dumptask_config_reload_success")] == [0]
    assert [s.labels for s in samples(seen, "dumptask_build_info")] == [{"version": "1.2.3"}]


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\nb", "a\rb", "a\u2028b", "任务", "\ud800", "", "{}", "a=b,c"]
)
def test_a_name_of_any_spelling_leaves_the_rest_readable(name: str) -> None:
    seen = scrape([a_view(name=name, labels={name: name}), a_view(name="fine")])

    assert len(samples(seen, "dumptask_task_info")) == 2


def test_a_name_given_twice_does_not_cost_the_scrape() -> None:
    first, second = a_view(a_key("a"), name="same"), a_view(a_key("b"), name="same", lag=0)
    [info] = samples(scrape([first, second]), "dumptask_task_info")

    assert info.labels["connector_id"] == "connector-of-a"


def test_times_are_of_the_scrape() -> None:
    early = scrape([a_view()], now=START)

    assert values(early, "dumptask_task_reading_age_seconds", "task") == {"orders": 0}
