"""The outbox: what is to be said, in order, until it is delivered or given up.

A row waits, is claimed for a time by one process, and ends as delivered or given up. A claim that
is not answered in time, because its process died, makes the row wait again; what it was sending
may have arrived, so the row is marked.

At most one row of a card is claimed, the oldest one. A card whose message does not exist is posted
before its replies, whatever their order; a reply goes alone only when no look at its card waits.
Looks at one card that wait are made one: the newest content in the place of the oldest, which
rings if any of them would. That is done when a row is added and again when one is claimed, so an
outage of hours leaves one look per card.

How two processes never claim the same row on PostgreSQL: rows that another has locked are skipped;
the condition stands in the UPDATE itself and not only in its subquery, because after waiting for a
lock only the outer condition is checked against the row as it is now; and a unique index allows
one claim per card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from bot.adapters.store import codec
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.schema import card, outbox
from bot.adapters.store.statements import Values, insert_new
from bot.domain.notifications import Form, Intent
from bot.ports import MessageRef, OutboxRow, Postponement

WAITING, CLAIMED, DELIVERED, GIVEN_UP = "waiting", "claimed", "delivered", "given_up"
KEPT_PER_CARD = 20
"""Rows of a card that are kept after their end, for those who ask what was sent."""
_ERROR_LENGTH = 500


def _rooted(row: FromClause) -> ColumnElement[bool]:
    """Whether the card of the row has a message."""
    # Told explicitly: two levels down, SQLAlchemy would take `row` as another table to join.
    found = exists().where(card.c.id == row.c.card_id, card.c.root_ts.is_not(None))
    return found.correlate(row)


_ROOTED = _rooted(outbox)


# --- adding ----------------------------------------------------------------------------------


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
    waiting = connection.execute(
        select(outbox, _ROOTED.label("rooted"))
        .where(outbox.c.card_id == card_id, outbox.c.form == Form.CARD.value)
        .where(outbox.c.state == WAITING)
        .order_by(outbox.c.seq)
        .with_for_update(of=outbox)
    ).all()
    if waiting and _fixed(waiting[0]):
        waiting = waiting[1:]
    if len(waiting) > 1:
        _merge(connection, waiting[0], waiting[1:])


def _fixed(row: Row[Any]) -> bool:
    """Whether a post may have arrived: only the very same may be sent again, under the same id."""
    return bool(row.ambiguous and not row.rooted)


def _merge(
    connection: Connection,
    oldest: Row[Any],
    others: Sequence[Row[Any]],
) -> None:
    newest = others[-1]
    connection.execute(delete(outbox).where(outbox.c.seq.in_([row.seq for row in others])))
    connection.execute(
        update(outbox)
        .where(outbox.c.seq == oldest.seq)
        .values(
            id=newest.id,
            channel=newest.channel,
            wanted_at=newest.wanted_at,
            document=newest.document,
            rings=oldest.rings or any(row.rings for row in others),
            # New content deserves its blocks again.
            plain=newest.plain,
        )
    )


# --- claiming --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, when, for how long and how much."""

    owner: str
    now: datetime
    lease: timedelta
    limit: int


def claim(connection: Connection, wanted: Claim) -> Sequence[OutboxRow]:
    """Claims due rows, oldest first."""
    _make_wait_again(connection, outbox.c.claimed_until <= wanted.now)
    places = _claimed(connection, wanted)
    if not places:
        return ()
    _merge_into_claimed(connection, places)
    return _rows(connection, places, wanted.now)


def release(connection: Connection, owner: str | None) -> None:
    """Makes the rows wait again that `owner` has claimed; None: whoever has."""
    whose = outbox.c.claimed_by.is_not(None) if owner is None else outbox.c.claimed_by == owner
    _make_wait_again(connection, whose)


def _make_wait_again(connection: Connection, which: ColumnElement[bool]) -> None:
    # An edit that is repeated does no harm; a post or reply may then stand there twice.
    posts = or_(outbox.c.form == Form.REPLY.value, not_(_ROOTED))
    lost = and_(outbox.c.state == CLAIMED, which)
    locked = (
        select(outbox.c.seq).where(lost).order_by(outbox.c.seq).with_for_update(skip_locked=True)
    )
    connection.execute(
        update(outbox)
        .where(outbox.c.seq.in_(locked), lost)
        .values(
            **_UNCLAIMED,
            state=WAITING,
            attempts=outbox.c.attempts + 1,
            ambiguous=or_(outbox.c.ambiguous, posts),
        )
    )


