"""The heartbeat on the wire: one GET, whose address is a secret and never shown."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp

WITHIN_S = 10.0
_OK = range(200, 300)


class Pinger:
    """Sends beats to one address; an async context that owns its connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ping(self) -> str:
        """Sends a beat; why it was not taken, empty when it was."""
        if self._session is None:
            return "not open"
        try:
            async with self._session.get(self._url, allow_redirects=False) as answer:
                return "" if answer.status in _OK else f"HTTP {answer.status}"
        except TimeoutError:
            return f"no answer within {WITHIN_S:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may hold the address.
            return type(error).__name__
