"""What is remembered of a task from poll to poll, folded into facts.

A healthy dump is a sawtooth: offsets move when a file is uploaded, every D, and between two
uploads the lag climbs. So a level is compared with the *trough*, the lowest reading of a window of
D + 2P. The window is kept as a few tiles, each the running minimum of its part, instead of as
stored polls: five tiles of a quarter of the window always cover the window and never more than
five quarters of it, so the trough is never overstated.

Lag is kept in columns like the samples: one array per tile and topic, not an object per partition.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import lt

from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    FailureKind,
    Observation,
    PollFailure,
    Subject,
    TaskSample,
    TopicSample,
)

TILES = 4
"""Tiles that make one window; one more is kept, because the newest is still filling."""

NO_READING = 2**63 - 1
"""Stands in a tile for a partition that was not readable in it; greater than any real lag that
fits an array, so that `min` passes over it."""

Column = Sequence[int]
"""Lags in messages: an array('q'), or a list where a number exceeds 64 bits."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The lowest lag of each partition since `start`."""

    start: datetime
    minima: Column


@dataclass(frozen=True, slots=True)
class TopicHistory:
    """One topic: its partitions and the tiles of the current window, oldest first."""

    partitions: tuple[int, ...]
    covered_since: tuple[datetime, ...]
    """Per partition: since when readings come without a gap that matters."""
    tiles: tuple[Tile, ...]

    def trough(self) -> list[int]:
        """The lowest lag of each partition over the window; NO_READING where there is none."""
        columns = [tile.minima for tile in self.tiles]
        return list(columns[0]) if len(columns) == 1 else list(map(min, *columns))


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What is remembered of one task. Empty before the first observation."""

    sample: TaskSample | None = None
    """The latest readable answer."""
    status_since: datetime | None = None
    """When the current cloud status was first seen."""
    odd_partitions: Mapping[Subject, tuple[str, datetime]] = field(default_factory=dict)
    """Partitions whose status differs from the task's own: the status and since when."""
    topics: Mapping[str, TopicHistory] = field(default_factory=dict)
    failure: PollFailure | None = None
    """The latest poll, when it gave no sample."""
    failures: int = 0
    """Polls in a row without a sample."""
    failing_since: datetime | None = None
    """When the first of those was."""

    @property
    def delivery_interval(self) -> timedelta:
        """D: as configured in the task, or the vendor's default."""
        return self.sample.delivery_interval if self.sample else DEFAULT_DELIVERY_INTERVAL


def window_of(delivery_interval: timedelta, interval: timedelta) -> timedelta:
    """The length of the trough's window: D + 2P."""
    return delivery_interval + 2 * interval


def fold(
    history: TaskHistory, observation: Observation, *, interval: timedelta, stale_polls: int
) -> TaskHistory:
    """The history after one more observation.

    `interval` is P. Observations of a task come in the order of their time; an observation that
    is not newer than the latest sample changes nothing (it is a replay).
    """
    if history.sample is not None and observation.at <= history.sample.at:
        return history
    if isinstance(observation, PollFailure):
        return replace(
            history,
            failure=observation,
            failures=history.failures + 1,
            failing_since=history.failing_since or observation.at,
        )
    return _with_sample(history, observation, interval, stale_polls)


def denied(history: TaskHistory) -> bool:
    """Whether the latest poll was refused for its credentials."""
    return history.failure is not None and history.failure.kind is FailureKind.DENIED


def _with_sample(
    history: TaskHistory, sample: TaskSample, interval: timedelta, stale_polls: int
) -> TaskHistory:
    before = history.sample
    same_status = before is not None and same_word(before.status, sample.status)
    gap = before is None or sample.at - before.at > interval * stale_polls
    return TaskHistory(
        sample=sample,
        status_since=history.status_since if same_status else sample.at,
        odd_partitions=_odd_partitions(history, sample),
        topics=_topics(history, sample, window_of(sample.delivery_interval, interval), gap=gap),
    )


def same_word(one: str | None, other: str | None) -> bool:
    """Whether two status words are the same; case does not count."""
    return (one or "").upper() == (other or "").upper()


