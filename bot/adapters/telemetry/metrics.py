"""Prometheus metrics, with the names and labels that people build dashboards on.

Counts are kept here as plain numbers. What describes the fleet is made anew for every scrape from
what is known at that moment, so that the series of a task that is no longer watched are gone with
it. Nothing is registered globally, and no `_created` series are written.

Unknown is an absent series, never 0.
"""

from __future__ import annotations

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

from bot.adapters.telemetry.task_series import task_series
from bot.domain.incidents import Incident
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
            *_of_incidents(scrape.incidents),
            *_of_the_bot(scrape),
            *self._process.collect(),
        ]
        return generate_latest(_Collected(families)) + task_series(scrape.tasks, scrape.now)

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


def _text(value: str) -> str:
    """Text that can be encoded: half a character would break the whole scrape."""
    return value.encode("utf-8", "replace").decode()
