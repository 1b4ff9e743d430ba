"""Channels that refuse messages, and the one that takes them instead, on virtual time."""

from __future__ import annotations

import pytest

from bot.domain.notifications import Reason
from tests.component.notifying import CLOSED, Bench, card_of, look, numbers, posted, reply, said

pytestmark = pytest.mark.looptime(noop_cycles=1)

OPS = "C0OPS"


async def test_what_its_channel_refuses_is_told_in_the_fallback_channel_with_the_reason() -> None:
    bench = Bench(fallback=OPS)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(CLOSED, channel="C0DATA")
    await bench.run(30)
    assert [sent.channel for sent in bench.chat.sent] == ["C0DATA", OPS]
    assert "meant for `C0DATA`, which refuses it" in said(bench)[-1]
    assert bench.results() == ["delivered"]
    assert bench.delivery().troubles["C0DATA"].why == "is_archived"


async def test_the_card_goes_on_where_it_was_taken() -> None:
    bench = Bench(fallback=OPS)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(CLOSED, channel="C0DATA")
    await bench.run(30)
    await bench.enqueue(card, numbers(card, 60), reply(card, 61))
    await bench.run(120)
    assert [(s.method, s.channel) for s in bench.chat.sent[2:]] == [("update", OPS), ("reply", OPS)]
    assert all("meant for `C0DATA`" in text for text in said(bench)[1:])


async def test_a_channel_that_is_archived_later_hands_its_card_over() -> None:
    bench = Bench(fallback=OPS)
    card = card_of("orders")
    await posted(bench, card)
    bench.always(CLOSED, channel="C0DATA")
    await bench.enqueue(card, look(card, 60, Reason.ESCALATED), reply(card, 61))
    await bench.run(600)
    there = [(sent.method, sent.channel) for sent in bench.chat.sent if sent.channel == OPS]
    assert there == [("post", OPS), ("reply", OPS)]
    assert not bench.rows("waiting")


async def test_when_the_fallback_refuses_too_the_message_waits() -> None:
    bench = Bench(fallback=OPS)
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.always(CLOSED)
    await bench.run(600)
    assert bench.rows("waiting")
    bench.never()
    await bench.run(600)
    assert [sent.channel for sent in bench.chat.sent][-1] == "C0DATA"
    assert bench.results()[-1] == "delivered"


async def test_a_storm_into_the_fallback_keeps_to_its_rate() -> None:
    bench = Bench(fallback=OPS)
    cards = [card_of(f"task-{number}") for number in range(30)]
    for card in cards:
        await bench.enqueue(card, look(card))
    bench.always(CLOSED, channel="C0DATA")
    await bench.run(120)
    times = bench.chat.times(channel=OPS)
    assert len(times) == 30
    assert times[-1] - times[0] > 15
