"""Answers as text for a terminal: aligned columns, no colour needed, nothing that acts on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never
from unicodedata import combining, east_asian_width

from bot.presenters.answer import (
    NAMELESS,
    Answer,
    Column,
    Entries,
    Facts,
    Line,
    Moment,
    Name,
    Part,
    Person,
    Said,
    Span,
    Strong,
    Table,
    Typed,
)
from bot.presenters.escape import clean
from bot.presenters.limits import fitting
from bot.presenters.words import in_utc

EMPTY_CELL = "–"


def render(answer: Answer) -> str:
    """The answer as lines of text, ending in a newline."""
    blocks = [line(answer.title), *map(_part, answer.parts), line(answer.note)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def line(spans: Line) -> str:
    """One line; where the bot's own words hold a newline, several."""
    return "".join(map(_span, spans)).strip()


def _span(span: Span) -> str:
    match span:
        case str():
            return span
        case Person():
            return clean(span.shown)
        case Strong(text) | Typed(text):
            return text
        case Name(text):
            return clean(text) or NAMELESS
        case Said(text):
            return clean(text)
        case Moment(at):
            return in_utc(at)
    assert_never(span)


def _part(part: Part) -> str:
    match part:
        case tuple():
            return line(part)
        case Facts(pairs):
            return _pairs((f"{label}:", line(value)) for label, value in pairs)
        case Entries(items):
            return _pairs((line(head), line(body)) for head, body in items)
        case Table():
            return table(part)
    assert_never(part)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    shown = [(f"  {head}", body) for head, body in pairs]
    widest = max((width(head) for head, _ in shown), default=0)
    return "\n".join(f"{_padded(head, widest)}  {body}".rstrip() for head, body in shown)


def table(shown: Table) -> str:
    """Aligned columns under their caption and titles, and how many rows there are beside these."""
    lines = [line(shown.caption), *rows(shown), line(shown.and_more)]
    return "\n".join(text for text in lines if text)


def rows(shown: Table, *, cell_width: int | None = None) -> list[str]:
    """The lines of a table, its titles first; without trailing spaces."""
    titles = [column.title for column in shown.columns]
    cells = [titles, *([_cell(text, cell_width) for text in row] for row in shown.rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return [_row(row, shown.columns, widths) for row in cells]


def _row(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    padded = (
        _padded(cell, room, right=column.align == "right")
        for cell, column, room in zip(cells, columns, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(text: str, most: int | None) -> str:
    shown = clean(text) or EMPTY_CELL
    return shown if most is None or width(shown) <= most else _narrowed(shown, most)


def _narrowed(text: str, most: int) -> str:
    """Both ends of a text that is too wide, because names often differ in their last letters."""
    tail = text[len(text) - fitting(reversed(text), (most - 1) // 3, width) :]
    head = text[: fitting(text, most - 1 - width(tail), width)]
    return f"{head}…{tail}"


def _padded(text: str, room: int, *, right: bool = False) -> str:
    gap = " " * (room - width(text))
    return gap + text if right else text + gap


def width(text: str) -> int:
    """Columns a terminal gives to a text: two for East Asian wide characters, none for marks."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
