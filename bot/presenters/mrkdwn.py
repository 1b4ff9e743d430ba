"""Spans and parts as Slack's mrkdwn, each cut to the room it is given.

Names stand in code spans, which take everything literally but a backtick; all else is escaped.
What does not fit is counted ("and 12 more"), never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.presenters import limits, plain
from bot.presenters.answer import (
    NAMELESS,
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
from bot.presenters.escape import clean, escape, without_backticks
from bot.presenters.limits import Measure, cut, cut_middle, fitting, json_text_bytes
from bot.presenters.words import in_utc

COMMAND = "/dumptask"
TABLE_CELL = 32
"""Widest cell of a table: more would make its rows wrap."""

_COMMAND_TEXT = 300
_MORE_ROOM = 300
"""Kept for the line that counts what was cut."""

_USER_ID = re.compile("[UW][A-Z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes mrkdwn of at most so much, measured as the place it is for is measured."""

    measure: Measure = json_text_bytes
    command: str = COMMAND
    """What the slash command is called here."""
    date_tokens: bool = True
    """Times in each reader's zone. A lock screen may show such a token raw, so there it is UTC."""

    def line(self, spans: Line, most: int) -> str:
        """The spans; too many are cut between two of them or inside prose, with an ellipsis."""
        pieces = [self._span(span) for span in spans]
        if sum(map(self.measure, pieces)) <= most:
            return "".join(pieces).strip()
        whole = fitting(pieces, most - self.measure(limits.ELLIPSIS), self.measure)
        text = "".join(pieces[:whole])
        prose = _prose(spans[whole])
        end = cut(prose, most - self.measure(text), self.measure) if prose else ""
        return (text + (escape(end) or limits.ELLIPSIS)).strip()

    def part(self, part: Part, most: int) -> str:
        """A part as one text; empty where there is nothing to say, or no room to begin."""
        match part:
            case tuple():
                return self.line(part, most)
            case Facts(pairs):
                return self._stacked([self.fact(*pair, ": ", most) for pair in pairs], most)
            case Entries(items):
                return self._stacked([self._entry(*item, most) for item in items], most)
            case Table():
                return self._table(part, most)
        assert_never(part)

    def fact(self, label: str, value: Line, between: str, most: int) -> str:
        """One label with its value."""
        return self.line((Strong(label), between, *value), most)

    def _entry(self, head: Line, body: Line, most: int) -> str:
        return self.line(("• ", *head, *((" – ", *body) if body else ())), most)

    def _span(self, span: Span) -> str:
        match span:
            case str() | Said():
                return escape(_prose(span))
            case Strong(text):
                return f"*{escape(text)}*"
            case Name(text):
                return _code(cut_middle(clean(text) or NAMELESS, limits.NAME_BYTES))
            case Typed(text):
                return _code(cut(clean(f"{self.command} {text}"), _COMMAND_TEXT))
            case Person(by):
                return f"<@{by}>" if _USER_ID.fullmatch(by) else _code(clean(span.shown))
            case Moment(at):
                form = "{date_short_pretty} {time}"
                token = f"<!date^{int(at.timestamp())}^{form}|{in_utc(at)}>"
                return token if self.date_tokens else in_utc(at)
        assert_never(span)

    def _stacked(self, lines: Sequence[str], most: int) -> str:
        taken = self._taken(lines, most)
        more = [f"… and {len(lines) - taken:,} more"] if taken < len(lines) else []
        return "\n".join((*lines[:taken], *more))

    def _table(self, table: Table, most: int) -> str:
        """A table in a code block: aligned, literal, and shown by every Slack client there is."""
        rows = plain.rows(table, cell_width=TABLE_CELL)
        lines = [escape(without_backticks(row)) for row in rows]
        above = self.line(table.caption, _MORE_ROOM)
        below = self.line(table.and_more, _MORE_ROOM)
        taken = self._taken(lines, most - self.measure(f"{above}\n```\n```\n{below}"))
        if taken < len(lines):
            below = self.line(table.cut_to(max(taken - 1, 0)).and_more, _MORE_ROOM)
        fenced = "\n".join(("```", *lines[:taken], "```")) if taken > 1 else ""
        return "\n".join(text for text in (above, fenced, below) if text)

    def _taken(self, lines: Sequence[str], most: int) -> int:
        """How many lines fit; when not all do, beside a line that counts the others."""
        if sum(self.measure(f"{line}\n") for line in lines) <= most:
            return len(lines)
        return fitting([f"{line}\n" for line in lines], most - _MORE_ROOM, self.measure)


def _prose(span: Span) -> str:
    """The words of a span that may be cut anywhere; empty for all others."""
    match span:
        case str():
            return span
        case Said(text):
            return without_backticks(clean(text))
        case _:
            return ""


def _code(text: str) -> str:
    return f"`{escape(without_backticks(text))}`"
