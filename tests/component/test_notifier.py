"""The notifier over a store and a chat in memory, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.domain.notifications import Card, Form, Intent, Reason
from bot.ports import (
    Change,
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
    DeliveryMeasured,
    OutboxRow,
    Rejection,
    StoreUnavailable,
    Surroundings,
)
from bot.services.notifier import Delivery, Notifier
from tests.builders import START, a_card, a_key, an_incident, an_intent
from tests.component.chatting import Chat
from tests.fake_outbox import DELIVERED, GIVEN_UP, WAITING, KeptRow
from tests.fake_store import FakeStore
from tests.fakes import LoopClock, NoJitter, Recorder

pytestmark = pytest.mark.looptime(noop_cycles=1)

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

    def __post_init__(self) -> None:
        self.clock.now()
        self.notifier = Notifier(
            self.store,
            self.chat,
            Surroundings(self.clock, NoJitter(), self.recorder),
            rang=lambda card_id, at: self.rang.append((card_id, at)),
            every=self.every,
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


# --- order -----------------------------------------------------------------------------------


async def test_a_card_is_posted_before_its_replies_whatever_their_order_in_the_outbox() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, reply(card), look(card))
    assert await bench.notifier.deliver_due() == 2
    assert bench.chat.methods() == ["post", "reply"]
    assert len(bench.chat.roots[0].thread) == 1


async def test_looks_that_wait_are_sent_as_one_with_the_newest_content() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    await bench.enqueue(card, numbers(card, 1))
    await bench.enqueue(card, numbers(card, 2))
    await bench.notifier.deliver_due()
    assert bench.chat.methods() == ["post"]
    assert bench.rang == [(card.id, bench.clock.now())]


async def test_what_rings_is_noted_when_it_is_delivered_and_an_edit_does_not_ring() -> None:
    bench = Bench()
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, numbers(card, 31))
    await bench.run(5)
    assert bench.chat.methods() == ["update"]
    assert bench.rang == []
    await bench.enqueue(card, reply(card, 36))
    await bench.run(5)
    assert [card_id for card_id, _ in bench.rang] == [card.id]
    assert bench.chat.rings[-1] == bench.chat.sent[-1].message.text


async def test_a_reply_of_a_card_that_was_given_up_stands_on_its_own() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card), reply(card, 1))
    bench.once(BLOCKS, BLOCKS)
    await bench.run(10)
    assert len(bench.rows(GIVEN_UP)) == 1
    assert bench.chat.methods() == ["post", "post", "post"]
    assert len(bench.chat.roots) == 1


async def test_what_is_not_due_yet_waits() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, replace(look(card), due_at=START + timedelta(seconds=10)))
    assert await bench.notifier.deliver_due() == 0
    await bench.run(12)
    assert bench.chat.times() == [10]


async def test_the_dedupe_id_of_a_post_is_the_id_of_its_row() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card), reply(card))
    await bench.notifier.deliver_due()
    assert [s.dedupe_id for s in bench.chat.sent] == [look(card).id, reply(card).id]


# --- budgets ---------------------------------------------------------------------------------


async def test_a_channel_hears_about_one_post_a_second_after_a_short_burst() -> None:
    bench = Bench()
    cards = [card_of(f"task-{number}") for number in range(30)]
    for card in cards:
        await bench.enqueue(card, look(card))
    await bench.run(60)
    times = bench.chat.times("post")
    assert len(times) == 30
    assert sum(1 for at in times if at < 1) == 5
    for second in range(2, 24):
        assert sum(1 for at in times if second <= at < second + 1) <= 2


async def test_a_full_channel_does_not_keep_another_waiting() -> None:
    bench = Bench()
    for number in range(300):
        card = card_of(f"task-{number}")
        await bench.enqueue(card, look(card))
    other = card_of("other", "C0OTHER")
    await bench.enqueue(other, look(other))
    assert await bench.notifier.deliver_due() == 6
    assert bench.chat.times(channel="C0OTHER") == [0]


class CountingStore(FakeStore):
    """Counts the rows that are claimed."""

    claimed = 0

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[OutboxRow]:
        rows = await super().claim(now, lease=lease, limit=limit)
        self.claimed += len(rows)
        return rows


async def test_what_waits_for_its_turn_asks_a_few_times_only() -> None:
    store = CountingStore()
    bench = Bench(store=store)
    for number in range(300):
        card = card_of(f"task-{number}")
        await bench.enqueue(card, look(card))
    await bench.run(330)
    assert len(bench.chat.roots) == 300
    assert store.claimed < 4 * 300


async def test_waiting_for_ones_turn_counts_as_no_try() -> None:
    bench = Bench()
    for number in range(12):
        card = card_of(f"task-{number}")
        await bench.enqueue(card, look(card))
    await bench.run(20)
    assert {row.attempts for row in bench.rows(DELIVERED)} == {0}
    assert bench.results() == ["delivered"] * 12


async def test_what_must_be_heard_goes_before_numbers_that_changed() -> None:
    bench = Bench()
    cards = [card_of(f"task-{number}", f"C{number}") for number in range(40)]
    await posted(bench, *cards)
    for card in cards:
        await bench.enqueue(card, numbers(card, 80))
    ended = cards[-1]
    await bench.run(2)
    await bench.enqueue(ended, look(ended, 90, Reason.RESOLVED), reply(ended, 90))
    started = asyncio.get_running_loop().time()
    await bench.run(70)
    after = [s for s in bench.chat.sent if s.channel == ended.channel]
    assert [s.method for s in after] == ["update", "reply"]
    assert all(s.at - started < 12 for s in after)
    assert len(bench.chat.times("update")) == 40


async def test_numbers_leave_a_call_free_for_what_comes_next() -> None:
    bench = Bench()
    cards = [card_of(f"task-{number}", f"C{number}") for number in range(40)]
    await posted(bench, *cards)
    ended, *others = cards
    for card in others:
        await bench.enqueue(card, numbers(card, 80))
    await bench.run(5.5)
    await bench.enqueue(ended, look(ended, 90, Reason.RESOLVED))
    await bench.notifier.deliver_due()
    assert bench.chat.sent[-1].channel == ended.channel


async def test_a_429_holds_only_its_own_budget() -> None:
    bench = Bench()
    cards = [card_of("a", "CA"), card_of("b", "CB")]
    await posted(bench, *cards)
    throttled = ChatThrottled("ratelimited", retry_after=timedelta(seconds=30))
    left = [throttled]
    bench.chat.refuse = lambda m, c: left.pop() if m == "reply" and c == "CA" and left else None
    started = asyncio.get_running_loop().time()
    for card in cards:
        await bench.enqueue(card, reply(card, 40), numbers(card, 41))
    await bench.run(60)
    replies = bench.chat.times("reply", "CA")
    assert [round(at - started) for at in replies] == [0, 30]
    assert bench.chat.times("reply", "CB") == [started]
    assert all(at - started < 3 for at in bench.chat.times("update", "CB"))
    assert {row.attempts for row in bench.rows(DELIVERED)} == {0}


async def test_a_429_of_an_edit_holds_edits_and_not_posts() -> None:
    bench = Bench()
    first, second = card_of("a", "CA"), card_of("b", "CB")
    await posted(bench, first)
    throttled = ChatThrottled("ratelimited", retry_after=timedelta(seconds=20))
    left = [throttled]
    bench.chat.refuse = lambda m, _c: left.pop() if m == "update" and left else None
    started = asyncio.get_running_loop().time()
    await bench.enqueue(first, numbers(first, 40))
    await bench.run(2)
    await bench.enqueue(second, look(second, 40))
    await bench.run(30)
    assert [round(at - started) for at in bench.chat.times("update")] == [0, 20]
    assert round(bench.chat.times("post")[0] - started) == 2


async def test_hundreds_held_by_a_429_come_one_after_the_other_in_their_order() -> None:
    bench = Bench()
    cards = [card_of(f"task-{number}") for number in range(50)]
    left: list[ChatError] = [ChatThrottled("ratelimited", retry_after=timedelta(seconds=30))]
    bench.chat.refuse = lambda _m, _c: left.pop() if left else None
    for card in cards:
        await bench.enqueue(card, look(card))
    await bench.run(120)
    order = [card.id for card in cards]
    rang = [card_id for card_id, _ in bench.rang]
    assert len(rang) == 50
    late = [abs(order.index(card_id) - place) for place, card_id in enumerate(rang)]
    assert max(late) <= 10


# --- the ladder ------------------------------------------------------------------------------


async def test_a_lost_answer_is_repeated_under_the_same_id_and_marked() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(LOST)
    await bench.run(30)
    first, second = bench.chat.sent
    assert first.dedupe_id == second.dedupe_id
    assert "possible duplicate" not in first.message.text
    assert "possible duplicate" in second.message.text
    assert bench.results() == ["postponed", "delivered"]


async def test_answers_lost_for_an_hour_do_not_lose_the_message() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(LOST)
    await bench.run(3600)
    bench.never()
    await bench.run(700)
    assert len(bench.chat.roots) == 1
    assert len(bench.chat.sent) < 12


async def test_a_post_whose_answers_are_lost_for_ever_is_given_up_with_its_reason() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(LOST)
    await bench.run(LONG.total_seconds())
    assert len(bench.chat.sent) == 12
    assert bench.rows(GIVEN_UP)[0].error == "no answer within 15 s"
    assert "message given up" in bench.recorder.events()
    assert bench.results()[-1] == "given_up"


async def test_tries_that_surely_failed_do_not_count_as_lost_answers() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(DOWN)
    await bench.run(7200)
    bench.once(LOST)
    await bench.run(700)
    assert len(bench.chat.roots) == 1
    assert bench.rows(GIVEN_UP) == []


async def test_an_edit_whose_answer_is_lost_is_repeated_at_will_and_not_marked() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, look(card, 40, Reason.RESOLVED))
    bench.always(LOST)
    await bench.run(LONG.total_seconds())
    assert len(bench.chat.sent) > 100
    bench.never()
    await bench.run(400)
    assert bench.rows(WAITING) == []
    assert "possible duplicate" not in said(bench)[-1]


async def test_an_outage_delays_everything_and_loses_nothing() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    cards = [card_of(f"task-{number}", f"C{number % 3}") for number in range(20)]
    bench.always(DOWN)
    for card in cards:
        await bench.enqueue(card, look(card), reply(card, 1))
    await bench.run(3600)
    assert bench.chat.roots == []
    assert bench.delivery().last_error == "connection refused"
    assert bench.delivery().failing_since == START
    bench.never()
    await bench.run(700)
    assert len(bench.chat.roots) == 20
    assert all(len(said.thread) == 1 for said in bench.chat.roots)
    assert bench.delivery().last_error is None
    assert bench.delivery().failing_since is None


async def test_a_message_that_waited_says_how_long() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(DOWN)
    await bench.run(590)
    bench.never()
    await bench.run(300)
    assert "late" not in said(bench)[0]
    assert "late: waited 1" in said(bench)[-1]
    assert "min" in said(bench)[-1]


async def test_an_outage_is_logged_once() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(DOWN)
    await bench.run(3600)
    assert bench.recorder.events() == ["delivery postponed"]


async def test_an_edit_of_a_message_that_is_gone_becomes_a_new_card() -> None:
    bench = Bench()
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, look(card, 40, Reason.ESCALATED))
    bench.once(GONE)
    await bench.run(5)
    assert bench.chat.methods() == ["update", "post"]
    assert len(bench.chat.roots) == 2


async def test_a_reply_in_a_thread_that_is_gone_brings_the_card_back_first() -> None:
    bench = Bench()
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, reply(card, 40))
    bench.once(GONE)
    await bench.run(5)
    assert bench.chat.methods() == ["reply", "post", "reply"]
    assert len(bench.chat.roots[1].thread) == 1


async def test_threads_that_always_vanish_do_not_fill_the_channel() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, reply(card, 40))
    bench.always(GONE, method="reply")
    await bench.run(LONG.total_seconds())
    assert len(bench.chat.roots) <= 5
    assert [row.intent.form for row in bench.rows(GIVEN_UP)] == [Form.REPLY]


async def test_numbers_that_may_not_be_edited_any_more_make_no_new_card() -> None:
    bench = Bench()
    card = card_of("orders")
    await posted(bench, card)
    closed = replace_code("edit_window_closed")
    bench.always(closed, method="update")
    for number in range(5):
        await bench.enqueue(card, numbers(card, 60 * number + 60))
        await bench.run(60)
    assert len(bench.chat.roots) == 1
    await bench.enqueue(card, look(card, 500, Reason.ESCALATED))
    await bench.run(60)
    assert len(bench.chat.roots) == 2


def replace_code(code: str) -> ChatRejected:
    return ChatRejected(code, code=code, rejection=Rejection.TARGET_GONE)


async def test_a_post_that_is_told_its_target_is_gone_is_tried_slowly() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(GONE)
    await bench.run(3590)
    assert len(bench.chat.sent) == 12
    bench.never()
    await bench.run(300)
    assert len(bench.chat.roots) == 1


async def test_blocks_that_are_refused_are_left_out_and_then_the_message_is_given_up() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(BLOCKS)
    await bench.run(LONG.total_seconds())
    assert [bool(s.message.blocks) for s in bench.chat.sent] == [True, False]
    assert bench.rows(GIVEN_UP)[0].error == "invalid_blocks"


async def test_a_message_without_its_blocks_arrives() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(BLOCKS)
    await bench.run(3)
    assert bench.chat.roots[0].message.blocks == ()
    assert "orders" in bench.chat.roots[0].message.text


async def test_what_is_already_so_is_done() -> None:
    bench = Bench()
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, numbers(card, 40))
    bench.once(SAME)
    await bench.run(3)
    assert bench.rows(WAITING) == []
    assert bench.results() == ["delivered"]


async def test_a_channel_that_a_person_must_mend_is_tried_slowly_and_for_ever() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    bad, good = card_of("a", "CBAD"), card_of("b", "CGOOD")
    bench.always(CLOSED, channel="CBAD")
    await bench.enqueue(bad, look(bad), reply(bad, 1))
    await bench.enqueue(good, look(good))
    await bench.run(LONG.total_seconds())
    assert len(bench.chat.in_channel("CGOOD")) == 1
    tries = bench.chat.times(channel="CBAD")
    assert len(tries) == 144
    bench.never()
    await bench.run(400)
    assert len(bench.chat.in_channel("CBAD")[0].thread) == 1


async def test_a_refusal_that_nobody_knows_does_not_hold_up_a_card_for_ever() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, reply(card, 40), look(card, 41, Reason.RESOLVED))
    bench.always(ODD, method="reply")
    await bench.run(LONG.total_seconds())
    assert [row.error for row in bench.rows(GIVEN_UP)] == ["odd_error"]
    assert bench.chat.methods()[-1] == "update"


async def test_a_dead_token_stops_sending_keeps_the_outbox_and_recovers_by_itself() -> None:
    bench = Bench()
    cards = [card_of(f"task-{number}", f"C{number}") for number in range(20)]
    bench.always(DEAD)
    for card in cards:
        await bench.enqueue(card, look(card))
    await bench.run(3599)
    assert bench.delivery().credential_error == "invalid_auth"
    assert bench.recorder.events().count("Slack refuses the bot's token") == 1
    assert len(bench.chat.sent) <= 20 + 60
    assert len(bench.rows(WAITING)) == 20
    bench.never()
    await bench.run(62)
    assert len(bench.chat.roots) == 20
    assert bench.delivery().credential_error is None


async def test_a_token_that_is_refused_again_is_said_again() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(DEAD)
    await bench.run(100)
    await bench.enqueue(card, reply(card, 100))
    bench.once(DEAD)
    await bench.run(100)
    assert bench.recorder.events().count("Slack refuses the bot's token") == 2
    assert len(bench.chat.roots[0].thread) == 1


async def test_a_refusal_for_another_reason_shows_that_the_token_is_taken() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(DEAD, DOWN, CLOSED)
    await bench.run(50)
    assert bench.delivery().credential_error == "invalid_auth"
    await bench.run(20)
    assert bench.delivery().credential_error == "invalid_auth", "nobody looked at it"
    await bench.run(30)
    assert bench.delivery().credential_error is None
    assert bench.delivery().last_error == "is_archived"


# --- defects ---------------------------------------------------------------------------------


async def test_a_defect_in_one_delivery_does_not_stop_the_others() -> None:
    bench = Bench()
    bad, good = card_of("a", "CBAD"), card_of("b", "CGOOD")
    bench.always(ZeroDivisionError(), channel="CBAD")
    await bench.enqueue(bad, look(bad))
    await bench.enqueue(good, look(good))
    await bench.run(20)
    assert len(bench.chat.in_channel("CGOOD")) == 1
    assert "delivery defect" in bench.recorder.events()
    bench.never()
    await bench.run(60)
    assert len(bench.chat.in_channel("CBAD")) == 1


async def test_a_message_with_a_lasting_defect_is_given_up_and_its_card_goes_on() -> None:
    bench = Bench(every=HALF_A_MINUTE)
    card = card_of("orders")
    await posted(bench, card)
    await bench.enqueue(card, reply(card, 40), look(card, 41, Reason.RESOLVED))
    bench.always(ZeroDivisionError(), method="reply")
    await bench.run(3600)
    assert [row.error for row in bench.rows(GIVEN_UP)] == ["a defect of the bot"]
    assert bench.chat.methods()[-1] == "update"


async def test_a_reminder_may_follow_an_alert_that_was_given_up() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(BLOCKS)
    await bench.run(5)
    assert [card_id for card_id, _ in bench.rang] == [card.id]


# --- the store -------------------------------------------------------------------------------


async def test_a_store_that_is_away_is_waited_for() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.store.failing = StoreUnavailable("database is locked")
    await bench.run(100)
    assert bench.chat.sent == []
    assert bench.recorder.events() == ["store unavailable, messages wait"]
    assert bench.delivery().last_error is None, "Slack is not to blame"
    bench.store.failing = None
    await bench.run(3)
    assert len(bench.chat.roots) == 1


async def test_a_store_that_goes_away_after_the_sending_makes_nothing_said_twice() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card), reply(card, 1))
    bench.chat.takes = timedelta(seconds=2)
    running = asyncio.create_task(bench.notifier.run())
    await asyncio.sleep(1)
    bench.store.failing = StoreUnavailable("database is locked")
    await asyncio.sleep(600)
    assert bench.rang == [(card.id, START + timedelta(seconds=2))]
    bench.store.failing = None
    await asyncio.sleep(20)
    running.cancel()
    assert bench.chat.methods() == ["post", "reply"]
    assert "possible duplicate" not in " ".join(said(bench))
    assert len(bench.chat.roots[0].thread) == 1


async def test_a_refusal_that_could_not_be_written_is_not_taken_for_a_lost_answer() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.chat.takes = timedelta(seconds=2)
    bench.once(DOWN)
    running = asyncio.create_task(bench.notifier.run())
    await asyncio.sleep(1)
    bench.store.failing = StoreUnavailable("database is locked")
    await asyncio.sleep(600)
    bench.store.failing = None
    await asyncio.sleep(20)
    running.cancel()
    assert len(bench.chat.roots) == 1
    assert "possible duplicate" not in said(bench)[-1]


# --- passes and shutdown ---------------------------------------------------------------------


async def test_two_passes_at_once_send_nothing_twice_and_the_second_waits_for_the_first() -> None:
    bench = Bench()
    bench.chat.takes = timedelta(seconds=3)
    for number in range(4):
        card = card_of(f"task-{number}")
        await bench.enqueue(card, look(card))
    first = asyncio.create_task(bench.notifier.deliver_due())
    await asyncio.sleep(1)
    assert await bench.notifier.deliver_due() == 0
    assert first.done()
    assert len(bench.chat.roots) == 4


async def test_the_last_pass_ends_the_loop_after_what_is_in_hand() -> None:
    bench = Bench()
    bench.chat.takes = timedelta(seconds=3)
    card = card_of("orders")
    await bench.enqueue(card, look(card), reply(card))
    running = asyncio.create_task(bench.notifier.run())
    await asyncio.sleep(1)
    await bench.notifier.finish()
    assert bench.chat.methods() == ["post", "reply"]
    await asyncio.sleep(2)
    assert running.done()


async def test_a_delivery_that_is_cancelled_is_made_by_the_next_process_and_marked() -> None:
    bench = Bench()
    bench.chat.takes = timedelta(seconds=10)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    await bench.run(5)
    assert bench.chat.roots == []
    again = Bench(store=bench.store.opened_again(), clock=bench.clock)
    await again.store.release_claims()
    await again.run(2)
    assert len(again.chat.roots) == 1
    assert again.chat.sent[0].dedupe_id == bench.chat.sent[0].dedupe_id
    assert "possible duplicate" in again.chat.sent[0].message.text


async def test_another_process_takes_over_a_row_only_when_its_claim_has_ended() -> None:
    bench = Bench()
    bench.chat.takes = timedelta(seconds=10)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    await bench.run(5)
    other = Bench(store=bench.store.opened_again("other"), clock=bench.clock)
    await other.run(35)
    assert other.chat.sent == []
    await other.run(10)
    assert len(other.chat.roots) == 1


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.ESCALATED, Reason.RESOLVED])
async def test_every_delivery_is_counted_by_its_reason(reason: Reason) -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card, reason=reason))
    await bench.run(3)
    assert bench.recorder.of(DeliveryMeasured) == [DeliveryMeasured(reason, "delivered")]
