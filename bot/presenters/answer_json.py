"""Answers for machines: the same words, with their labels and columns as keys."""

from __future__ import annotations

from typing import assert_never

from bot.presenters import plain
from bot.presenters.answer import Answer, Entries, Facts, Part, Table


def as_json(answer: Answer) -> dict[str, object]:
    """`title`, `parts` and `note`. A part is `text`, `facts`, `entries` or `rows` (with `more`)."""
    return {
        "title": plain.line(answer.title),
        "parts": [_part(part) for part in answer.parts],
        "note": plain.line(answer.note),
        "refused": answer.refused,
    }


def _part(part: Part) -> dict[str, object]:
    match part:
        case tuple():
            return {"text": plain.line(part)}
        case Facts(pairs):
            return {"facts": {label: plain.line(value) for label, value in pairs}}
        case Entries(items):
            return {"entries": [[plain.line(head), plain.line(body)] for head, body in items]}
        case Table():
            titles = [column.title for column in part.columns]
            rows = [dict(zip(titles, row, strict=True)) for row in part.rows]
            return {"rows": rows, "more": part.more}
    assert_never(part)
