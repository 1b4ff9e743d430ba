"""Who judges lag otherwise: a level, Burrow's rules, interpolated age; fed from polls alone.

A detector hears every observation and says whose alert begins or ends. Each of these looks at one
partition at a time, without a memory of alerts beyond "on" and "off", as its original does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from bot.domain.model import Observation, PartitionReading, Subject, TaskSample
from tests.bench.judgement.world import seconds


@dataclass(frozen=True, slots=True)
class Spoken:
    """An alert that begins or ends."""

    at_s: float
    subject: Subject
    opened: bool
    """False: resolved."""
    kind: str = "lag"
    """The rule type, where a detector has several."""


class Detector(Protocol):
    """Judges one task."""

    def feed(self, observation: Observation) -> Sequence[Spoken]:
        """What is said after one more observation; they come in the order of their time."""


class PartitionJudge(Protocol):
    """Judges one partition."""

    def bad(self, at_s: float, transferred: int, log_end: int) -> bool:
        """Whether something is wrong, after one more reading."""


class ByPartition:
    """A detector made of one judge per partition. A reading with an unknown is passed over."""

    def __init__(self, judge: Callable[[int], PartitionJudge]) -> None:
        self._judge = judge
        self._judges: dict[Subject, PartitionJudge] = {}
        self._bad: set[Subject] = set()

    def feed(self, observation: Observation) -> Sequence[Spoken]:
        """Asks each partition's judge."""
        if not isinstance(observation, TaskSample):
            return ()
        at_s = seconds(observation.at)
        return [said for row in observation.rows() for said in self._heard(at_s, row)]

    def _heard(self, at_s: float, row: PartitionReading) -> Sequence[Spoken]:
        if row.transferred is None or row.log_end is None:
            return ()
        subject = Subject(row.topic, row.partition)
        if subject not in self._judges:
            self._judges[subject] = self._judge(row.partition)
        bad = self._judges[subject].bad(at_s, row.transferred, row.log_end)
        if bad == (subject in self._bad):
            return ()
        self._bad.symmetric_difference_update({subject})
        return (Spoken(at_s, subject, opened=bad),)


@dataclass(slots=True)
class InstantLevel:
    """Above a number of messages, whenever looked at."""

    level: float

    def bad(self, _at_s: float, transferred: int, log_end: int) -> bool:
        """Whether the lag is above the level now."""
        return log_end - transferred > self.level


COMMITS_KEPT = 10
"""Burrow's `intervals`."""


class Burrow:
    """Burrow's published rules, its defaults (ten commits, allowed lag 0).

    A position that moved between two polls counts as one commit at the later poll, which is all
    that polls can tell of commits. Source: Burrow's evaluator and its wiki page "Consumer Lag
    Evaluation Rules".
    """

    def __init__(self) -> None:
        self._commits: deque[tuple[float, int, int]] = deque(maxlen=COMMITS_KEPT)
        self._ends: deque[int] = deque(maxlen=COMMITS_KEPT)

    def bad(self, at_s: float, transferred: int, log_end: int) -> bool:
        """Whether the partition is anything but OK."""
        self._ends.append(log_end)
        lag = max(log_end - transferred, 0)
        if not self._commits or self._commits[-1][1] != transferred:
            self._commits.append((at_s, transferred, lag))
        if lag == 0:
            return False
        if self._stopped(at_s, transferred) or self._rewound():
            return True
        lags = [commit[2] for commit in self._commits]
        if 0 in lags:
            return False
        stalled = all(commit[1] == transferred for commit in self._commits)
        return stalled or all(before <= after for before, after in pairwise(lags))

    def _stopped(self, at_s: float, transferred: int) -> bool:
        first, last = self._commits[0][0], self._commits[-1][0]
        return at_s - last > last - first and all(end > transferred for end in self._ends)

    def _rewound(self) -> bool:
        highest = 0
        fell = False
        for _, offset, _ in self._commits:
            fell = offset < highest
            highest = max(highest, offset)
        return fell


POINTS_KEPT = 60
"""kafka-lag-exporter's `lookup-table.memory.size`."""


class InterpolatedAge:
    """kafka-lag-exporter's seconds of lag, above a level.

    The committed position is dated on a straight line through the log ends of the latest polls;
    outside of them through the first and the last. Source: its `LookupTable`.
    """

    def __init__(self, level_s: float) -> None:
        self._level_s = level_s
        self._points: deque[tuple[int, float]] = deque(maxlen=POINTS_KEPT)

    def bad(self, at_s: float, transferred: int, log_end: int) -> bool:
        """Whether the position is dated longer ago than the level."""
        self._add(log_end, at_s)
        age_s = self._age(at_s, transferred)
        return age_s is not None and age_s > self._level_s

    def _add(self, log_end: int, at_s: float) -> None:
        points = self._points
        if points and log_end < points[-1][0]:
            return  # Refused: a re-created topic leaves the table as it is.
        if len(points) > 1 and points[-1][0] == points[-2][0] == log_end:
            points.pop()
        points.append((log_end, at_s))

    def _age(self, at_s: float, transferred: int) -> float | None:
        points = self._points
        if transferred == points[-1][0]:
            return 0.0
        if len(points) < 2:
            return None
        place = bisect_left(points, (transferred, 0.0))
        inside = 0 < place < len(points)
        (x0, t0), (x1, t1) = (
            (points[place - 1], points[place]) if inside else (points[0], points[-1])
        )
        return None if x1 == x0 else at_s - (t0 + (t1 - t0) * (transferred - x0) / (x1 - x0))
