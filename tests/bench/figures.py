"""From laps to figures: ratios per round, their median and range, a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.lap import Lap

OURS, BARE, SDK = "ours", "bare", "sdk"
LOWEST = {BARE: 0.35, SDK: 3.0}
"""Ratios below which something is wrong with the layout; found in a profile, not gated."""
JUDGED_AGAINST_BARE = range(51)
"""Partitions up to which the ratio to `bare` means something: it does nothing per partition."""

Round = Mapping[str, Lap]
"""The laps of one round and size, by contestant."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Several rounds' figures as one."""

    median: float
    lowest: float
    highest: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Of one value at least."""
        return Spread(median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f}–{self.highest:.2f})"


def cost(rounds: Iterable[Round], name: str) -> Spread | None:
    """Microseconds of CPU per poll; None where the contestant did not run."""
    values = [laps[name].cpu_us_per_poll for laps in rounds if name in laps]
    return Spread.of(values) if values else None


def ratio(rounds: Iterable[Round], other: str) -> Spread | None:
    """Our rate divided by the other's, round by round: above 1, ours is the faster."""
    values = [
        laps[other].cpu_us_per_poll / laps[OURS].cpu_us_per_poll
        for laps in rounds
        if other in laps and OURS in laps
    ]
    return Spread.of(values) if values else None


def table(results: Mapping[int, Sequence[Round]]) -> list[str]:
    """The lines of the table, one per size."""
    heads = ("partitions", "bare µs", "ours µs", "sdk µs", "ours/bare", "ours/sdk", "incidents")
    rows = [heads, *(_row(size, rounds) for size, rounds in results.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.rjust, row, widths)) for row in rows]


def _row(size: int, rounds: Sequence[Round]) -> tuple[str, ...]:
    costs = (cost(rounds, name) for name in (BARE, OURS, SDK))
    ratios = (ratio(rounds, other) for other in (BARE, SDK))
    return (
        str(size),
        *("-" if c is None else f"{c.median:.0f}" for c in costs),
        *("-" if r is None else str(r) for r in ratios),
        _incidents(rounds),
    )


def _incidents(rounds: Iterable[Round]) -> str:
    ours = [laps[OURS] for laps in rounds if OURS in laps]
    return f"{sum(lap.opened for lap in ours)} / {sum(lap.resolved for lap in ours)}"


def remarks(results: Mapping[int, Sequence[Round]]) -> list[str]:
    """What is lower than a sound layout gives."""
    return [
        f"{size} partitions: ours is {found.median:.2f} × {other}, below {LOWEST[other]:g}:"
        " find the cost in a profile (--profile)"
        for size, rounds in results.items()
        for other in (BARE, SDK)
        if (other == SDK or size in JUDGED_AGAINST_BARE)
        and (found := ratio(rounds, other)) is not None
        and found.median < LOWEST[other]
    ]


def faults(results: Mapping[int, Sequence[Round]]) -> list[str]:
    """Why the figures cannot be trusted; none where every lap did its work."""
    return [
        f"{size} partitions, round {number}, {name}: {fault}"
        for size, rounds in results.items()
        for number, laps in enumerate(rounds, start=1)
        for name, lap in laps.items()
        for fault in lap.faults
    ]