def _odd_partitions(
    history: TaskHistory, sample: TaskSample
) -> Mapping[Subject, tuple[str, datetime]]:
    odd: dict[Subject, tuple[str, datetime]] = {}
    for topic in sample.topics or ():
        # One comparison for the common case: every partition says what the task says.
        if set(topic.statuses) <= {sample.status, None}:
            continue
        for partition, status in zip(topic.partitions, topic.statuses, strict=True):
            if status is None or same_word(status, sample.status):
                continue
            subject = Subject(topic.topic, partition)
            word, since = history.odd_partitions.get(subject, (status, sample.at))
            odd[subject] = (status, since if same_word(word, status) else sample.at)
    return odd


# --- the trough ------------------------------------------------------------------------------


def _topics(
    history: TaskHistory, sample: TaskSample, window: timedelta, *, gap: bool
) -> Mapping[str, TopicHistory]:
    if sample.topics is None:
        return history.topics
    before = {topic.topic: topic for topic in (history.sample and history.sample.topics) or ()}
    return {
        topic.topic: _topic(
            None if gap else history.topics.get(topic.topic),
            topic,
            before.get(topic.topic),
            at=sample.at,
            window=window,
        )
        for topic in sample.topics
    }


def _topic(
    history: TopicHistory | None,
    topic: TopicSample,
    before: TopicSample | None,
    *,
    at: datetime,
    window: timedelta,
) -> TopicHistory:
    lags = column(topic.lags)
    if history is None:
        return TopicHistory(topic.partitions, (at,) * len(topic.partitions), (Tile(at, lags),))
    history = _aligned(history, topic.partitions, at)
    history = _rebased(history, _reset_positions(before, topic), at)
    return replace(history, tiles=_tiles(history.tiles, lags, at, window))


def column(lags: Iterable[int | None]) -> Column:
    """Lags as a tile keeps them."""
    values = [NO_READING if lag is None else lag for lag in lags]
    try:
        return array("q", values)
    except OverflowError:
        return values


def _tiles(
    tiles: tuple[Tile, ...], lags: Column, at: datetime, window: timedelta
) -> tuple[Tile, ...]:
    newest = tiles[-1]
    if at - newest.start < window / TILES:
        merged = Tile(newest.start, _lowest(newest.minima, lags))
        return (*tiles[:-1], merged)
    extended = (*tiles, Tile(at, lags))
    # A tile still counts while the one after it began inside the window.
    return tuple(
        tile
        for tile, following in zip(extended, (*extended[1:], None), strict=True)
        if following is None or following.start > at - window
    )


def _lowest(one: Column, other: Column) -> Column:
    values = map(min, one, other)
    return array("q", values) if isinstance(one, array) and isinstance(other, array) else [*values]


def _aligned(history: TopicHistory, partitions: tuple[int, ...], at: datetime) -> TopicHistory:
    """The history for another set of partitions: new ones start unread, vanished ones go."""
    if history.partitions == partitions:
        return history
    places = {partition: place for place, partition in enumerate(history.partitions)}
    old = [places.get(partition) for partition in partitions]
    return TopicHistory(
        partitions,
        tuple(at if place is None else history.covered_since[place] for place in old),
        tuple(
            Tile(
                tile.start,
                column(None if place is None else tile.minima[place] for place in old),
            )
            for tile in history.tiles
        ),
    )


def _reset_positions(before: TopicSample | None, topic: TopicSample) -> list[int]:
    """Places of the partitions whose offsets fell: no lag arithmetic reaches across that."""
    if before is None or before.partitions != topic.partitions:
        return []
    if not (
        _any_fell(before.log_end, topic.log_end) or _any_fell(before.transferred, topic.transferred)
    ):
        return []
    return [
        place
        for place in range(len(topic.partitions))
        if _fell(before.log_end[place], topic.log_end[place])
        or _fell(before.transferred[place], topic.transferred[place])
    ]


def _any_fell(before: Sequence[int | None], now: Sequence[int | None]) -> bool:
    try:
        return any(map(lt, now, before))  # type: ignore[arg-type]  # None raises, see below
    except TypeError:
        return any(map(_fell, before, now))


def _fell(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now < before


def _rebased(history: TopicHistory, places: list[int], at: datetime) -> TopicHistory:
    if not places:
        return history
    fresh = set(places)
    return TopicHistory(
        history.partitions,
        tuple(at if i in fresh else since for i, since in enumerate(history.covered_since)),
        tuple(
            Tile(
                tile.start,
                column(None if i in fresh else low for i, low in enumerate(tile.minima)),
            )
            for tile in history.tiles
        ),
    )
