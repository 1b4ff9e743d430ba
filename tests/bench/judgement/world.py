"""The simulated truth: one task for a day, what a poll of it shows, and what is so.

A task uploads a file every D and commits its positions when the upload is over, or on the next
tick of Kafka Connect's `offset.flush.interval.ms` (Kafka Connect reference: 60 s). Polls come every
P with the poller's own phase and jitter. All of it follows from the scenario and the setting, the
seed in it included.

Times are seconds from the begin of the day; `instant` makes datetimes of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

from bot.domain.model import (
    Destination,
    FailureKind,
    Observation,
    PollFailure,
    TaskKey,
    TaskSample,
    topic_sample,
)
from bot.services.poller import JITTER_SHARE, hashed_share
from tests.bench.judgement.intake import DAY_S, Flow, Intake, intake_of, times
from tests.bench.judgement.scenarios import Fault, Scenario, Setting

POLL_S = 60.0
TICK_S = 60.0
UPLOAD_S = 5.0
"""From the moment a file is closed to the end of its upload, at most."""
BASE_OFFSET = 10_000
"""The log end of every partition when the day begins."""
OUTAGE_EVERY_S = 6 * 3_600
OUTAGE_S = 600
GROWN = 2
"""Partitions that a growing topic gets."""
PAUSE_S = 18 * 3_600
"""A weekend as far as a day goes: the pause outlasts every level."""
TOPIC = "events"

_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def instant(now_s: float) -> datetime:
    """The moment so many seconds into the day."""
    return _BEGIN + timedelta(seconds=now_s)


def seconds(now: datetime) -> float:
    """The inverse of `instant`."""
    return (now - _BEGIN).total_seconds()


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll; what was true when it was made, `World.ages` says."""

    at_s: float
    observation: Observation | None
    """None: the poll was lost without a trace."""


@dataclass(frozen=True, slots=True)
class Commits:
    """The positions of one partition, as messages delivered, by the time each became visible."""

    times: list[float]
    delivered: list[int]

    def at(self, now_s: float) -> int | None:
        """How many messages are delivered by then; None before the first commit."""
        place = bisect_right(self.times, now_s)
        return self.delivered[place - 1] if place else None


@dataclass(frozen=True)
class World:
    """A task for a day."""

    scenario: Scenario
    setting: Setting
    intakes: Sequence[Intake]
    commits: Sequence[Commits]
    fault_s: float
    """When the fault begins, or the noise that happens once; infinity for none."""
    excused: Sequence[tuple[float, float]] = ()
    """Times in which three deliveries in a row were skipped: a stop, whoever calls it noise."""

    @property
    def key(self) -> TaskKey:
        """The task's key; the poller's phase and jitter follow from it."""
        return TaskKey("bench", f"D{self.setting.delivery_s}", f"seed-{self.setting.seed}")

    @cached_property
    def since_s(self) -> float:
        """From when on the fault can be noticed: once it is there and harms a first message."""
        if self.scenario.fault is not Fault.STOP:
            return self.fault_s
        firsts = (
            i.arrival(c.delivered[-1]) for i, c in zip(self.intakes, self.commits, strict=True)
        )
        return max(self.fault_s, min(firsts))

    def partitions(self, now_s: float) -> int:
        """How many partitions the topic has."""
        grown = self.scenario.fault is Fault.GROWTH and now_s < self.fault_s
        return len(self.intakes) - (GROWN if grown else 0)

    def log_end(self, partition: int, now_s: float) -> int:
        """The next offset to be written."""
        return self._first_offset(partition, now_s) + self.intakes[partition].produced(now_s)

    def position(self, partition: int, now_s: float) -> int | None:
        """The committed position; None where there is none yet."""
        if self._recreated(now_s) and self.scenario.fault is Fault.POSITION_KEPT:
            now_s = self.fault_s - 1e-3
        delivered = self.commits[partition].at(now_s)
        if delivered is None:
            return None
        return max(self._first_offset(partition, now_s) + delivered, 0)

    def age(self, partition: int, now_s: float) -> float:
        """How long the oldest undelivered message has waited, in seconds; 0 where there is none.

        Messages of a topic that was deleted do not count.
        """
        delivered = self.commits[partition].at(now_s) or 0
        if self._recreated(now_s):
            delivered = max(delivered, self.intakes[partition].produced(self.fault_s))
        return max(0.0, now_s - self.intakes[partition].arrival(delivered))

    def ages(self, now_s: float) -> tuple[float, ...]:
        """The age of each partition that the topic has."""
        return tuple(self.age(p, now_s) for p in range(self.partitions(now_s)))

    def late(self, now_s: float) -> bool:
        """Whether noise has become a stop of its own."""
        return any(begin <= now_s < end for begin, end in self.excused)

    def poll_times(self) -> Iterator[float]:
        """When the poller asks: its phase, its interval, its jitter."""
        phase = hashed_share(self.key) * POLL_S
        for number in range(int(DAY_S / POLL_S) - 1):
            jitter = (2 * hashed_share(self.key, number) - 1) * JITTER_SHARE * POLL_S
            yield phase + (number + 0.1) * POLL_S + jitter

    def polls(self) -> Iterator[Poll]:
        """The day as the poller sees it, in order."""
        luck = Random(f"polls {self.setting}")
        fault = self.scenario.fault
        for at_s in self.poll_times():
            lost = fault is Fault.LOST_POLLS and luck.random() < 0.2
            yield Poll(at_s, None if lost else self.observation(at_s))

    def observation(self, at_s: float) -> Observation:
        """What a poll gives."""
        at = instant(at_s)
        if self.scenario.fault is Fault.OUTAGES and at_s % OUTAGE_EVERY_S > (
            OUTAGE_EVERY_S - OUTAGE_S
        ):
            return PollFailure(self.key, at, FailureKind.UNAVAILABLE, "HTTP 503")
        status = "PAUSED" if self.paused(at_s) else "RUNNING"
        rows = [
            (p, status, self.position(p, at_s), self.log_end(p, at_s))
            for p in range(self.partitions(at_s))
        ]
        interval = timedelta(seconds=self.setting.delivery_s)
        return TaskSample(
            self.key,
            at,
            status,
            (topic_sample(TOPIC, rows),),
            destination=Destination(deliver_interval=interval),
        )

    def paused(self, now_s: float) -> bool:
        """Whether somebody has paused the task."""
        pausing = self.scenario.fault is Fault.PAUSED
        return pausing and self.fault_s <= now_s < self.fault_s + PAUSE_S

    def _recreated(self, now_s: float) -> bool:
        fault = self.scenario.fault
        return fault in {Fault.RECREATED, Fault.POSITION_KEPT} and now_s >= self.fault_s

    def _first_offset(self, partition: int, now_s: float) -> int:
        """The offset of the day's first message."""
        if self._recreated(now_s):
            return -self.intakes[partition].produced(self.fault_s)
        grown = self.scenario.fault is Fault.GROWTH and partition >= len(self.intakes) - GROWN
        return 0 if grown else BASE_OFFSET


