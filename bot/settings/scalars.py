"""Texts to values: durations, counts, words, ids. Each reader knows what would have been right.

Every reader takes the text of a value and returns what it means, or raises Wrong with what would
be right. What was found is added by the caller, who knows whether it may be shown. No reader takes
the empty text, so what it says of that is what it wants in general.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.domain.policy import Span
from bot.settings.problems import did_you_mean, listed


class Wrong(ValueError):
    """A text that does not fit: `right` reads well before "would be right", `hint` after it."""

    def __init__(self, right: str, hint: str = "") -> None:
        super().__init__(f"{right} would be right{hint}")
        self.right = right
        self.hint = hint


UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
MAX_DURATION = timedelta(days=36500)
DURATION_PATTERN = r"(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?"
SPAN_PATTERN = r"\d+(?:\.\d+)?x"
COUNT_PATTERN = r"\d+(?:\.\d+)?[kMG]?"
_DURATION = re.compile(r"(\d+)(ms|[dhms])", re.ASCII)
_DURATIONS = re.compile(DURATION_PATTERN, re.ASCII)
_SPAN = re.compile(SPAN_PATTERN, re.ASCII)
_COUNT = re.compile(r"(\d+)(?:\.(\d+))?([kMG]?)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_NO_NAME = re.compile(r"[\s/*?\[\]=]|^[!@#<]")
_POWERS = {"": 0, "k": 3, "M": 6, "G": 9}


# --- durations ---------------------------------------------------------------------------------


def duration(text: str) -> timedelta:
    """`500ms 10s 5m 4h 7d`, also joined as in `1h30m`; above zero is not asked."""
    if not _DURATIONS.fullmatch(text):
        raise Wrong(f"a duration such as {_example_duration(text)}")
    total = timedelta(0)
    for number, unit in _DURATION.findall(text):
        # Compared before it is multiplied: timedelta itself has an end.
        if len(number) > 15 or int(number) > MAX_DURATION // UNITS[unit]:
            raise Wrong("a duration of at most 36500d")
        total += int(number) * UNITS[unit]
    if total > MAX_DURATION:
        raise Wrong("a duration of at most 36500d")
    return total


def _example_duration(text: str) -> str:
    if _WHOLE.fullmatch(text):
        return listed([f"{text}s", f"{text}m"]) + " (the unit must be said)"
    return "500ms, 10s, 5m, 4h or 7d"


def positive_duration(text: str) -> timedelta:
    """A duration above zero."""
    value = duration(text)
    if not value:
        raise Wrong("a duration above zero")
    return value


def interval(text: str) -> timedelta:
    """Time between two polls or listings: a second at least."""
    value = duration(text)
    if value < timedelta(milliseconds=100):
        raise Wrong("a duration of at least 100ms")
    return value


def span(text: str) -> Span:
    """A duration, or a number of delivery intervals such as `2x`."""
    if _SPAN.fullmatch(text):
        return Span(intervals=float(text[:-1]))
    try:
        return Span(duration(text))
    except Wrong as wrong:
        raise Wrong(f"{wrong.right}, or delivery intervals such as 2x,") from None


def positive_span(text: str) -> Span:
    """A span above zero."""
    value = span(text)
    if value.intervals == 0 or value == Span():
        raise Wrong("a duration above zero, or delivery intervals such as 2x,")
    return value


def auto_or_duration(text: str) -> timedelta | None:
    """A duration, or `auto` (None)."""
    if text == "auto":
        return None
    try:
        return positive_duration(text)
    except Wrong as wrong:
        raise Wrong(f"auto, or {wrong.right}") from None


def never_or_duration(text: str) -> timedelta | None:
    """A duration, or `never` (None)."""
    if text == "never":
        return None
    try:
        return positive_duration(text)
    except Wrong as wrong:
        raise Wrong(f"never, or {wrong.right}") from None


def duration_text(value: timedelta) -> str:
    """A duration as `duration` reads it, in the fewest words: `1h30m`."""
    rest = value
    text = ""
    for unit, length in UNITS.items():
        number, rest = divmod(rest, length)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def span_text(value: Span) -> str:
    """A span as `span` reads it."""
    if value.intervals is None:
        return duration_text(value.fixed)
    return f"{value.intervals:g}x"


# --- numbers -----------------------------------------------------------------------------------


def count(text: str) -> int:
    """Messages: `1200`, `100k`, `2.5M`, `1G`; exact, whatever the size."""
    found = _COUNT.fullmatch(text)
    if not found or len(text) > 40:
        meant = text.translate(str.maketrans("mKg", "MkG"))
        hint = f", did you mean '{meant}'?" if _COUNT.fullmatch(meant) else ""
        raise Wrong("a count such as 1200, 100k or 1M", hint)
    whole, fraction, unit = found[1], found[2] or "", found[3]
    power = _POWERS[unit] - len(fraction)
    digits = int(whole + fraction)
    if power >= 0:
        return digits * int(10**power)
    if digits % 10**-power:
        raise Wrong("a whole number of messages")
    return digits // int(10**-power)


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`, both included."""
    limits = f"of at least {low}" if high is None else f"from {low} to {high}"

    def read(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else None
        if number is None or number < low or (high is not None and number > high):
            raise Wrong(f"a whole number {limits}")
        return number

    return read


def rate(text: str) -> float:
    """A number above zero and at most 100,000."""
    number = float(text) if _NUMBER.fullmatch(text) and len(text) < 20 else 0.0
    if not 0 < number <= 100_000:
        raise Wrong("a number above 0 such as 20 or 0.5")
    return number


def share(text: str) -> float:
    """A part of a level: above 0, at most 1; also as a percentage."""
    body, percent = text.removesuffix("%"), text.endswith("%")
    number = float(body) if _NUMBER.fullmatch(body) and len(body) < 20 else 0.0
    number = number / 100 if percent else number
    if not 0 < number <= 1:
        raise Wrong("a share of the level above 0 and at most 1, such as 0.8 or 80%,")
    return number


def flag(text: str) -> bool:
    """`true` or `false`, and nothing else."""
    if text not in ("true", "false"):
        raise Wrong("true or false", did_you_mean(text.lower(), ("true", "false")))
    return text == "true"


# --- words and ids -----------------------------------------------------------------------------


def word_of(words: Iterable[str]) -> Callable[[str], str]:
    """A reader of one of a few words."""
    known = tuple(words)

    def read(text: str) -> str:
        if text not in known:
            raise Wrong(listed(known), did_you_mean(text, known))
        return text

    return read


def line_of_text(text: str) -> str:
    """Any text on one line, not empty, without spaces around it."""
    if not _is_line(text):
        raise Wrong("a text on one line, without spaces around it,")
    return text


def _is_line(text: str) -> bool:
    return bool(text) and text == text.strip() and text.isprintable()


def _of_form(pattern: str, right: str, hint: str = "") -> Callable[[str], str]:
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise Wrong(right, hint)
        return text

    return read


REGION_PATTERN = r"[a-z]{2,}(?:-[a-z0-9]+)+"
CHANNEL_PATTERN = r"[CGD][A-Z0-9]+"

identifier = _of_form(r"[A-Za-z0-9][A-Za-z0-9._-]*", "an id of letters, digits and dashes")
region = _of_form(REGION_PATTERN, "a region such as eu-west-101")
label_name = _of_form(
    r"[A-Za-z_][A-Za-z0-9_.-]*", "a label name of letters, digits and _ that begins with a letter"
)
status_word = _of_form(r"[A-Za-z_]+", "a status such as RUNNING")
slash_command = _of_form(r"/[a-z0-9_-]{1,32}", "a slash command such as /dumptask")
user = _of_form(r"[UW][A-Z0-9]+", "a user id such as U0ABC123")
usergroup = _of_form(r"S[A-Z0-9]+", "a user-group id such as S0ONCALL")
mention = _of_form(
    r"[UWS][A-Z0-9]+|here", "a user id (U0ABC123), a user-group id (S0ONCALL) or here"
)


def name(text: str) -> str:
    """What people type for a task, and what stands for an account or a rule in messages.

    A slash is left to `account/task_name`; globs and spaces would make it impossible to type.
    """
    if not is_name(text):
        raise Wrong("a name without spaces and without / * ? [ ] =")
    return text


def is_name(text: str) -> bool:
    """Whether `name` takes it."""
    return _is_line(text) and not _NO_NAME.search(text)


def as_name(text: str) -> str:
    """A name like the text; two texts may give the same one."""
    dashed = "".join(c if c.isprintable() and not _NO_NAME.match(c) else "-" for c in text)
    return re.sub(r"-{2,}", "-", dashed).strip("-") or "task"


def link_title(text: str) -> str:
    """The text of a button; Slack takes 75 characters (Block Kit reference, button element)."""
    if not _is_line(text) or len(text) > 75:
        raise Wrong("a title of at most 75 characters")
    return text


def glob(text: str) -> str:
    """A glob, `!` before it negates."""
    if not _is_line(text.removeprefix("!")):
        raise Wrong("a glob such as orders-* or !tmp-*")
    return text


def plain_glob(text: str) -> str:
    """A glob that does not negate."""
    if not _is_line(text) or text.startswith("!"):
        raise Wrong("a glob without !")
    return text


def channel(text: str) -> str:
    """The id of a Slack channel. Names change and need a lookup; ids do neither."""
    if re.fullmatch(CHANNEL_PATTERN, text):
        return text
    named = re.fullmatch(r"#?[\w.-]{1,80}", text)
    hint = "; it is shown at the end of the channel's details, and stays when the name changes"
    raise Wrong("a channel id such as C0DATA12345", hint if named else "")


def iana_timezone(text: str) -> str:
    """The name of a time zone of the IANA data base."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(text, available_timezones())
        raise Wrong("an IANA time zone such as Europe/Berlin or UTC", hint) from None
    return text
