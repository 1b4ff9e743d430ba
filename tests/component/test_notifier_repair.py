"""Blocks that Slack refuses: what it points at is left out, and at worst the text goes alone."""

from __future__ import annotations

import pytest

from bot.ports import ChatRejected, Rejection
from bot.presenters.message import Message, without
from tests.component.notifying import BLOCKS, Bench, card_of, look

pytestmark = pytest.mark.looptime(noop_cycles=1)


def pointing(*pointers: str) -> ChatRejected:
    return ChatRejected(
        "invalid_blocks", code="invalid_blocks", rejection=Rejection.PAYLOAD, pointers=pointers
    )


async def test_the_block_that_slack_points_at_is_left_out() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(pointing("/blocks/1/text/text"))
    await bench.run(30)
    first, second = (sent.message for sent in bench.chat.sent)
    assert second.text == first.text
    assert second.blocks == (first.blocks[0], *first.blocks[2:])
    assert bench.results() == ["delivered"]
    assert "blocks left out" in bench.recorder.events()


async def test_what_is_refused_again_goes_as_text_alone() -> None:
    bench = Bench()
    card = card_of("orders")
    await bench.enqueue(card, look(card))
    bench.once(pointing("/blocks/1"), BLOCKS)
    await bench.run(30)
    assert [bool(sent.message.blocks) for sent in bench.chat.sent] == [True, True, False]
    assert bench.results()[-1] == "delivered"


@pytest.mark.parametrize(
    ("pointers", "left"),
    [
        (("/blocks/0",), "bc"),
        (("/blocks/0/text", "/blocks/2/elements/1"), "b"),
        (("/blocks/0", "/blocks/1", "/blocks/2"), None),
        (("/blocks/7",), None),
        (("/attachments/0",), None),
        (("/blocks/", "/blocks/x", "blocks/0", ""), None),
        ((), None),
    ],
)
def test_only_what_is_pointed_at_is_left_out(pointers: tuple[str, ...], left: str | None) -> None:
    message = Message("text", tuple({"type": letter} for letter in "abc"))
    repaired = without(message, pointers)
    shown = None if repaired is None else "".join(str(b["type"]) for b in repaired.blocks)
    assert shown == left
