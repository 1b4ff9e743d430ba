"""Several columns of one length: all of them as words, or each with holes for what is not there.

Words are larger, as nothing is subtracted, and made without a step per number; a number that
exceeds 64 bits cannot be one.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from bot.adapters.store.columns import Reader, write_column, write_words

_COLUMNS, _WORDS = b"\x00", b"\x01"

Numbers = Sequence[int]
"""An array('q'), or a list where a number exceeds 64 bits."""


def write_grid(columns: Sequence[Numbers], *, nothing: int) -> bytes:
    """The columns' bytes; `nothing` is what stands in them for a number that is not there."""
    words = [column for column in columns if isinstance(column, array)]
    if len(words) == len(columns):
        return _WORDS + write_words(*words)
    base = (0,) * len(columns[0])
    with_holes = [[None if n == nothing else n for n in column] for column in columns]
    return _COLUMNS + b"".join(write_column(column, base)[0] for column in with_holes)


def read_grid(reader: Reader, columns: int, length: int, *, nothing: int) -> list[Numbers]:
    """The columns again. Raises: ValueError."""
    if reader.take(1) == _WORDS:
        words = reader.words(columns * length)
        return [words[column * length : (column + 1) * length] for column in range(columns)]
    base = (0,) * length
    return [_filled(reader.column(base)[0], nothing) for _ in range(columns)]


def _filled(column: Sequence[int | None], nothing: int) -> Numbers:
    numbers = [nothing if number is None else number for number in column]
    try:
        return array("q", numbers)
    except OverflowError:
        return numbers
