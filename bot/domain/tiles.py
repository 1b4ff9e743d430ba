"""The running minimum of a window, kept as a few tiles instead of as every reading.

A window is tiled in quarters, and each tile keeps the lowest lag of each partition in its part. The
tiles cover the window and reach back over five quarters of it and one pause between polls at most,
so their minimum is never above the true one, and seldom much below.

Lags are kept in columns: one array per tile and topic, not an object per partition.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import gt

from bot.domain.model import known

TILES = 4
"""Tiles that make one window; one more is kept, because the newest is still filling."""

MOST_TILES = TILES + 2
"""However often a task's D is changed, and the window with it, no more tiles are kept."""

NO_READING = 2**63 - 1
"""Stands in a tile for a partition that was not readable in it; no lag that fits an array is
greater, so that a minimum passes over it."""

Column = Sequence[int]
"""Lags in messages: an array('q'), or a list where a number exceeds 64 bits."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The lowest lag of each partition since `start`."""

    start: datetime
    minima: Column


def column(lags: Sequence[int | None]) -> Column:
    """Lags as a tile keeps them."""
    read = known(lags)
    if read is lags:
        return _packed(read)
    return _packed([NO_READING if lag is None else lag for lag in lags])


def _packed(lags: Sequence[int]) -> Column:
    try:
        return array("q", lags)
    except OverflowError:
        return list(lags)


def trough(tiles: Sequence[Tile]) -> Column:
    """The lowest lag of each partition over all tiles; NO_READING where there is none."""
    columns = [tile.minima for tile in tiles]
    fit = all(isinstance(minima, array) for minima in columns)
    return reduce(_lowest if fit else _lowest_of_any_size, columns)


def tiled(
    tiles: tuple[Tile, ...], lags: Sequence[int | None], at: datetime, window: timedelta
) -> tuple[Tile, ...]:
    """The tiles after one more reading of every partition, without those that no longer count.

    When nothing changes, the very same tiles are returned.
    """
    newest = tiles[-1]
    if at - newest.start >= window / TILES:
        tiles = (*tiles, Tile(at, column(lags)))
    elif not _none_is_lower(newest.minima, lags):
        both = (newest, Tile(at, column(lags)))
        tiles = (*tiles[:-1], Tile(newest.start, column(trough(both))))
    return _bounded(_needed(tiles, at - window))


def _needed(tiles: tuple[Tile, ...], window_start: datetime) -> tuple[Tile, ...]:
    """A tile still counts while the one after it began inside the window."""
    first = 0
    while first + 1 < len(tiles) and tiles[first + 1].start <= window_start:
        first += 1
    return tiles[first:]


def _bounded(tiles: tuple[Tile, ...]) -> tuple[Tile, ...]:
    if len(tiles) <= MOST_TILES:
        return tiles
    oldest, second = tiles[:2]
    return (Tile(oldest.start, column(trough((oldest, second)))), *tiles[2:])


def _none_is_lower(minima: Column, lags: Sequence[int | None]) -> bool:
    """Whether more lags lower nothing: mostly so, because lag climbs between two deliveries."""
    try:
        lower = any(map(gt, minima, lags))  # type: ignore[arg-type]  # None raises, see below
        # What does not fit an array may be greater than what stands for no reading at all.
        return not lower and max(lags, default=0) < NO_READING  # type: ignore[type-var, operator]
    except TypeError:
        return False


def _lowest(one: Column, other: Column) -> Column:
    # Calling `min` for each pair takes three times as long.
    return [low if low < lag else lag for low, lag in zip(one, other, strict=True)]  # noqa: FURB136


def _lowest_of_any_size(one: Column, other: Column) -> Column:
    return list(map(_lower, one, other))


def _lower(one: int, other: int) -> int:
    """The lower of two lags, of which either may not have been read."""
    if NO_READING in (one, other):
        return other if one == NO_READING else one
    return min(one, other)
