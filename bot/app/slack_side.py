"""Slack's commands, joined with the conversation that answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import ADDRESSES, PATIENCE, Reply, SlackInbound
from bot.adapters.slack.payloads import SlashCommand
from bot.domain.commands import from_slack
from bot.ports import BotError, ChatError, Noted, Telemetry
from bot.presenters import answers
from bot.presenters import slack as present
from bot.presenters.answer import Answer
from bot.services.actions import Speaker
from bot.services.conversation import Conversation


class SlackDoor:
    """Slack's addresses, whoever answers behind them: a reload puts another there.

    Without a signing secret nobody does, and they are not found. While one leaves and the next is
    not there yet, requests wait as long as Slack does.
    """

    def __init__(self) -> None:
        self._handlers: Mapping[str, Handler] = {}
        self._settled = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """The addresses, for the life of the process."""
        return [web.post(path, self._answer) for path in ADDRESSES]

    def opened(self, inbound: SlackInbound | None) -> None:
        """From now on this one answers; None: nobody."""
        routes = [] if inbound is None else inbound.routes()
        self._handlers = {route.path: route.handler for route in routes}
        self._settled.set()

    def closed(self) -> None:
        """From now on requests wait for the next."""
        self._settled.clear()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._settled.wait()
        except TimeoutError:
            raise web.HTTPServiceUnavailable from None
        handler = self._handlers.get(request.path)
        if handler is None:
            raise web.HTTPNotFound
        return await handler(request)


class SlackConversation:
    """Answers slash commands; what takes longer follows to the command's response URL."""

    def __init__(
        self,
        conversation: Conversation,
        gateway: SlackGateway,
        telemetry: Telemetry,
        *,
        command: str,
    ) -> None:
        self._conversation = conversation
        self._gateway = gateway
        self._telemetry = telemetry
        self._command = command
        self._following: set[asyncio.Task[None]] = set()

    async def dispatch(self, asked: SlashCommand) -> Reply:
        """The answer to one command."""
        turn = await self._conversation.say(
            from_slack(asked.text), Speaker(asked.user_id, asked.channel_id)
        )
        if turn.follow_up is not None:
            task = asyncio.create_task(self._follow_up(turn.follow_up, asked.response_url))
            self._following.add(task)
            task.add_done_callback(self._following.discard)
        return Reply(present.render(turn.answer, command=self._command))

    async def close(self) -> None:
        """Drops answers that are still being made."""
        for task in list(self._following):
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    async def _follow_up(self, answer: Callable[[], Awaitable[Answer]], response_url: str) -> None:
        try:
            found = await answer()
        except BotError as error:
            found = answers.refused(str(error))
        message = present.render(found, command=self._command)
        try:
            await self._gateway.respond(response_url, message, in_channel=False)
        except ChatError as error:
            self._telemetry.record(
                Noted("late answer not delivered", "warning", {"reason": error.detail})
            )
