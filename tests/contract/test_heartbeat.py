"""The heartbeat over real HTTP."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web

from bot.adapters.telemetry.heartbeat import pinging
from bot.demo.serving import serve


@pytest.mark.parametrize(
    ("status", "why"), [(200, ""), (204, ""), (302, "HTTP 302"), (404, "HTTP 404")]
)
async def test_a_beat_is_one_get(status: int, why: str) -> None:
    seen: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path_qs))
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    application = web.Application()
    application.add_routes([web.route("*", "/{path:.*}", answer)])
    runner, port = await serve(application)
    try:
        async with pinging(f"http://127.0.0.1:{port}/beat?key=x") as ping:
            assert await ping() == why
    finally:
        await runner.cleanup()
    assert seen == [("GET", "/beat?key=x")]


async def test_a_watchdog_that_is_not_there_is_said_without_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with pinging(f"http://127.0.0.1:{port}/capability") as ping:
            why = await ping()
    assert why
    assert "capability" not in why
    assert str(port) not in why
