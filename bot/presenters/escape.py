"""Making text from outside harmless: it can never mention, link, or break a line or a layout.

In Slack's mrkdwn only `& < >` need escaping, in that order; that also kills `<!channel>`, `<@U1>`
and `<url|label>` (Slack's "Formatting text" reference). Names stand in code spans, which take
everything else literally, so a backtick in one is the only thing left that could end it.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls: they move a terminal's cursor and break lines
    "\u2028\u2029"  # line and paragraph separators
    "\u200b\u200e\u200f\u2060\ufeff"  # invisible marks: what looks empty would not be
    "\u202a-\u202e\u2066-\u2069"  # direction overrides: they turn the rest of the line around
    "\ud800-\udfff"  # halves of a character: they cannot be sent at all
    "]+"
)


def clean(text: str) -> str:
    """One line of visible text, without what acts on its surroundings. May be empty."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def escape(text: str) -> str:
    """The text as mrkdwn shows it literally, but for formatting marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def without_backticks(text: str) -> str:
    """The text with nothing in it that could end a code span."""
    return text.replace("`", "'")
