"""A simulated Slack on loopback and what the tests around it say again and again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.demo.serving import serve
from bot.demo.slack import (
    ChannelSeed,
    Credentials,
    Delivery,
    SimulatedSlack,
    SlackClock,
    SlackOptions,
    WorkspaceSeed,
)

TOKEN = Credentials().bot_token
SECRET = Credentials().signing_secret

CHANNELS = (
    ChannelSeed("C1", "alerts"),
    ChannelSeed("C2", "elsewhere", bot_is_member=False),
    ChannelSeed("C3", "archived", archived=True),
    ChannelSeed("C4", "secret", private=True, bot_is_member=False),
    ChannelSeed("C5", "closed", private=True),
    ChannelSeed("C6", "small", members=("U0OPERATOR",)),
)


@dataclass(slots=True)
class HandClock:
    """Both clocks of the simulator, moved by hand."""

    at: datetime = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    elapsed_s: float = 0.0

    def move(self, by: timedelta) -> None:
        self.at += by
        self.elapsed_s += by.total_seconds()

    def clock(self) -> SlackClock:
        return SlackClock(lambda: self.at, lambda: self.elapsed_s)


def workspace() -> WorkspaceSeed:
    return WorkspaceSeed(channels=CHANNELS)


def new_slack(
    options: SlackOptions | None = None, clock: HandClock | None = None
) -> SimulatedSlack:
    return SimulatedSlack(
        workspace(), options=options, clock=clock.clock() if clock is not None else None
    )


@asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[str]:
    """The address at which the application listens while the block runs."""
    runner, port = await serve(application)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class World:
    """A simulator that listens, and the official client pointed at it."""

    slack: SimulatedSlack
    base_url: str
    client: AsyncWebClient = field(repr=False)

    def api(self, method: str) -> str:
        return f"{self.base_url}/api/{method}"


@asynccontextmanager
async def running(slack: SimulatedSlack | None = None) -> AsyncIterator[World]:
    simulator = slack or new_slack()
    async with serving(simulator.application()) as base_url:
        simulator.base_url = base_url
        yield World(simulator, base_url, client_of(base_url))


def client_of(base_url: str, token: str = TOKEN) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=f"{base_url}/api/", retry_handlers=[], timeout=5)


async def refusal(call: Awaitable[AsyncSlackResponse]) -> str:
    """The error code of a call that must be refused."""
    return str((await refused(call))["error"])


async def refused(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """The answer to a call that must be refused."""
    with pytest.raises(SlackApiError) as caught:
        await call
    response: AsyncSlackResponse = caught.value.response
    return response


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def receiver(reply: Reply) -> web.Application:
    """An app that takes commands and clicks at /slack."""
    application = web.Application()
    application.router.add_post("/slack", reply)
    return application


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def sent(slack: SimulatedSlack, text: str, reply: Reply) -> Delivery:
    """Type a command at an app that answers with this reply."""
    async with serving(receiver(reply)) as app_url:
        return await slack.command(f"{app_url}/slack", text, channel_id="C1")


def answers(body: object) -> Reply:
    async def reply(_request: web.Request) -> web.Response:
        return web.json_response(body)

    return reply


async def says_nothing(_request: web.Request) -> web.Response:
    return web.Response()
