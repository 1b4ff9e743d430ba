"""The running minimum of every partition's lag, through all that may happen to partitions.

Beside the tiles stands since when readings come without a gap that matters: only of such a window
the trough is sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import lt
from typing import NamedTuple

from bot.domain.model import TaskSample, TopicSample, known
from bot.domain.tiles import NO_READING, Column, Tile, column, tiled, trough


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


class TroughPoll(NamedTuple):
    """The poll that is being folded in."""

    at: datetime
    before: TaskSample | None
    """The readable answer before it."""
    window: timedelta
    longest_gap: timedelta
    """A longer time without a reading ends the cover of a window."""

    @property
    def after_gap(self) -> bool:
        """Whether no reading came for longer than a window bears."""
        return self.before is None or self.at - self.before.at > self.longest_gap

    @property
    def last_read(self) -> datetime:
        """When the answer before this one came; now when there was none."""
        return self.at if self.before is None else self.before.at


def troughs_after(
    topics: Mapping[str, TopicHistory], sampled: tuple[TopicSample, ...] | None, poll: TroughPoll
) -> Mapping[str, TopicHistory]:
    """The troughs after one more answer; None in place of topics is an answer without any."""
    if sampled is None:
        return {name: _all_unread(topic, poll.last_read) for name, topic in topics.items()}
    before = {topic.topic: topic for topic in (poll.before and poll.before.topics) or ()}
    known = {} if poll.after_gap else topics
    return {
        topic.topic: _topic(known.get(topic.topic), topic, before.get(topic.topic), poll)
        for topic in sampled
    }


def _topic(
    history: TopicHistory | None, topic: TopicSample, before: TopicSample | None, poll: TroughPoll
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


def _silent_too_long(history: TopicHistory, poll: TroughPoll) -> bool:
    """Whether nobody could read any of it for longer than a window bears."""
    if not history.unread or len(history.unread) < len(history.partitions):
        return False
    return poll.at - max(history.unread.values()) > poll.longest_gap


def _all_unread(history: TopicHistory, last_read: datetime) -> TopicHistory:
    unread = {p: history.unread.get(p, last_read) for p in history.partitions}
    return replace(history, unread=unread)


def _with_unread(
    history: TopicHistory, topic: TopicSample, last_read: datetime, poll: TroughPoll
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