def build(scenario: Scenario, setting: Setting) -> World:
    """The world that follows from a scenario and a setting."""
    luck = Random(f"{scenario.name} {setting}")
    fault_s = _fault_time(scenario.fault, luck)
    count = setting.partitions + (GROWN if scenario.fault is Fault.GROWTH else 0)
    intakes = [intake_of(scenario.traffic, luck) for _ in range(count)]
    hot = intakes[0]
    if scenario.fault is Fault.HOT_PARTITION and isinstance(hot, Flow):
        intakes[0] = times(5, hot, fault_s)
    if scenario.fault is Fault.GROWTH:
        for place in range(setting.partitions, count):
            young = intakes[place]
            if isinstance(young, Flow):
                intakes[place] = _from(young, fault_s)
    sink = _Sink(scenario.fault, setting, fault_s, intakes)
    sink.run(luck)
    return World(scenario, setting, intakes, sink.commits, fault_s, sink.excused)


def _from(whole: Flow, since_s: float) -> Flow:
    """The flow that begins only then."""
    before = whole.produced(since_s)
    return Flow(tuple(max(0.0, total - before) for total in whole.totals))


def _fault_time(fault: Fault, luck: Random) -> float:
    match fault:
        case Fault.NONE | Fault.SKIPPED | Fault.LOST_POLLS | Fault.OUTAGES:
            return float("inf")
        case Fault.PAUSED:
            return luck.uniform(2, 4) * 3_600
        case _:
            return luck.uniform(4, 12) * 3_600


class _Sink:
    """Uploads files through the day and notes what it commits."""

    def __init__(
        self, fault: Fault, setting: Setting, fault_s: float, intakes: Sequence[Intake]
    ) -> None:
        self._fault = fault
        self._setting = setting
        self._fault_s = fault_s
        self._intakes = intakes
        self._skipped = 0
        self._flushed_s = 0.0
        self.commits = [Commits([-1.0], [0]) for _ in intakes]
        self.excused: list[tuple[float, float]] = []
        if fault is Fault.GROWTH:
            self.commits[-GROWN:] = [Commits([], []) for _ in range(GROWN)]

    def run(self, luck: Random) -> None:
        """The whole day."""
        flush_s = luck.random() * self._setting.delivery_s
        tick_phase = luck.random() * TICK_S
        while flush_s < DAY_S:
            done_s = flush_s + min(UPLOAD_S, self._setting.delivery_s / 10) * luck.uniform(0.5, 1)
            if self._setting.ticks:
                done_s += (tick_phase - done_s) % TICK_S
            if self._takes_place(flush_s, done_s, luck):
                self._flush(flush_s, done_s)
            flush_s += self._setting.delivery_s

    def _takes_place(self, flush_s: float, done_s: float, luck: Random) -> bool:
        match self._fault:
            case Fault.STOP:
                return flush_s < self._fault_s
            case Fault.PAUSED:
                return not self._fault_s <= flush_s < self._fault_s + PAUSE_S
            case Fault.SKIPPED if luck.random() < 0.03:
                self._skipped += 1
                if self._skipped > 2:
                    self.excused.append((flush_s, done_s + self._setting.delivery_s + POLL_S))
                return False
            case _:
                self._skipped = 0
                return True

    def _flush(self, flush_s: float, done_s: float) -> None:
        for partition, commits in enumerate(self.commits):
            begun = self._intakes[partition].produced(flush_s)
            if not commits.times and not begun:
                continue
            before = commits.delivered[-1] if commits.delivered else 0
            commits.times.append(done_s)
            commits.delivered.append(self._delivered(partition, before, flush_s))
        self._flushed_s = flush_s

    def _delivered(self, partition: int, before: int, flush_s: float) -> int:
        intake = self._intakes[partition]
        everything = intake.produced(flush_s)
        if flush_s < self._fault_s:
            return everything
        came = everything - intake.produced(self._flushed_s)
        if self._fault is Fault.SLOW_SINK:
            return before + int(0.8 * came)
        if self._fault is Fault.HOT_PARTITION and partition == 0:
            return before + int(0.3 * came)  # It can take half more than it used to.
        return everything
