"""What stands after the question mark of an address, read into values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from aiohttp import web

from bot.adapters.web.answers import written

_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def bad_request(key: str, found: str, right: str) -> web.HTTPBadRequest:
    """The answer to a parameter that makes no sense."""
    message = f"{key}: found {found[:60]!r}, {right} would be right"
    text = written({"error": "bad_request", "message": message}).decode()
    return web.HTTPBadRequest(text=text, content_type="application/json")


def since_in(query: Mapping[str, str], now: datetime) -> datetime | None:
    """`since`: an instant with its zone, or a duration back from now; None when not given.

    Raises: web.HTTPBadRequest.
    """
    # A `+` of a zone that was not percent-encoded arrives as a space.
    text = query.get("since", "").strip().replace(" ", "+")
    if not text:
        return None
    duration = _DURATION.fullmatch(text)
    try:
        if duration is not None:
            return now - int(duration[1]) * _UNITS[duration[2]]
        at = datetime.fromisoformat(text)
        # Near the ends of the calendar there are moments that UTC cannot name.
        return at.astimezone(UTC) if at.tzinfo is not None else _no_instant(text)
    except (ValueError, OverflowError):
        return _no_instant(text)


def _no_instant(text: str) -> NoReturn:
    raise bad_request("since", text, "2026-01-02T03:04:05Z or a duration such as 6h")


def choice_in(query: Mapping[str, str], key: str, *choices: str) -> str:
    """One of some words, the first when not given. Raises: web.HTTPBadRequest."""
    text = query.get(key, choices[0])
    if text not in choices:
        raise bad_request(key, text, " or ".join(choices))
    return text


def count_in(query: Mapping[str, str], key: str, *, default: int, most: int) -> int:
    """A number from 1 to `most`. Raises: web.HTTPBadRequest."""
    text = query.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise bad_request(key, text, f"a number from 1 to {most}")
    return int(text)
