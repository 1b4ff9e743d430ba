"""Scores as a table: per scenario and way to commit a row, per D a column, per detector a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.bench.judgement.scoring import Score

FLAPS = 10.0
"""So many false openings a partition-day make the time to notice a matter of chance."""


def cell(score: Score) -> str:
    """False openings per partition-day; of a fault also minutes to notice and who missed it."""
    false = f"{score.false_per_partition_day:.2f}".rstrip("0").rstrip(".")
    if score.case.scenario.fault.harmless:
        return false
    minutes = score.minutes()
    if score.false_per_partition_day >= FLAPS:
        return f"{false} / flaps"
    told = "never" if minutes is None else f"{minutes[0]:.0f}, {minutes[1]:.0f}"
    partly = score.missed if minutes is not None else 0
    return f"{false} / {told}" + (f" ({partly} missed)" if partly else "")


def rows(scores: Sequence[Score]) -> Iterator[list[str]]:
    """The header, then a row per scenario, detector and way to commit."""
    deliveries = sorted({score.case.delivery_s for score in scores})
    yield ["scenario", "commits", "detector", *(f"D={delivery} s" for delivery in deliveries)]

    def row_of(score: Score) -> tuple[str, bool, str]:
        return score.case.scenario.name, score.case.ticks, score.detector

    places = {row_of(score): place for place, score in enumerate(reversed(scores))}
    ordered = sorted(scores, key=lambda score: -places[row_of(score)])
    for (name, ticks, detector), group in groupby(ordered, key=row_of):
        cells = {score.case.delivery_s: cell(score) for score in group}
        commits = "60 s tick" if ticks else "upload"
        yield [name, commits, detector, *(cells.get(delivery, "") for delivery in deliveries)]


def brief(scores: Sequence[Score]) -> Iterator[list[str]]:
    """The header, then a row per scenario with a column per detector."""
    detectors = list(dict.fromkeys(score.detector for score in scores))
    yield ["scenario", *detectors]
    for name, group in groupby(scores, key=lambda score: score.case.scenario.name):
        cells = {score.detector: cell(score) for score in group}
        yield [name, *(cells[detector] for detector in detectors)]


def plain(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def markdown(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    header, *body = table
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in body:
        yield f"| {' | '.join(row)} |"
