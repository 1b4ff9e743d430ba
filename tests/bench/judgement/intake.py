"""What producers write to one partition: messages counted over time, and when each was written.

Times are seconds from the begin of the simulated day, messages are counted from 0.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import floor, pi, sin
from random import Random
from typing import Protocol

DAY_S = 24 * 3_600
GRID_S = 300
"""Within so much time the rate of a flow is constant."""
RATE_PER_S = 100.0
SPARSE_GAP_S = 1_200.0
"""Mean time between two messages of a sparse partition."""


class Traffic(StrEnum):
    """How producers write."""

    STEADY = "steady"
    WAVE = "daily wave"
    BURST = "burst"
    SPARSE = "sparse"
    IDLE_NIGHTS = "idle nights"


class Intake(Protocol):
    """The messages of one partition."""

    def produced(self, now_s: float) -> int:
        """How many were written by then."""

    def arrival(self, message: int) -> float:
        """When this one was written; infinity when it never is."""


@dataclass(frozen=True, slots=True)
class Flow:
    """So many messages that only their rate matters: a rate per grid step."""

    totals: tuple[float, ...]
    """Messages written by the begin of each grid step, and by the end of the last."""

    def produced(self, now_s: float) -> int:
        """How many were written by then; the day's last rate does not go on."""
        step = min(max(int(now_s // GRID_S), 0), len(self.totals) - 2)
        begin, end = self.totals[step], self.totals[step + 1]
        share = min(max(now_s / GRID_S - step, 0.0), 1.0)
        return floor(begin + (end - begin) * share + 1e-6)

    def arrival(self, message: int) -> float:
        """When the flow reached one message more than this one's number."""
        place = bisect_left(self.totals, message + 1)
        if place >= len(self.totals):
            return float("inf")
        begin, end = self.totals[place - 1], self.totals[place]
        return GRID_S * (place - 1 + (message + 1 - begin) / (end - begin))


@dataclass(frozen=True, slots=True)
class Trickle:
    """So few messages that each one matters."""

    times: tuple[float, ...]

    def produced(self, now_s: float) -> int:
        """How many were written by then."""
        return bisect_right(self.times, now_s)

    def arrival(self, message: int) -> float:
        """When this one was written."""
        return self.times[message] if message < len(self.times) else float("inf")


def flow(rate: Callable[[float], float]) -> Flow:
    """A flow of a day whose rate (messages a second) is asked for once per grid step."""
    totals = [0.0]
    for step in range(DAY_S // GRID_S + 1):
        totals.append(totals[-1] + GRID_S * rate(step * GRID_S))
    return Flow(tuple(totals))


def times(factor: float, whole: Flow, since_s: float) -> Flow:
    """The same flow with its rate multiplied from the grid step on that contains `since_s`."""
    first = int(since_s // GRID_S)
    totals = [0.0]
    for step, (begin, end) in enumerate(pairwise(whole.totals)):
        totals.append(totals[-1] + (end - begin) * (factor if step >= first else 1.0))
    return Flow(tuple(totals))


def intake_of(traffic: Traffic, luck: Random) -> Intake:
    """One partition's intake; partitions differ by up to a factor of three."""
    rate = RATE_PER_S * luck.uniform(0.5, 1.5)
    match traffic:
        case Traffic.STEADY:
            return flow(lambda _now: rate)
        case Traffic.WAVE:
            return flow(lambda now: rate * (1 - 0.9 * sin(2 * pi * (now / DAY_S + 0.25))))
        case Traffic.BURST:
            return flow(_bursts(rate, [luck.uniform(0, DAY_S) for _ in range(6)]))
        case Traffic.IDLE_NIGHTS:
            return flow(lambda now: rate if 6 * 3_600 <= now < 22 * 3_600 else 0.0)
        case Traffic.SPARSE:
            return Trickle(tuple(_trickle(luck)))


def _bursts(rate: float, begins: Sequence[float]) -> Callable[[float], float]:
    def at(now: float) -> float:
        return rate * (20 if any(begin <= now < begin + 900 for begin in begins) else 1)

    return at


def _trickle(luck: Random) -> list[float]:
    found: list[float] = []
    now = luck.expovariate(1 / SPARSE_GAP_S)
    while now < DAY_S:
        found.append(now)
        now += luck.expovariate(1 / SPARSE_GAP_S)
    return found
