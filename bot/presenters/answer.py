"""What is to be said, before anything decides how it looks.

The wording of an answer or a card is written once, as an `Answer`; `plain` turns it into text for
a terminal and `slack` into blocks. The parts stand in the order of their importance: where room
is short, the last go first.

A line is made of spans. Plain strings are the bot's own words; everything from outside is a
`Name` (shown literally) or `Said` (prose, such as an error), so that no renderer has to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.presenters.words import counted

NAMELESS = "(no name)"
"""Shown for a name that is empty or has nothing visible in it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name, a status or another word from outside: shown as it is, cut where it is too long."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with words from outside in it, such as why something failed."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words of the bot to be seen first."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: in the reader's own time zone where the reader's program can do that."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Typed:
    """A command to type, without the slash command's own name."""

    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: a Slack user's id, or a name given at a terminal."""

    by: str

    @property
    def shown(self) -> str:
        """Where nobody can be linked to."""
        return f"@{self.by}"


Span = str | Name | Said | Strong | Moment | Typed | Person
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values."""

    pairs: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A list of things, each with what is said of it."""

    items: tuple[tuple[Line, Line], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Numbers stand right."""

    title: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, each a text from wherever; an empty cell is shown as a dash."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0
    """Rows that exist and are not here."""
    hint: Line = ()
    """How to see them."""
    caption: Line = ()
    """What the rows are, where the title of the answer does not say it."""

    def cut_to(self, rows: int) -> Table:
        """The table with its first rows only; the others are counted."""
        left = max(len(self.rows) - rows, 0)
        return replace(self, rows=self.rows[:rows], more=self.more + left)

    @property
    def and_more(self) -> Line:
        """The line under a table that was cut; empty under a whole one."""
        if not self.more:
            return ()
        return (
            f"… and {counted(self.more, 'more', 'more')}",
            *((": ", *self.hint) if self.hint else ()),
        )


Part = Line | Facts | Entries | Table


@dataclass(frozen=True, slots=True)
class Answer:
    """A title, parts in the order of their importance, and a note on how far to trust it."""

    title: Line
    parts: tuple[Part, ...] = ()
    note: Line = ()
    """How old the reading is, and what else a reader should know of the answer itself."""
    refused: bool = False
    """What was asked was not done, or not understood."""


def joined(lines: Sequence[Line], between: str = "\n") -> Line:
    """Several lines as one, without the empty ones."""
    spans: list[Span] = []
    for line in lines:
        if line:
            spans.extend((between, *line) if spans else line)
    return tuple(spans)
