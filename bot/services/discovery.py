"""Finds the dumping tasks of the accounts and keeps the fleet in step with them.

A listing replaces what was known of its account, with two guards against a cloud that answers
badly: connectors that refused to answer keep their tasks, and a listing that loses more than half
of the tasks is a failed discovery, however often it is repeated. The tasks it lost are polled all
the same; those of which the cloud then says by its documented code that they do not exist are no
loss of the listing any more, so that what was really deleted is soon seen to be.

A task that a listing does not show any more goes on being watched for a day, so that its polls can
say that it is missing; for longer only while it can be read, and no longer than until somebody has
acknowledged that it is missing. One that is made anew under its name takes its place at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.discovery import (
    DEFAULT_LISTING_INTERVAL,
    DiscoveryEntry,
    discovered_tasks,
)
from bot.domain.model import FailureKind, TaskKey
from bot.domain.names import ConfiguredTask, DiscoveredTask
from bot.ports import (
    AlertStore,
    Clock,
    CloudError,
    DumpingTaskSource,
    ListedTask,
    Listing,
    Noted,
    Scope,
    StoreUnavailable,
    Telemetry,
)

LOST_KEPT = timedelta(days=1)
"""How long a task is watched that no listing shows any more."""


@dataclass(frozen=True, slots=True)
class ListingTrouble:
    """Why the latest listing of an account taught nothing."""

    kind: FailureKind
    detail: str
    failures: int
    """In a row."""


@dataclass(frozen=True, slots=True)
class Around:
    """Who is told what discovery learns, and whom it asks."""

    changed: Callable[[str], Awaitable[None]]
    """Told the account whose tasks changed, or that was listed for the first time."""
    listed: Callable[[str, ListingTrouble | None], Awaitable[None]]
    """Told of each listing: the account, and why it failed; None when it did not."""
    missing: Callable[[TaskKey], bool]
    """Whether the latest poll of a task said that it does not exist."""
    readable: Callable[[TaskKey], bool]
    """Whether the latest poll of a task gave a reading."""
    accepted: Callable[[TaskKey], bool]
    """Whether somebody has acknowledged that a task is missing."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    entries: tuple[DiscoveryEntry, ...] = ()
    configured: tuple[ConfiguredTask, ...] = ()
    """Tasks that are watched by their ids. Those given by an instance need its connector."""

    def scopes(self, account: str) -> list[Scope]:
        """Where to look in an account."""
        found = [Scope(e.instances, e.connectors) for e in self.entries if account in e.accounts]
        instances = {
            task.instance_id
            for task in self.configured
            if task.account == account and task.connector_id is None and task.instance_id
        }
        return [*found, Scope(tuple(sorted(instances)))] if instances else found

    def takes(self, task: ListedTask) -> bool:
        """Whether a listed task is watched."""
        return any(entry.takes(task) for entry in self.entries) or self._names(task)

    def tasks(self, listed: Sequence[ListedTask]) -> tuple[DiscoveredTask, ...]:
        """The listed tasks that are watched, with the labels they take from their instance."""
        found = discovered_tasks(self.entries, listed)
        taken = {task.key for task in found}
        named = [
            DiscoveredTask(task.key, task.task_name, task.instance_id or None)
            for task in listed
            if task.key not in taken and self._names(task)
        ]
        return (*found, *named)

    def interval(self, account: str) -> timedelta:
        """Time between two listings of an account."""
        intervals = [entry.interval for entry in self.entries if account in entry.accounts]
        return min(intervals, default=DEFAULT_LISTING_INTERVAL)

    def _names(self, task: ListedTask) -> bool:
        ids = (task.key.account, task.key.task_id)
        return any((entry.account, entry.task_id) == ids for entry in self.configured)


@dataclass(slots=True)
class _Known:
    tasks: tuple[ListedTask, ...] = ()
    listed: bool = False
    """A listing succeeded since the start."""
    saved: bool = False
    """The store has what the latest listing showed."""
    trouble: ListingTrouble | None = None
    lost: dict[TaskKey, datetime] = field(default_factory=dict)
    """Those of `tasks` that the latest listing did not show, and since when."""


