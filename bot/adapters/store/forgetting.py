"""What is deleted with age: bounded history everywhere, and never a long transaction.

Each step deletes at most a thousand rows, so whoever wants to write in between waits for that
many. An incident goes with its events and decisions, a card with its outbox rows. The row of a
quiet alert stays: its version must only ever rise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from bot.adapters.store.outbox import CLAIMED
from bot.adapters.store.schema import (
    card,
    decision,
    event,
    incident,
    outbox,
    sample,
    silence,
    window,
)
from bot.adapters.store.statements import DELETED_AT_ONCE, some

Step = Callable[[Connection], bool]
"""Deletes some rows; True when there may be more."""


def steps(*, samples: datetime, incidents: datetime) -> Sequence[Step]:
    """What is to be done, each until it says that nothing is left."""
    ended = select(incident.c.id).where(incident.c.resolved_at < incidents)
    closed = select(card.c.id).where(card.c.closed_at < incidents)
    old: list[tuple[Table, ColumnElement[bool]]] = [
        (sample, sample.c.last_at < samples),
        (window, window.c.seen_at < samples),
        (event, event.c.incident_id.in_(ended)),
        (decision, decision.c.incident_id.in_(ended)),
        (incident, incident.c.resolved_at < incidents),
        (outbox, and_(outbox.c.card_id.in_(closed), outbox.c.state != CLAIMED)),
        (outbox, outbox.c.done_at < incidents),
        (silence, silence.c.ends_at < incidents),
        (card, card.c.closed_at < incidents),
    ]
    return [_deleting(table, which) for table, which in old]


def _deleting(table: Table, which: ColumnElement[bool]) -> Step:
    statement = some(table, which)
    return lambda connection: connection.execute(statement).rowcount >= DELETED_AT_ONCE
