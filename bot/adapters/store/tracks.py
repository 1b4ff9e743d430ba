"""What is remembered of the deliveries of a topic, as facts for JSON and as columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.adapters.store.columns import Reader, write_column
from bot.adapters.store.grids import read_grid, write_grid
from bot.adapters.store.heads import (
    EPOCH,
    MICROSECOND,
    counted,
    microseconds,
    moment_of,
    uncounted,
)
from bot.domain.climbs import Climb, Climbs, Low, TroughTile
from bot.domain.deliveries import Deliveries, Flow
from bot.domain.marks import UNKNOWN, Mark
from bot.domain.resets import Reset, ResetKind


def track_facts(deliveries: Deliveries) -> tuple[object, ...]:
    """All of it but the columns."""
    moved = deliveries.moved_at
    same = bool(moved) and moved.count(moved[0]) == len(moved)
    tile = deliveries.climbs.tile
    return (
        counted(deliveries.partitions),
        [microseconds(at) for at in (moved[:1] if same else moved)],
        [[microseconds(mark.at), mark.ran // MICROSECOND] for mark in deliveries.marks],
        {
            "starts": list(deliveries.starts.items()),
            "standing": list(deliveries.standing.items()),
            "tails": deliveries.tails,
            "climbs": [[p, *_climb(c)] for p, c in deliveries.climbs.of_partition.items()],
            "tile": tile and [microseconds(tile.since), list(tile.lowest.items())],
            "resets": [[p, *_reset(reset)] for p, reset in deliveries.resets.items()],
            "flow": [[microseconds(f.at), f.ends, f.transferred] for f in deliveries.flow],
        },
    )


def track_columns(deliveries: Deliveries) -> bytes:
    """Positions, log ends, counted positions, and the log ends of every mark."""
    base = (0,) * len(deliveries.partitions)
    return (
        write_column(deliveries.transferred, base)[0]
        + write_column(deliveries.ends, base)[0]
        + write_grid(
            [deliveries.positions, *(mark.ends for mark in deliveries.marks)], nothing=UNKNOWN
        )
    )


def track(
    reader: Reader,
    partitions: int | list[int],
    moved: list[int | None],
    marks: list[tuple[int, int]],
    rest: dict[str, Any],
) -> Deliveries:
    """The deliveries again. Raises: ValueError, KeyError, TypeError."""
    numbers = uncounted(partitions)
    base = (0,) * len(numbers)
    transferred, ends = reader.column(base)[0], reader.column(base)[0]
    positions, *rows = read_grid(reader, 1 + len(marks), len(numbers), nothing=UNKNOWN)
    moved_at = tuple(map(moment_of, moved))
    return Deliveries(
        numbers,
        tuple(transferred),
        tuple(ends),
        tuple(
            Mark(_moment(at), ran * MICROSECOND, row)
            for (at, ran), row in zip(marks, rows, strict=True)
        ),
        moved_at * len(numbers) if len(moved_at) == 1 else moved_at,
        positions,
        starts=dict(rest["starts"]),
        standing=dict(rest["standing"]),
        tails=rest["tails"],
        climbs=Climbs(
            {partition: _climb_from(*climb) for partition, *climb in rest["climbs"]},
            rest["tile"] and TroughTile(_moment(rest["tile"][0]), dict(rest["tile"][1])),
        ),
        resets={partition: _reset_from(*reset) for partition, *reset in rest["resets"]},
        flow=tuple(Flow(_moment(at), ends, done) for at, ends, done in rest["flow"]),
    )


def _climb(climb: Climb) -> Sequence[object]:
    lows = [[low.value, low.end, microseconds(low.at)] for low in climb.lows]
    return lows, climb.falls, climb.noise


def _climb_from(lows: list[tuple[int, int, int]], falls: int, noise: int) -> Climb:
    return Climb(tuple(Low(value, end, _moment(at)) for value, end, at in lows), falls, noise)


def _reset(reset: Reset) -> Sequence[object]:
    return (
        reset.kind.value,
        microseconds(reset.at),
        reset.end,
        reset.transferred,
        reset.new_end,
        reset.new_transferred,
        reset.confirmed,
    )


def _reset_from(kind: str, at: int, *rest: Any) -> Reset:
    return Reset(ResetKind(kind), _moment(at), *rest)


def _moment(since_epoch: int) -> datetime:
    return EPOCH + since_epoch * MICROSECOND
