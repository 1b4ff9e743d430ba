"""One reading of a topic in which something more than log ends moved, partition by partition."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.domain.climbs import (
    COMMIT_WITHIN,
    TILE_POLLS,
    Climbs,
    Trough,
    TroughTile,
    climbed,
    lowered,
)
from bot.domain.deliveries import (
    FLOW_KEPT,
    MOST_TAILS,
    TAILS_KNOWN,
    Deliveries,
    Flow,
    counted_positions,
)
from bot.domain.marks import UNKNOWN, Mark, marked, offsets
from bot.domain.model import TopicSample
from bot.domain.resets import Reset, ResetKind, contradiction


class Poll(NamedTuple):
    """The poll that is being folded in."""

    at: datetime
    ran: timedelta
    """How long the task has been running, as far as it was watched."""
    interval: timedelta
    """P."""
    delivery_interval: timedelta
    """D."""
    tolerance: int
    """Messages a standing lag may have."""
    gap_at: datetime | None
    """The latest poll that came late: cycles that span it prove nothing of troughs."""


class Turn:
    """One reading of a topic in which something more than a log end moved."""

    def __init__(self, before: Deliveries, topic: TopicSample, poll: Poll) -> None:
        self._before = before
        self._topic = topic
        self._poll = poll
        self._transferred = list(before.transferred)
        self._ends = list(before.ends)
        self._seen: list[int | None] = [None] * len(before.partitions)
        self._moved_at = list(before.moved_at)
        self._starts = dict(before.starts)
        self._standing = dict(before.standing)
        self._climbs = dict(before.climbs.of_partition)
        self._left: dict[int, int] = {}
        self._resets = dict(before.resets)
        self._rebased: list[int] = []
        self._spikes: dict[int, int] = {}
        self._tail_seen = 0

    def result(self) -> Deliveries:
        """The memory after it."""
        topic = self._topic
        columns = zip(topic.partitions, topic.transferred, topic.log_end, strict=True)
        for place, (partition, position, end) in enumerate(columns):
            if self._believed(place, partition, position, end):
                self._take(place, partition, position, end)
        tails = with_tail(self._before.tails, self._tail_seen)
        positions = counted_positions(
            topic.partitions,
            self._transferred,
            self._ends,
            starts=self._starts,
            standing=self._standing if tails < TAILS_KNOWN else {},
        )
        mark = Mark(self._poll.at, self._poll.ran, offsets(self._seen))
        return Deliveries(
            topic.partitions,
            tuple(self._transferred),
            tuple(self._ends),
            marked(self._rebased_marks(), mark, positions),
            tuple(self._moved_at),
            positions,
            self._starts,
            self._standing,
            tails,
            self._climbs_after(),
            self._resets,
            self._flow(),
        )

    # --- resets ---

    def _believed(self, place: int, partition: int, position: int | None, end: int | None) -> bool:
        """Whether a reading may be taken: it does not contradict, or a second poll says it too."""
        known = self._resets.get(partition)
        settled = known is not None and known.confirmed
        tolerance = self._poll.tolerance
        kind = contradiction(
            (self._transferred[place], self._ends[place]), (position, end), tolerance
        )
        if kind is ResetKind.RAN_AHEAD and settled:
            kind = None  # Told already.
        if kind is ResetKind.LOG_END_FELL and end is not None and self._was_spike(place, end):
            self._spikes[place] = end
            self._ends[place] = None
            kind = contradiction((self._transferred[place], None), (position, end), tolerance)
        if kind is None:
            if known is not None and self._over(known, place, position, end):
                del self._resets[partition]
            return True
        if known is None or settled:
            self._resets[partition] = Reset(
                kind, self._poll.at, self._ends[place], self._transferred[place]
            )
            return False
        self._confirm(place, partition, replace(known, new_end=end, new_transferred=position))
        return True

    def _was_spike(self, place: int, end: int) -> bool:
        """Whether the latest log end alone was out of course: the one before it goes on here."""
        marks = self._before.marks
        if len(marks) < 2 or marks[-1].ends[place] != self._ends[place]:
            return False
        return UNKNOWN < marks[-2].ends[place] <= end

    def _confirm(self, place: int, partition: int, reset: Reset) -> None:
        self._resets[partition] = replace(reset, confirmed=True)
        self._rebased.append(place)
        self._transferred[place], self._moved_at[place] = None, None
        self._ends[place] = None
        self._standing.pop(partition, None)
        self._starts.pop(partition, None)
        self._climbs.pop(partition, None)

    def _over(self, reset: Reset, place: int, position: int | None, end: int | None) -> bool:
        """Whether a suspicion was wrong, or a reset is lived through: something is delivered on
        the new baseline, or nothing is left to deliver."""
        if not reset.confirmed:
            return (position, end) != (None, None)
        if position is None or end is None:
            return False
        before = self._transferred[place]
        rose = before is None or position > before
        return position == end or (rose and position <= end + self._poll.tolerance)

    def _rebased_marks(self) -> tuple[Mark, ...]:
        """The marks without what was before a reset, and without a spike."""
        marks = self._before.marks
        if self._spikes:
            latest = [self._spikes.get(i, end) for i, end in enumerate(marks[-1].ends)]
            marks = (*marks[:-1], marks[-1]._replace(ends=offsets(latest)))
        if not self._rebased:
            return marks
        gone = set(self._rebased)
        return tuple(
            mark._replace(
                ends=offsets([None if i in gone else end for i, end in enumerate(mark.ends)])
            )
            for mark in marks
        )

    # --- one partition ---

    def _take(self, place: int, partition: int, position: int | None, end: int | None) -> None:
        before, end_before = self._transferred[place], self._ends[place]
        self._seen[place] = end
        if end is not None:
            self._ends[place] = end
        if position is None:
            if before is None and end is not None:
                self._starts.setdefault(partition, end)
            return
        self._transferred[place] = position
        first = self._starts.pop(partition, None) is not None
        if end_before is not None and end_before > position:
            self._left[partition] = end_before - position
        if first or (before is not None and position > before):
            self._moved(place, partition, before, position)
        elif partition in self._standing and self._standing[partition] != end:
            del self._standing[partition]

    def _moved(self, place: int, partition: int, before: int | None, position: int) -> None:
        end, end_before = self._ends[place], self._before.ends[place]
        since, self._moved_at[place] = self._moved_at[place], self._poll.at
        self._standing.pop(partition, None)
        if end is not None and 0 < end - position <= self._poll.tolerance:
            self._standing[partition] = end
        if self._seen[place] is not None and end is not None and end == end_before:
            self._note_tail(end - position)
        if not self._by_tiles and end_before is not None and before is not None:
            left = self._left.get(partition, 0)
            trough = Trough(self._poll.at, left, end_before, self._whole_cycle(since))
            self._climb(partition, trough, from_end=before)

    def _note_tail(self, left: int) -> None:
        """A delivery to a log end that stood still: to the very end, or to all but a few."""
        if left <= self._poll.tolerance:
            self._tail_seen = 1 if left <= 0 else self._tail_seen or -1

    # --- troughs ---

    @property
    def _by_tiles(self) -> bool:
        return self._poll.delivery_interval < 2 * self._poll.interval

    def _whole_cycle(self, since: datetime | None) -> datetime | None:
        """The begin of a cycle; None where a poll came late in it or a delivery was missed."""
        poll = self._poll
        longest = 1.5 * poll.delivery_interval + poll.interval
        if since is None or poll.at - since > longest or self._late_since(since):
            return None
        return since

    def _late_since(self, since: datetime) -> bool:
        return self._poll.gap_at is not None and self._poll.gap_at > since

    def _climb(self, partition: int, trough: Trough, *, from_end: int) -> None:
        # The lowest of a tile does not depend on where in the cycle the poll came.
        noise = COMMIT_WITHIN if self._by_tiles else self._poll.interval + COMMIT_WITHIN
        climb = climbed(
            self._climbs.get(partition),
            trough,
            from_end=from_end,
            noise=noise,
            least=self._poll.tolerance,
        )
        if climb is None:
            self._climbs.pop(partition, None)
        else:
            self._climbs[partition] = climb

    def _climbs_after(self) -> Climbs:
        if not self._by_tiles:
            return Climbs(self._climbs)
        tile, now = self._before.climbs.tile, self._poll.at
        if tile is None or self._late_since(tile.since):
            return Climbs(self._climbs, TroughTile(now, self._left))
        tile = lowered(tile, self._left)
        if now - tile.since < TILE_POLLS * self._poll.interval:
            return Climbs(self._climbs, tile)
        self._end_tile(tile)
        return Climbs(self._climbs, TroughTile(now, self._left))

    def _end_tile(self, tile: TroughTile) -> None:
        for place, partition in enumerate(self._topic.partitions):
            moved_at, end = self._moved_at[place], self._ends[place]
            if moved_at is not None and moved_at > tile.since and end is not None:
                before = self._climbs.get(partition)
                trough = Trough(
                    self._poll.at,
                    tile.lowest.get(partition, 0),
                    end,
                    None if before is None else self._whole_tile(before.lows[-1].at),
                )
                self._climb(partition, trough, from_end=end)

    def _whole_tile(self, since: datetime) -> datetime | None:
        return None if self._late_since(since) else since

    # --- rates ---

    def _flow(self) -> tuple[Flow, ...]:
        before = () if self._rebased else self._before.flow
        if self._poll.at not in self._moved_at or None in self._ends or None in self._transferred:
            return before
        # No None is in either, as was just seen.
        totals = sum(e or 0 for e in self._ends), sum(t or 0 for t in self._transferred)
        return with_flow(before, Flow(self._poll.at, *totals))


def with_flow(before: tuple[Flow, ...], flow: Flow) -> tuple[Flow, ...]:
    """The latest deliveries, with one more."""
    return (*before, flow)[-FLOW_KEPT:]


def with_tail(tails: int, seen: int) -> int:
    """How surely tails are delivered; a delivery spoke for it (1), against it (-1), or not (0)."""
    return min(max(tails + seen, 0), MOST_TAILS)
