"""What can be said of a task now: its state, its totals, its worst partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incidents import Incident
from bot.domain.model import PartitionReading, Severity, TaskState
from bot.domain.reports import (
    WORST_SHOWN,
    Ailment,
    FleetSummary,
    HealthReport,
    LagRow,
    TaskView,
    TopicView,
    state_of,
    view_of,
    worst_partitions,
)
from tests.builders import (
    START,
    TOPIC,
    a_failure,
    a_history,
    a_sample,
    a_sample_of,
    a_task,
    a_topic,
    an_incident,
    at,
)
from tests.unit.judging import history_of

STALE_AFTER = timedelta(seconds=180)


def state(*incidents: Incident, status: str | None = "RUNNING", now_s: float = 60) -> TaskState:
    history = a_history(replace(a_sample(), status=status))
    return state_of(history, incidents, now=at(now_s), stale_after=STALE_AFTER)


@pytest.mark.parametrize(
    ("severities", "word"),
    [
        ([Severity.INFO], TaskState.INFO),
        ([Severity.WARNING, Severity.INFO], TaskState.WARNING),
        ([Severity.INFO, Severity.CRITICAL], TaskState.CRITICAL),
    ],
)
def test_the_worst_open_incident_is_the_state_even_when_the_reading_is_old(
    severities: Sequence[Severity], word: TaskState
) -> None:
    incidents = [an_incident(severity=severity) for severity in severities]
    assert state(*incidents, now_s=10_000, status="PAUSED") is word


@pytest.mark.parametrize(
    ("status", "now_s", "word"),
    [
        ("RUNNING", 180, TaskState.OK),
        ("RUNNING", 181, TaskState.UNKNOWN),
        ("paused", 60, TaskState.PAUSED),
        ("PAUSED", 181, TaskState.UNKNOWN),
        (None, 60, TaskState.UNKNOWN),
        ("WHATEVER", 60, TaskState.OK),
    ],
)
def test_without_incidents_the_latest_reading_decides_while_it_is_fresh(
    status: str | None, now_s: float, word: TaskState
) -> None:
    assert state(status=status, now_s=now_s) is word


def test_a_task_that_was_never_read_is_unknown_in_every_respect() -> None:
    task = a_task(team="orders")
    seen = view_of(task, a_history(a_failure(at(30))), [], now=at(60), stale_after=STALE_AFTER)
    assert seen == TaskView(
        key=task.key,
        name="orders",
        labels={"team": "orders"},
        instance_id="instance-of-orders",
        failure="no answer within 10 s",
        failing_since=at(30),
    )


def test_a_view_holds_what_was_read_and_what_is_open() -> None:
    ended = an_incident(at(5), resolved_at=at(50))
    open_one = an_incident(at(7))
    history = a_history(a_sample_of(a_topic(lags=(5, None, 7)), a_topic("returns", lags=(None,))))
    seen = view_of(a_task(), history, [ended, open_one], now=at(60), stale_after=STALE_AFTER)
    assert (seen.state, seen.cloud_status, seen.status_since) == (
        TaskState.WARNING,
        "RUNNING",
        START,
    )
    assert (seen.read_at, seen.failure) == (START, None)
    assert (seen.destination.bucket, seen.topics_text) == ("a-bucket", "orders,returns")
    assert (seen.delivery_interval, seen.interval_assumed) == (timedelta(seconds=300), False)
    assert (seen.lag, seen.known, seen.unknown) == (12, 2, 2)
    assert [replace(topic, age=None) for topic in seen.topics] == [
        TopicView(TOPIC, 3, 12, 1),
        TopicView("returns", 1, None, 1),
    ]
    assert [row.reading.partition for row in seen.worst] == [2, 0]
    assert seen.open_incidents == (open_one.id,)


def test_a_delivery_interval_that_nobody_named_is_assumed_and_said_to_be() -> None:
    history = a_history(a_sample_of(a_topic(), delivery_interval=None))
    seen = view_of(a_task(), history, [], now=at(60), stale_after=STALE_AFTER)
    assert (seen.delivery_interval, seen.interval_assumed) == (timedelta(seconds=300), True)


def test_the_latest_failure_is_shown_beside_the_last_reading() -> None:
    history = a_history(a_sample(lags=(9,)), a_failure(at(60)))
    seen = view_of(a_task(), history, [], now=at(60), stale_after=STALE_AFTER)
    assert (seen.lag, seen.failure, seen.failing_since) == (9, "no answer within 10 s", at(60))


@pytest.mark.parametrize("topics", [None, ()])
def test_without_topics_no_total_is_known(topics: tuple[()] | None) -> None:
    history = a_history(replace(a_sample(), topics=topics))
    seen = view_of(a_task(), history, [], now=at(60), stale_after=STALE_AFTER)
    assert (seen.lag, seen.known, seen.unknown, seen.topics, seen.worst) == (None, 0, 0, (), ())


def test_rows_that_could_not_be_told_apart_count_as_unknown_partitions() -> None:
    topic = replace(a_topic(lags=(4,)), unreadable=2)
    seen = view_of(a_task(), a_history(a_sample_of(topic)), [], now=at(60), stale_after=STALE_AFTER)
    assert [replace(topic, age=None) for topic in seen.topics] == [TopicView(TOPIC, 3, 4, 2)]
    assert (seen.known, seen.unknown) == (1, 2)


def test_an_unknown_partition_does_not_poison_a_total_of_numbers_of_any_size() -> None:
    seen = view_of(
        a_task(),
        history_of({TOPIC: [2**70, None, 1]}),
        [],
        now=at(60),
        stale_after=STALE_AFTER,
    )
    assert (seen.lag, seen.known, seen.unknown) == (2**70 + 1, 2, 1)


def test_the_worst_partitions_are_few_highest_first_and_only_those_behind() -> None:
    rows = [
        LagRow(PartitionReading(TOPIC, n, "RUNNING", 0, None, None if n % 3 == 0 else n % 5))
        for n in range(60)
    ]
    worst = worst_partitions(rows, WORST_SHOWN)
    assert len(worst) == WORST_SHOWN
    lags = [row.reading.lag for row in worst]
    assert lags == sorted(lags, key=lambda lag: -(lag or 0))
    assert lags[0] == 4
    assert worst_partitions([row for row in rows if not row.reading.lag], 5) == ()
    old = LagRow(PartitionReading(TOPIC, 60, "RUNNING", None, 7, None), timedelta(minutes=1))
    assert worst_partitions([*rows, old], 1) == (old,)


def test_a_fleet_counts_its_tasks_and_health_is_the_absence_of_ailments() -> None:
    assert FleetSummary({TaskState.OK: 4, TaskState.PAUSED: 1}).tasks == 5
    well = HealthReport("1.0", START)
    assert well.well
    assert not replace(well, ailments=(Ailment("slack", "token revoked"),)).well
