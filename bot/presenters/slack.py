"""Answers and cards as Slack messages, within Slack's limits by construction.

Every part becomes one block, cut to the room that is left of the message; parts for which there is
no room are counted. `text` is what notifications and screen readers get, and what remains when
Slack refuses the blocks, so it is complete in itself.

Times are date tokens, which Slack shows in each reader's zone. Every mrkdwn text is `verbatim`, so
that Slack makes no links or mentions of its own accord. Mentions come only from the notice's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from urllib.parse import quote

from bot.domain.notifications import Notice
from bot.presenters import limits
from bot.presenters.answer import (
    NAMELESS,
    Answer,
    Facts,
    Line,
    Moment,
    Name,
    Part,
    Person,
    Said,
    Span,
    Strong,
    Typed,
    joined,
)
from bot.presenters.cards import card_answer, headline, reply_answer
from bot.presenters.escape import clean, escape
from bot.presenters.limits import cut, cut_middle, json_bytes, utf8_bytes, utf16_units
from bot.presenters.message import Block, Message
from bot.presenters.mrkdwn import COMMAND, Writer
from bot.presenters.words import in_utc, in_words

_NOTE_TEXT = 600
_MENTION_TEXT = 600
_LEAST_PART = 400
"""A part is not begun in less room than this."""
_LEFT_OUT_ROOM = 250
"""Kept for the block that counts the parts left out."""


# --- messages --------------------------------------------------------------------------------


def render(answer: Answer, *, command: str = COMMAND) -> Message:
    """An answer to a command. `command` is the slash command it was asked with."""
    in_text = Writer(utf8_bytes, command, date_tokens=False)
    return Message(_whole_text(in_text, answer), _blocks(Writer(command=command), _Sheet(answer)))


def card(
    notice: Notice,
    *,
    queued_for: timedelta | None = None,
    maybe_duplicate: bool = False,
    meant_for: str = "",
) -> Message:
    """The card of a task or account: what a channel sees of its incidents.

    `queued_for` is said when the message is late; None or zero says nothing. `maybe_duplicate`
    marks one that may have been delivered before, because Slack's answer was lost. `meant_for`
    names the channel that refused it, where it stands in another.
    """
    marks = _marks(queued_for, meant_for, maybe_duplicate=maybe_duplicate)
    return _told(notice, card_answer(notice), headline(notice), marks)


def reply(
    notice: Notice,
    *,
    queued_for: timedelta | None = None,
    maybe_duplicate: bool = False,
    meant_for: str = "",
) -> Message:
    """What happened, as a line in the card's thread; `queued_for` and the mark as for `card`."""
    marks = _marks(queued_for, meant_for, maybe_duplicate=maybe_duplicate)
    line = reply_answer(notice).title
    return _told(notice, Answer((), (line,)), line, marks, links=())


def _told(
    notice: Notice,
    answer: Answer,
    summary: Line,
    marks: Line,
    *,
    links: Sequence[tuple[str, str]] | None = None,
) -> Message:
    mentions = mention_text(notice.mentions)
    noted = Answer(answer.title, answer.parts, joined((answer.note, marks), " · "))
    buttons = notice.links if links is None else links
    words = Writer(utf8_bytes, date_tokens=False).line(
        joined((summary, marks), " · "), limits.MESSAGE_TEXT_BYTES - len(mentions) - 1
    )
    return Message(
        f"{words} {mentions}".strip(), _blocks(Writer(), _Sheet(noted, mentions, buttons))
    )


def _marks(queued_for: timedelta | None, meant_for: str, *, maybe_duplicate: bool) -> Line:
    late: Line = (f"late: waited {in_words(queued_for)} to be sent",) if queued_for else ()
    twice: Line = ("possible duplicate: Slack's answer to an earlier try was lost",)
    elsewhere: Line = ("meant for ", Name(meant_for), ", which refuses it") if meant_for else ()
    return joined((late, twice if maybe_duplicate else (), elsewhere), " · ")


def mention_text(mentions: Iterable[str]) -> str:
    """Mentions of users (U, W), user groups (S) and `here`; anything else is left out."""
    text = ""
    for mention in map(_mention, dict.fromkeys(mentions)):
        longer = f"{text} {mention}".strip()
        if len(longer) <= _MENTION_TEXT:
            text = longer
    return text


