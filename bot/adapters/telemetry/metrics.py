"""Prometheus metrics, with the names and labels that people build dashboards on.

Counts are kept here as plain numbers. What describes the fleet is made anew for every scrape from
what is known at that moment, so that the series of a task that is no longer watched are gone with
it. Nothing is registered globally, and no `_created` series are written.

Unknown is an absent series, never 0.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bot.domain.incidents import Incident
from bot.domain.model import TaskState
from bot.domain.reports import TaskView
from bot.ports import DeliveryMeasured, PollMeasured

LATENESS_BUCKETS_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class Scrape:
    """What is known at the moment of a scrape."""

    now: datetime
    tasks: Sequence[TaskView]
    incidents: Sequence[Incident]
    """The open ones."""
    outbox: tuple[int, timedelta] | None = None
    """Rows that wait and the age of the oldest that is due; None when the store does not say."""
    config_reloaded: bool = True
    """Whether the latest reading of the configuration was a success."""


class Meters:
    """Counts what happens, and writes everything when asked. Used from one event loop."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._polls: Counter[tuple[str, ...]] = Counter()
        self._deliveries: Counter[tuple[str, ...]] = Counter()
        self._late = [0] * (len(LATENESS_BUCKETS_S) + 1)
        self._late_sum_s = 0.0
        self._process = ProcessCollector(registry=None)

    def polled(self, poll: PollMeasured) -> None:
        """Counts a poll and how late it was."""
        self._polls[poll.account, poll.result] += 1
        late_s = max(poll.late.total_seconds(), 0.0)
        self._late[bisect_left(LATENESS_BUCKETS_S, late_s)] += 1
        self._late_sum_s += late_s

    def delivered(self, delivery: DeliveryMeasured) -> None:
        """Counts a delivery that was tried."""
        self._deliveries[delivery.reason.value, delivery.result] += 1

    def exposition(self, scrape: Scrape) -> bytes:
        """Prometheus' text format, version 0.0.4."""
        families = [
            *self._counted(),
            *_of_tasks(scrape),
            *_of_incidents(scrape.incidents),
            *_of_the_bot(scrape),
            *self._process.collect(),
        ]
        return generate_latest(_Collected(families))

    def _counted(self) -> Iterator[Metric]:
        yield _gauge("dumptask_build_info", "The running version.", {"version": self._version}, 1)
        yield _counter("dumptask_polls", "Polls by outcome.", ("account", "result"), self._polls)
        yield _counter(
            "dumptask_deliveries",
            "Deliveries tried, by why and how they ended.",
            ("reason", "result"),
            self._deliveries,
        )
        yield self._lateness()

    def _lateness(self) -> Metric:
        bounds = [*map(str, LATENESS_BUCKETS_S), "+Inf"]
        return HistogramMetricFamily(
            "dumptask_poll_lateness_seconds",
            "How much later than planned polls began.",
            buckets=list(zip(bounds, accumulate(self._late), strict=True)),
            sum_value=self._late_sum_s,
        )


class _Collected(Collector):
    """Families that are already there, as prometheus_client wants to be given them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counter(
    name: str, text: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(list(map(_text, values)), count)
    return family


def _gauge(name: str, text: str, labels: Mapping[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_sample(name, dict(labels), value)
    return family


# --- tasks -----------------------------------------------------------------------------------


def _of_tasks(scrape: Scrape) -> Iterator[Metric]:
    # A second task of the same name would make Prometheus refuse the whole scrape.
    tasks = {_text(view.name): view for view in reversed(scrape.tasks)}
    yield _infos(tasks)
    yield _states(tasks)
    yield _reading_ages(tasks, scrape.now)
    yield _lags(tasks)
    yield GaugeMetricFamily(
        "dumptask_age_seconds", "Age of the oldest undelivered message, at least; where known."
    )
    yield GaugeMetricFamily(
        "dumptask_loss_seconds", "Time until the oldest undelivered message is lost; where known."
    )


def _infos(tasks: Mapping[str, TaskView]) -> Metric:
    family = GaugeMetricFamily("dumptask_task_info", "A watched task and its labels.")
    for name, view in tasks.items():
        key = view.key
        labels = {"task": name, "account": _text(key.account)}
        labels["connector_id"] = _text(key.connector_id)
        family.add_sample(family.name, {**labels, **_label_names(view.labels)}, 1)
    return family


def _label_names(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a task as Prometheus can name them; names that become alike are numbered."""
    named: dict[str, str] = {}
    for name in sorted(labels):
        plain = "label_" + re.sub(r"[^a-zA-Z0-9_]", "_", name)
        number = sum(1 for taken in named if re.fullmatch(rf"{plain}(?:_\d+)?", taken))
        named[plain if plain not in named else f"{plain}_{number + 1}"] = _text(labels[name])
    return named


def _states(tasks: Mapping[str, TaskView]) -> Metric:
    family = GaugeMetricFamily("dumptask_task_state", "1 for the state the task is in, else 0.")
    for name, view in tasks.items():
        for state in TaskState:
            labels = {"task": name, "state": state.value}
            family.add_sample(family.name, labels, int(view.state is state))
    return family


def _reading_ages(tasks: Mapping[str, TaskView], now: datetime) -> Metric:
    family = GaugeMetricFamily("dumptask_task_reading_age_seconds", "Age of the latest reading.")
    for name, view in tasks.items():
        if view.read_at is not None:
            family.add_sample(family.name, {"task": name}, (now - view.read_at).total_seconds())
    return family


def _lags(tasks: Mapping[str, TaskView]) -> Metric:
    family = GaugeMetricFamily("dumptask_lag_messages", "Lag over the partitions that are known.")
    for name, view in tasks.items():
        lags = {_text(topic.topic): topic.lag for topic in view.topics if topic.lag is not None}
        for topic, lag in lags.items():
            family.add_sample(family.name, {"task": name, "topic": topic}, _number(lag))
    return family


# --- incidents and the bot -------------------------------------------------------------------


def _of_incidents(incidents: Iterable[Incident]) -> Iterator[Metric]:
    family = GaugeMetricFamily("dumptask_incidents_open", "Open incidents.")
    counts = Counter(
        (_text(incident.name), _text(incident.rule), incident.severity.word)
        for incident in incidents
        if incident.open
    )
    for (task, rule, severity), count in counts.items():
        labels = {"task": task, "rule": rule, "severity": severity}
        family.add_sample(family.name, labels, count)
    yield family


def _of_the_bot(scrape: Scrape) -> Iterator[Metric]:
    depth = GaugeMetricFamily("dumptask_outbox_depth", "Messages that wait to be delivered.")
    oldest = GaugeMetricFamily("dumptask_outbox_oldest_seconds", "How long the oldest has waited.")
    if scrape.outbox is not None:
        depth.add_sample(depth.name, {}, scrape.outbox[0])
        oldest.add_sample(oldest.name, {}, scrape.outbox[1].total_seconds())
    yield depth
    yield oldest
    yield _gauge(
        "dumptask_config_reload_success",
        "1 when the latest reading of the configuration was a success.",
        {},
        int(scrape.config_reloaded),
    )


def _number(value: int) -> float:
    """A count as a float; beyond what floats hold it is infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _text(value: str) -> str:
    """Text that can be encoded: half a character would break the whole scrape."""
    return value.encode("utf-8", "replace").decode()
