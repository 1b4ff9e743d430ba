"""What goes wrong on demand: every documented error, and every way an answer can be lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from bot.demo.slack import Fault, FaultKind, RateTable, SlackOptions
from tests.contract.slack_world import (
    TOKEN,
    HandClock,
    World,
    new_slack,
    refusal,
    refused,
    running,
)

_METHODS = Path(__file__).parent.parent / "data" / "slack-methods.json"
_BEARER = {"Authorization": f"Bearer {TOKEN}"}

NOT_SERVED = frozenset(
    {
        "files.getUploadURLExternal",
        "files.completeUploadExternal",
        "usergroups.users.list",
        "users.conversations",
        "apps.connections.open",
    }
)
"""Methods of the list that are only simulated as failing."""


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


def documented() -> dict[str, list[str]]:
    methods = json.loads(_METHODS.read_text(encoding="utf-8"))["methods"]
    return {name: method["errors"] for name, method in methods.items()}


@pytest.mark.parametrize("method", documented())
async def test_every_documented_error_of_a_method_can_be_had(world: World, method: str) -> None:
    async with aiohttp.ClientSession(headers=_BEARER) as http:
        for code in documented()[method]:
            world.slack.faults.add(Fault(FaultKind.ERROR, method, error=code))
            async with http.post(world.api(method), json={"channel": "C1"}) as response:
                answer = await response.json()
                assert (answer["ok"], answer["error"]) == (False, code)
                assert response.status == (429 if code == "ratelimited" else 200)
    assert world.slack.faults.script() == []


@pytest.mark.parametrize("method", sorted(documented().keys() - NOT_SERVED))
async def test_every_method_of_the_list_is_served_but_the_named_ones(
    world: World, method: str
) -> None:
    async with (
        aiohttp.ClientSession(headers=_BEARER) as http,
        http.post(world.api(method), json={}) as response,
    ):
        assert (await response.json()).get("error") != "unknown_method"


async def test_errors_that_say_more_say_it_on_demand_too(world: World) -> None:
    for code in ("missing_scope", "invalid_blocks"):
        world.slack.faults.add(Fault(FaultKind.ERROR, "chat.postMessage", error=code))

    scope = await refused(world.client.chat_postMessage(channel="C1", text="t"))
    blocks = await refused(world.client.chat_postMessage(channel="C1", text="t"))
    assert scope["needed"] == "chat:write"
    assert "[json-pointer:/blocks/0/text/text]" in blocks["errors"][0]
    assert blocks["response_metadata"]["messages"] == [f"[ERROR] {blocks['errors'][0]}"]


async def test_a_fault_strikes_its_method_and_channel_as_often_as_it_says(world: World) -> None:
    world.slack.faults.add(
        Fault(FaultKind.ERROR, "chat.postMessage", "C1", error="fatal_error", times=2, skip=1)
    )

    async def outcome(channel: str) -> str:
        answer = await world.client.api_call(
            "chat.postMessage", json={"channel": channel, "text": "t"}
        )
        return str(answer["ok"])

    assert await outcome("C1") == "True"
    assert await outcome("C2") == "True"
    for channel in ("C1", "#alerts"):
        assert await refusal(world.client.chat_postMessage(channel=channel, text="t")) == (
            "fatal_error"
        )
    assert await outcome("C1") == "True"


@pytest.mark.parametrize(("accepted", "messages"), [(False, 0), (True, 1)])
async def test_a_dropped_connection_may_or_may_not_have_posted(
    world: World, accepted: bool, messages: int
) -> None:
    world.slack.faults.add(Fault(FaultKind.DROP, "chat.postMessage", accepted=accepted))

    with pytest.raises(aiohttp.ClientConnectionError):
        await world.client.chat_postMessage(channel="C1", text="t")
    assert len(world.slack.messages("C1")) == messages
    await world.client.chat_postMessage(channel="C1", text="again")


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        (FaultKind.HTML_503, 503, "text/html"),
        (FaultKind.PLAIN_TEXT, 200, "text/plain"),
        (FaultKind.BROKEN_JSON, 200, "application/json"),
        (FaultKind.RATE_LIMITED, 429, "application/json"),
        (FaultKind.RATE_LIMITED_IN_200, 200, "application/json"),
    ],
)
async def test_an_answer_can_be_of_the_wrong_kind(
    world: World, kind: FaultKind, status: int, content_type: str
) -> None:
    world.slack.faults.add(Fault(kind, retry_after_s=7))

    async with (
        aiohttp.ClientSession(headers=_BEARER) as http,
        http.post(world.api("auth.test")) as response,
    ):
        assert response.status == status
        assert response.content_type == content_type
        assert response.headers.get("Retry-After") == ("7" if status == 429 else None)
        text = await response.text()
    assert ("rate" in text) is (kind in (FaultKind.RATE_LIMITED, FaultKind.RATE_LIMITED_IN_200))


async def test_a_slow_answer_is_right_but_late(world: World) -> None:
    world.slack.faults.add(Fault(FaultKind.SLOW, delay_s=0.05))

    assert (await world.client.auth_test())["ok"] is True


async def test_a_hanging_call_ends_when_the_simulator_stops() -> None:
    slack = new_slack()
    slack.faults.add(Fault(FaultKind.HANG, accepted=True))
    async with running(slack) as world:
        call = asyncio.ensure_future(world.client.chat_postMessage(channel="C1", text="t"))
        await slack.workspace.wait_beyond(slack.workspace.version)

    with pytest.raises(aiohttp.ClientConnectionError):
        await call
    assert len(slack.messages("C1")) == 1


async def test_faults_are_added_read_and_cleared_over_http(world: World) -> None:
    address = f"{world.base_url}/_demo/faults"
    fault = {"kind": "error", "error": "is_archived", "method": "chat.postMessage", "times": None}
    async with aiohttp.ClientSession() as http:
        async with http.post(address, json=[fault, {"kind": "drop", "channel": "C2"}]) as response:
            assert response.status == 200
        first = await refusal(world.client.chat_postMessage(channel="C1", text="t"))
        async with http.get(address) as response:
            script = await response.json()
        async with http.delete(address) as response:
            assert response.status == 204

    assert first == "is_archived"
    assert [(line["kind"], line["struck"]) for line in script] == [("error", 1), ("drop", 0)]
    assert (await world.client.chat_postMessage(channel="C1", text="t"))["ok"] is True


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"kind": "flood"}, "kind: 'flood' is none of error, rate_limited"),
        ({}, "kind: None is none of"),
        ({"kind": "drop", "count": 3}, "count: no such field; there are kind, method"),
        ({"kind": "drop", "times": "3"}, "times: '3' is not int or null"),
        ({"kind": "drop", "times": True}, "times: True is not int or null"),
        (["drop"], "a fault is a JSON object"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_what_would(
    world: World, body: object, sentence: str
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{world.base_url}/_demo/faults", json=body) as response,
    ):
        assert response.status == 400
        assert (await response.text()).startswith(sentence)


async def test_a_client_that_waits_as_told_gets_through_a_429(world: World) -> None:
    world.slack.faults.add(Fault(FaultKind.RATE_LIMITED, "auth.test", retry_after_s=0))
    world.client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))

    assert (await world.client.auth_test())["ok"] is True
    assert world.slack.calls["auth.test"] == 2


async def test_posts_to_one_channel_keep_to_one_a_second_after_a_burst() -> None:
    clock = HandClock()
    slack = new_slack(SlackOptions(rate_limits=RateTable()), clock)
    async with running(slack) as world:
        post = world.client.chat_postMessage
        for _ in range(5):
            await post(channel="C1", text="t")
        held = await refused(post(channel="C1", text="t"))
        await post(channel="C2", text="other channels have their own budget")
        clock.elapsed_s += 1
        await post(channel="C1", text="t")

        assert await refusal(post(channel="#alerts", text="t")) == "ratelimited"
    assert held.status_code == 429
    assert held.headers["Retry-After"] == "1"
    assert len(slack.messages("C1")) == 6


async def test_each_method_has_the_budget_of_its_tier() -> None:
    clock = HandClock()
    async with running(new_slack(SlackOptions(rate_limits=RateTable()), clock)) as world:
        for _ in range(20):
            await world.client.usergroups_list()
        held = await refused(world.client.usergroups_list())
        clock.elapsed_s += 3
        again = await world.client.usergroups_list()
        other = await world.client.conversations_list()

    assert held.headers["Retry-After"] == "3"
    assert again["ok"] is other["ok"] is True
