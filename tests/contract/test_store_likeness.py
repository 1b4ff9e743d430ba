"""The store in memory does what a database does, whatever is asked in whatever order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import open_store
from bot.domain.notifications import Card, Form, Intent, Reason
from bot.ports import Change, MessageRef, OutboxRow, Postponement
from tests.builders import START, a_card, a_key, an_incident, an_intent
from tests.contract.store_shapes import AnyStore
from tests.fake_store import FakeStore

STEPS = 100


@dataclass
class Both:
    """Two stores that are asked the same; every answer is compared."""

    fake: FakeStore
    real: AnyStore
    luck: random.Random
    now: datetime = START
    cards: list[Card] = field(default_factory=list)
    held: list[tuple[OutboxRow, OutboxRow]] = field(default_factory=list)

    async def step(self) -> None:
        """Does one thing by chance, and compares."""
        self.now += timedelta(seconds=self.luck.choice((0, 1, 5, 30)))
        often = (self.add, self.claim, self.answer)
        await self.luck.choice((*often, *often, self.answer, self.lose_root, self.start_again))()
        assert await self.fake.backlog(self.now) == await self.real.backlog(self.now)

    async def add(self) -> None:
        """Adds one to three rows of a card."""
        card = self.luck.choice(self.cards)
        intents = tuple(self.an_intent_of(card, n) for n in range(self.luck.randint(1, 3)))
        for store in (self.fake, self.real):
            await store.commit(Change(card.key, self.now, intents=intents))

    def an_intent_of(self, card: Card, n: int) -> Intent:
        """Something to say, now or later."""
        form = self.luck.choice((Form.CARD, Form.REPLY))
        when = self.now + timedelta(milliseconds=n)
        due_at = when + timedelta(seconds=self.luck.choice((0, 0, 10)))
        rings = self.luck.random() < 0.5
        return an_intent(
            card, form=form, when=when, due_at=due_at, reason=Reason.ESCALATED, rings=rings
        )

    async def claim(self) -> None:
        """Claims some rows."""
        limit, lease = self.luck.randint(1, 4), timedelta(seconds=self.luck.choice((20, 300)))
        fake = await self.fake.claim(self.now, lease=lease, limit=limit)
        real = await self.real.claim(self.now, lease=lease, limit=limit)
        assert [_bare(row) for row in fake] == [_bare(row) for row in real]
        self.held += zip(fake, real, strict=True)

    async def answer(self) -> None:
        """Says what became of a row that is, or was, claimed."""
        if not self.held:
            return
        pair = self.held.pop(self.luck.randrange(len(self.held)))
        ending = self.luck.choice(("delivered", "delivered", "postponed", "postponed", "given up"))
        ref = MessageRef("C0DATA", str(pair[0].seq))
        again = Postponement(
            self.now + timedelta(seconds=self.luck.choice((0, 7))),
            "busy",
            counts=self.luck.random() < 0.5,
            ambiguous=self.luck.random() < 0.4,
            plain=self.luck.random() < 0.3,
        )
        for store, row in zip((self.fake, self.real), pair, strict=True):
            if ending == "delivered":
                await store.delivered(row, ref, self.now)
            elif ending == "postponed":
                await store.postpone(row, again)
            else:
                await store.give_up(row, "refused", self.now)
        fake, real = await self.fake.load(), await self.real.load()
        by_id = [sorted(cards, key=lambda card: card.id) for cards in (fake.cards, real.cards)]
        assert by_id[0] == by_id[1]

    async def lose_root(self) -> None:
        """Somebody deletes a message."""
        card = self.luck.choice(self.cards)
        for store in (self.fake, self.real):
            await store.drop_root(card.id)

    async def start_again(self) -> None:
        """The process dies and gives its claims back; sometimes late answers still come."""
        if self.luck.random() < 0.3:
            for store in (self.fake, self.real):
                await store.release_claims()


def _bare(row: OutboxRow) -> tuple[object, ...]:
    return (row.intent, row.attempts, row.created_at, row.root, row.ambiguous, row.plain)


@pytest.mark.parametrize("seed", range(5))
async def test_both_give_the_same_answers(database: StoreConfig, seed: int) -> None:
    async with open_store(database, owner="bot") as real:
        cards = [a_card(an_incident(key=a_key(name))) for name in ("a", "b", "c")]
        both = Both(FakeStore("bot"), real, random.Random(seed), cards=cards)
        for card in cards:
            for store in (both.fake, both.real):
                await store.commit(Change(card.key, START, cards=(card,)))
        for _ in range(STEPS):
            await both.step()
