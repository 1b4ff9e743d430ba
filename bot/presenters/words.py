"""Numbers, durations, ages and ranges in words. Pure; `now` is always given.

Unknown is said as "unknown", never as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import floor, log10

from bot.domain.verdicts import Unit

UNKNOWN = "unknown"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_STEPS = (("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12), ("P", 10**15), ("E", 10**18))
_LONGEST = 10**21
"""From here on digits say nothing: larger than any 64-bit offset."""


def number(value: int | None) -> str:
    """`1,234,567`; beyond any real offset `1.2e+45`."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if abs(value) < _LONGEST else _power(value)


def compact(value: int | None) -> str:
    """At most four digits: `9,999`, `12.3 k`, `1.2 M`."""
    if value is None:
        return UNKNOWN
    if abs(value) < 10_000:
        return f"{value:,}"
    if abs(value) >= _LONGEST:
        return _power(value)
    letter, step = next(pair for pair in reversed(_STEPS) if abs(value) >= pair[1])
    # Rounded down by whole numbers, so that 999,999 is not shown as 1000.0 k.
    tenths = abs(value) * 10 // step
    sign = "-" if value < 0 else ""
    return f"{sign}{tenths // 10}.{tenths % 10} {letter}"


def _power(value: int) -> str:
    # Python turns no int of more than 4,300 digits into text, but takes its logarithm.
    exponent = log10(abs(value))
    whole = floor(exponent)
    sign = "-" if value < 0 else ""
    return f"{sign}{10 ** (exponent - whole):.1f}e+{whole}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 partition`, `12 partitions`."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{number(count)} {word}"


def messages(value: int | None) -> str:
    """`1,234 messages`, or `unknown`."""
    return UNKNOWN if value is None else counted(value, "message")


def total(lag: int | None, *, known: int, unknown: int) -> str:
    """A sum of lags, and over how much of it: `1,234 messages (total over 11 known, 1 unknown)`."""
    if not unknown:
        return messages(lag)
    return f"{messages(lag)} (total over {number(known)} known, {number(unknown)} unknown)"


def amount(value: int, unit: Unit) -> str:
    """A value or level of a rule in its unit."""
    return seconds_in_words(value) if unit is Unit.SECONDS else messages(value)


def in_words(duration: timedelta) -> str:
    """The two largest units: `2 h 5 min`, `45 s`, `under 1 s`; nothing and less is `0 s`."""
    if timedelta(0) < duration < timedelta(seconds=1):
        return "under 1 s"
    return seconds_in_words(duration // timedelta(seconds=1))


def seconds_in_words(seconds: int) -> str:
    """The same from whole seconds, however many."""
    return " ".join(_largest(max(seconds, 0), 2)) or "0 s"


def _largest(seconds: int, most: int) -> Iterator[str]:
    """The largest unit that is there, and the ones right below it."""
    rest = seconds
    for place, (letter, length) in enumerate(_UNITS):
        count, rest = divmod(rest, length)
        if count:
            yield f"{number(count)} {letter}"
            following = _UNITS[place + 1 : place + most]
            yield from (f"{rest // below} {unit}" for unit, below in following if rest // below)
            return


def age_in_words(at: datetime | None, now: datetime) -> str:
    """How long ago, without seconds from a minute on: `42 s`, `3 min`, `2 h 5 min`; `never`."""
    if at is None:
        return "never"
    seconds = max((now - at) // timedelta(seconds=1), 0)
    return seconds_in_words(seconds if seconds < 60 else seconds - seconds % 60)


def ago(at: datetime | None, now: datetime) -> str:
    """`3 min ago`, `just now`, or `never`. A clock that is a little ahead makes no future."""
    if at is None:
        return "never"
    return "just now" if now - at < timedelta(seconds=1) else f"{age_in_words(at, now)} ago"


def in_utc(at: datetime) -> str:
    """`2026-03-01 09:30 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def bounds(at_least: timedelta | None, at_most: timedelta | None) -> str:
    """An age of which bounds are known: `0 s`, `5 min to 6 min`, `at least 5 min`, `unknown`."""
    if at_least is None:
        return UNKNOWN
    if at_most is None:
        return f"at least {in_words(at_least)}"
    low, high = in_words(at_least), in_words(at_most)
    return low if low == high else f"{low} to {high}"


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as unbroken runs of (first, last)."""
    found: list[tuple[int, int]] = []
    for one in sorted(set(numbers)):
        if found and found[-1][1] + 1 == one:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found


def ranges(numbers: Iterable[int], most: int) -> tuple[str, int]:
    """`0-17, 19` from at most so many runs, and how many numbers were left out."""
    found = runs(numbers)
    shown = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in found[:most])
    return shown, sum(high - low + 1 for low, high in found[most:])
