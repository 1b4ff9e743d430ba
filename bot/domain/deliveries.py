"""What is remembered of the deliveries of one topic: positions, progress, resets, rising troughs.

A delivery shows as a position that rose between two polls. What was there a poll before and is
still not delivered then is the trough of that delivery: nothing on a healthy task, whatever its
traffic and wherever in the cycle it is polled.

Three kinds of position are not taken as they come. A partition without a position is measured from
its log end at first sight. A standing lag of a few messages with a still log end counts as caught
up: the last offset of a transaction is no message, and some sinks report the last delivered offset
instead of the next; but where this sink has been seen to deliver to the very end, it does not. And
an offset that fell, or ran ahead of its log end, waits for a second poll.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.domain.climbs import Climbs
from bot.domain.marks import CAUGHT_UP, Age, Mark, Offsets, age, offsets, reached
from bot.domain.resets import Reset

TAILS_KNOWN = 3
"""So many tails delivered to the very end prove that this sink does not leave the last messages."""
MOST_TAILS = 6
FLOW_KEPT = 8
"""Deliveries that the rates are taken from."""


class Flow(NamedTuple):
    """Both totals of a topic at a delivery."""

    at: datetime
    ends: int
    transferred: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One topic. Columns are in the order of `partitions`."""

    partitions: tuple[int, ...]
    transferred: tuple[int | None, ...]
    """The latest known position; None where there was none yet."""
    ends: tuple[int | None, ...]
    """The latest known log end."""
    marks: tuple[Mark, ...]
    moved_at: tuple[datetime | None, ...]
    """The latest poll that saw a position risen."""
    positions: Offsets
    """Up to where each partition counts as delivered, see `counted_positions`."""
    starts: Mapping[int, int] = field(default_factory=dict)
    """Partitions without a position: their log end at first sight."""
    standing: Mapping[int, int] = field(default_factory=dict)
    """Partitions that a delivery left a few messages behind: their log end then."""
    tails: int = 0
    """How surely the sink delivers to the very end, see `TAILS_KNOWN`."""
    climbs: Climbs = field(default_factory=Climbs)
    resets: Mapping[int, Reset] = field(default_factory=dict)
    flow: tuple[Flow, ...] = ()

    @property
    def flushes_tails(self) -> bool:
        """Whether this sink is known to deliver the last messages of a topic that falls idle."""
        return self.tails >= TAILS_KNOWN

    def doubtful(self, partition: int) -> bool:
        """Whether the latest reading contradicts those before and no second poll confirmed it."""
        reset = self.resets.get(partition)
        return reset is not None and not reset.confirmed

    def caught_up_at(self) -> datetime | None:
        """The latest poll of whose messages none is undelivered now; None when none is known."""
        oldest = self.marks[0]
        return oldest.at if reached(oldest, self.positions) else None

    def undelivered_since(self) -> Mark | None:
        """The oldest mark that anything undelivered was seen at; None when all is caught up."""
        oldest = self.marks[0]
        if not reached(oldest, self.positions):
            return oldest
        # `marked` keeps but one mark of what is wholly delivered.
        return self.marks[1] if len(self.marks) > 1 else None

    def oldest_age(self) -> Age:
        """The age of what has waited longest in the topic."""
        oldest = self.undelivered_since()
        if oldest is None:
            return CAUGHT_UP
        behind = (
            place
            for place, (end, position) in enumerate(zip(oldest.ends, self.positions, strict=True))
            if end > position
        )
        # Of those that one mark shows, the upper bound of the worst counts.
        ages = [age(self.marks, place, self.positions[place]) for place in behind]
        return max(ages, key=lambda a: timedelta.max if a.at_most is None else a.at_most)

    def ages(self) -> Iterator[tuple[int, Age]]:
        """Every partition with the age of its oldest undelivered message."""
        for place, partition in enumerate(self.partitions):
            yield partition, age(self.marks, place, self.positions[place])


def counted_positions(
    partitions: tuple[int, ...],
    transferred: Sequence[int | None],
    ends: Sequence[int | None],
    *,
    starts: Mapping[int, int],
    standing: Mapping[int, int],
) -> Offsets:
    """Up to where each partition counts as delivered; UNKNOWN where nothing is known.

    `standing` is empty where the sink is known to deliver tails.
    """
    if not starts and not standing:
        return offsets(transferred)
    columns = zip(partitions, transferred, ends, strict=True)
    return offsets(
        [
            starts.get(partition)
            if position is None
            else (end if standing.get(partition) == end else position)
            for partition, position, end in columns
        ]
    )
