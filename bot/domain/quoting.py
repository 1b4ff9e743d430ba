"""Words and the quotes around them, as people, phones and shells write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_CLOSERS: Mapping[str, str] = {
    '"': '"“”',
    "“": '”“"',
    "”": '”"',
    "„": '“”"',
    "«": "»",
    "»": "«",
    "'": "'‘’",
    "‘": "’‘'",
    "’": "’'",
    "‚": "‘’'",
    "`": "`",
}
"""What closes a quote, by what opens it: phones write typographic ones, in pairs of their language,
and sometimes only on one side."""

_INVISIBLE = re.compile("[\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
"""Marks that copying brings along (Slack wraps names in direction marks); nobody types them."""


class UnclosedQuote(Exception):
    """A quote is opened and never closed; the text is what follows it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of what was typed, without its quotes."""

    text: str
    quoted: bool = False


def quoted(name: str) -> str:
    """The name as it has to be typed to be one word, in the first quotes that do not end in it.

    A name that holds every kind of quote cannot be typed; its task id can.
    """
    opens = any(before in ("", "=") and char in _CLOSERS for before, char in pairwise(["", *name]))
    if name and not opens and not any(char.isspace() for char in name):
        return name
    fitting = [opener for opener in "\"'«`" if not set(_CLOSERS[opener]) & set(name)]
    opener = fitting[0] if fitting else '"'
    return f"{opener}{name}{_CLOSERS[opener][0]}"


def from_arguments(arguments: Sequence[str]) -> str:
    """One text of a shell's arguments; a single one is taken as it is, a whole command perhaps."""
    return arguments[0] if len(arguments) == 1 else " ".join(map(quoted, arguments))


def split(text: str) -> list[Word]:
    """The words of a text.

    Raises: UnclosedQuote.
    """
    return list(_words(_INVISIBLE.sub("", text)))


def _words(text: str) -> Iterator[Word]:
    """Words apart; a quote opens at the start of a word or after `=`, so `bob's` needs none."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        word, place = _word(text, place)
        yield word


def _word(text: str, place: int) -> tuple[Word, int]:
    parts: list[str] = []
    starts_quoted = text[place] in _CLOSERS
    while place < len(text) and not text[place].isspace():
        if text[place] in _CLOSERS and (not parts or parts[-1] == "="):
            end = _closing(text, place)
            parts.append(text[place + 1 : end])
            place = end + 1
        else:
            parts.append(text[place])
            place += 1
    return Word("".join(parts), starts_quoted), place


def _closing(text: str, opened: int) -> int:
    closers = _CLOSERS[text[opened]]
    for place in range(opened + 1, len(text)):
        if text[place] in closers:
            return place
    raise UnclosedQuote(text[opened + 1 :].strip())
