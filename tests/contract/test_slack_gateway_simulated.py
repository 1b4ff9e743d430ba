"""The gateway against the simulated workspace: what people then see in the channel."""

import pytest

from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import METADATA_EVENT, SlackGateway
from bot.demo.slack import Fault, FaultKind, RingKind, SlackOptions
from bot.ports import ChatAmbiguous, ChatRejected, ChatThrottled, MessageRef, Rejection
from bot.presenters.message import Block, Message
from tests.contract.slack_world import TOKEN, World, new_slack, running

SECTION: Block = {"type": "section", "text": {"type": "mrkdwn", "text": "lag *4,200*"}}
CARD = Message("orders: lag", (SECTION,))


def gateway_of(world: World, token: str = TOKEN) -> SlackGateway:
    return SlackGateway(SlackAccess(token, world.api("")))


async def test_a_card_is_posted_edited_in_place_and_answered_in_its_thread() -> None:
    async with running() as world, gateway_of(world) as gateway:
        ref = await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="i-1")
        await gateway.update(ref, Message("orders: resolved"))
        reply = await gateway.reply(ref, Message("resolved"), broadcast=True, dedupe_id="n-2")

        [root, answer] = world.slack.messages("C1")
        assert (root.ts, root.content.text, root.content.blocks) == (ref.ts, "orders: resolved", ())
        assert len(root.versions) == 2
        assert root.versions[0].content.metadata == {
            "event_type": METADATA_EVENT,
            "event_payload": {"fingerprint": "i-1"},
        }
        assert (answer.ts, answer.thread_ts, answer.broadcast) == (reply.ts, ref.ts, True)
        assert [ring.kind for ring in world.slack.rings()] == [RingKind.ROOT, RingKind.BROADCAST]


async def test_the_credentials_belong_to_the_bot() -> None:
    async with running() as world, gateway_of(world) as gateway:
        assert await gateway.check_credentials() == world.slack.workspace.bot.user_id


async def test_a_wrong_token_is_refused_as_such() -> None:
    async with running() as world, gateway_of(world, "xoxb-wrong") as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.check_credentials()

    assert caught.value.rejection is Rejection.CREDENTIAL


@pytest.mark.parametrize("channel", ["C3", "C4", "C9"])
async def test_a_channel_that_cannot_be_posted_to_is_refused_as_such(channel: str) -> None:
    async with running() as world, gateway_of(world) as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.post(channel, CARD, dedupe_id="n-1", fingerprint="f")

    assert caught.value.rejection is Rejection.CHANNEL


async def test_an_edit_of_a_message_that_is_gone_is_refused_as_such() -> None:
    async with running() as world, gateway_of(world) as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.update(MessageRef("C1", "1.000001"), CARD)

    assert caught.value.rejection is Rejection.TARGET_GONE


async def test_blocks_beyond_the_limits_are_refused_with_their_places() -> None:
    header: Block = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    async with running() as world, gateway_of(world) as gateway:
        with pytest.raises(ChatRejected) as caught:
            await gateway.post("C1", Message("t", (SECTION, header)), dedupe_id="n", fingerprint="")

    assert caught.value.rejection is Rejection.PAYLOAD
    assert caught.value.pointers == ("/blocks/1/text/text",)


async def test_a_post_whose_answer_is_lost_is_made_once_and_ambiguous() -> None:
    async with running() as world, gateway_of(world) as gateway:
        world.slack.faults.add(Fault(FaultKind.DROP, method="chat.postMessage", accepted=True))
        with pytest.raises(ChatAmbiguous):
            await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")

        assert len(world.slack.messages("C1")) == 1


async def test_with_deduplication_the_repeated_post_is_the_same_message() -> None:
    slack = new_slack(SlackOptions(deduplicate_client_msg_id=True))
    async with running(slack) as world, gateway_of(world) as gateway:
        slack.faults.add(Fault(FaultKind.DROP, method="chat.postMessage", accepted=True))
        with pytest.raises(ChatAmbiguous):
            await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")
        await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")

        assert len(slack.messages("C1")) == 1


async def test_rate_limits_say_how_long_to_wait() -> None:
    async with running() as world, gateway_of(world) as gateway:
        world.slack.faults.add(Fault(FaultKind.RATE_LIMITED, retry_after_s=17))
        with pytest.raises(ChatThrottled) as caught:
            await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")

    assert caught.value.retry_after.total_seconds() == 17
