"""The read side: incidents and what happened to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from bot.adapters.store import codec
from bot.adapters.store.schema import event, incident
from bot.adapters.store.statements import is_key
from bot.domain.ids import ALPHABET
from bot.domain.incidents import Event, Incident
from bot.ports import IncidentFilter

NAMESAKES = 10
"""Incidents that a prefix may stand for before it is too short."""
_PREFIX = "i-"


def incidents(connection: Connection, wanted: IncidentFilter) -> Sequence[Incident]:
    """Incidents, newest first. Raises: Undecodable."""
    chosen = select(incident.c.document)
    if wanted.open_only:
        chosen = chosen.where(incident.c.resolved_at.is_(None))
    if wanted.key is not None:
        chosen = chosen.where(is_key(incident, wanted.key))
    if wanted.since is not None:
        ended = incident.c.resolved_at
        chosen = chosen.where(or_(ended.is_(None), ended >= wanted.since))
    newest_first = chosen.order_by(incident.c.opened_at.desc(), incident.c.id)
    documents = connection.scalars(newest_first.limit(wanted.limit)).all()
    return [codec.incident_from(document) for document in documents]


def incident_called(connection: Connection, typed: str) -> Sequence[Incident]:
    """Incidents whose id begins as typed. Raises: Undecodable."""
    letters = letters_of(typed)
    if letters is None:
        return ()
    documents = connection.scalars(
        select(incident.c.document)
        .where(incident.c.id.startswith(f"{_PREFIX}{letters}"))
        .order_by(incident.c.opened_at.desc(), incident.c.id)
        .limit(NAMESAKES)
    ).all()
    return [codec.incident_from(document) for document in documents]


def letters_of(typed: str) -> str | None:
    """The letters of an incident's id, typed in any case, with or without `i-`; None where no id
    looks so."""
    letters = typed.strip().upper().removeprefix(_PREFIX.upper())
    return letters if letters and set(letters) <= set(ALPHABET) else None


def events(connection: Connection, incident_id: str) -> Sequence[Event]:
    """What happened to an incident, oldest first. Raises: Undecodable."""
    rows = connection.execute(
        select(event.c.kind, event.c.at, event.c.by_whom, event.c.note, event.c.document)
        .where(event.c.incident_id == incident_id)
        .order_by(event.c.at, event.c.place)
    ).all()
    return [
        codec.event_from(row.document, kind=row.kind, at=row.at, by=row.by_whom, note=row.note)
        for row in rows
    ]
