"""How long a backlog takes to drain at the present rates, or that it never does.

Rates are taken over the latest deliveries, so a sawtooth's phase does not count. A healthy task has
nothing to drain: what came since its last delivery is no backlog.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.deliveries import Deliveries, Flow
from bot.domain.history import TaskHistory

FEWEST = 3
"""Deliveries that make a rate."""
STALLED_AFTER = 3
"""Delivery intervals without a delivery that make a stop."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A backlog, and what comes in and goes out of it."""

    backlog: int
    """Messages that deliveries left behind."""
    intake_per_minute: float
    outgo_per_minute: float
    lasts: timedelta | None
    """None: never at this rate."""


def drain(history: TaskHistory) -> Drain | None:
    """Of the latest reading; None without a backlog, or where rates are not known yet."""
    sample = history.sample
    if sample is None:
        return None
    stop = STALLED_AFTER * history.delivery_interval
    try:
        rates = [_rates(topic, sample.at, stop) for topic in history.deliveries.values()]
    except OverflowError:
        return None  # Of numbers beyond every float there is no rate.
    found = [rate for rate in rates if rate is not None]
    backlog = sum(rate.backlog for rate in found)
    if not backlog:
        return None
    intake, outgo = sum(r.intake for r in found), sum(r.outgo for r in found)
    # What one topic gains does not drain another.
    each = [_lasting(rate.backlog, rate.outgo - rate.intake) for rate in found if rate.backlog]
    longest = [lasts for lasts in each if lasts is not None]
    lasts = max(longest) if len(longest) == len(each) else None
    return Drain(backlog, intake * 60, outgo * 60, lasts)


def _lasting(backlog: int, net_per_s: float) -> timedelta | None:
    if net_per_s <= 0:
        return None
    try:
        return timedelta(seconds=backlog / net_per_s)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class _Rates:
    backlog: int
    intake: float
    """Messages a second."""
    outgo: float


def _rates(topic: Deliveries, now: datetime, stop: timedelta) -> _Rates | None:
    if len(topic.flow) < FEWEST:
        return None
    last = topic.flow[-1]
    ends = sum(end or 0 for end in topic.ends)
    if now - last.at > stop and topic.oldest_age().at_least > stop:
        whole = (now - last.at).total_seconds()
        return _Rates(ends - last.transferred, (ends - last.ends) / whole, 0.0)
    standing = _standing(topic, now, stop)
    if standing is not None:
        return standing
    flow = _since_the_stop(topic.flow, stop)
    if len(flow) < FEWEST:
        return None
    first = flow[0]
    whole = (last.at - first.at).total_seconds()
    backlog = sum(_left(topic))
    intake = (last.ends - first.ends) / whole
    return _Rates(backlog, intake, (last.transferred - first.transferred) / whole)


def _standing(topic: Deliveries, now: datetime, stop: timedelta) -> _Rates | None:
    """The partitions that stand still while others of their topic move; None without any."""
    backlog, intake = 0, 0.0
    columns = zip(topic.ends, topic.transferred, topic.moved_at, topic.ages(), strict=True)
    for end, position, moved_at, (_, age) in columns:
        # What came lately to a partition that was idle waits for its delivery like any other.
        if age.tail or age.at_least <= stop:
            continue
        if end is None or position is None or moved_at is None or now - moved_at <= stop:
            continue
        left = max(end - position, 0)
        backlog += left
        intake += left / (now - moved_at).total_seconds()
    return _Rates(backlog, intake, 0.0) if backlog else None


def _since_the_stop(flow: Sequence[Flow], stop: timedelta) -> Sequence[Flow]:
    """The deliveries after the latest stop: what stood still then says nothing of the rate now."""
    begin = 0
    for place, (one, other) in enumerate(pairwise(flow), 1):
        if other.at - one.at > stop:
            begin = place
    return flow[begin:]


def _left(topic: Deliveries) -> Iterator[int]:
    """What the latest delivery of each partition left behind."""
    for climb in topic.climbs.of_partition.values():
        yield climb.value
