"""Commits a fault upon an HTTP request, at the level of the connection where need be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import assert_never

from aiohttp import web

from bot.demo.cloud.errors import FLOW_CONTROL, ApiError, throttled, written
from bot.demo.cloud.faults import (
    Charset,
    Drop,
    Edit,
    Hang,
    Huge,
    Misdeed,
    Raw,
    Reply,
    Slow,
    Throttle,
    Truncate,
    edited,
)
from bot.demo.scenario.weather import Restraint

Honest = Callable[[], Awaitable[web.Response]]

_CHUNK = b"x" * 65536


def error_response(
    error: ApiError, request_id: str, *, headers: dict[str, str] | None = None
) -> web.Response:
    """An error as an HTTP answer."""
    body, content_type = written(error, request_id)
    return web.Response(status=error.status, body=body, content_type=content_type, headers=headers)


class Offender:
    """Commits misdeeds; `closing` ends those that would last for ever."""

    def __init__(self, closing: asyncio.Event) -> None:
        self._closing = closing

    async def commit(
        self, misdeed: Misdeed, request: web.Request, *, request_id: str, honest: Honest
    ) -> web.StreamResponse:
        """Answer wrongly; `honest` makes the right answer where one is needed."""
        match misdeed:
            case Reply() | Throttle() | Raw():
                return _instead(misdeed, request_id)
            case Truncate() | Charset() | Edit():
                return _spoilt(await honest(), misdeed)
            case Slow(seconds):
                await asyncio.sleep(seconds)
                return await honest()
            case Hang():
                await self._closing.wait()
                return _dropped(request)
            case Drop() | Huge():
                return await _streamed(misdeed, request, honest)
            case _:
                assert_never(misdeed)


async def _streamed(
    misdeed: Drop | Huge, request: web.Request, honest: Honest
) -> web.StreamResponse:
    match misdeed:
        case Drop(None):
            return _dropped(request)
        case Drop(after_bytes):
            return await _cut(request, await honest(), after_bytes or 0)
        case Huge():
            return await _poured(request, misdeed)
        case _:
            assert_never(misdeed)


def _instead(misdeed: Reply | Throttle | Raw, request_id: str) -> web.Response:
    match misdeed:
        case Raw(body, status, content_type):
            return web.Response(
                body=body.encode("utf-8", "surrogatepass"),
                status=status,
                headers={"Content-Type": content_type},
            )
        case Reply(status, code, message, shape, headers):
            error = ApiError(status, code, message, shape)
            return error_response(error, request_id, headers=dict(headers))
        case Throttle(restraint, limit, per, policy, retry_after):
            headers_given = {} if retry_after is None else {"Retry-After": retry_after}
            error = throttled(limit, per=per, policy=policy)
            if restraint is Restraint.FLOW_CONTROL:
                error = FLOW_CONTROL
            return error_response(error, request_id, headers=headers_given)
        case _:
            assert_never(misdeed)


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _spoilt(response: web.Response, misdeed: Truncate | Charset | Edit) -> web.Response:
    body = _body(response)
    content_type = "application/json; charset=utf-8"
    match misdeed:
        case Truncate(share):
            body = body[: int(len(body) * share)]
        case Charset(encoding, declared):
            body = body.decode().encode(encoding)
            content_type = f"application/json; charset={declared}"
        case Edit():
            body = edited(body, misdeed)
        case _:
            assert_never(misdeed)
    return web.Response(body=body, status=response.status, headers={"Content-Type": content_type})


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut(
    request: web.Request, response: web.Response, after_bytes: int
) -> web.StreamResponse:
    """The head of the whole answer, some of its bytes, and the end of the connection."""
    body = _body(response)
    cut = web.StreamResponse(status=response.status)
    cut.content_type = response.content_type
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: min(after_bytes, len(body) - 1)])
    if request.transport is not None:
        request.transport.close()
    return cut


async def _poured(request: web.Request, huge: Huge) -> web.StreamResponse:
    """A JSON object whose one text is as long as needed for the size."""
    head, tail = b'{"task_name": "', b'"}'
    response = web.StreamResponse()
    response.content_type = "application/json"
    if huge.declares_length:
        response.content_length = huge.size_bytes
    await response.prepare(request)
    await response.write(head)
    left = huge.size_bytes - len(head) - len(tail)
    while left > 0:
        await response.write(_CHUNK[:left])
        left -= len(_CHUNK)
    await response.write(tail)
    return response
