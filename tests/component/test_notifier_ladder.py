"""What becomes of messages that Slack does not take, on virtual time."""

from __future__ import annotations

import pytest

from bot.domain.notifications import Form, Reason
from bot.ports import (
    ChatRejected,
    Rejection,
)
from bot.services.delivery import Trouble
from tests.builders import START
from tests.component.notifying import (
    BLOCKS,
    CLOSED,
    DEAD,
    DOWN,
    GONE,
    HALF_A_MINUTE,
    LONG,
    LOST,
    ODD,
    SAME,
    Bench,
    card_of,
    look,
    numbers,
    posted,
    reply,
    said,
)
from tests.fake_outbox import GIVEN_UP, WAITING

pytestmark = pytest.mark.looptime(noop_cycles=1)


# --- the ladder -----------------------------------------------------------------------------------


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
    refused = Trouble("connection refused", START)
    assert bench.delivery().troubles == {f"C{number}": refused for number in range(3)}
    assert bench.recorder.events() == ["delivery postponed"]
    bench.never()
    await bench.run(700)
    assert len(bench.chat.roots) == 20
    assert all(len(said.thread) == 1 for said in bench.chat.roots)
    assert bench.delivery().troubles == {}


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
    assert bench.delivery().troubles["C0DATA"].why == "is_archived"


async def test_a_channel_that_refuses_is_remembered_while_another_takes_everything() -> None:
    bench = Bench()
    bench.always(CLOSED, channel="C0OLD")
    old, new = card_of("orders", "C0OLD"), card_of("clicks", "C0NEW")
    await bench.enqueue(old, look(old))
    await bench.run(4000)
    await bench.enqueue(new, look(new))
    await bench.run(10)
    troubles = bench.delivery().troubles
    assert {channel: trouble.why for channel, trouble in troubles.items()} == {
        "C0OLD": "is_archived"
    }


# --- defects --------------------------------------------------------------------------------------


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
