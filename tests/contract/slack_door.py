"""The bot's door for Slack, listening on loopback, and how Slack knocks at it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.adapters.slack.inbound import Reply, SlackInbound
from bot.adapters.slack.payloads import SlashCommand
from bot.adapters.slack.signing import RequestVerifier
from bot.demo.slack.signing import signed_headers
from bot.ports import Noted
from bot.presenters.message import Block, Message
from tests.fakes import Recorder, SetClock

SECRET = "0123456789abcdef0123456789abcdef"
NOW_S = 1_700_000_000
SECTION: Block = {"type": "section", "text": {"type": "mrkdwn", "text": "ok"}}
COMMAND = {
    "team_id": "T1",
    "channel_id": "C1",
    "user_id": "U1",
    "command": "/dumptask",
    "text": "status orders",
    "response_url": "https://hooks.slack.com/commands/T1/1/known-only-to-slack",
    "trigger_id": "1.2.abc",
}


@dataclass(slots=True)
class Desk:
    """Takes commands; answers at once, or when `gate` is opened."""

    reply: Reply = Reply(Message("orders: ok", (SECTION,)))
    gate: asyncio.Event | None = None
    error: BaseException | None = None
    taken: list[SlashCommand] = field(default_factory=list)

    async def dispatch(self, command: SlashCommand) -> Reply:
        self.taken.append(command)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.reply


@dataclass(slots=True)
class Later:
    """Takes late answers."""

    error: Exception | None = None
    sent: list[tuple[str, str, bool]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def respond(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        self.sent.append((response_url, message.text, in_channel))
        self.arrived.set()
        if self.error is not None:
            raise self.error


@dataclass(slots=True)
class Door:
    """The bot's side, listening; and how Slack knocks."""

    secret: str = SECRET
    at_s: int = NOW_S
    patience: timedelta = timedelta(seconds=20)
    desk: Desk = field(default_factory=Desk)
    later: Later = field(default_factory=Later)
    telemetry: Recorder = field(default_factory=Recorder)
    hangs_up: bool = True
    """Whether work on a request is cancelled when its sender goes away."""
    port: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SlackInbound]:
        clock = SetClock(datetime.fromtimestamp(self.at_s, UTC))
        inbound = SlackInbound(
            RequestVerifier(self.secret, clock),
            self.desk.dispatch,
            respond=self.later.respond,
            telemetry=self.telemetry,
            patience=self.patience,
        )
        application = web.Application()
        application.add_routes(inbound.routes())
        runner = web.AppRunner(application, access_log=None, handler_cancellation=self.hangs_up)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield inbound
        finally:
            await inbound.close()
            await runner.cleanup()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def knock(
        self, body: bytes, headers: Mapping[str, str], path: str = "/slack/commands"
    ) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url(path), data=body, headers=headers) as response,
        ):
            return response.status, await response.text()

    async def signed(self, body: bytes, path: str = "/slack/commands") -> tuple[int, str]:
        return await self.knock(body, signed_headers(self.secret, self.at_s, body), path)

    async def typed(self, **changes: str) -> dict[str, object]:
        status, text = await self.signed(urlencode({**COMMAND, **changes}).encode())
        assert status == 200
        answer: dict[str, object] = json.loads(text)
        return answer

    def reasons(self) -> list[object]:
        return [
            noted.fields["reason"]
            for noted in self.telemetry.of(Noted)
            if noted.event == "slack request refused"
        ]
