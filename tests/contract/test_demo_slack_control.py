"""The simulator's own addresses: its state and changes, its page, and what is typed there."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

import bot.demo
from bot.demo.slack import Content
from bot.demo.slack.workspace import Draft
from tests.contract.slack_world import (
    World,
    answers,
    new_slack,
    receiver,
    running,
    section,
    serving,
)

_PAGE = Path(bot.demo.__file__).parent / "page"


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(world.base_url) as session:
        yield session


async def state(http: aiohttp.ClientSession, query: str = "") -> dict[str, object]:
    async with http.get(f"/_demo/state{query}") as response:
        assert response.status == 200
        told: dict[str, object] = await response.json()
        return told


def channel(told: Mapping[str, object], channel_id: str) -> dict[str, object]:
    channels = told["channels"]
    assert isinstance(channels, list)
    found: dict[str, object] = next(c for c in channels if c["id"] == channel_id)
    return found


async def test_the_state_tells_messages_versions_and_rings(
    world: World, http: aiohttp.ClientSession
) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="one", client_msg_id="m-1")
    await world.client.chat_update(channel="C1", ts=posted["ts"], text="two")

    told = await state(http)
    alerts = channel(told, "C1")
    messages = alerts["messages"]
    assert isinstance(messages, list)
    (message,) = messages
    assert (message["ts"], message["text"], message["edits"]) == (posted["ts"], "two", 1)
    assert [version["text"] for version in message["versions"]] == ["one", "two"]
    assert message["client_msg_id"] == "m-1"
    assert alerts["ring_count"] == 1
    assert alerts["rings"] == [
        {"ts": posted["ts"], "channel": "C1", "kind": "root", "mentions": [], "text": "one"}
    ]
    assert told["calls"] == {"chat.postMessage": 1, "chat.update": 1}


async def test_the_state_since_a_version_holds_only_channels_that_changed(
    world: World, http: aiohttp.ClientSession
) -> None:
    before = (await state(http))["version"]
    await world.client.chat_postMessage(channel="C1", text="t")

    after = await state(http, f"?since={before}")
    channels = after["channels"]
    assert isinstance(channels, list)
    assert [c["id"] for c in channels] == ["C1"]
    assert (await state(http, f"?since={after['version']}"))["channels"] == []


async def test_the_pages_view_leaves_out_the_past(
    world: World, http: aiohttp.ClientSession
) -> None:
    gone = await world.client.chat_postMessage(channel="C1", text="gone")
    await world.client.chat_delete(channel="C1", ts=gone["ts"])
    for number in range(201):
        draft = Draft(Content(str(number)), world.slack.workspace.bot)
        world.slack.workspace.post(world.slack.channel("C1"), draft)

    messages = channel(await state(http, "?view=page"), "C1")["messages"]
    everything = channel(await state(http), "C1")["messages"]
    assert isinstance(messages, list)
    assert isinstance(everything, list)
    assert [m["text"] for m in messages] == [str(number) for number in range(1, 201)]
    assert "versions" not in messages[0]
    assert everything[0]["deleted"] is True


async def test_nonsense_in_since_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("/_demo/state?since=now") as response:
        assert response.status == 400
        assert await response.text() == "since: 'now' is not a whole number"


async def test_changes_are_told_as_events(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get("/_demo/events") as response:
        assert response.content_type == "text/event-stream"
        first = await version(response)
        await world.client.chat_postMessage(channel="C1", text="t")
        second = await version(response)

    assert second == first + 1 == world.slack.workspace.version


async def version(response: aiohttp.ClientResponse) -> int:
    line = await response.content.readuntil(b"\n\n")
    told: dict[str, int] = json.loads(line.removeprefix(b"data: "))
    return told["version"]


async def test_an_open_stream_does_not_keep_the_simulator_from_stopping() -> None:
    async with aiohttp.ClientSession() as http:
        async with running(new_slack()) as world:
            response = await http.get(f"{world.base_url}/_demo/events")
            await version(response)
        rest = await response.content.read()

    assert rest in (b"", b": still here\n\n")


async def test_a_page_of_another_site_can_do_nothing_here(http: aiohttp.ClientSession) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    async with http.post("/_demo/faults", json={"kind": "drop"}, headers=headers) as response:
        assert response.status == 403


async def test_the_page_and_its_files_come_with_a_policy_that_allows_nothing_else(
    http: aiohttp.ClientSession,
) -> None:
    files = [path.name for path in _PAGE.iterdir() if path.name != "index.html"]
    for address in ("/", *(f"/static/{name}" for name in files)):
        async with http.get(address) as response:
            assert response.status == 200, address
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_page_refers_to_nothing_outside_and_never_writes_html() -> None:
    for path in _PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "innerHTML" not in text
        assert "insertAdjacent" not in text
        assert 'src="http' not in text
        assert 'href="http' not in text
        assert "@import" not in text


@pytest.mark.parametrize(
    "address", ["/static/app.py", "/static/../slack/api.py", "/static/nothing.js"]
)
async def test_only_files_of_the_page_are_served(http: aiohttp.ClientSession, address: str) -> None:
    async with http.get(address) as response:
        assert response.status == 404


async def test_a_permalink_leads_to_the_message_on_the_page(
    world: World, http: aiohttp.ClientSession
) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t")
    link = await world.client.chat_getPermalink(channel="C1", message_ts=posted["ts"])

    async with http.get(link["permalink"], allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == f"/#C1/p{posted['ts'].replace('.', '')}"


async def test_what_is_typed_on_the_page_reaches_the_app(
    world: World, http: aiohttp.ClientSession
) -> None:
    typed = {"text": " /dumptask  list team=orders ", "channel": "C1", "user": "U0NIGHT"}
    texts: list[str] = []

    async def reply(request: web.Request) -> web.Response:
        texts.append(str((await request.post())["text"]))
        return web.json_response({"text": "two tasks"})

    async with serving(receiver(reply)) as app_url:
        world.slack.command_url = f"{app_url}/slack"
        async with http.post("/_demo/command", json=typed) as response:
            assert await response.json() == {"ok": True}

    assert texts == ["list team=orders"]
    (answer,) = world.slack.ephemeral("C1", "U0NIGHT")
    assert (answer.content.text, answer.prompt) == ("two tasks", "/dumptask list team=orders")


async def test_what_is_pressed_on_the_page_reaches_the_app(
    world: World, http: aiohttp.ClientSession
) -> None:
    button = {"type": "button", "action_id": "ack", "text": {"type": "plain_text", "text": "Ack"}}
    posted = await world.client.chat_postMessage(
        channel="C1", text="t", blocks=[{"type": "actions", "elements": [button]}]
    )
    pressed = {"channel": "C1", "ts": posted["ts"], "action_id": "ack", "user": "U0NIGHT"}
    async with serving(receiver(answers({}))) as app_url:
        world.slack.interaction_url = f"{app_url}/slack"
        async with http.post("/_demo/click", json=pressed) as response:
            assert await response.json() == {"ok": True}
        async with http.post("/_demo/click", json={**pressed, "ts": "1.1"}) as response:
            assert response.status == 400


@pytest.mark.parametrize(
    ("address", "fields", "sentence"),
    [
        (
            "command",
            {"text": "/dumptask", "channel": "C1"},
            "No app is listening for commands yet.",
        ),
        ("command", {"text": "/remind me"}, "Only /dumptask is installed here."),
        ("click", {"channel": "C1"}, "No app is listening for buttons yet."),
        ("click", ["C1"], "a JSON object is expected"),
    ],
)
async def test_what_cannot_be_done_on_the_page_is_said(
    http: aiohttp.ClientSession, address: str, fields: object, sentence: str
) -> None:
    async with http.post(f"/_demo/{address}", json=fields) as response:
        assert response.status == 400
        assert await response.json() == {"ok": False, "error": sentence}


async def test_a_command_in_a_channel_that_is_not_there_is_not_sent(
    world: World, http: aiohttp.ClientSession
) -> None:
    world.slack.command_url = "http://127.0.0.1:1"
    fields = {"text": "/dumptask", "channel": "C0NOWHERE", "user": "U0NIGHT"}

    async with http.post("/_demo/command", json=fields) as response:
        assert (await response.json())["error"] == "There is no such channel."


async def test_the_state_says_whether_an_app_listens(
    world: World, http: aiohttp.ClientSession
) -> None:
    before = (await state(http))["ready"]
    world.slack.command_url = "http://127.0.0.1:1"

    assert (before, (await state(http))["ready"]) == (False, True)
    await world.client.chat_postMessage(channel="C1", text="t", blocks=[section("t")])
