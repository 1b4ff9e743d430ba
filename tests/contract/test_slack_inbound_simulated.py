"""The whole way of a command: typed in the simulated workspace, signed, answered, shown."""

import asyncio
from datetime import timedelta

from aiohttp import web

from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import STILL_WORKING, Reply, SlackInbound
from bot.adapters.slack.signing import RequestVerifier
from bot.demo.slack import SlackClock
from bot.presenters.message import Message
from tests.contract.slack_door import Desk
from tests.contract.slack_world import SECRET, TOKEN, running, serving
from tests.fakes import Recorder, SetClock


async def test_a_command_is_answered_to_the_person_and_a_slow_one_later() -> None:
    desk = Desk(Reply(Message("orders: ok")))
    async with running() as world, SlackGateway(SlackAccess(TOKEN, world.api(""))) as gateway:
        inbound = SlackInbound(
            RequestVerifier(SECRET, SetClock(SlackClock().now())),
            desk.dispatch,
            respond=gateway.respond,
            telemetry=Recorder(),
            patience=timedelta(milliseconds=300),
        )
        application = web.Application()
        application.add_routes(inbound.routes())
        async with serving(application) as address:
            url = f"{address}/slack/commands"
            at_once = await world.slack.command(url, "status orders")
            desk.gate = asyncio.Event()
            slow = await world.slack.command(url, "refresh orders")
            desk.gate.set()
            await inbound.close()

        assert (at_once.status, at_once.error) == (200, None)
        assert (slow.status, slow.error) == (200, None)
        seen = [message.content.text for message in world.slack.ephemeral("C1")]
        assert seen == ["orders: ok", STILL_WORKING.text, "orders: ok"]
        assert [command.text for command in desk.taken] == ["status orders", "refresh orders"]
