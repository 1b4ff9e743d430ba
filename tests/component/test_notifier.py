"""The notifier: order, budgets, the store and passes, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.notifications import Reason
from bot.ports import (
    ChatError,
    ChatThrottled,
    DeliveryMeasured,
    OutboxRow,
    StoreUnavailable,
)
from tests.builders import START
from tests.component.notifying import (
    BLOCKS,
    DOWN,
    Bench,
    card_of,
    look,
    numbers,
    posted,
    reply,
    said,
)
from tests.fake_outbox import DELIVERED, GIVEN_UP
from tests.fake_store import FakeStore

pytestmark = pytest.mark.looptime(noop_cycles=1)


# --- order ----------------------------------------------------------------------------------------


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


# --- budgets --------------------------------------------------------------------------------------


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


# --- the store ------------------------------------------------------------------------------------


async def test_a_store_that_is_away_is_waited_for() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.store.failing = StoreUnavailable("database is locked")
    await bench.run(100)
    assert bench.chat.sent == []
    assert bench.recorder.events() == ["store unavailable, messages wait"]
    assert bench.delivery().troubles == {}, "Slack is not to blame"
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


# --- passes and shutdown --------------------------------------------------------------------------


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
