"""What the gateway asks of Slack, and what it makes of the good answers."""

from uuid import UUID

import pytest

from bot.adapters.slack.gateway import SlackGateway
from bot.ports import ChatGateway, ChatRejected, ChatUnavailable, MessageRef
from bot.presenters.message import Block, Message
from tests.contract.scripted_slack import (
    ROOT,
    TOKEN,
    ScriptedSlack,
    gateway_to,
    refuses,
    says,
    scripted,
)

SECTION: Block = {"type": "section", "text": {"type": "mrkdwn", "text": "lag 4,200"}}
CARD = Message("CRITICAL orders: lag", (SECTION,))


async def test_the_gateway_is_the_port() -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        port: ChatGateway = gateway

        assert await port.check_credentials() == "UBOT"


async def test_a_post_has_text_blocks_marks_and_no_previews() -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        ref = await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="i-1:3:open")

    assert ref == MessageRef("C1", "1700000000.000100")
    [asked] = slack.asked
    assert asked.path == "/api/chat.postMessage"
    assert asked.authorization == f"Bearer {TOKEN}"
    assert {name: asked.body[name] for name in asked.body if name != "client_msg_id"} == {
        "channel": "C1",
        "text": "CRITICAL orders: lag",
        "blocks": [SECTION],
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {
            "event_type": "dumptask_card",
            "event_payload": {"fingerprint": "i-1:3:open"},
        },
    }


async def _client_msg_id(gateway: SlackGateway, slack: ScriptedSlack, dedupe_id: str) -> str:
    await gateway.post("C1", CARD, dedupe_id=dedupe_id, fingerprint="f")
    return str(slack.last["client_msg_id"])


async def test_the_same_dedupe_id_makes_the_same_client_msg_id_in_any_process() -> None:
    async with scripted() as slack:
        async with gateway_to(slack) as before:
            first = await _client_msg_id(before, slack, "n-1")
            other = await _client_msg_id(before, slack, "n-2")
        async with gateway_to(slack) as after_restart:
            again = await _client_msg_id(after_restart, slack, "n-1")

    assert first == again != other
    assert UUID(first).version == 5


async def test_the_channel_of_the_answer_is_where_the_message_is() -> None:
    answer = says({"ok": True, "channel": "C0RENAMED", "ts": "1.2"})
    async with scripted(answer) as slack, gateway_to(slack) as gateway:
        ref = await gateway.post("#alerts", CARD, dedupe_id="n-1", fingerprint="f")

    assert ref == MessageRef("C0RENAMED", "1.2")


async def test_an_edit_names_the_message_and_carries_no_marks() -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        await gateway.update(ROOT, CARD)

    assert slack.asked[-1].path == "/api/chat.update"
    assert slack.last == {
        "channel": "C1",
        "ts": ROOT.ts,
        "text": CARD.text,
        "blocks": [SECTION],
    }


async def test_a_message_without_blocks_sends_none() -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        await gateway.update(ROOT, Message("resolved"))

    assert "blocks" not in slack.last


@pytest.mark.parametrize("broadcast", [True, False])
async def test_a_reply_goes_into_the_thread_and_rings_only_when_told_to(broadcast: bool) -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        await gateway.reply(ROOT, CARD, broadcast=broadcast, dedupe_id="n-2")

    assert slack.asked[-1].path == "/api/chat.postMessage"
    assert slack.last["thread_ts"] == ROOT.ts
    assert slack.last.get("reply_broadcast", False) is broadcast
    assert "client_msg_id" in slack.last


@pytest.mark.parametrize(("in_channel", "kind"), [(True, "in_channel"), (False, "ephemeral")])
async def test_a_late_answer_goes_to_the_response_url_without_the_token(
    in_channel: bool, kind: str
) -> None:
    async with scripted(says({"ok": True})) as slack, gateway_to(slack) as gateway:
        await gateway.respond(f"{slack.base_url}/commands/T1/1/x", CARD, in_channel=in_channel)

    [asked] = slack.asked
    assert asked.path == "/commands/T1/1/x"
    assert asked.authorization == ""
    assert asked.body == {
        "response_type": kind,
        "replace_original": False,
        "text": CARD.text,
        "blocks": [SECTION],
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/commands/T1/1/x",
        "http://hooks.slack.com/commands/T1/1/x",
        "https://hooks.slack.com:8443/commands/T1/1/x",
        "https://hooks.slack.com.evil.example/commands",
        "https://hooks.slack.com@evil.example/commands",
        "https://user:pass@hooks.slack.com/commands",
        "https://127.0.0.1/commands",
        "ftp://127.0.0.1/commands",
        "//hooks.slack.com/commands",
        "/commands/T1/1/x",
        "https://[::1/commands",
        "https://hooks.slack.com:99999/commands",
        "somewhere else",
        "",
    ],
)
async def test_a_response_url_that_is_not_slacks_is_refused_unsent_and_unnamed(url: str) -> None:
    async with scripted() as slack, gateway_to(slack) as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.respond(url, CARD, in_channel=False)

    assert slack.asked == []
    assert caught.value.code == "response_url_refused"
    assert url == "" or url not in str(caught.value)


async def test_a_closed_gateway_says_so_and_sends_nothing() -> None:
    async with scripted() as slack:
        async with gateway_to(slack) as gateway:
            pass
        with pytest.raises(ChatUnavailable, match="closed"):
            await gateway.check_credentials()
        with pytest.raises(ChatUnavailable, match="closed"):
            await gateway.respond(f"{slack.base_url}/x", CARD, in_channel=False)

    assert slack.asked == []


async def test_after_slack_refused_the_metadata_the_next_try_goes_without() -> None:
    async with scripted(refuses("metadata_too_large")) as slack, gateway_to(slack) as gateway:
        for _ in range(2):
            with pytest.raises(ChatRejected):
                await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")

    assert ["metadata" in asked.body for asked in slack.asked] == [True, False]


async def test_after_slack_lost_the_message_of_an_id_the_next_try_has_another() -> None:
    refusal = refuses("duplicate_message_not_found")
    async with scripted(refusal) as slack, gateway_to(slack) as gateway:
        for _ in range(3):
            with pytest.raises(Exception, match="duplicate_message_not_found"):
                await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")

    assert len({asked.body["client_msg_id"] for asked in slack.asked}) == 3
