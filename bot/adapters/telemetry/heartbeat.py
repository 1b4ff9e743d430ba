"""The heartbeat on the wire: one GET, whose address is a secret and never shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

WITHIN_S = 10.0
_OK = range(200, 300)


@asynccontextmanager
async def pinging(url: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives what sends a beat: it says why that was not taken, empty when it was."""
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        yield lambda: _ping(session, url)


async def _ping(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return "" if answer.status in _OK else f"HTTP {answer.status}"
    except TimeoutError:
        return f"no answer within {WITHIN_S:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Its text may hold the address.
        return type(error).__name__
