"""When the log end of each partition was where: a small decimated ring of readings.

The age of the oldest undelivered message follows from it, as bounds that never overstate. The
message at a position was surely there at the first mark whose log end lies beyond the position, and
surely not there at the mark before. When the ring is full, every second mark goes: the lower bound
may then fall back by the distance of two marks, and the upper bound stays true.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import le
from typing import NamedTuple

UNKNOWN = -1
"""Stands in a column for an offset that was not readable."""

MOST_MARKS = 12
"""Marks kept. They reach back as far as anything is undelivered, ever farther apart."""

Offsets = Sequence[int]
"""One offset per partition: an array('q'), or a list where a number exceeds 64 bits."""


class Mark(NamedTuple):
    """The log end of every partition at one poll."""

    at: datetime
    ran: timedelta
    """How long the task had been running by then, as far as it was watched."""
    ends: Offsets


@dataclass(frozen=True, slots=True)
class Age:
    """How long the oldest undelivered message of a partition has waited. All zero: caught up."""

    at_least: timedelta = timedelta(0)
    at_most: timedelta | None = timedelta(0)
    """None where the message was already there at first sight."""
    ran_at_least: timedelta = timedelta(0)
    """Of `at_least`, the time in which the task was running."""
    ran_at_most: timedelta | None = timedelta(0)
    since: datetime | None = None
    """The first poll that surely saw it; None when caught up."""
    tail: bool = False
    """No message came after those of that poll."""


CAUGHT_UP = Age()


def offsets(numbers: Sequence[int | None]) -> Offsets:
    """Offsets as a mark keeps them."""
    try:
        return array("q", numbers)  # type: ignore[arg-type]  # None raises, see below
    except TypeError:
        return offsets([UNKNOWN if number is None else number for number in numbers])
    except OverflowError:
        return [UNKNOWN if number is None else number for number in numbers]


def marked(marks: tuple[Mark, ...], mark: Mark, positions: Offsets) -> tuple[Mark, ...]:
    """The ring after one more poll; marks that no position can need any more go."""
    marks = (*marks, mark)
    first = 0
    while first + 1 < len(marks) and reached(marks[first + 1], positions):
        first += 1
    return thinned(marks[first:])


def reached(mark: Mark, positions: Offsets) -> bool:
    """Whether everything that was there at the mark is delivered."""
    return all(map(le, mark.ends, positions))


def thinned(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """At most MOST_MARKS: the two oldest, every second of the rest, and the newest."""
    if len(marks) <= MOST_MARKS:
        return marks
    return (*marks[:2], *marks[3:-1:2], marks[-1])


def age(marks: Sequence[Mark], place: int, position: int) -> Age:
    """The age of what lies at a partition's position, as of the newest mark."""
    newest = marks[-1]
    for number, mark in enumerate(marks):
        if mark.ends[place] > position:
            before = _known_before(marks, place, number)
            return Age(
                newest.at - mark.at,
                before and newest.at - before.at,
                newest.ran - mark.ran,
                before and newest.ran - before.ran,
                since=mark.at,
                tail=mark.ends[place] == newest.ends[place],
            )
    return CAUGHT_UP


def _known_before(marks: Sequence[Mark], place: int, number: int) -> Mark | None:
    """The latest mark before that number at which the partition could be read."""
    return next((m for m in reversed(marks[:number]) if m.ends[place] != UNKNOWN), None)
