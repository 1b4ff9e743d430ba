"""How a command that was let in is carried out and answered."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from bot.adapters.slack.inbound import (
    CANNOT_NOW,
    DEFECT,
    STILL_WORKING,
    UNREADABLE,
    Reply,
)
from bot.adapters.slack.payloads import SlashCommand
from bot.demo.slack.signing import signed_headers
from bot.ports import ChatUnavailable, Noted, RequestError, StoreUnavailable
from bot.presenters.message import Message
from tests.contract.slack_door import COMMAND, NOW_S, SECRET, SECTION, Desk, Door, Later

IMPATIENT = timedelta(milliseconds=1)


async def test_a_command_is_answered_to_the_person_alone_with_text_and_blocks() -> None:
    door = Door()
    async with door.open():
        answer = await door.typed()

    assert answer == {"response_type": "ephemeral", "text": "orders: ok", "blocks": [SECTION]}
    [command] = door.desk.taken
    assert (command.user_id, command.channel_id, command.team_id) == ("U1", "C1", "T1")
    assert command.text == "status orders"


async def test_an_answer_for_all_is_shown_in_the_channel() -> None:
    door = Door(desk=Desk(Reply(Message("shared"), in_channel=True)))
    async with door.open():
        answer = await door.typed()

    assert answer == {"response_type": "in_channel", "text": "shared"}


async def test_text_arrives_as_it_was_typed_in_any_script() -> None:
    door = Door()
    async with door.open():
        await door.typed(text="status 任务 ✓ a+b&amp;c")

    assert door.desk.taken[0].text == "status 任务 ✓ a+b&amp;c"


async def test_a_certificate_check_is_answered_without_work() -> None:
    door = Door()
    async with door.open():
        status, text = await door.signed(b"ssl_check=1&token=x")

    assert (status, text) == (200, "")
    assert door.desk.taken == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text=status",
        b"user_id=&channel_id=C1",
        b'{"user_id": "U1"}',
        urlencode({**COMMAND, "text": "x" * 10_001}).encode(),
        b"&".join(b"a%d=1" % number for number in range(200)),
    ],
)
async def test_a_signed_command_that_is_incomplete_is_answered_politely(body: bytes) -> None:
    door = Door()
    async with door.open():
        status, text = await door.signed(body)

    assert status == 200
    assert json.loads(text)["text"] == UNREADABLE.text
    assert door.desk.taken == []
    [noted] = door.telemetry.of(Noted)
    assert noted.event == "slack command incomplete"
    assert noted.error is None


@pytest.mark.parametrize("path", ["/slack/interactions", "/slack/events"])
@pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", b'{"type": "event_callback"}', b"[["])
async def test_what_means_nothing_to_the_bot_is_taken_in_silence(path: str, body: bytes) -> None:
    door = Door()
    async with door.open():
        assert await door.signed(body, path) == (200, "")


async def test_the_challenge_of_an_event_address_is_given_back() -> None:
    door = Door()
    body = b'{"type": "url_verification", "token": "t", "challenge": "3eZbrw1a"}'
    async with door.open():
        status, text = await door.signed(body, "/slack/events")

    assert status == 200
    assert json.loads(text) == {"challenge": "3eZbrw1a"}


async def test_what_cannot_be_done_is_said_in_its_own_words_and_escaped() -> None:
    door = Door(desk=Desk(error=RequestError("There is no task <orders> & co.")))
    async with door.open():
        answer = await door.typed()

    assert answer["text"] == "There is no task &lt;orders&gt; &amp; co."
    assert answer["response_type"] == "ephemeral"


async def test_when_the_store_is_away_the_person_is_told_to_try_again() -> None:
    door = Door(desk=Desk(error=StoreUnavailable("locked")))
    async with door.open():
        answer = await door.typed()

    assert answer["text"] == CANNOT_NOW.text
    assert door.telemetry.events() == ["slack command failed"]


async def test_a_defect_is_answered_and_logged_with_its_trace() -> None:
    defect = ZeroDivisionError("division by zero")
    door = Door(desk=Desk(error=defect))
    async with door.open():
        answer = await door.typed()

    assert answer["text"] == DEFECT.text
    [noted] = door.telemetry.of(Noted)
    assert (noted.level, noted.error) == ("error", defect)


async def test_a_command_whose_work_was_cancelled_is_answered_all_the_same() -> None:
    door = Door(desk=Desk(error=asyncio.CancelledError()))
    async with door.open():
        answer = await door.typed()

    assert answer["text"] == CANNOT_NOW.text


# --- twice, and late --------------------------------------------------------------------------


async def test_a_command_that_arrives_twice_is_carried_out_once_and_answered_alike() -> None:
    door = Door()
    async with door.open():
        first = await door.typed()
        second = await door.typed()

    assert first == second
    assert len(door.desk.taken) == 1


async def test_a_command_that_arrives_again_while_worked_on_waits_for_the_same_answer() -> None:
    door = Door(desk=Desk(gate=asyncio.Event()))
    async with door.open():
        both = asyncio.gather(door.typed(), door.typed())
        while len(door.desk.taken) < 1:  # noqa: ASYNC110 - the requests arrive over a real socket
            await asyncio.sleep(0.001)
        assert door.desk.gate is not None
        door.desk.gate.set()
        first, second = await both

    assert first == second
    assert len(door.desk.taken) == 1


async def test_commands_without_a_trigger_are_each_carried_out() -> None:
    door = Door()
    async with door.open():
        await door.typed(trigger_id="")
        await door.typed(trigger_id="")

    assert len(door.desk.taken) == 2


async def test_memory_of_triggers_is_bounded() -> None:
    door = Door()
    async with door.open() as inbound:
        for number in range(600):
            task = inbound._task(command(trigger_id=f"t-{number}"))
            await task

        assert len(inbound._answers) == 512


def command(**changes: str) -> SlashCommand:
    return SlashCommand.model_validate({**COMMAND, **changes})


async def test_what_takes_long_is_promised_at_once_and_answered_at_the_response_url() -> None:
    door = Door(patience=IMPATIENT, desk=Desk(gate=asyncio.Event()))
    async with door.open():
        answer = await door.typed()
        assert door.later.sent == []
        assert door.desk.gate is not None
        door.desk.gate.set()
        await door.later.arrived.wait()

    assert answer == {"response_type": "ephemeral", "text": STILL_WORKING.text}
    assert door.later.sent == [(COMMAND["response_url"], "orders: ok", False)]


async def test_a_late_command_that_arrives_twice_is_answered_late_once() -> None:
    door = Door(patience=IMPATIENT, desk=Desk(gate=asyncio.Event()))
    async with door.open():
        await door.typed()
        await door.typed()
        assert door.desk.gate is not None
        door.desk.gate.set()
        await door.later.arrived.wait()

    assert len(door.later.sent) == 1


async def test_when_slack_hangs_up_the_answer_still_comes_later() -> None:
    door = Door(desk=Desk(gate=asyncio.Event()))
    async with door.open():
        body = urlencode(COMMAND).encode()
        knock = asyncio.ensure_future(door.knock(body, signed_headers(SECRET, NOW_S, body)))
        while not door.desk.taken:  # noqa: ASYNC110 - the request arrives over a real socket
            await asyncio.sleep(0.001)
        knock.cancel()
        with pytest.raises(asyncio.CancelledError):
            await knock
        while not door.later.sent:
            assert door.desk.gate is not None
            door.desk.gate.set()
            await asyncio.sleep(0.001)

    assert len(door.later.sent) == 1


async def test_a_late_answer_that_cannot_be_delivered_is_noted_without_its_address() -> None:
    unreachable = ChatUnavailable("response_url: cannot connect")
    door = Door(patience=IMPATIENT, desk=Desk(gate=asyncio.Event()), later=Later(unreachable))
    async with door.open():
        await door.typed()
        assert door.desk.gate is not None
        door.desk.gate.set()
        await door.later.arrived.wait()

    [noted] = door.telemetry.of(Noted)
    assert noted.event == "late answer not delivered"
    assert "known-only-to-slack" not in repr(noted)


async def test_a_defect_in_delivering_late_is_logged() -> None:
    door = Door(
        patience=IMPATIENT, desk=Desk(gate=asyncio.Event()), later=Later(ZeroDivisionError("x"))
    )
    async with door.open():
        await door.typed()
        assert door.desk.gate is not None
        door.desk.gate.set()
        await door.later.arrived.wait()

    assert door.telemetry.events() == ["late answer met a defect"]


async def test_closing_waits_a_while_for_late_answers_and_then_drops_them() -> None:
    door = Door(patience=IMPATIENT, desk=Desk(gate=asyncio.Event()))
    async with door.open() as inbound:
        await door.typed()
        await inbound.close(within=timedelta(milliseconds=10))

        assert door.later.sent == []


def test_a_command_shows_neither_its_response_url_nor_its_trigger() -> None:
    shown = repr(command())

    assert "known-only-to-slack" not in shown
    assert "1.2.abc" not in shown
