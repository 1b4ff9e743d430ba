"""What becomes of a claimed row of the outbox: delivered, postponed, or given up.

Ended rows are kept for those who ask what was sent, a bounded number per card.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, case, delete, func, select, update

from bot.adapters.store.outbox import CLAIMED, DELIVERED, GIVEN_UP, IS_LOOK, WAITING
from bot.adapters.store.schema import Instant, card, outbox
from bot.domain.notifications import Form
from bot.ports import MessageRef, OutboxRow, Postponement

KEPT_PER_CARD = 20
"""Ended rows of a card that are kept."""
_ERROR_LENGTH = 500

_UNCLAIMED = {"claimed_by": None, "claimed_until": None}
_GOING = outbox.c.state.in_((WAITING, CLAIMED))
_THE_ROW = and_(outbox.c.seq == bindparam("the_seq"), outbox.c.id == bindparam("the_id"))
_OF_CARD = outbox.c.card_id == bindparam("of_card")

_FINISH = update(outbox).where(_THE_ROW, _GOING)
_FINISH_UNREAD = update(outbox).where(outbox.c.seq == bindparam("the_seq"), _GOING)
_POSTPONE = (
    update(outbox)
    .where(_THE_ROW, outbox.c.state == CLAIMED, outbox.c.claimed_by == bindparam("the_owner"))
    .values(attempts=outbox.c.attempts + bindparam("tries"))
)
_TELL_CARD = update(card).where(card.c.id == bindparam("the_card"))


def delivered(connection: Connection, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
    """Marks a row done, whoever has it claimed by now: it is out. The card learns of it."""
    done = {**_UNCLAIMED, "state": DELIVERED, "done_at": at, "error": None}
    connection.execute(_FINISH, {**_which(row), **done})
    about: dict[str, object] = {}
    if row.intent.form is Form.CARD and ref is not None:
        about = {"root_channel": ref.channel, "root_ts": ref.ts}
    if row.intent.rings:
        about["rang_at"] = at
    if about:
        connection.execute(_TELL_CARD, {"the_card": row.intent.card_id, **about})
    _trim(connection, row.intent.card_id)


def postpone(
    connection: Connection, row: OutboxRow, postponement: Postponement, *, owner: str
) -> None:
    """Gives a row back that `owner` still has claimed."""
    marks = {"ambiguous": postponement.ambiguous, "plain": postponement.plain}
    after: dict[str, object] = {
        **_UNCLAIMED,
        "state": WAITING,
        "due_at": postponement.until,
        "error": _short(postponement.error),
        **{name: True for name, marked in marks.items() if marked},
    }
    tries = int(postponement.counts)
    connection.execute(_POSTPONE, {**_which(row), "the_owner": owner, "tries": tries, **after})


def give_up(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """Marks a row as never to be sent; it stays for a while, with the reason."""
    connection.execute(_FINISH, {**_which(row), **_given_up(error, at)})
    _trim(connection, row.intent.card_id)


def give_up_unread(connection: Connection, seq: int, error: str, at: datetime) -> None:
    """The same for a row whose content cannot be read."""
    connection.execute(_FINISH_UNREAD, {"the_seq": seq, **_given_up(error, at)})


def _which(row: OutboxRow) -> dict[str, object]:
    return {"the_seq": row.seq, "the_id": row.intent.id}


def _given_up(error: str, at: datetime) -> dict[str, object]:
    return {**_UNCLAIMED, "state": GIVEN_UP, "done_at": at, "error": _short(error)}


def _short(error: str) -> str:
    # PostgreSQL's text takes any character but this one.
    return error.replace("\0", "")[:_ERROR_LENGTH]


# --- roots -----------------------------------------------------------------------------------

_GOING_LOOK = select(outbox.c.seq).where(_OF_CARD, IS_LOOK, _GOING).limit(1)
_DELIVERED_LOOKS = and_(_OF_CARD, IS_LOOK, outbox.c.state == DELIVERED)
_LAST_LOOK = select(func.max(outbox.c.seq)).where(_DELIVERED_LOOKS).scalar_subquery()
_POST_AGAIN = update(outbox).where(outbox.c.seq == _LAST_LOOK)


def drop_root(connection: Connection, card_id: str) -> None:
    """Forgets where a card is. When no look at it waits, the last one is to be posted again."""
    gone = {"root_channel": None, "root_ts": None}
    connection.execute(_TELL_CARD, {"the_card": card_id, **gone})
    if connection.scalar(_GOING_LOOK, {"of_card": card_id}) is not None:
        return
    again = {"state": WAITING, "attempts": 0, "ambiguous": False, "done_at": None}
    connection.execute(_POST_AGAIN, {"of_card": card_id, **again})


# --- what is kept and what waits -------------------------------------------------------------

_ENDED = and_(_OF_CARD, outbox.c.state.in_((DELIVERED, GIVEN_UP)))
_KEPT = select(outbox.c.seq).where(_ENDED).order_by(outbox.c.seq.desc()).limit(KEPT_PER_CARD)
_TRIM_LOOKS = delete(outbox).where(_DELIVERED_LOOKS, outbox.c.seq < _LAST_LOOK)
_TRIM = delete(outbox).where(_ENDED, outbox.c.seq.not_in(_KEPT))


def _trim(connection: Connection, card_id: str) -> None:
    """Keeps the latest delivered look at a card, and KEPT_PER_CARD ended rows in all."""
    for statement in (_TRIM_LOOKS, _TRIM):
        connection.execute(statement, {"of_card": card_id})


_DUE_SINCE = case((outbox.c.wanted_at <= bindparam("now", type_=Instant), outbox.c.created_at))
_BACKLOG = select(func.count(), func.min(_DUE_SINCE)).where(_GOING)


def backlog(connection: Connection, now: datetime) -> tuple[int, timedelta]:
    """Rows that are not delivered yet, and how long the oldest of those that are due exists.

    One that waits for its next try has been due since it was first wanted.
    """
    count, oldest = connection.execute(_BACKLOG, {"now": now}).one()
    return count, max(now - oldest, timedelta(0)) if oldest is not None else timedelta(0)
