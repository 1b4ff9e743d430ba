"""What the suite of the store asks of every shape of it, and small steps that its tests share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.notifications import Card, Form, Intent, Reason
from bot.ports import (
    AlertStore,
    Change,
    MessageRef,
    Outbox,
    OutboxRow,
    ReportStore,
    SilenceStore,
)
from tests.builders import START, a_card, a_key, an_incident, an_intent, at

LEASE = timedelta(seconds=45)
LATER = at(3600)
"""When everything that waits is due."""


class AnyStore(AlertStore, Outbox, SilenceStore, ReportStore, Protocol):
    """The four ports in one object."""


class Opener(Protocol):
    """Opens one and the same store for an owner."""

    def __call__(self, owner: str = "bot") -> AbstractAsyncContextManager[AnyStore]:
        """A store to be entered."""
        ...


async def claim_all(
    store: Outbox, now: datetime = LATER, *, limit: int = 100
) -> Sequence[OutboxRow]:
    """Claims whatever may be claimed."""
    return await store.claim(now, lease=LEASE, limit=limit)


async def claim_one(store: Outbox, now: datetime = LATER) -> OutboxRow:
    """Claims the one row that may be claimed."""
    (row,) = await claim_all(store, now)
    return row


async def enqueue(store: AlertStore, *intents: Intent, when: datetime = START) -> None:
    """Adds rows of cards that are there already."""
    card = a_card()
    await store.commit(Change(key=card.key, at=when, intents=intents))


async def put_card(store: AlertStore, card: Card | None = None) -> Card:
    """Saves a card as it is posted nowhere yet; the card as saved."""
    card = card or a_card()
    await store.commit(Change(key=card.key, at=card.opened_at, cards=(card,)))
    return replace(card, version=card.version + 1)


async def post(store: Outbox, row: OutboxRow, when: datetime = LATER) -> MessageRef:
    """Delivers a row as a new message; where it is then."""
    ref = MessageRef(row.intent.channel, f"{row.seq}.0001")
    await store.delivered(row, ref, when)
    return ref


def a_look(seconds: float, card: Card | None = None, *, rings: bool = False) -> Intent:
    """A look at the card, decided so many seconds after the start."""
    return an_intent(card, when=at(seconds), reason=Reason.EVIDENCE_CHANGED, rings=rings)


def a_reply(seconds: float, card: Card | None = None, *, rings: bool = False) -> Intent:
    """A line for the card's thread."""
    return an_intent(card, form=Form.REPLY, when=at(seconds), reason=Reason.ESCALATED, rings=rings)


def a_card_of(name: str) -> Card:
    """A card of another task."""
    return a_card(an_incident(key=a_key(name)))
