"""Finds the task that a person named on the command line, with and without asking the cloud."""

from __future__ import annotations

from collections.abc import Sequence

from bot.adapters.dms.client import open_client
from bot.app import RandomJitter, SystemClock, account_config
from bot.domain.model import WatchedTask
from bot.domain.names import NotOne, resolve, watched_tasks
from bot.ports import ListedTask, Listing, RequestError, Scope
from bot.services.discovery import Wanted
from bot.settings.values import Settings


def wanted_of(settings: Settings) -> Wanted:
    """What the configuration looks for."""
    return Wanted(settings.discovery, settings.tasks)


def roll(settings: Settings, listed: Sequence[ListedTask]) -> tuple[WatchedTask, ...]:
    """Every task that is watched when the accounts show these."""
    return watched_tasks(
        settings.tasks,
        wanted_of(settings).tasks(listed),
        labels=settings.labels,
        interval=settings.policies.poll.interval,
    )


async def listing_of(
    settings: Settings, account: str, scope: Scope, *, smart_connect: bool = False
) -> Listing:
    """What one account shows now. Raises: CloudError."""
    config = account_config(settings.accounts[account])
    async with open_client(config, clock=SystemClock(), jitter=RandomJitter()) as client:
        return await client.list_tasks(scope, smart_connect=smart_connect)


async def configured_task(settings: Settings, typed: str) -> WatchedTask:
    """The task a person means; the cloud is asked only where the file does not tell.

    Raises: RequestError when it is none or several; CloudError.
    """
    found = resolve(typed, roll(settings, ()))
    if isinstance(found, NotOne) or not found.key.connector_id:
        listed: list[ListedTask] = []
        for account in settings.accounts:
            for scope in wanted_of(settings).scopes(account):
                listing = await listing_of(settings, account, scope)
                listed.extend(listing.tasks)
        found = resolve(typed, roll(settings, listed))
    if isinstance(found, NotOne):
        raise RequestError(_not_one(found))
    return found


def _not_one(found: NotOne) -> str:
    names = ", ".join(found.candidates)
    if found.ambiguous:
        return f'"{found.text}" names several tasks: {names}'
    hint = f"; did you mean {names}?" if names else ""
    return f'no task is called "{found.text}"{hint}'
