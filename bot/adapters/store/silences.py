"""Silences, and what people did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from bot.adapters.store import codec
from bot.adapters.store.schema import event, incident, silence
from bot.adapters.store.statements import is_key, put
from bot.domain.alerts import EventKind
from bot.domain.incidents import Event
from bot.domain.silences import Silence
from bot.ports import HappenedFilter


def save(connection: Connection, changed: Silence) -> None:
    """Writes a silence over what is stored of it."""
    row = {
        "id": changed.id,
        "ends_at": changed.ended_at or changed.ends_at,
        "document": codec.silence_document(changed),
    }
    put(connection, silence, [row])


def since(connection: Connection, moment: datetime) -> Sequence[Silence]:
    """Silences that are not over before a moment, the oldest first. Raises: Undecodable."""
    documents = connection.scalars(
        select(silence.c.document)
        .where(silence.c.ends_at >= moment)
        .order_by(silence.c.ends_at, silence.c.id)
    ).all()
    return [codec.silence_from(document) for document in documents]


def happened(connection: Connection, wanted: HappenedFilter) -> Sequence[Event]:
    """Events without mere growth, newest first. Raises: Undecodable."""
    chosen = (
        select(event.c.kind, event.c.at, event.c.by_whom, event.c.note, event.c.document)
        .where(event.c.at >= wanted.since, event.c.kind != EventKind.EVIDENCE_CHANGED.value)
        .order_by(event.c.at.desc(), event.c.place.desc())
        .limit(wanted.limit)
    )
    if wanted.key is not None:
        of_task = incident.c.id == event.c.incident_id
        chosen = chosen.join(incident, of_task).where(is_key(incident, wanted.key))
    if wanted.by:
        chosen = chosen.where(event.c.by_whom == wanted.by)
    return [
        codec.event_from(row.document, kind=row.kind, at=row.at, by=row.by_whom, note=row.note)
        for row in connection.execute(chosen)
    ]
