"""Claims: which row of the outbox is sent next, and by whom.

At most one row of a card is claimed, the oldest one. A card whose message does not exist is posted
before its replies, whatever their order; a reply goes alone only when no look at its card waits.
A claim that is not answered in time, because its process died, makes the row wait again; what it
was sending may have arrived, so the row is marked.

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
    Update,
    and_,
    bindparam,
    case,
    exists,
    not_,
    or_,
    select,
    update,
)

from bot.adapters.store import codec, deliveries
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.outbox import CLAIMED, IS_LOOK, LOOKS, WAITING, fixed, merge, rooted
from bot.adapters.store.schema import Instant, card, outbox
from bot.domain.notifications import Form, Intent
from bot.ports import MessageRef, OutboxRow


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, when, for how long and how much."""

    owner: str
    now: datetime
    lease: timedelta
    limit: int


def claim(connection: Connection, wanted: Claim) -> Sequence[OutboxRow]:
    """Claims due rows, oldest first."""
    connection.execute(_EXPIRE, {"now": wanted.now})
    until = wanted.now + wanted.lease
    places = connection.scalars(
        _CLAIM,
        {"now": wanted.now, "until": until, "owner": wanted.owner, "most": wanted.limit},
    ).all()
    if not places:
        return ()
    _merge_into_claimed(connection, places)
    return _rows(connection, places, wanted.now)


def release(connection: Connection, owner: str | None) -> None:
    """Makes the rows wait again that `owner` has claimed; None: whoever has."""
    if owner is None:
        connection.execute(_wait_again(outbox.c.claimed_by.is_not(None)))
    else:
        connection.execute(_wait_again(outbox.c.claimed_by == owner))


def _wait_again(which: ColumnElement[bool]) -> Update:
    # An edit that is repeated does no harm; a post or reply may then stand there twice.
    posts = or_(not_(IS_LOOK), not_(rooted(outbox)))
    lost = and_(outbox.c.state == CLAIMED, which)
    locked = select(outbox.c.seq).where(lost).order_by(outbox.c.seq)
    return (
        update(outbox)
        .where(outbox.c.seq.in_(locked.with_for_update(skip_locked=True)), lost)
        .values(
            state=WAITING,
            claimed_by=None,
            claimed_until=None,
            attempts=outbox.c.attempts + 1,
            ambiguous=or_(outbox.c.ambiguous, posts),
        )
    )


def _due(row: FromClause) -> ColumnElement[bool]:
    return and_(row.c.state == WAITING, row.c.due_at <= bindparam("now", type_=Instant))


def _blocked(row: FromClause) -> ColumnElement[bool]:
    """Whether another row of the card must go first."""
    other = outbox.alias("other")
    is_look = row.c.form == Form.CARD.value
    other_is_look = other.c.form == Form.CARD.value
    older = other.c.seq < row.c.seq
    # With a message the older one goes first. Without one a look goes before all replies.
    goes_first = case(
        (or_(rooted(row), is_look == other_is_look), older),
        else_=other_is_look,
    )
    first = exists().where(
        other.c.card_id == row.c.card_id,
        other.c.seq != row.c.seq,
        or_(other.c.state == CLAIMED, and_(other.c.state == WAITING, goes_first)),
    )
    return first.correlate(row)


def _claiming() -> Update:
    row = outbox.alias("candidate")
    chosen = (
        select(row.c.seq)
        .where(_due(row), not_(_blocked(row)))
        .order_by(row.c.seq)
        .limit(bindparam("most"))
        .with_for_update(of=row, skip_locked=True)
        # Inside IN (…) PostgreSQL may evaluate it for every row, and then it limits nothing.
        .cte("chosen")
    )
    return (
        update(outbox)
        .where(outbox.c.seq.in_(select(chosen.c.seq)), _due(outbox))
        .values(
            state=CLAIMED,
            claimed_by=bindparam("owner"),
            claimed_until=bindparam("until", type_=Instant),
        )
    )


_EXPIRE = _wait_again(outbox.c.claimed_until <= bindparam("now", type_=Instant))
_CLAIM = _claiming().returning(outbox.c.seq)

_AT_PLACES = outbox.c.seq.in_(bindparam("places", expanding=True))
_CLAIMED_LOOKS = LOOKS.where(_AT_PLACES)
_LOOKS_BESIDE = LOOKS.where(
    outbox.c.card_id.in_(bindparam("cards", expanding=True)), outbox.c.state == WAITING
).with_for_update(of=outbox)
_WITH_ROOTS = (
    select(outbox, card.c.root_channel, card.c.root_ts)
    .outerjoin_from(outbox, card, card.c.id == outbox.c.card_id)
    .where(_AT_PLACES)
    .order_by(outbox.c.seq)
)


def _merge_into_claimed(connection: Connection, places: Sequence[int]) -> None:
    claimed = connection.execute(_CLAIMED_LOOKS, {"places": places}).all()
    open_to_news = {row.card_id: row for row in claimed if not fixed(row)}
    if not open_to_news:
        return
    waiting = connection.execute(_LOOKS_BESIDE, {"cards": list(open_to_news)}).all()
    for card_id in {row.card_id for row in waiting}:
        others = [row for row in waiting if row.card_id == card_id]
        merge(connection, open_to_news[card_id], others)


def _rows(connection: Connection, places: Sequence[int], now: datetime) -> Sequence[OutboxRow]:
    rows = []
    for row in connection.execute(_WITH_ROOTS, {"places": places}).all():
        try:
            rows.append(_row(row))
        except Undecodable as error:
            # Nobody can send it, and it must not hold up the others.
            deliveries.give_up_unread(connection, row.seq, str(error), now)
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
