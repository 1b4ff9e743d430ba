"""A curve in one line of text, for where no chart can be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
"""Stands where nothing was known: not the lowest bar, which would read as caught up."""


def spark(values: Sequence[int | None], width: int = 20) -> str:
    """One character per value, scaled from zero to the highest; empty without values.

    More values than `width` are shown by the highest of each stretch: a peak is never hidden.
    """
    shown = list(_stretches(values, width))
    highest = max((value for value in shown if value is not None), default=0)
    return "".join(GAP if value is None else _bar(value, highest) for value in shown)


def _stretches(values: Sequence[int | None], width: int) -> Iterator[int | None]:
    count = min(len(values), width)
    for place in range(count):
        stretch = values[place * len(values) // count : (place + 1) * len(values) // count]
        yield max((value for value in stretch if value is not None), default=None)


def _bar(value: int, highest: int) -> str:
    # Whole numbers all the way: lags may be too large for a float.
    return BARS[max(value, 0) * (len(BARS) - 1) // highest] if highest > 0 else BARS[0]
