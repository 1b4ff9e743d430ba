"""Troughs that rise: a sink that delivers, but less than comes in.

The latest troughs are compared with the one so many deliveries before. Together they must have
risen by a tenth of what came in, and by more than comes in while a delivery is on its way to being
seen; and most single steps must be rises, so that a burst does not look like one. A single step may
be hidden by where in the cycle the polls happen to come. A poll that came late, or a delivery that
was missed, proves nothing and begins anew. Where deliveries are too frequent to be seen one by one,
a trough is the lowest of a tile of three polls in which something was delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

RISE = 10
"""A trough is higher when it is so by one part in so many of the intake between the two."""
RISES_OF_THREE = 2
"""So many steps in three must be rises."""
TROUGHS_KEPT = 13
COMMIT_WITHIN = timedelta(seconds=60)
"""A position may be committed that much later than its file was closed (Kafka Connect reference,
offset.flush.interval.ms: 60 s)."""
TILE_POLLS = 3


class Low(NamedTuple):
    """A trough: what a delivery left behind."""

    value: int
    """In messages."""
    end: int
    """The log end that it was measured against."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Climb:
    """The latest troughs of one partition, oldest first. One whose latest was 0 has none."""

    lows: tuple[Low, ...]
    falls: int = 0
    """Steps in a row that went down, or not up."""
    noise: int = 0
    """What comes in while a delivery is on its way to being seen, in messages."""

    @property
    def value(self) -> int:
        """The latest trough, in messages."""
        return self.lows[-1].value

    @property
    def since(self) -> datetime:
        """When the oldest of the troughs was."""
        return self.lows[0].at

    @property
    def rises(self) -> int:
        """Rises among all steps that are kept."""
        return sum(_rose(one, other) for one, other in pairwise(self.lows))

    @property
    def per_minute(self) -> int:
        """Messages a minute by which the troughs have risen."""
        first, last = self.lows[0], self.lows[-1]
        return _share(last.value - first.value, timedelta(minutes=1), last.at - first.at)

    def rising(self, troughs: int) -> bool:
        """Whether so many steps have added up to a rise that is more than noise."""
        lows = self.lows[-(min(troughs, TROUGHS_KEPT - 1) + 1) :]
        if len(lows) <= min(troughs, TROUGHS_KEPT - 1):
            return False
        steps = sum(_rose(one, other) for one, other in pairwise(lows))
        enough = 3 * steps >= RISES_OF_THREE * (len(lows) - 1)
        return enough and _rose(lows[0], lows[-1]) and lows[-1].value - lows[0].value > self.noise


def _rose(one: Low, other: Low) -> bool:
    rise = other.value - one.value
    return rise > 0 and RISE * rise >= other.end - one.end


@dataclass(frozen=True, slots=True)
class TroughTile:
    """The lowest that was left since the tile began, of partitions where it was never 0."""

    since: datetime
    lowest: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Climbs:
    """The climbs of one topic, by partition."""

    of_partition: Mapping[int, Climb] = field(default_factory=dict)
    tile: TroughTile | None = None
    """Only where deliveries are too frequent to be seen one by one."""

    def of(self, partitions: Collection[int]) -> Climbs:
        """Those of these partitions."""
        kept = {p: climb for p, climb in self.of_partition.items() if p in partitions}
        tile = self.tile and replace(
            self.tile, lowest={p: low for p, low in self.tile.lowest.items() if p in partitions}
        )
        return Climbs(kept, tile)


@dataclass(frozen=True, slots=True)
class Trough:
    """A trough that was just seen."""

    at: datetime
    value: int
    end: int
    since: datetime | None
    """When the cycle began that it ends; None where that proves nothing."""


def climbed(
    before: Climb | None, trough: Trough, *, from_end: int, noise: timedelta, least: int
) -> Climb | None:
    """The climb after one more trough; None at the bottom.

    Without a climb before, the trough before was 0 and the log end `from_end`. What comes in within
    `noise`, and `least` messages, are no rise worth telling.
    """
    if trough.value == 0:
        return None
    low = Low(trough.value, trough.end, trough.at)
    if trough.since is None:
        return Climb((low,))
    lows = before.lows if before else (Low(0, from_end, trough.since),)
    falls = 0 if low.value > lows[-1].value else 1 + (before.falls if before else 0)
    return Climb((*lows, low)[-TROUGHS_KEPT:], falls, max(_noise((*lows, low), noise), least))


def _noise(lows: tuple[Low, ...], within: timedelta) -> int:
    """What may have come in just before the latest trough, `within` so long.

    What came in beyond the rate of the step before may all have come in then: a burst that begins
    while a delivery is on its way leaves a trough as high as itself, though the sink keeps up.
    """
    before, last = lows[-2], lows[-1]
    length, intake = last.at - before.at, last.end - before.end
    if len(lows) > 2:
        earlier = lows[-3]
        usual = _share(before.end - earlier.end, length, before.at - earlier.at)
        if intake > usual:
            return min(intake, _share(usual, within, length) + intake - usual)
    return _share(intake, within, length)


def _share(count: int, part: timedelta, whole: timedelta) -> int:
    """What of a count falls into a part of the time; exact, as counts may exceed every float."""
    microsecond = timedelta(microseconds=1)
    return count * (part // microsecond) // max(whole // microsecond, 1)


def lowered(tile: TroughTile, left: Mapping[int, int]) -> TroughTile:
    """The tile after one more poll."""
    lowest = {p: min(low, left[p]) for p, low in tile.lowest.items() if p in left}
    return replace(tile, lowest=lowest)
