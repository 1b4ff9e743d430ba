"""Slash commands as they arrive at an app, and the ways it can answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.slack import SlackOptions
from tests.contract.slack_world import (
    SECRET,
    HandClock,
    World,
    answers,
    new_slack,
    receiver,
    running,
    says_nothing,
    sent,
    serving,
)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


async def test_a_command_arrives_signed_with_the_fields_slack_sends(world: World) -> None:
    received: dict[str, str] = {}
    genuine: list[bool] = []

    async def reply(request: web.Request) -> web.Response:
        raw = await request.read()
        genuine.append(SignatureVerifier(SECRET).is_valid_request(raw, dict(request.headers)))
        fields = parse_qs(raw.decode(), keep_blank_values=True, strict_parsing=True)
        received.update({name: values[0] for name, values in fields.items()})
        return web.Response()

    await sent(world.slack, "lag orders & <b> @night-shift #alerts", reply)

    assert genuine == [True]
    assert received["command"] == "/dumptask"
    assert received["text"] == "lag orders &amp; &lt;b&gt; <@U0NIGHT|night-shift> <#C1|alerts>"
    assert (received["channel_id"], received["user_id"]) == ("C1", "U0OPERATOR")
    assert (received["team_id"], received["api_app_id"]) == ("T0DUMPTASK", "A0DUMPTASK")
    assert received["response_url"].startswith(f"{world.base_url}/commands/T0DUMPTASK/")
    assert received.keys() >= {"trigger_id", "user_name", "team_domain", "token"}


async def test_a_private_channel_is_not_named(world: World) -> None:
    names: list[str] = []

    async def reply(request: web.Request) -> web.Response:
        names.append(str((await request.post())["channel_name"]))
        return web.Response()

    async with serving(receiver(reply)) as app_url:
        await world.slack.command(f"{app_url}/slack", "", channel_id="C5")
    assert names == ["privategroup"]


@pytest.mark.parametrize(
    ("body", "for_all", "text"),
    [
        ({"text": "only you"}, False, "only you"),
        ({"response_type": "ephemeral", "text": "only you"}, False, "only you"),
        ({"response_type": "in_channel", "text": "everybody"}, True, "everybody"),
    ],
)
async def test_an_answer_in_the_body_is_shown_to_one_person_or_to_all(
    world: World, body: Mapping[str, object], for_all: bool, text: str
) -> None:
    delivery = await sent(world.slack, "status", answers(body))

    shown = world.slack.messages("C1") if for_all else world.slack.ephemeral("C1")
    assert (delivery.status, delivery.error) == (200, None)
    assert [m.content.text for m in shown] == [text]
    assert delivery.shown == shown[0]


async def test_plain_text_is_an_answer_and_an_empty_body_is_none(world: World) -> None:
    async def plain(_request: web.Request) -> web.Response:
        return web.Response(text="all well")

    told = await sent(world.slack, "", plain)
    silent = await sent(world.slack, "", says_nothing)
    assert told.shown is not None
    assert told.shown.content.text == "all well"
    assert silent.shown is None


async def test_an_answer_beyond_slacks_limits_is_not_shown(world: World) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    delivery = await sent(world.slack, "", answers({"text": "t", "blocks": [header]}))

    assert delivery.error == "invalid_blocks"
    assert delivery.shown is not None
    assert delivery.shown.content.text == "/dumptask failed with the error “invalid_blocks”"


async def test_an_app_that_takes_too_long_is_reported_as_timed_out() -> None:
    slack = new_slack(SlackOptions(answer_within=timedelta(milliseconds=50)))

    async def reply(_request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with running(slack):
        delivery = await sent(slack, "", reply)
    assert (delivery.status, delivery.error) == (None, "operation_timeout")
    assert [m.content.text for m in slack.ephemeral("C1")] == [
        "/dumptask failed with the error “operation_timeout”"
    ]


async def test_three_seconds_are_allowed_by_default() -> None:
    assert SlackOptions().answer_within == timedelta(seconds=3)


async def test_an_app_that_is_away_or_refuses_is_reported(world: World) -> None:
    async def refuses(_request: web.Request) -> web.Response:
        return web.Response(status=401)

    refused = await sent(world.slack, "", refuses)
    away = await world.slack.command("http://127.0.0.1:1/slack", "", channel_id="C1")
    assert (refused.status, refused.error) == (401, "dispatch_failed")
    assert (away.status, away.error) == (None, "dispatch_failed")
    assert [m.content.text for m in world.slack.ephemeral("C1")] == [
        "/dumptask failed because the app responded with status code 401",
        "/dumptask failed with the error “dispatch_failed”",
    ]


async def test_a_response_url_is_good_for_five_answers(world: World) -> None:
    delivery = await sent(world.slack, "", says_nothing)
    webhook = AsyncWebhookClient(delivery.response_url, retry_handlers=[])

    statuses = [(await webhook.send(text=f"answer {n}")).status_code for n in range(6)]
    assert statuses == [200] * 5 + [404]
    assert len(world.slack.ephemeral("C1")) == 5


async def test_a_response_url_ends_after_thirty_minutes() -> None:
    clock = HandClock()
    async with running(new_slack(clock=clock)) as world:
        delivery = await sent(world.slack, "", says_nothing)
        webhook = AsyncWebhookClient(delivery.response_url, retry_handlers=[])
        clock.move(timedelta(minutes=30))
        in_time = await webhook.send(text="late", response_type="in_channel")
        clock.move(timedelta(seconds=1))
        too_late = await webhook.send(text="too late")

    assert (in_time.status_code, in_time.body) == (200, "ok")
    assert (too_late.status_code, too_late.body) == (404, "expired_url")
    assert [m.content.text for m in world.slack.messages("C1")] == ["late"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"{}", 400, "no_text"),
        (b"text=hello", 400, "invalid_payload"),
        (b"\xff", 400, "invalid_payload"),
        (b"[]", 400, "invalid_payload"),
        (b'{"text": "t", "blocks": [{"type": "nonsense"}]}', 400, "invalid_blocks"),
    ],
)
async def test_a_response_url_refuses_in_plain_text(
    world: World, body: bytes, status: int, text: str
) -> None:
    delivery = await sent(world.slack, "", says_nothing)
    async with (
        aiohttp.ClientSession() as http,
        http.post(delivery.response_url, data=body) as response,
    ):
        assert (response.status, await response.text()) == (status, text)


async def test_an_address_that_was_never_given_out_is_not_found(world: World) -> None:
    webhook = AsyncWebhookClient(f"{world.base_url}/commands/T1/1/guess", retry_handlers=[])

    assert (await webhook.send(text="t")).status_code == 404


async def test_after_a_command_replace_original_adds_another_answer(world: World) -> None:
    delivery = await sent(world.slack, "", answers({"text": "wait"}))
    webhook = AsyncWebhookClient(delivery.response_url, retry_handlers=[])
    await webhook.send(text="done", replace_original=True)

    assert [m.content.text for m in world.slack.ephemeral("C1")] == ["wait", "done"]
