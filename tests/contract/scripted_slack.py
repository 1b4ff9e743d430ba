"""A Web API that answers what it is told, and what the gateway does against it."""

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest
from aiohttp import web

from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import SlackGateway
from bot.demo.serving import serve
from bot.ports import ChatError, MessageRef
from bot.presenters.message import Message

TOKEN = "xoxb-1234567890-abcdefghijklmnop"
TEXT = "a text that only the channel may see"
LATE_PATH = "/commands/T1/1/known-only-to-slack"
CARD = Message(TEXT)
ROOT = MessageRef("C1", "1699999999.000100")

JSON = "application/json"
PLAIN = "text/plain"
PAGE = "text/html"
HTML = b"<html><body>Bad gateway</body></html>"

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    path: str
    body: Mapping[str, object]
    authorization: str


async def accept(request: web.Request) -> web.Response:
    body = await request.json()
    answer: dict[str, object] = {
        "ok": True,
        "channel": body.get("channel", "C1"),
        "ts": "1700000000.000100",
        "user_id": "UBOT",
    }
    return web.json_response(answer)


@dataclass(slots=True)
class ScriptedSlack:
    script: Script = accept
    asked: list[Asked] = field(default_factory=list)
    base_url: str = ""

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api/"

    @property
    def last(self) -> Mapping[str, object]:
        return self.asked[-1].body

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = cast("dict[str, object]", await request.json() if request.can_read_body else {})
        authorization = request.headers.get("Authorization", "")
        self.asked.append(Asked(request.path, body, authorization))
        return await self.script(request)


@asynccontextmanager
async def scripted(script: Script = accept) -> AsyncIterator[ScriptedSlack]:
    slack = ScriptedSlack(script)
    runner, port = await serve(slack.application())
    slack.base_url = f"http://127.0.0.1:{port}"
    try:
        yield slack
    finally:
        await runner.cleanup()


def gateway_to(slack: ScriptedSlack, *, timeout: timedelta = timedelta(seconds=5)) -> SlackGateway:
    return SlackGateway(SlackAccess(TOKEN, slack.api_url, timeout))


def says(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """A JSON answer, the same to everybody."""

    async def script(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return script


def writes(
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """An answer that is not what the Web API writes."""

    async def script(_request: web.Request) -> web.Response:
        return web.Response(
            body=body, status=status, headers={"Content-Type": content_type, **(headers or {})}
        )

    return script


async def hang_up(request: web.Request) -> web.Response:
    """Takes the request and closes the connection without a byte of answer."""
    transport = request.transport
    assert transport is not None
    transport.abort()
    return web.Response()


def refuses(code: str, *, status: int = 200) -> Script:
    return says({"ok": False, "error": code}, status=status)


def moves(status: int) -> Script:
    return writes(b"", PLAIN, status=status, headers={"Location": "/elsewhere"})


# --- what the gateway can be asked to do ------------------------------------------------------

Deed = Callable[[SlackGateway], Awaitable[object]]


async def post(gateway: SlackGateway) -> object:
    return await gateway.post("C1", CARD, dedupe_id="n-1", fingerprint="f")


async def reply(gateway: SlackGateway) -> object:
    return await gateway.reply(ROOT, CARD, broadcast=False, dedupe_id="n-1")


async def update(gateway: SlackGateway) -> object:
    await gateway.update(ROOT, CARD)
    return None


async def check(gateway: SlackGateway) -> object:
    return await gateway.check_credentials()


async def failure(script: Script, deed: Deed) -> ChatError:
    """The error a deed ends with; it must be a ChatError after a single request."""
    async with scripted(script) as slack, gateway_to(slack) as gateway:
        with pytest.raises(ChatError) as caught:
            await deed(gateway)
    assert len(slack.asked) == 1, "no call tries twice by itself"
    tells_no_secret(caught.value)
    return caught.value


def tells_no_secret(error: BaseException) -> None:
    """Neither the error, nor its trace, nor anything chained to it holds what only we may know."""
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for secret in (TOKEN, TEXT, LATE_PATH):
        assert secret not in told
