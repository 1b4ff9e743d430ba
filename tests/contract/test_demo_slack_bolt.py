"""A third-party app framework against the simulator: slack-bolt takes our commands and clicks.

Bolt verifies the signature, looks the bot up with auth.test, and answers through response URLs and
the Web API by itself, so that it proves the simulator without knowing it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.context.say.async_say import AsyncSay

from bot.demo.slack import Click
from tests.contract.slack_world import SECRET, World, running, serving


def bolt_app(world: World) -> AsyncApp:
    return AsyncApp(signing_secret=SECRET, client=world.client)


@asynccontextmanager
async def listening(app: AsyncApp) -> AsyncIterator[str]:
    async with serving(app.web_app(path="/slack/events")) as address:
        yield f"{address}/slack/events"


async def test_bolt_answers_a_command_at_once_later_and_in_the_channel() -> None:
    async with running() as world:
        app = bolt_app(world)
        finished = asyncio.Event()

        @app.command("/dumptask")
        async def status(ack: AsyncAck, respond: AsyncRespond, say: AsyncSay) -> None:
            await ack("looking")
            await asyncio.sleep(0.05)  # bolt loses an ack whose listener goes on too soon
            await respond("found")
            await say("told everybody")
            finished.set()

        async with listening(app) as url:
            delivery = await world.slack.command(url, "status orders", channel_id="C1")
            async with asyncio.timeout(5):
                await finished.wait()

    assert (delivery.status, delivery.error) == (200, None)
    assert [m.content.text for m in world.slack.ephemeral("C1")] == ["looking", "found"]
    assert [m.content.text for m in world.slack.messages("C1")] == ["told everybody"]
    assert world.slack.calls["auth.test"] >= 1


async def test_bolt_takes_a_click_and_edits_the_message() -> None:
    button = {
        "type": "button",
        "action_id": "ack",
        "value": "i-7KQ2",
        "text": {"type": "plain_text", "text": "Acknowledge"},
    }
    async with running() as world:
        app = bolt_app(world)
        pressed: list[tuple[str, str]] = []
        finished = asyncio.Event()

        @app.action("ack")
        async def acknowledge(
            ack: AsyncAck, body: dict[str, dict[str, str]], respond: AsyncRespond
        ) -> None:
            await ack()
            await asyncio.sleep(0.05)
            pressed.append((body["user"]["id"], body["container"]["message_ts"]))
            await respond("acknowledged", replace_original=True)
            finished.set()

        posted = await world.client.chat_postMessage(
            channel="C1", text="open", blocks=[{"type": "actions", "elements": [button]}]
        )
        async with listening(app) as url:
            await world.slack.click(url, Click("C1", posted["ts"], "ack", "U0NIGHT"))
            async with asyncio.timeout(5):
                await finished.wait()

    assert pressed == [("U0NIGHT", posted["ts"])]
    assert [m.content.text for m in world.slack.messages("C1")] == ["acknowledged"]


async def test_bolt_with_another_secret_refuses_our_command() -> None:
    async with running() as world:
        app = AsyncApp(signing_secret="another", client=world.client)
        async with listening(app) as url:
            delivery = await world.slack.command(url, "status", channel_id="C1")

    assert (delivery.status, delivery.error) == (401, "dispatch_failed")
