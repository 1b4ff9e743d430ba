"""Times and durations as people type them: `2h`, `1h30m`, `18:00`, `tomorrow 9:00`, `2026-12-24`.

A time of day that names no day is the next one. What is typed is read without a clock; it becomes
instants when the moment and the person's time zone are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TypeVar

T = TypeVar("T")

LONGEST = timedelta(days=366)
_UNITS: Mapping[str, timedelta] = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(days=7),
}
_LONG_UNITS = "seconds|second|secs|sec|minutes|minute|mins|min|hours|hour|days|day|weeks|week"
_PIECE = re.compile(rf"([0-9]{{1,5}})({_LONG_UNITS}|[smhdw])")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?")


def span(word: str) -> timedelta | None:
    """A duration such as `90m`, `2h`, `1d12h`; None where the word is none."""
    text, total, place = word.lower(), timedelta(0), 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            return None
        total += int(found[1]) * _UNITS[found[2][0]]
        place = found.end()
    return total if text else None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A time as it was said; both parts absent stand for now."""

    day: str | date | None = None
    """`today`, `tomorrow`, a weekday's name, or a date; None: the next time the clock says so."""
    clock: time | None = None
    """None: the beginning of the day."""

    def after(self, now: datetime, zone: tzinfo) -> datetime:
        """The instant, seen from `now` by somebody in `zone`."""
        if self.day is None and self.clock is None:
            return now
        here = now.astimezone(zone)
        found = self._on(self._day(here.date()), zone)
        if found <= now and self.day is None:
            found = self._on(here.date() + timedelta(days=1), zone)
        elif found <= now and self.day in _WEEKDAYS:
            found = self._on(here.date() + timedelta(days=7), zone)
        return found.astimezone(now.tzinfo)

    def _day(self, today: date) -> date:
        if isinstance(self.day, date):
            return self.day
        if self.day == "tomorrow":
            return today + timedelta(days=1)
        if self.day in _WEEKDAYS:
            return today + timedelta(days=(_WEEKDAYS.index(self.day) - today.weekday()) % 7)
        return today

    def _on(self, day: date, zone: tzinfo) -> datetime:
        return datetime.combine(day, self.clock or time(0), zone)


def spoken(words: Sequence[str]) -> tuple[Spoken, int] | None:
    """The time that the first words say, and how many of them; None where they say none."""
    if not words:
        return None
    first = words[0].lower()
    if first == "now":
        return Spoken(), 1
    whole = _instant(first)
    if whole is not None:
        return whole, 1
    clock = _clock(first)
    if clock is not None:
        return Spoken(None, clock), 1
    day = _day(first)
    if day is None:
        return None
    later = _clock(words[1].lower()) if len(words) > 1 else None
    return (Spoken(day), 1) if later is None else (Spoken(day, later), 2)


def _instant(word: str) -> Spoken | None:
    day, letter, clock = word.partition("t")
    found = _date(day), _clock(clock)
    return Spoken(*found) if letter and None not in found else None


def _day(word: str) -> str | date | None:
    if word in ("today", "tomorrow"):
        return word
    # Three letters are enough, as in "mon".
    near = [day for day in _WEEKDAYS if len(word) >= 3 and day.startswith(word)]
    return near[0] if near else _date(word)


def _date(word: str) -> date | None:
    return _or_none(date.fromisoformat, word) if re.fullmatch(r"\d{4}-\d\d-\d\d", word) else None


def _clock(word: str) -> time | None:
    found = _CLOCK.fullmatch(word)
    if found is None or not (found[2] or found[3]):
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[3] == "pm" else 0)
    return _or_none(lambda _word: time(hour, minute), word)


def _or_none(make: Callable[[str], T], word: str) -> T | None:
    try:
        return make(word)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when something holds, as it was said: a length or an end."""

    begin: Spoken = Spoken()
    length: timedelta | None = None
    end: Spoken | None = None

    def instants(self, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        """Begin and end. Raises: ValueError with a text for the person who typed it."""
        try:
            begin = self.begin.after(now, zone)
            end = begin + self.length if self.length is not None else self._end(begin, zone)
        except OverflowError:
            raise ValueError("That is too far away.") from None
        if end <= max(begin, now):
            raise ValueError("That would be over before it begins.")
        if end - now > LONGEST:
            raise ValueError("That is more than a year away; it has to end sooner.")
        return begin, end

    def _end(self, begin: datetime, zone: tzinfo) -> datetime:
        return (self.end or Spoken()).after(begin, zone)
