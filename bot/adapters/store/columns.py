"""Numbers as bytes: varints, and columns of differences in byte planes.

A column is the lowest of its differences from a base, and what each number exceeds that by, in as
many bytes as the largest needs: first the lowest byte of every number, then the next of every
number, and so on. The high planes are nearly constant and deflate to nearly nothing, and there is
no step per number in Python. Numbers may be negative and of any size; an absent one is a cleared
bit in a map before the column.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import sub

_ITEM_BYTES = 8
"""Bytes of an item of array('Q')."""
_SHORT = [bytes([number]) for number in range(0x80)]
"""The varints of one byte, which most are."""
_HOLES = 1
_UNCHANGED = bytes(2)
"""Width 0 and lowest difference 0."""


def varint(number: int) -> bytes:
    """A number >= 0, seven bits to a byte, lowest first; the high bit says that more follow."""
    if number <= 0x7F:
        return _SHORT[number]
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def signed_varint(number: int) -> bytes:
    """Any number: 0, -1, 1, -2, … as 0, 1, 2, 3, …"""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def write_column(values: Sequence[int | None], base: Sequence[int]) -> tuple[bytes, Sequence[int]]:
    """The column's bytes, and its values with those of the base where there is none.

    The second is the base of the next column.
    """
    if values == base:
        return _UNCHANGED, base
    if None not in values:
        known: Sequence[int] = values  # type: ignore[assignment]  # just looked
        return _dense(known, base), known
    known = [was if value is None else value for value, was in zip(values, base, strict=True)]
    there = [place for place, value in enumerate(values) if value is not None]
    bits = sum(1 << place for place in there).to_bytes(_map_bytes(values), "little")
    return _dense([known[i] for i in there], [base[i] for i in there], holes=bits), known


def write_words(*series: array[int]) -> bytes:
    """Arrays('q') as byte planes, without the high ones that are nothing but zero.

    Larger than columns, as nothing is subtracted, and made without a step per number.
    """
    raw = b"".join([_in_little_endian(numbers).tobytes() for numbers in series])
    planes = [raw[plane::_ITEM_BYTES] for plane in range(_ITEM_BYTES)]
    while planes and not planes[-1].strip(b"\0"):
        planes.pop()
    return varint(len(planes)) + b"".join(planes)


def _in_little_endian(numbers: array[int]) -> array[int]:
    return numbers if sys.byteorder == "little" else _swapped(numbers[:])


def _map_bytes(column: Sequence[object]) -> int:
    return (len(column) + 7) // 8


def _dense(values: Sequence[int], base: Sequence[int], holes: bytes = b"") -> bytes:
    """A column whose every value is there, after the map of the whole column's holes."""
    deltas = list(map(sub, values, base))
    low, high = min(deltas, default=0), max(deltas, default=0)
    width = _bytes_of(high - low)
    if low > 0 and _bytes_of(high) == width:
        low = 0  # Nothing is gained by subtracting it.
    head = varint(width << 1 | (_HOLES if holes else 0)) + holes + signed_varint(low)
    if not width:
        return head
    return head + _planes(map(sub, deltas, repeat(low)) if low else deltas, width)


def _bytes_of(number: int) -> int:
    """Bytes that a number >= 0 needs."""
    return number.bit_length() + 7 >> 3


def _planes(numbers: Iterable[int], width: int) -> bytes:
    if width > _ITEM_BYTES:
        raw = b"".join([number.to_bytes(width, "little") for number in numbers])
        return b"".join([raw[plane::width] for plane in range(width)])
    raw = _swapped(array("Q", numbers)).tobytes()
    return b"".join([raw[plane::_ITEM_BYTES] for plane in range(width)])


def _numbers(planes: bytes, width: int, count: int) -> Iterable[int]:
    raw = _woven(planes, width, count)
    if width > _ITEM_BYTES:
        return [int.from_bytes(raw[i : i + width], "little") for i in range(0, len(raw), width)]
    return _swapped(array("Q", bytes(raw)))


def _woven(planes: bytes, width: int, count: int) -> bytearray:
    """The bytes of the numbers one after the other, filled up to those of an array's item."""
    size = max(width, _ITEM_BYTES)
    raw = bytearray(size * count)
    for plane in range(width):
        raw[plane::size] = planes[plane * count : (plane + 1) * count]
    return raw


def _swapped(items: array[int]) -> array[int]:
    """Items in little-endian order, whatever the machine's."""
    if sys.byteorder == "big":
        items.byteswap()
    return items


class Reader:
    """Reads what the functions above wrote.

    Every method raises ValueError where the bytes end early.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether everything was read."""
        return self._at >= len(self._raw)

    def take(self, count: int) -> bytes:
        """The next bytes."""
        taken = self._raw[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("the bytes end early")
        self._at += count
        return taken

    def varint(self) -> int:
        """The next number >= 0."""
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            if byte <= 0x7F:
                return number
            shift += 7

    def signed_varint(self) -> int:
        """The next number of either sign."""
        number = self.varint()
        return number >> 1 if not number & 1 else -(number + 1 >> 1)

    def column(self, base: Sequence[int]) -> tuple[Sequence[int | None], Sequence[int]]:
        """The next column, and the base of the one after it (see `write_column`)."""
        start = self.varint()
        if not start & _HOLES:
            known = self._dense(start >> 1, base)
            return known, known
        bits = int.from_bytes(self.take(_map_bytes(base)), "little")
        there = [place for place in range(len(base)) if bits >> place & 1]
        found = dict(zip(there, self._dense(start >> 1, [base[i] for i in there]), strict=True))
        values = [found.get(place) for place in range(len(base))]
        return values, [found.get(place, was) for place, was in enumerate(base)]

    def words(self, count: int) -> array[int]:
        """So many numbers, those of all series together, that `write_words` wrote."""
        width = self.varint()
        if width > _ITEM_BYTES:
            raise ValueError("numbers too wide for their array")
        return _swapped(array("q", bytes(_woven(self.take(width * count), width, count))))

    def _dense(self, width: int, base: Sequence[int]) -> Sequence[int]:
        low = self.signed_varint()
        if width == 0:
            return [low + was for was in base] if low else base
        excess = _numbers(self.take(width * len(base)), width, len(base))
        return [number + low + was for number, was in zip(excess, base, strict=True)]
