"""What the store of a configuration holds, read for a command that changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.adapters.store.config import Access
from bot.adapters.store.store import Store, open_store
from bot.app.ambient import SystemClock
from bot.app.storing import store_config
from bot.domain.discovery import discovered_tasks
from bot.domain.model import WatchedTask
from bot.domain.names import NotOne, resolve, watched_tasks
from bot.ports import RequestError, Snapshot
from bot.settings.scalars import Wrong, duration
from bot.settings.values import Settings


@dataclass(frozen=True, slots=True)
class Stored:
    """An open store, and the tasks that it and the configuration know."""

    store: Store
    tasks: tuple[WatchedTask, ...]
    snapshot: Snapshot


@asynccontextmanager
async def stored(
    settings: Settings, command: str, *, access: Access = Access.READER
) -> AsyncIterator[Stored]:
    """The store, opened beside the bot. Raises: StoreUnusable, StoreUnavailable."""
    config = store_config(settings.store)
    async with open_store(config, owner=command, access=access) as store:
        snapshot = await store.load()
        yield Stored(store, known_tasks(settings, snapshot), snapshot)


def known_tasks(settings: Settings, snapshot: Snapshot) -> tuple[WatchedTask, ...]:
    """Every task that is configured or was last discovered."""
    return watched_tasks(
        settings.tasks,
        discovered_tasks(settings.discovery, snapshot.discovered),
        labels=settings.labels,
        interval=settings.policies.poll.interval,
    )


def named(tasks: tuple[WatchedTask, ...], typed: str) -> WatchedTask:
    """The one task of this name. Raises: RequestError."""
    found = resolve(typed, tasks)
    if isinstance(found, NotOne):
        near = f"; did you mean {', '.join(found.candidates)}?" if found.candidates else ""
        raise RequestError(f'no one task is called "{typed}"{near}')
    return found


def since_when(text: str) -> datetime:
    """The moment a duration such as 7d ago. Raises: RequestError."""
    try:
        back: timedelta = duration(text)
        return SystemClock().now() - back
    except Wrong as error:
        raise RequestError(f"--since: found {text!r}, {error.right} would be right") from error
    except OverflowError as error:
        raise RequestError(f"--since: found {text!r}, a shorter time would be right") from error