_UNCLAIMED: Values = {"claimed_by": None, "claimed_until": None}


def _claimed(connection: Connection, wanted: Claim) -> Sequence[int]:
    row = outbox.alias("candidate")
    chosen = (
        select(row.c.seq)
        .where(_due(row, wanted.now), not_(_blocked(row)))
        .order_by(row.c.seq)
        .limit(wanted.limit)
        .with_for_update(of=row, skip_locked=True)
        # Inside IN (…) PostgreSQL may evaluate it for every row, and then it limits nothing.
        .cte("chosen")
    )
    return connection.scalars(
        update(outbox)
        .where(outbox.c.seq.in_(select(chosen.c.seq)), _due(outbox, wanted.now))
        .values(state=CLAIMED, claimed_by=wanted.owner, claimed_until=wanted.now + wanted.lease)
        .returning(outbox.c.seq)
    ).all()


def _due(row: FromClause, now: datetime) -> ColumnElement[bool]:
    return and_(row.c.state == WAITING, row.c.due_at <= now)


def _blocked(row: FromClause) -> ColumnElement[bool]:
    """Whether another row of the card must go first."""
    other = outbox.alias("other")
    is_look = row.c.form == Form.CARD.value
    other_is_look = other.c.form == Form.CARD.value
    older = other.c.seq < row.c.seq
    # With a message the older one goes first. Without one a look goes before all replies.
    goes_first = case(
        (or_(_rooted(row), is_look == other_is_look), older),
        else_=other_is_look,
    )
    first = exists().where(
        other.c.card_id == row.c.card_id,
        other.c.seq != row.c.seq,
        or_(other.c.state == CLAIMED, and_(other.c.state == WAITING, goes_first)),
    )
    return first.correlate(row)


def _merge_into_claimed(connection: Connection, places: Sequence[int]) -> None:
    looks = select(outbox, _ROOTED.label("rooted")).where(outbox.c.form == Form.CARD.value)
    claimed = connection.execute(looks.where(outbox.c.seq.in_(places))).all()
    mergeable = {row.card_id: row for row in claimed if not _fixed(row)}
    if not mergeable:
        return
    waiting = connection.execute(
        looks.where(outbox.c.card_id.in_(mergeable), outbox.c.state == WAITING)
        .order_by(outbox.c.seq)
        .with_for_update(of=outbox)
    ).all()
    for card_id, row in mergeable.items():
        others = [other for other in waiting if other.card_id == card_id]
        if others:
            _merge(connection, row, others)


def _rows(connection: Connection, places: Sequence[int], now: datetime) -> Sequence[OutboxRow]:
    found = connection.execute(
        select(outbox, card.c.root_channel, card.c.root_ts)
        .outerjoin_from(outbox, card, card.c.id == outbox.c.card_id)
        .where(outbox.c.seq.in_(places))
        .order_by(outbox.c.seq)
    ).all()
    rows = []
    for row in found:
        try:
            rows.append(_row(row))
        except Undecodable as error:
            # Nobody can send it, and it must not hold up the others.
            _finish(connection, outbox.c.seq == row.seq, GIVEN_UP, at=now, error=str(error))
    return rows


def _row(row: Row[Any]) -> OutboxRow:
    intent = Intent(
        id=row.id,
        card_id=row.card_id,
        channel=row.channel,
        form=Form(row.form),
        notice=codec.notice_from(row.document),
        due_at=row.wanted_at,
        rings=row.rings,
    )
    root = None if row.root_ts is None else MessageRef(row.root_channel, row.root_ts)
    return OutboxRow(
        intent=intent,
        seq=row.seq,
        attempts=row.attempts,
        created_at=row.created_at,
        root=root,
        ambiguous=row.ambiguous,
        plain=row.plain,
    )


# --- ending ----------------------------------------------------------------------------------


