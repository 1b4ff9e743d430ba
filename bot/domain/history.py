"""What is remembered of a task from poll to poll, folded into facts.

A healthy dump is a sawtooth: offsets move when a file is uploaded, every D, and between two
uploads the lag climbs. So a level is compared with the *trough*, the lowest reading of a window of
D + 2P, which `tiles` keep. Beside it stands since when readings come without a gap that matters:
only of such a window the trough is sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import lt
from typing import NamedTuple

from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    FailureKind,
    Observation,
    PollFailure,
    Subject,
    TaskSample,
    TopicSample,
    known,
)
from bot.domain.tiles import NO_READING, Column, Tile, column, tiled, trough

__all__ = [
    "NO_READING",
    "Column",
    "TaskHistory",
    "Tile",
    "TopicHistory",
    "column",
    "denied",
    "fold",
    "same_word",
    "status_word",
    "window_of",
]


@dataclass(frozen=True, slots=True)
class TopicHistory:
    """One topic: its partitions and the tiles of the current window, oldest first."""

    partitions: tuple[int, ...]
    covered_since: tuple[datetime, ...]
    """Per partition: since when readings come without a gap that matters."""
    tiles: tuple[Tile, ...]
    unread: Mapping[int, datetime] = field(default_factory=dict)
    """Partitions without a lag in the latest answer: when they last had one, or appeared."""

    def trough(self) -> Column:
        """The lowest lag of each partition over the window; NO_READING where there is none."""
        return trough(self.tiles)

    def covers(self, window_start: datetime) -> list[bool]:
        """Per partition: whether the trough speaks of everything from `window_start` on."""
        if self.tiles[0].start > window_start:
            return [False] * len(self.partitions)
        return [since <= window_start for since in self.covered_since]


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What is remembered of one task. Empty before the first observation."""

    sample: TaskSample | None = None
    """The latest readable answer."""
    status: str | None = None
    """The latest cloud status that an answer gave; an answer without one does not change it."""
    status_since: datetime | None = None
    """When that status was first seen."""
    odd_partitions: Mapping[Subject, tuple[str, datetime]] = field(default_factory=dict)
    """Partitions whose status differs from the task's own: the status and since when. Kept while
    answers say nothing of them."""
    topics: Mapping[str, TopicHistory] = field(default_factory=dict)
    failure: PollFailure | None = None
    """The latest poll, when it gave no sample."""
    failures: int = 0
    """Polls in a row without a sample."""
    failing_since: datetime | None = None
    """When the first of those was."""

    @property
    def seen_at(self) -> datetime | None:
        """When the latest poll was, readable or not; None before any."""
        latest = self.failure or self.sample
        return None if latest is None else latest.at

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
    is not newer than the latest one changes nothing (it is a replay): the very same history is
    returned.
    """
    seen_at = history.seen_at
    if seen_at is not None and observation.at <= seen_at:
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
    status = history.status if sample.status is None else sample.status
    poll = _Poll(
        at=sample.at,
        before=history.sample,
        window=window_of(sample.delivery_interval, interval),
        longest_gap=interval * stale_polls,
    )
    return TaskHistory(
        sample=sample,
        status=status,
        status_since=history.status_since if same_word(history.status, status) else sample.at,
        odd_partitions=_odd_partitions(history, sample, status),
        topics=_topics(history.topics, sample.topics, poll),
    )


def status_word(text: str) -> str:
    """The word that a status as it came means."""
    return text.strip().upper()


def same_word(one: str | None, other: str | None) -> bool:
    """Whether two status words are the same; case and blanks around do not count."""
    return status_word(one or "") == status_word(other or "")


def _odd_partitions(
    history: TaskHistory, sample: TaskSample, task_status: str | None
) -> Mapping[Subject, tuple[str, datetime]]:
    before = history.odd_partitions
    if sample.topics is None:
        return before
    odd: dict[Subject, tuple[str, datetime]] = {}
    for topic in sample.topics:
        # One comparison for the common case: every partition says what the task says.
        said = set(topic.statuses)
        if said <= {task_status} or (not before and said <= {task_status, None}):
            continue
        for partition, status in zip(topic.partitions, topic.statuses, strict=True):
            subject = Subject(topic.topic, partition)
            entry = _odd(before.get(subject), status, task_status, sample.at)
            if entry is not None:
                odd[subject] = entry
    return odd


def _odd(
    before: tuple[str, datetime] | None,
    status: str | None,
    task_status: str | None,
    at: datetime,
) -> tuple[str, datetime] | None:
    if status is None:
        return before
    if same_word(status, task_status):
        return None
    if before is not None and same_word(before[0], status):
        return status, before[1]
    return status, at


# --- the trough ------------------------------------------------------------------------------


class _Poll(NamedTuple):
    """The poll that is being folded in."""

    at: datetime
    before: TaskSample | None
    """The readable answer before it."""
    window: timedelta
    longest_gap: timedelta
    """A longer time without a reading ends the cover of a window."""

    @property
    def after_gap(self) -> bool:
        return self.before is None or self.at - self.before.at > self.longest_gap

    @property
    def last_read(self) -> datetime:
        """When the answer before this one came; now when there was none."""
        return self.at if self.before is None else self.before.at


def _topics(
    topics: Mapping[str, TopicHistory], sampled: tuple[TopicSample, ...] | None, poll: _Poll
) -> Mapping[str, TopicHistory]:
    if sampled is None:
        return {name: _all_unread(topic, poll.last_read) for name, topic in topics.items()}
    before = {topic.topic: topic for topic in (poll.before and poll.before.topics) or ()}
    known = {} if poll.after_gap else topics
    return {
        topic.topic: _topic(known.get(topic.topic), topic, before.get(topic.topic), poll)
        for topic in sampled
    }


def _topic(
    history: TopicHistory | None, topic: TopicSample, before: TopicSample | None, poll: _Poll
) -> TopicHistory:
    if history is None or _silent_too_long(history, poll):
        since = (poll.at,) * len(topic.partitions)
        fresh = TopicHistory(topic.partitions, since, (Tile(poll.at, column(topic.lags)),))
        return _with_unread(fresh, topic, poll.at, poll)
    history = _aligned(history, topic.partitions, poll.at)
    history = _rebased(history, _reset_positions(before, topic), poll.at)
    history = _with_unread(history, topic, poll.last_read, poll)
    tiles = tiled(history.tiles, topic.lags, poll.at, poll.window)
    if tiles is history.tiles:
        return history
    return TopicHistory(history.partitions, history.covered_since, tiles, history.unread)


# --- partitions that come, go, fall silent or start anew -------------------------------------


def _silent_too_long(history: TopicHistory, poll: _Poll) -> bool:
    """Whether nobody could read any of it for longer than a window bears."""
    if not history.unread or len(history.unread) < len(history.partitions):
        return False
    return poll.at - max(history.unread.values()) > poll.longest_gap


def _all_unread(history: TopicHistory, last_read: datetime) -> TopicHistory:
    unread = {p: history.unread.get(p, last_read) for p in history.partitions}
    return replace(history, unread=unread)


def _with_unread(
    history: TopicHistory, topic: TopicSample, last_read: datetime, poll: _Poll
) -> TopicHistory:
    """Notes who cannot be read; who is readable again after too long starts its cover anew."""
    if not history.unread and known(topic.lags) is topic.lags:
        return history
    unread: dict[int, datetime] = {}
    covered_since = list(history.covered_since)
    for place, (partition, lag) in enumerate(zip(topic.partitions, topic.lags, strict=True)):
        last = history.unread.get(partition)
        if lag is None:
            unread[partition] = last_read if last is None else last
        elif last is not None and (
            poll.at - last > poll.longest_gap or _never_read(history, place)
        ):
            covered_since[place] = poll.at
    return replace(history, covered_since=tuple(covered_since), unread=unread)


def _never_read(history: TopicHistory, place: int) -> bool:
    return all(tile.minima[place] == NO_READING for tile in history.tiles)


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
                column([None if place is None else tile.minima[place] for place in old]),
            )
            for tile in history.tiles
        ),
        {p: last for p, last in history.unread.items() if p in partitions},
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
    # Positions stand still between two deliveries, and equality is the cheaper question.
    if before == now:
        return False
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
    return replace(
        history,
        covered_since=tuple(at if i in fresh else s for i, s in enumerate(history.covered_since)),
        tiles=tuple(
            Tile(
                tile.start,
                column([None if i in fresh else low for i, low in enumerate(tile.minima)]),
            )
            for tile in history.tiles
        ),
    )
