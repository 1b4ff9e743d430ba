"""A notifier over a store and a chat in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.notifications import Card, Form, Intent, Reason
from bot.ports import (
    Change,
    ChatAmbiguous,
    ChatRejected,
    ChatUnavailable,
    DeliveryMeasured,
    Rejection,
    Surroundings,
)
from bot.services.delivery import Delivery
from bot.services.notifier import Notifier
from tests.builders import START, a_card, a_key, an_incident, an_intent
from tests.component.chatting import Chat
from tests.fake_outbox import KeptRow
from tests.fake_store import FakeStore
from tests.fakes import LoopClock, NoJitter, Recorder

LONG = timedelta(hours=12)
HALF_A_MINUTE = timedelta(seconds=30)
GONE = ChatRejected("message_not_found", code="message_not_found", rejection=Rejection.TARGET_GONE)
DEAD = ChatRejected("invalid_auth", code="invalid_auth", rejection=Rejection.CREDENTIAL)
CLOSED = ChatRejected("is_archived", code="is_archived", rejection=Rejection.CHANNEL)
ODD = ChatRejected("odd_error", code="odd_error", rejection=Rejection.OTHER)
BLOCKS = ChatRejected("invalid_blocks", code="invalid_blocks", rejection=Rejection.PAYLOAD)
SAME = ChatRejected("hash_conflict", code="hash_conflict", rejection=Rejection.HARMLESS)
LOST = ChatAmbiguous("no answer within 15 s")
DOWN = ChatUnavailable("connection refused")


@dataclass
class Bench:
    """A notifier with everything around it."""

    store: FakeStore = field(default_factory=FakeStore)
    chat: Chat = field(default_factory=Chat)
    recorder: Recorder = field(default_factory=Recorder)
    clock: LoopClock = field(default_factory=lambda: LoopClock(START))
    rang: list[tuple[str, datetime]] = field(default_factory=list)
    every: timedelta = timedelta(seconds=1)
    fallback: str | None = None

    def __post_init__(self) -> None:
        self.clock.now()
        self.notifier = Notifier(
            self.store,
            self.chat,
            Surroundings(self.clock, NoJitter(), self.recorder),
            rang=lambda card_id, at: self.rang.append((card_id, at)),
            every=self.every,
            fallback=self.fallback,
        )

    async def enqueue(self, card: Card, *intents: Intent) -> None:
        """Puts intents about a card into the outbox."""
        known = self.store.kept.cards.get(card.id)
        cards = () if known else (card,)
        await self.store.commit(Change(card.key, self.clock.now(), cards=cards, intents=intents))

    async def run(self, seconds: float) -> None:
        """Lets the notifier run for a while."""
        running = asyncio.create_task(self.notifier.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.wait([running])

    def rows(self, state: str) -> list[KeptRow]:
        """The rows in a state."""
        return [row for row in self.store.kept.outbox if row.state == state]

    def results(self) -> list[str]:
        """How the tries ended."""
        return [measured.result for measured in self.recorder.of(DeliveryMeasured)]

    def delivery(self) -> Delivery:
        """What the notifier says of itself now."""
        return self.notifier.delivery

    def always(self, error: Exception, *, method: str = "", channel: str = "") -> None:
        """Lets the chat refuse from now on."""
        self.chat.refuse = lambda m, c: error if method in ("", m) and channel in ("", c) else None

    def once(self, *errors: Exception | None) -> None:
        """Lets the next calls fail, in order."""
        left = list(errors)
        self.chat.refuse = lambda _m, _c: left.pop(0) if left else None

    def never(self) -> None:
        """Lets the chat take everything again."""
        self.chat.refuse = lambda _m, _c: None


def card_of(name: str, channel: str = "C0DATA") -> Card:
    return a_card(an_incident(key=a_key(name)), channel=channel)


def look(card: Card, place: int = 0, reason: Reason = Reason.OPENED) -> Intent:
    """The card itself, due from the start; looks of different places are different ones."""
    when = START + timedelta(seconds=place)
    rings = reason is Reason.OPENED
    return an_intent(card, when=when, due_at=START, reason=reason, rings=rings)


def reply(card: Card, place: int = 0, reason: Reason = Reason.RESOLVED) -> Intent:
    """A line in its thread, broadcast."""
    when = START + timedelta(seconds=place)
    return an_intent(card, form=Form.REPLY, when=when, due_at=START, reason=reason, rings=True)


def numbers(card: Card, place: int) -> Intent:
    """An edit because numbers changed."""
    return look(card, place, Reason.EVIDENCE_CHANGED)


async def posted(bench: Bench, *cards: Card) -> None:
    """Posts cards in peace, and lets the budgets fill again."""
    for card in cards:
        await bench.enqueue(card, look(card))
    await bench.run(30 + len(cards))
    assert len(bench.chat.roots) == len(cards)
    bench.chat.sent.clear()
    bench.recorder.records.clear()
    bench.rang.clear()


def said(bench: Bench) -> Sequence[str]:
    return [sent.message.text for sent in bench.chat.sent]
