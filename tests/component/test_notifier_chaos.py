"""Whatever Slack, the store and the process do: everything arrives, and doubles are marked."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from bot.domain.cards import Reason
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
    MessageRef,
    Rejection,
    StoreUnavailable,
)
from bot.presenters.message import Message
from tests.component.chatting import Chat
from tests.component.notifying import Bench, card_of, look, numbers, reply
from tests.fake_outbox import CLAIMED, DELIVERED, GIVEN_UP, WAITING

pytestmark = pytest.mark.looptime(noop_cycles=1)

ERRORS: tuple[ChatError, ...] = (
    ChatUnavailable("connection refused"),
    ChatAmbiguous("no answer within 15 s"),
    ChatThrottled("ratelimited", retry_after=timedelta(seconds=7)),
    ChatRejected("is_archived", code="is_archived", rejection=Rejection.CHANNEL),
    ChatRejected("invalid_auth", code="invalid_auth", rejection=Rejection.CREDENTIAL),
)


class LossyChat(Chat):
    """Takes messages, and sometimes loses its answer."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.takes = timedelta(seconds=1)
        self.chance = chance
        self.peaceful = False
        self.taken: list[tuple[str, str]] = []
        """The id and text of every message that stands in a channel."""
        self.refuse = self._mood

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        ref = await super().post(channel, message, dedupe_id=dedupe_id, fingerprint=fingerprint)
        return self._answer(ref, dedupe_id, message)

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        made = await super().reply(ref, message, broadcast=broadcast, dedupe_id=dedupe_id)
        return self._answer(made, dedupe_id, message)

    def _answer(self, ref: MessageRef, dedupe_id: str, message: Message) -> MessageRef:
        self.taken.append((dedupe_id, message.text))
        if not self.peaceful and self.chance.random() < 0.15:
            raise ChatAmbiguous("the answer was lost")
        return ref

    def _mood(self, _method: str, _channel: str) -> Exception | None:
        if self.peaceful or self.chance.random() < 0.6:
            return None
        return self.chance.choice(ERRORS)


async def lived_through(seed: int) -> Bench:
    """A quarter of an hour of trouble, and an hour of peace."""
    chance = Random(seed)
    chat = LossyChat(chance)
    bench = Bench(chat=chat)
    cards = [card_of(f"task-{number}", f"C{number % 3}") for number in range(6)]
    for card in cards:
        await bench.enqueue(card, look(card), reply(card, 1))
    for turn in range(20):
        bench.store.failing = StoreUnavailable("locked") if chance.random() < 0.2 else None
        await bench.run(chance.uniform(5, 90))
        bench.store.failing = None
        if chance.random() < 0.5:
            bench = Bench(
                store=bench.store.opened_again(),
                chat=chat,
                clock=bench.clock,
                recorder=bench.recorder,
            )
            await bench.store.release_claims()
        card = chance.choice(cards)
        await bench.enqueue(card, numbers(card, 100 + turn), reply(card, 200 + turn))
    for card in cards:
        await bench.enqueue(card, look(card, 1000, Reason.RESOLVED), reply(card, 1001))
    chat.peaceful = True
    await bench.run(4000)
    return bench


@pytest.mark.parametrize("seed", range(6))
async def test_everything_arrives_in_its_card_and_doubles_are_marked(seed: int) -> None:
    bench = await lived_through(seed)
    chat = bench.chat
    assert isinstance(chat, LossyChat)
    assert [bench.rows(state) for state in (WAITING, CLAIMED, GIVEN_UP)] == [[], [], []]
    told = {dedupe_id for dedupe_id, _ in chat.taken}
    assert {r.intent.id for r in bench.rows(DELIVERED) if not r.is_look} <= told
    seen: Counter[str] = Counter()
    for dedupe_id, text in chat.taken:
        seen[dedupe_id] += 1
        assert seen[dedupe_id] == 1 or "possible duplicate" in text
    for said in chat.roots:
        ours = said.ref in bench.store.kept.roots.values()
        assert not ours or "resolved" in str(said.message.blocks).lower()


async def test_the_replies_of_a_card_keep_their_order() -> None:
    bench = await lived_through(99)
    seqs = [row.seq for row in bench.rows(DELIVERED) if not row.is_look]
    assert seqs == sorted(seqs)
    chat = bench.chat
    assert isinstance(chat, LossyChat)
    first: dict[str, int] = {}
    for place, (dedupe_id, _) in enumerate(chat.taken):
        first.setdefault(dedupe_id, place)
    rows = [row for row in bench.rows(DELIVERED) if not row.is_look]
    for card_id in {row.intent.card_id for row in rows}:
        places = [first[r.intent.id] for r in rows if r.intent.card_id == card_id]
        assert places == sorted(places)
