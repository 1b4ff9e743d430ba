"""What the listener makes of those who do not speak HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from bot.app.websites import _site

RUBBISH = (
    b"POST / HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n",
    b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/9.9.9\r\nHost: bot\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost bot\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


@asynccontextmanager
async def an_echo() -> AsyncIterator[tuple[str, int]]:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def defect(_request: web.Request) -> web.Response:
        raise ZeroDivisionError

    application = web.Application()
    application.add_routes([web.post("/", echo), web.get("/defect", defect)])
    async with _site(application, "127.0.0.1", 0) as address:
        yield "127.0.0.1", urlsplit(address).port or 0


async def said(to: tuple[str, int], what: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*to)
    writer.write(what)
    async with asyncio.timeout(10):
        answer = await reader.read(200)
    writer.close()
    return answer


@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_what_is_no_http_is_answered_400_and_fills_no_log(
    rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with an_echo() as door:
        assert b" 400 " in (await said(door, rubbish)).splitlines()[0]
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


async def test_a_defect_of_our_own_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with an_echo() as door:
        answer = await said(door, b"GET /defect HTTP/1.1\r\nHost: bot\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert "ZeroDivisionError" in caplog.text
