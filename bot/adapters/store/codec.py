"""Values of the domain to documents and back.

A document is a version number, a letter and the JSON of the value: `1j{…}`, or `1z` and the same
JSON deflated where it is long. pydantic reads the domain's own dataclasses strictly. A field that
is new and has a default needs no new version: a document without it takes the default, and an
older program passes over what it does not know.

What is also a column beside the document (version, last ring) is not in the document, so equal
values make equal documents.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from bot.domain.incidents import AlertState, Event, EventKind, Incident, Phase, SubjectState
from bot.domain.model import Subject, TaskKey
from bot.domain.notifications import Card, Notice
from bot.domain.policy import RuleType
from bot.domain.silences import Silence
from bot.ports import ListedTask, StoreError

T = TypeVar("T")

VERSION = b"1"
LONG_BYTES = 1_000
"""Documents longer than this are deflated: evidence repeats itself."""
_LEVEL = 3
"""Half the time of zlib's default for a tenth more bytes."""


class Undecodable(Exception):
    """What is stored is damaged, or of a version that this program does not know."""


def _dump(kind: type[T], value: T) -> bytes:
    try:
        text = _adapter(kind).dump_json(value)
    except PydanticSerializationError as error:
        # Half of a surrogate pair, for instance, is text to Python and to nobody else.
        raise StoreError(f"a {kind.__name__} cannot be written as JSON") from error
    if len(text) <= LONG_BYTES:
        return b"%bj%b" % (VERSION, text)
    return b"%bz%b" % (VERSION, zlib.compress(text, _LEVEL))


def _load(kind: type[T], document: bytes) -> T:
    version, letter, body = document[:1], document[1:2], document[2:]
    if version != VERSION:
        raise Undecodable(f"a {kind.__name__} of an unknown version")
    try:
        text = zlib.decompress(body) if letter == b"z" else body
        loaded: T = _adapter(kind).validate_json(text, strict=True)
    except (zlib.error, ValidationError) as error:
        raise Undecodable(f"a damaged {kind.__name__}") from error
    return loaded


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    # Built on first use: together they cost some 50 ms, which a short command need not pay.
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


# --- alert states ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _State:
    """An AlertState as JSON can say it: subjects are no names, so the mapping is a list of pairs.

    Key, type and version are columns.
    """

    phase: Phase
    subjects: tuple[tuple[Subject, SubjectState], ...]
    incident: Incident | None = None
    clear_since: datetime | None = None
    cleared_at: datetime | None = None
    clear_polls: int = 0


def state_document(state: AlertState) -> bytes:
    """The document of an alert's memory."""
    return _dump(
        _State,
        _State(
            phase=state.phase,
            subjects=tuple(state.subjects.items()),
            incident=state.incident,
            clear_since=state.clear_since,
            cleared_at=state.cleared_at,
            clear_polls=state.clear_polls,
        ),
    )


def state_from(document: bytes, *, key: TaskKey, rule_type: str, version: int) -> AlertState:
    """The alert's memory. Raises: Undecodable."""
    stored = _load(_State, document)
    try:
        known_type = RuleType(rule_type)
    except ValueError as error:
        raise Undecodable(f"an alert of the unknown type {rule_type!r}") from error
    return AlertState(
        key=key,
        type=known_type,
        phase=stored.phase,
        subjects=dict(stored.subjects),
        incident=stored.incident,
        clear_since=stored.clear_since,
        cleared_at=stored.cleared_at,
        clear_polls=stored.clear_polls,
        version=version,
    )


# --- the others ------------------------------------------------------------------------------


def card_document(card: Card) -> bytes:
    """The document of a card, without its version and its last ring."""
    return _dump(Card, replace(card, version=0, rang_at=None))


def card_from(document: bytes, *, version: int, rang_at: datetime | None) -> Card:
    """The card. Raises: Undecodable."""
    return replace(_load(Card, document), version=version, rang_at=rang_at)


def incident_document(incident: Incident) -> bytes:
    """The document of an incident."""
    return _dump(Incident, incident)


def incident_from(document: bytes) -> Incident:
    """The incident. Raises: Undecodable."""
    return _load(Incident, document)


def event_from(
    document: bytes, *, kind: str, at: datetime, by: str | None = None, note: str | None = None
) -> Event:
    """The event with its incident. Raises: Undecodable."""
    try:
        return Event(EventKind(kind), at, incident_from(document), by or "", note or "")
    except ValueError as error:
        raise Undecodable(f"an event of the unknown kind {kind!r}") from error


def silence_document(silence: Silence) -> bytes:
    """The document of a silence."""
    return _dump(Silence, silence)


def silence_from(document: bytes) -> Silence:
    """The silence. Raises: Undecodable."""
    return _load(Silence, document)


def notice_document(notice: Notice) -> bytes:
    """The document of what is to be said."""
    return _dump(Notice, notice)


def notice_from(document: bytes) -> Notice:
    """What is to be said. Raises: Undecodable."""
    return _load(Notice, document)


def listed_document(listed: ListedTask) -> bytes:
    """The document of a discovered task."""
    return _dump(ListedTask, listed)


def listed_from(document: bytes) -> ListedTask:
    """The discovered task. Raises: Undecodable."""
    return _load(ListedTask, document)
