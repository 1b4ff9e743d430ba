"""Troughs that rise: a sink that delivers, but less than comes in.

A step compares the trough of a delivery with the one before. It rises when it is higher by a tenth
of what came in between; a poll that came late, or a delivery that was missed, proves nothing and
begins anew. Where deliveries are too frequent to be seen one by one, the trough is the lowest of a
tile of three polls in which something was delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

RISE = 10
"""A trough is higher when it is so by one part in so many of the intake between the two."""
COMMIT_WITHIN = timedelta(seconds=60)
"""A position may be committed that much later than its file was closed (Kafka Connect reference,
offset.flush.interval.ms: 60 s)."""
TILE_POLLS = 3


@dataclass(frozen=True, slots=True)
class Climb:
    """How the troughs of one partition went. A partition whose latest trough was 0 has none."""

    base: int
    """The trough that the rises are counted from."""
    value: int
    """The latest trough, in messages."""
    end: int
    """The log end that the latest trough was measured against."""
    at: datetime
    since: datetime
    """When the trough was at its base."""
    rises: int = 0
    """Rises in a row."""
    falls: int = 0
    """Steps in a row that were no rise."""
    noise: int = 0
    """What comes in while a delivery is on its way to being seen."""

    @property
    def per_minute(self) -> int:
        """Messages a minute by which the trough has risen from its base."""
        return _share(self.value - self.base, timedelta(minutes=1), self.at - self.since)

    def rising(self, troughs: int) -> bool:
        """Whether so many rises in a row have added up to more than noise."""
        return self.rises >= troughs and self.value - self.base > self.noise


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
    if trough.since is None:
        return Climb(trough.value, trough.value, trough.end, trough.at, trough.at)
    height, end = (before.value, before.end) if before else (0, from_end)
    intake = trough.end - end
    cycle = max(trough.at - trough.since, timedelta(seconds=1))
    if trough.value - height > 0 and RISE * (trough.value - height) >= intake:
        risen = before or Climb(0, 0, end, trough.since, trough.since)
        return replace(
            risen,
            value=trough.value,
            end=trough.end,
            at=trough.at,
            rises=risen.rises + 1,
            falls=0,
            noise=max(_share(intake, noise, cycle), least),
        )
    falls = 1 + (before.falls if before else 0)
    return Climb(trough.value, trough.value, trough.end, trough.at, trough.at, falls=falls)


def _share(count: int, part: timedelta, whole: timedelta) -> int:
    """What of a count falls into a part of the time; exact, as counts may exceed every float."""
    microsecond = timedelta(microseconds=1)
    return count * (part // microsecond) // max(whole // microsecond, 1)


def lowered(tile: TroughTile, left: Mapping[int, int]) -> TroughTile:
    """The tile after one more poll."""
    lowest = {p: min(low, left[p]) for p, low in tile.lowest.items() if p in left}
    return replace(tile, lowest=lowest)
