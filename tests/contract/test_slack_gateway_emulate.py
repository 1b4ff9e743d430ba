"""The gateway against a Slack that others wrote: the npm package emulate, a stateful Web API.

It reads JSON bodies, keeps messages, threads, blocks and metadata, and refuses as Slack does; it
knows no rate limits, no block limits and no deduplication.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import METADATA_EVENT, SlackGateway
from bot.ports import ChatRejected, MessageRef, Rejection
from bot.presenters.message import Block, Message
from tests.node_packages import npm_package

pytestmark = pytest.mark.node

TOKEN = "xoxb-emulated"
SEED = """
slack:
  team: {name: Dumping Tasks, domain: dumping-tasks}
  channels: [{name: alerts}]
"""
SECTION: Block = {
    "type": "section",
    "block_id": "lag",
    "text": {"type": "mrkdwn", "text": "*orders*: lag 4,200"},
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        assert process.poll() is None, "the emulator ended by itself"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the emulator does not listen")


@pytest.fixture(scope="module")
def emulated_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = npm_package("emulate", "0.11.2") / "dist" / "index.js"
    seed: Path = tmp_path_factory.mktemp("emulate") / "seed.yaml"
    seed.write_text(SEED)
    port = _free_port()
    command = ["node", str(program), "start", "--service", "slack"]
    command += ["--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_listening(process, port)
            yield f"http://127.0.0.1:{port}/api/"
        finally:
            process.terminate()


async def _ask(api: str, method: str, arguments: dict[str, object]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(api + method, json=arguments) as response,
    ):
        answer: dict[str, object] = await response.json()
        return answer


async def _channel(api: str) -> str:
    answer = await _ask(api, "conversations.list", {})
    channels = answer["channels"]
    assert isinstance(channels, list)
    return next(str(channel["id"]) for channel in channels if channel["name"] == "alerts")


async def _thread(api: str, ref: MessageRef) -> list[dict[str, object]]:
    arguments: dict[str, object] = {
        "channel": ref.channel,
        "ts": ref.ts,
        "include_all_metadata": True,
    }
    messages = (await _ask(api, "conversations.replies", arguments))["messages"]
    assert isinstance(messages, list)
    return messages


async def test_the_bot_learns_who_it_is(emulated_api: str) -> None:
    async with SlackGateway(SlackAccess(TOKEN, emulated_api)) as gateway:
        assert (await gateway.check_credentials()).startswith("U")


async def test_a_card_is_posted_edited_and_answered_in_its_thread(emulated_api: str) -> None:
    channel = await _channel(emulated_api)
    async with SlackGateway(SlackAccess(TOKEN, emulated_api)) as gateway:
        ref = await gateway.post(
            channel, Message("orders: lag", (SECTION,)), dedupe_id="n-1", fingerprint="i-1"
        )
        await gateway.update(ref, Message("orders: resolved", (SECTION,)))
        answer = await gateway.reply(
            ref, Message("resolved after 12 min"), broadcast=False, dedupe_id="n-2"
        )

    [root, reply] = await _thread(emulated_api, ref)
    assert ref.channel == channel
    assert (root["ts"], root["text"]) == (ref.ts, "orders: resolved")
    assert root["blocks"] == [SECTION]
    assert root["metadata"] == {
        "event_type": METADATA_EVENT,
        "event_payload": {"fingerprint": "i-1"},
    }
    assert (reply["ts"], reply["thread_ts"]) == (answer.ts, ref.ts)
    assert reply["text"] == "resolved after 12 min"


async def test_an_unknown_channel_and_an_unknown_message_are_told_apart(emulated_api: str) -> None:
    channel = await _channel(emulated_api)
    async with SlackGateway(SlackAccess(TOKEN, emulated_api)) as gateway:
        with pytest.raises(ChatRejected) as nowhere:
            await gateway.post("C0NOWHERE", Message("x"), dedupe_id="n-3", fingerprint="")
        with pytest.raises(ChatRejected) as gone:
            await gateway.update(MessageRef(channel, "1.000001"), Message("x"))

    assert nowhere.value.rejection is Rejection.CHANNEL
    assert gone.value.rejection is Rejection.TARGET_GONE


async def test_an_empty_message_is_a_wrong_payload(emulated_api: str) -> None:
    channel = await _channel(emulated_api)
    async with SlackGateway(SlackAccess(TOKEN, emulated_api)) as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.post(channel, Message(""), dedupe_id="n-4", fingerprint="")

    assert (caught.value.code, caught.value.rejection) == ("no_text", Rejection.PAYLOAD)
