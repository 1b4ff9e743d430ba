"""Folds a reading of a topic into what is remembered of its deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import le, lt
from typing import TypeVar

from bot.domain.deliveries import TAILS_KNOWN, Deliveries, Flow, counted_positions
from bot.domain.marks import UNKNOWN, Mark, marked, offsets
from bot.domain.model import TopicSample, known
from bot.domain.resets import Reset, contradiction
from bot.domain.turns import Poll, Turn, with_flow, with_tail


def delivered(before: Deliveries | None, topic: TopicSample, poll: Poll) -> Deliveries:
    """The memory after one more reading of a topic."""
    if before is None:
        return _first_sight(topic, poll)
    before = _aligned(before, topic, poll)
    if _nothing_delivered(before, topic):
        return _unmoved(before, topic, poll)
    if _all_well(before, topic, poll):
        return _all_delivered(before, topic, poll)
    return Turn(before, topic, poll).result()


def _unmoved(before: Deliveries, topic: TopicSample, poll: Poll) -> Deliveries:
    # Named one by one: `replace` costs more than all the rest.
    return Deliveries(
        before.partitions,
        before.transferred,
        topic.log_end,
        marked(before.marks, Mark(poll.at, poll.ran, offsets(topic.log_end)), before.positions),
        before.moved_at,
        before.positions,
        before.starts,
        before.standing,
        before.tails,
        before.climbs,
        before.resets,
        before.flow,
    )


def _all_well(before: Deliveries, topic: TopicSample, poll: Poll) -> bool:
    """Whether a delivery took all that was there, so that no partition needs a closer look."""
    return (
        poll.delivery_interval >= 2 * poll.interval
        and not before.resets
        and not before.starts
        and not before.standing
        and not before.climbs.of_partition
        and not before.climbs.tile
        and _all_rose(before.ends, topic.log_end)
        and _all_rose(before.transferred, topic.transferred)
        and _all_rose(before.ends, topic.transferred)
        and _none_ahead(topic)
    )


def _all_delivered(before: Deliveries, topic: TopicSample, poll: Poll) -> Deliveries:
    """What `Turn` makes of such a delivery, in a fraction of its time."""
    columns = zip(before.moved_at, before.transferred, topic.transferred, strict=True)
    moved_at = tuple(poll.at if now != was else at for at, was, now in columns)
    standing = {
        partition: end
        for partition, at, end, lag in zip(
            topic.partitions, moved_at, topic.log_end, topic.lags, strict=True
        )
        if lag and lag <= poll.tolerance and end is not None and at is poll.at
    }
    tails = with_tail(before.tails, _tail_seen(before, topic, poll))
    positions = counted_positions(
        topic.partitions,
        topic.transferred,
        topic.log_end,
        starts={},
        standing=standing if tails < TAILS_KNOWN else {},
    )
    flow = Flow(poll.at, sum(known(topic.log_end)), sum(known(topic.transferred)))
    return Deliveries(
        topic.partitions,
        topic.transferred,
        topic.log_end,
        marked(before.marks, Mark(poll.at, poll.ran, offsets(topic.log_end)), positions),
        moved_at,
        positions,
        standing=standing,
        tails=tails,
        flow=with_flow(before.flow, flow),
    )


def _tail_seen(before: Deliveries, topic: TopicSample, poll: Poll) -> int:
    """Whether a log end that stood still was reached (1), or all but (-1); 0 when none was."""
    moved = zip(before.transferred, topic.transferred, strict=True)
    ends = zip(before.ends, topic.log_end, topic.lags, strict=True)
    left = [
        lag or 0
        for (was, now), (end_before, end, lag) in zip(moved, ends, strict=True)
        if end == end_before and now != was
    ]
    if 0 in left:
        return 1
    return -1 if any(lag <= poll.tolerance for lag in left) else 0


def _first_sight(topic: TopicSample, poll: Poll) -> Deliveries:
    rows = list(zip(topic.partitions, topic.transferred, topic.log_end, topic.lags, strict=True))
    starts = {p: end for p, position, end, _ in rows if position is None and end is not None}
    standing = {p: end for p, _, end, lag in rows if end and lag and lag <= poll.tolerance}
    return Deliveries(
        topic.partitions,
        topic.transferred,
        topic.log_end,
        marks=(Mark(poll.at, poll.ran, offsets(topic.log_end)),),
        moved_at=(None,) * len(topic.partitions),
        positions=counted_positions(
            topic.partitions, topic.transferred, topic.log_end, starts=starts, standing=standing
        ),
        starts=starts,
        standing=standing,
        resets=_ahead(topic, poll),
    )


def _ahead(topic: TopicSample, poll: Poll) -> Mapping[int, Reset]:
    """Partitions whose position lies beyond their log end, so far a suspicion."""
    rows = zip(topic.partitions, topic.transferred, topic.log_end, strict=True)
    return {
        p: Reset(kind, poll.at, end, position)
        for p, position, end in rows
        if (kind := contradiction((None, None), (position, end), poll.tolerance)) is not None
    }


def _nothing_delivered(before: Deliveries, topic: TopicSample) -> bool:
    """The common case between two deliveries: log ends rose or stood, and nothing else."""
    return (
        topic.transferred == before.transferred
        and not before.resets
        and not before.standing
        and not before.climbs.tile
        and _all_rose(before.ends, topic.log_end)
        and _none_ahead(topic)
    )


def _all_rose(before: Sequence[int | None], now: Sequence[int | None]) -> bool:
    """Whether every log end is known and none fell."""
    try:
        return not any(map(lt, now, before))  # type: ignore[arg-type]  # None raises, see below
    except TypeError:
        return False


def _none_ahead(topic: TopicSample) -> bool:
    """Whether every position is known and within its log."""
    try:
        return all(map(le, topic.transferred, topic.log_end))  # type: ignore[arg-type]  # None raises
    except TypeError:
        return False


def _aligned(before: Deliveries, topic: TopicSample, poll: Poll) -> Deliveries:
    """The memory for another set of partitions: new ones at first sight, vanished ones go."""
    if before.partitions == topic.partitions:
        return before
    fresh = _first_sight(topic, poll)
    old = {partition: place for place, partition in enumerate(before.partitions)}
    places = [old.get(partition) for partition in topic.partitions]
    return Deliveries(
        topic.partitions,
        _taken(before.transferred, places, fresh.transferred),
        _taken(before.ends, places, fresh.ends),
        marks=tuple(
            mark._replace(ends=offsets(_taken(mark.ends, places, (UNKNOWN,) * len(places))))
            for mark in before.marks
        ),
        moved_at=_taken(before.moved_at, places, fresh.moved_at),
        positions=offsets(_taken(before.positions, places, fresh.positions)),
        starts=_merged(before.starts, fresh.starts, old, topic.partitions),
        standing=_merged(before.standing, fresh.standing, old, topic.partitions),
        tails=before.tails,
        climbs=before.climbs.of(topic.partitions),
        resets={
            **{p: reset for p, reset in fresh.resets.items() if p not in old},
            **{p: reset for p, reset in before.resets.items() if p in topic.partitions},
        },
    )


T = TypeVar("T")


def _taken(values: Sequence[T], places: Sequence[int | None], fresh: Sequence[T]) -> tuple[T, ...]:
    return tuple(
        fresh[here] if there is None else values[there] for here, there in enumerate(places)
    )


def _merged(
    before: Mapping[int, int],
    fresh: Mapping[int, int],
    old: Mapping[int, int],
    partitions: tuple[int, ...],
) -> Mapping[int, int]:
    """What was noted of those that stay, and of those that are new."""
    stay = {p: end for p, end in before.items() if p in partitions}
    return {**stay, **{p: end for p, end in fresh.items() if p not in old}}