class Discovery:
    """Lists the accounts in turn and tells when what they show has changed."""

    def __init__(
        self,
        sources: Mapping[str, DumpingTaskSource],
        wanted: Wanted,
        store: AlertStore,
        telemetry: Telemetry,
        around: Around,
    ) -> None:
        self._sources = sources
        self._wanted = wanted
        self._store = store
        self._telemetry = telemetry
        self._around = around
        self._known = {name: _Known() for name in sources}

    def start_with(self, stored: Sequence[ListedTask]) -> None:
        """Takes up what the last good discovery before the start had found."""
        for account, known in self._known.items():
            found = [task for task in stored if task.key.account == account]
            known.tasks = tuple(task for task in found if self._wanted.takes(task))

    def settled(self, account: str) -> bool:
        """Whether what is not known of an account is surely not there: nothing is looked for in
        it, or a listing succeeded since the start."""
        return not self._wanted.scopes(account) or self._known[account].listed

    @property
    def tasks(self) -> list[ListedTask]:
        """Every watched task that the accounts show, as of their last good listing."""
        return [task for known in self._known.values() for task in known.tasks]

    def interval(self, account: str) -> timedelta:
        """Time between two listings of an account."""
        return self._wanted.interval(account)

    def errors(self) -> Mapping[str, str]:
        """Accounts whose latest discovery failed, with the reason."""
        return {n: known.trouble.detail for n, known in self._known.items() if known.trouble}

    async def run(self) -> None:
        """Discovers for ever; each account at its own pace."""
        async with asyncio.TaskGroup() as group:
            for account in self._known:
                if self._wanted.scopes(account):
                    group.create_task(self._run_account(account), name=f"discovery {account}")

    async def _run_account(self, account: str) -> None:
        interval = self.interval(account)
        retry = min(timedelta(seconds=30), interval)
        while True:
            good = await self.discover(account)
            wait = interval if good or self._known[account].listed else retry
            await asyncio.sleep(wait.total_seconds())

    async def discover(self, account: str) -> bool:
        """Lists one account now; False when nothing could be learned."""
        try:
            listings = [
                await self._sources[account].list_tasks(scope)
                for scope in self._wanted.scopes(account)
            ]
        except CloudError as error:
            await self._failed(account, error.kind, error.detail)
            return False
        found = self._found(account, listings)
        if loss := self._loss(account, found):
            await self._failed(account, FailureKind.PROTOCOL, loss)
            return False
        await self._accept(account, (*found, *self._still_watched(account, found)))
        return True

    def _loss(self, account: str, found: Sequence[ListedTask]) -> str:
        """In words, when it is too great to be believed; else empty."""
        known = self._known[account]
        tasks = [task for task in known.tasks if task.key not in known.lost]
        shown = {task.key for task in found}
        lost = sum(task.key not in shown and not self._around.missing(task.key) for task in tasks)
        return f"the listing lost {lost} of {len(tasks)} tasks" if lost * 2 > len(tasks) else ""

    def _found(self, account: str, listings: Sequence[Listing]) -> tuple[ListedTask, ...]:
        """What the listings show, and what those parts that refused showed before."""
        found = {
            task.key: task
            for listing in listings
            for task in listing.tasks
            if self._wanted.takes(task)
        }
        refused = {part for listing in listings for part in listing.refused_ids}
        for task in self._known[account].tasks:
            if task.connector_id in refused or task.instance_id in refused:
                found.setdefault(task.key, task)
        return tuple(found.values())

    def _still_watched(self, account: str, found: Sequence[ListedTask]) -> list[ListedTask]:
        """Those that were known, are not shown any more, and are not to be let go yet."""
        known, now = self._known[account], self._around.clock.now()
        shown = {task.key for task in found}
        names = {task.task_name for task in found}
        kept = [
            task
            for task in known.tasks
            if task.key not in shown
            and task.task_name not in names
            and self._stays(task.key, now - known.lost.get(task.key, now))
        ]
        fresh = [task for task in kept if task.key not in known.lost]
        if fresh:
            fields = {"account": account, "tasks": len(fresh), "first": fresh[0].task_name}
            self._telemetry.record(Noted("tasks not listed any more", "warning", fields))
        known.lost = {task.key: known.lost.get(task.key, now) for task in kept}
        return kept

    def _stays(self, key: TaskKey, lost_for: timedelta) -> bool:
        if self._around.accepted(key):
            return False
        return lost_for < LOST_KEPT or self._around.readable(key)

    async def _accept(self, account: str, found: tuple[ListedTask, ...]) -> None:
        known = self._known[account]
        before, known.tasks = known.tasks, found
        first, known.listed = not known.listed, True
        if known.trouble is not None:
            known.trouble = None
            self._telemetry.record(Noted("discovery works again", fields={"account": account}))
        await self._around.listed(account, None)
        if _identity(before) != _identity(found) or first:
            known.saved = False
            self._telemetry.record(
                Noted("tasks discovered", fields={"account": account, "tasks": len(found)})
            )
            await self._around.changed(account)
        if not known.saved:
            await self._save(account, found)

    async def _save(self, account: str, found: tuple[ListedTask, ...]) -> None:
        try:
            await self._store.save_discovered(account, found)
        except StoreUnavailable as error:
            self._telemetry.record(Noted("discovery not saved", "warning", {"reason": str(error)}))
        else:
            self._known[account].saved = True

    async def _failed(self, account: str, kind: FailureKind, why: str) -> None:
        known = self._known[account]
        before = known.trouble
        if before is None or before.detail != why:
            self._telemetry.record(
                Noted("discovery failed", "warning", {"account": account, "reason": why})
            )
        known.trouble = ListingTrouble(kind, why, (before.failures if before else 0) + 1)
        await self._around.listed(account, known.trouble)


def _identity(tasks: Sequence[ListedTask]) -> dict[object, object]:
    return {task.key: (task.task_name, dict(task.instance_tags)) for task in tasks}
