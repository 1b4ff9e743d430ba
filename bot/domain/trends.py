"""How the lag of a task moved, in a few points: for a curve a person reads at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.model import TaskSample, known
from bot.domain.reports import Trend

POINTS = 24
SHORTEST, DELIVERIES = timedelta(hours=1), 8
"""A curve shows an hour, or so many deliveries where that is longer."""


def looked_back(delivery_interval: timedelta) -> timedelta:
    """How far back the curve of a task goes."""
    return max(SHORTEST, DELIVERIES * delivery_interval)


def trend_of(samples: Sequence[TaskSample]) -> Trend | None:
    """The totals at even distances, from samples in the order of their time.

    A point without a reading is None. None where there is no time to show.
    """
    if len(samples) < 2 or samples[-1].at <= samples[0].at:
        return None
    begin, over = samples[0].at, samples[-1].at - samples[0].at
    points = min(POINTS, len(samples))
    lags: list[int | None] = [None] * points
    for sample in samples:
        lags[min(int((sample.at - begin) / over * points), points - 1)] = _total(sample)
    return Trend(tuple(lags), over)


def _total(sample: TaskSample) -> int | None:
    lags = [lag for topic in sample.topics or () for lag in known(topic.lags)]
    return sum(lags) if lags else None