def delivered(connection: Connection, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
    """Marks a row done, whoever has it claimed by now: it is out. The card learns of it."""
    _finish(connection, _is(row), DELIVERED, at=at)
    about: dict[str, object] = {}
    if row.intent.form is Form.CARD and ref is not None:
        about = {"root_channel": ref.channel, "root_ts": ref.ts}
    if row.intent.rings:
        about["rang_at"] = at
    if about:
        connection.execute(update(card).where(card.c.id == row.intent.card_id).values(about))
    _trim(connection, row.intent.card_id)


def postpone(
    connection: Connection, row: OutboxRow, postponement: Postponement, *, owner: str
) -> None:
    """Gives a row back that `owner` still has claimed."""
    marks = {"ambiguous": postponement.ambiguous, "plain": postponement.plain}
    connection.execute(
        update(outbox)
        .where(_is(row), outbox.c.state == CLAIMED, outbox.c.claimed_by == owner)
        .values(
            **_UNCLAIMED,
            state=WAITING,
            due_at=postponement.until,
            attempts=outbox.c.attempts + int(postponement.counts),
            error=_short(postponement.error),
            **{name: True for name, marked in marks.items() if marked},
        )
    )


def give_up(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """Marks a row as never to be sent; it stays for a while, with the reason."""
    _finish(connection, _is(row), GIVEN_UP, at=at, error=error)
    _trim(connection, row.intent.card_id)


def drop_root(connection: Connection, card_id: str) -> None:
    """Forgets where a card is. When no look at it waits, the last one is to be posted again."""
    gone = {"root_channel": None, "root_ts": None}
    connection.execute(update(card).where(card.c.id == card_id).values(gone))
    looks = and_(outbox.c.card_id == card_id, outbox.c.form == Form.CARD.value)
    going = select(outbox.c.seq).where(looks, outbox.c.state.in_((WAITING, CLAIMED))).limit(1)
    if connection.scalar(going) is not None:
        return
    last = select(func.max(outbox.c.seq)).where(looks, outbox.c.state == DELIVERED)
    connection.execute(
        update(outbox)
        .where(outbox.c.seq == last.scalar_subquery())
        .values(state=WAITING, attempts=0, ambiguous=False, done_at=None)
    )


def backlog(connection: Connection, now: datetime) -> tuple[int, timedelta]:
    """Rows that are not delivered yet, and how long the oldest of those that are due exists."""
    due = case((outbox.c.due_at <= now, outbox.c.created_at))
    count, oldest = connection.execute(
        select(func.count(), func.min(due)).where(outbox.c.state.in_((WAITING, CLAIMED)))
    ).one()
    return count, max(now - oldest, timedelta(0)) if oldest is not None else timedelta(0)


def _is(row: OutboxRow) -> ColumnElement[bool]:
    return and_(outbox.c.seq == row.seq, outbox.c.id == row.intent.id)


def _finish(
    connection: Connection,
    which: ColumnElement[bool],
    state: str,
    *,
    at: datetime,
    error: str | None = None,
) -> None:
    connection.execute(
        update(outbox)
        .where(which, outbox.c.state.in_((WAITING, CLAIMED)))
        .values(**_UNCLAIMED, state=state, done_at=at, error=error and _short(error))
    )


def _trim(connection: Connection, card_id: str) -> None:
    """Keeps the latest delivered look at a card, and KEPT_PER_CARD ended rows in all."""
    ended = and_(outbox.c.card_id == card_id, outbox.c.state.in_((DELIVERED, GIVEN_UP)))
    looks = and_(ended, outbox.c.form == Form.CARD.value, outbox.c.state == DELIVERED)
    last_look = select(func.max(outbox.c.seq)).where(looks).scalar_subquery()
    connection.execute(delete(outbox).where(looks, outbox.c.seq < last_look))
    kept = select(outbox.c.seq).where(ended).order_by(outbox.c.seq.desc()).limit(KEPT_PER_CARD)
    connection.execute(delete(outbox).where(ended, outbox.c.seq.not_in(kept)))


def _short(error: str) -> str:
    # PostgreSQL's text takes any character but this one.
    return error.replace("\0", "")[:_ERROR_LENGTH]
