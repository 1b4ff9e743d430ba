"""The outbox: what is to be said, in order, until it is delivered or given up.

A row waits, is claimed for a time by one process (`claims`), and ends as delivered or given up
(`deliveries`). Here rows are added, and looks at one card that wait are made one: the newest
content in the place of the oldest, which rings if any of them would. That is done when a row is
added and again when one is claimed, so an outage of hours leaves one look per card.

Statements that run often are made once: to make one costs more than to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    select,
    update,
)

from bot.adapters.store import codec
from bot.adapters.store.schema import card, outbox
from bot.adapters.store.statements import Values, insert_new
from bot.domain.notifications import Form, Intent

WAITING, CLAIMED, DELIVERED, GIVEN_UP = "waiting", "claimed", "delivered", "given_up"

IS_LOOK = outbox.c.form == Form.CARD.value


def rooted(row: FromClause) -> ColumnElement[bool]:
    """Whether the card of the row has a message."""
    # Told explicitly: two levels down, SQLAlchemy would take `row` as another table to join.
    found = exists().where(card.c.id == row.c.card_id, card.c.root_ts.is_not(None))
    return found.correlate(row)


LOOKS = select(outbox, rooted(outbox).label("rooted")).where(IS_LOOK).order_by(outbox.c.seq)

_WAITING = and_(outbox.c.card_id == bindparam("of_card"), outbox.c.state == WAITING)
_WAITING_LOOKS = LOOKS.where(_WAITING).with_for_update(of=outbox)
_SOME_WAITING = select(outbox.c.seq).where(IS_LOOK, _WAITING).limit(2)
_REMOVE = delete(outbox).where(outbox.c.seq.in_(bindparam("places", expanding=True)))
_REWRITE = update(outbox).where(outbox.c.seq == bindparam("place"))


def enqueue(connection: Connection, intents: Sequence[Intent], at: datetime) -> None:
    """Adds rows; one whose id is there already is passed over."""
    if not intents:
        return
    rows = [_new_row(intent, at) for intent in intents]
    connection.execute(insert_new(connection.dialect.name, outbox), rows)
    for card_id in {intent.card_id for intent in intents if intent.form is Form.CARD}:
        _merge_waiting(connection, card_id)


def _new_row(intent: Intent, at: datetime) -> Values:
    return {
        "id": intent.id,
        "card_id": intent.card_id,
        "channel": intent.channel,
        "form": intent.form.value,
        "rings": intent.rings,
        "created_at": at,
        "wanted_at": intent.due_at,
        "due_at": intent.due_at,
        "state": WAITING,
        "attempts": 0,
        "ambiguous": False,
        "plain": False,
        "document": codec.notice_document(intent.notice),
    }


def _merge_waiting(connection: Connection, card_id: str) -> None:
    """Makes the looks at a card that wait one."""
    if len(connection.scalars(_SOME_WAITING, {"of_card": card_id}).all()) < 2:
        return
    waiting = connection.execute(_WAITING_LOOKS, {"of_card": card_id}).all()
    if waiting and fixed(waiting[0]):
        waiting = waiting[1:]
    if len(waiting) > 1:
        merge(connection, waiting[0], waiting[1:])


def fixed(row: Row[Any]) -> bool:
    """Whether a post may have arrived: only the very same may be sent again, under the same id."""
    return bool(row.ambiguous and not row.rooted)


def merge(connection: Connection, oldest: Row[Any], others: Sequence[Row[Any]]) -> None:
    """Puts the newest of the others in the place of the oldest; the others go."""
    newest = others[-1]
    connection.execute(_REMOVE, {"places": [row.seq for row in others]})
    connection.execute(
        _REWRITE,
        {
            "place": oldest.seq,
            "id": newest.id,
            "channel": newest.channel,
            "wanted_at": newest.wanted_at,
            "document": newest.document,
            "rings": oldest.rings or any(row.rings for row in others),
            # New content deserves its blocks again.
            "plain": newest.plain,
        },
    )