def _mention(target: str) -> str:
    if target == "here":
        return "<!here>"
    if not re.fullmatch("[USW][A-Z0-9]{1,30}", target):
        return ""
    return f"<!subteam^{target}>" if target.startswith("S") else f"<@{target}>"


def _whole_text(writer: Writer, answer: Answer) -> str:
    """The whole answer as one text, as far as it fits."""
    texts: list[str] = []
    room = limits.MESSAGE_TEXT_BYTES
    for part in (answer.title, *answer.parts, answer.note):
        text = writer.part(part, room) if room >= _LEAST_PART else ""
        if text:
            texts.append(text)
            room -= utf8_bytes(text) + 1
    return "\n".join(texts)


# --- blocks ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What blocks are made of."""

    answer: Answer
    mentions: str = ""
    links: Sequence[tuple[str, str]] = ()


def _blocks(writer: Writer, sheet: _Sheet) -> tuple[Block, ...]:
    """Title, mentions, as many parts as fit, note and link buttons."""
    answer = sheet.answer
    head = [*_header(answer.title), *([_section(sheet.mentions)] if sheet.mentions else [])]
    note = writer.line(answer.note, _NOTE_TEXT)
    foot = [*([_context(note)] if note else []), *_link_buttons(sheet.links)]
    room = limits.BLOCKS_BYTES - json_bytes([*head, *foot])
    most = limits.BLOCKS - len(head) - len(foot)
    return (*head, *_body(writer, answer.parts, room, most), *foot)


def _body(writer: Writer, parts: Sequence[Part], room: int, most: int) -> list[Block]:
    made: list[Block] = []
    for place, part in enumerate(parts):
        if room < _LEAST_PART + _LEFT_OUT_ROOM or len(made) >= most - 1:
            left = len(parts) - place
            return [*made, _section(f"… and {left:,} more, for which there was no room")]
        block = _block(writer, part, room - _LEFT_OUT_ROOM)
        if block is not None:
            made.append(block)
            room -= json_bytes(block) + 1
    return made


def _block(writer: Writer, part: Part, room: int) -> Block | None:
    if isinstance(part, Facts):
        return _fields(writer, part, room - _SECTION_BYTES)
    text = writer.part(part, min(limits.SECTION_TEXT, room - _SECTION_BYTES))
    return _section(text) if text else None


def _fields(writer: Writer, facts: Facts, room: int) -> Block | None:
    fields: list[Block] = []
    for label, value in facts.pairs[: limits.FIELDS]:
        field = _mrkdwn(writer.fact(label, value, "\n", limits.FACT_TEXT))
        room -= json_bytes(field) + 1
        if room < 0:
            break
        fields.append(field)
    return {"type": "section", "fields": fields} if fields else None


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


_SECTION_BYTES = json_bytes(_section("")) + 1


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _header(title: Line) -> list[Block]:
    words = "".join(map(_header_words, title)).strip()
    text = escape(cut(words, limits.HEADER_TEXT, utf16_units))
    return [{"type": "header", "text": _plain_text(text)}] if text else []


def _header_words(span: Span) -> str:
    match span:
        case str():
            return span
        case Name(text):
            return cut_middle(clean(text) or NAMELESS, limits.NAME_BYTES)
        case Moment(at):
            return in_utc(at)
        case Said(text) | Strong(text) | Typed(text):
            return clean(text)
        case Person():
            return clean(span.shown)
    assert_never(span)


def _link_buttons(links: Sequence[tuple[str, str]]) -> list[Block]:
    """Buttons for the addresses that Slack takes, as many as fit."""
    buttons: list[Block] = []
    room = limits.LINKS_BYTES
    for title, url in links:
        button = _link_button(title, url, len(buttons))
        if button is None or json_bytes(button) > room or len(buttons) == limits.ACTION_ELEMENTS:
            continue
        buttons.append(button)
        room -= json_bytes(button) + 1
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _link_button(title: str, url: str, place: int) -> Block | None:
    """None where Slack would refuse the whole message for the button: no title, a strange URL."""
    label = escape(cut(clean(title), limits.BUTTON_TEXT, utf16_units))
    encoded = quote(url, safe="%/:=&?~#+!$,;'@()*[]", errors="replace")
    usable = re.fullmatch(r"https?://[^/?#].*", encoded) and len(encoded) <= limits.BUTTON_URL
    if not label or not usable:
        return None
    return {
        "type": "button",
        "text": _plain_text(label),
        "url": encoded,
        "action_id": f"link-{place}",
    }
