"""Opens the store, and waits for one that is away.

A database that does not answer yet is asked again until it does; a file that cannot be used is an
error at once. Meanwhile probes are answered, alive and not ready, and a stop is obeyed at once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import Store, open_store
from bot.app.websites import standing_by
from bot.ports import Noted, Snapshot, StoreUnavailable, Telemetry
from bot.settings.values import HttpSettings, StoreSettings

STORE_RETRY = timedelta(seconds=5)

T = TypeVar("T")


class Stopped(Exception):
    """A stop was asked for before there was anything to stop."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that is ready, and what was going on when it was last used."""

    store: Store
    snapshot: Snapshot


def store_config(settings: StoreSettings) -> StoreConfig:
    """Where the state is kept."""
    if settings.url is not None:
        password = settings.password.reveal() if settings.password else None
        return StoreConfig(url=settings.url, password=password)
    return StoreConfig(path=Path(settings.path or "dumptask.db"))


@asynccontextmanager
async def opened_store(
    config: StoreConfig, http: HttpSettings, telemetry: Telemetry, *, stop: asyncio.Event
) -> AsyncIterator[Opened]:
    """The store, with this process's old claims given back and everything loaded.

    Raises: Stopped when `stop` is set before it is there; StoreUnusable; CannotListen.
    """
    async with AsyncExitStack() as stack:
        try:
            opened = await _unless(stop, _open(config, stack))
        except StoreUnavailable as error:
            async with standing_by(http) as address:
                fields = {"reason": str(error), "listening": address.public}
                telemetry.record(Noted("store unavailable, waiting for it", "error", fields))
                opened = await _unless(stop, _open_at_last(config, stack))
            telemetry.record(Noted("store available"))
        yield opened


async def loaded(store: Store, telemetry: Telemetry, *, stop: asyncio.Event) -> Snapshot:
    """What is going on, from a store that is open; one that is away is waited for.

    Raises: Stopped when `stop` is set before it answers.
    """
    while True:
        try:
            return await _unless(stop, store.load())
        except StoreUnavailable as error:
            reason = {"reason": str(error)}
            telemetry.record(Noted("store unavailable, waiting for it", "error", reason))
            await asyncio.sleep(STORE_RETRY.total_seconds())


async def _open_at_last(config: StoreConfig, stack: AsyncExitStack) -> Opened:
    while True:
        await asyncio.sleep(STORE_RETRY.total_seconds())
        try:
            return await _open(config, stack)
        except StoreUnavailable:
            continue


async def _open(config: StoreConfig, stack: AsyncExitStack) -> Opened:
    async with AsyncExitStack() as opening:
        store = await opening.enter_async_context(open_store(config, owner=_owner()))
        await store.release_claims()
        opened = Opened(store, await store.load())
        stack.push_async_exit(opening.pop_all())
        return opened


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T:
    """What comes of the work; Stopped, and the work cancelled, as soon as `stop` is set."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Stopped
        return working.result()
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})


def _owner() -> str:
    """Who claims rows: this host, so that a restart finds its own claims again."""
    return socket.gethostname()
