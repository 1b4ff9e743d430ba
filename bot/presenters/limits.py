"""What Slack takes, as one table, and the measuring and cutting that keeps to it.

Limits move and some are not documented, so the lower figure of each source stands here. Texts
inside blocks are measured as the JSON that they become with every character beyond ASCII written
as an escape: no other way of counting, by characters, UTF-16 units or bytes, gives more.

Cutting is done before escaping while measuring after it, so that no `&amp;` is ever cut in two.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import assert_never

from bot.presenters.escape import escape
from bot.presenters.message import Json

BLOCKS = 50
"""Blocks of a message (Block Kit reference)."""
BLOCKS_BYTES = 9_900
"""All blocks together, as JSON. Undocumented; `msg_blocks_too_long` was seen from 10,600 on."""
SECTION_TEXT = 3_000
"""Section and context text (Block Kit reference: 1 to 3,000)."""
FIELDS = 10
"""Fields of a section."""
FIELD_TEXT = 2_000
HEADER_TEXT = 150
"""Header; plain text only."""
MESSAGE_TEXT_BYTES = 4_000
"""`text`: chat.update refuses more than 4,000 bytes of UTF-8 after escaping (`msg_too_long`)."""
ACTION_ELEMENTS = 25
"""Buttons of one row."""
BUTTON_TEXT = 75
BUTTON_URL = 3_000

# --- ours, below Slack's, so that a message stays readable and its parts fit together ---

NAME_BYTES = 96
"""A name in a message. Names may have 249 characters; more than this pushes the news away."""
FACT_TEXT = 400
LINKS_BYTES = 3_500
"""All link buttons together."""

ELLIPSIS = "…"

Measure = Callable[[str], int]
"""The length of a text. It must add up: the length of a whole is the sum of its parts'."""


def utf8_bytes(text: str) -> int:
    """Bytes as UTF-8."""
    return len(text.encode())


def utf16_units(text: str) -> int:
    """Length as JavaScript and Java count it."""
    return len(text.encode("utf-16-le")) // 2


def json_text_bytes(text: str) -> int:
    """Bytes inside the quotes of a JSON string with only ASCII in it, at most."""
    plain = len(text.encode("ascii", "ignore"))
    beyond = len(text.encode("utf-16-le", "surrogatepass")) // 2 - plain
    marked = sum(map(text.count, '"\\\n'))
    return plain + 6 * beyond + marked + 5 * sum(map(text.count, _CONTROLS))


_CONTROLS = [chr(code) for code in (*range(0x20), 0x7F) if chr(code) != "\n"]


def json_bytes(value: Json) -> int:
    """Bytes of a value as JSON without spaces, with only ASCII in it."""
    match value:
        case None | True:
            return 4
        case False:
            return 5
        case str():
            return 2 + json_text_bytes(value)
        case int() | float():
            return len(str(value))
        case Mapping():
            pairs = value.items()
            own = sum(json_bytes(key) + 1 + json_bytes(item) for key, item in pairs)
            return own + _punctuation(len(value))
        case Sequence():
            return sum(map(json_bytes, value)) + _punctuation(len(value))
    assert_never(value)


def _punctuation(items: int) -> int:
    """Two brackets, and the commas between."""
    return 2 + max(items - 1, 0)


def fitting(pieces: Iterable[str], room: int, measure: Measure) -> int:
    """How many pieces from the first on fit into `room` together."""
    return sum(1 for _ in takewhile(room.__ge__, accumulate(map(measure, pieces))))


def cut(text: str, most: int, measure: Measure = json_text_bytes) -> str:
    """The longest beginning of `text` that measures at most `most` once escaped.

    What is cut ends in an ellipsis; where not even that fits, nothing is left.
    """
    if measure(escape(text)) <= most:
        return text
    room = most - measure(ELLIPSIS)
    return text[: _characters(text, room, measure)].rstrip() + ELLIPSIS if room >= 0 else ""


def cut_middle(text: str, most: int, measure: Measure = utf8_bytes) -> str:
    """The same, keeping both ends: names that begin alike often differ in their last letters."""
    if measure(escape(text)) <= most:
        return text
    room = most - measure(ELLIPSIS)
    tail = _characters(text[::-1], room // 3, measure)
    head = _characters(text, room - room // 3, measure)
    return f"{text[:head]}{ELLIPSIS}{text[len(text) - tail :]}"


def _characters(text: str, room: int, measure: Measure) -> int:
    """How many characters from the start fit into `room`, which is not negative."""
    beginnings = range(len(text) + 1)
    return bisect_right(beginnings, room, key=lambda end: measure(escape(text[:end]))) - 1
