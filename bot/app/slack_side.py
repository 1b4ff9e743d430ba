"""Slack's commands, joined with the conversation that answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import Reply
from bot.adapters.slack.payloads import SlashCommand
from bot.domain.commands import from_slack
from bot.ports import BotError, ChatError, Noted, Telemetry
from bot.presenters import answers
from bot.presenters import slack as present
from bot.presenters.answer import Answer
from bot.services.actions import Speaker
from bot.services.conversation import Conversation


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
