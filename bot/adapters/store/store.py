"""The store as the ports see it: `open_store` and what it gives.

One object serves the writer of judgement, the notifier and the readers. Every method is one
transaction, so none of them needs a lock, but the appending of samples: that keeps the blocks it
is filling in memory and is done by one caller at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from bot.adapters.store import alerts, claims, deliveries, forgetting, reports, silences
from bot.adapters.store import samples as sampled
from bot.adapters.store.blocks import OpenBlock
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.runner import Runner
from bot.domain.history import TaskHistory
from bot.domain.incidents import Event, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.silences import Silence
from bot.ports import (
    Change,
    HappenedFilter,
    IncidentFilter,
    ListedTask,
    MessageRef,
    OutboxRow,
    Postponement,
    Snapshot,
    StoreError,
)

T = TypeVar("T")


@asynccontextmanager
async def open_store(
    config: StoreConfig, *, owner: str, access: Access = Access.OWNER
) -> AsyncIterator[Store]:
    """Opens the store, makes or migrates its tables, and closes it afterwards.

    `owner` names this process in its claims. It should be the same after a restart and differ
    between replicas. Only an owner takes the lock, so the others work beside the bot.

    Raises: StoreUnusable when it cannot be used as it is; StoreUnavailable when it may be later.
    """
    async with _runner(config, access=access) as runner:
        yield Store(runner, owner)


def _runner(config: StoreConfig, *, access: Access) -> AbstractAsyncContextManager[Runner]:
    # Each imports only what its own database needs.
    if config.path is None:
        from bot.adapters.store.postgres import open_postgres  # noqa: PLC0415

        return open_postgres(config, access=access)
    from bot.adapters.store.sqlite import open_sqlite  # noqa: PLC0415

    return open_sqlite(config.path, access=access)


class Store:
    """AlertStore, Outbox, SilenceStore and ReportStore over one database."""

    def __init__(self, runner: Runner, owner: str) -> None:
        self._runner = runner
        self._owner = owner
        self._open_blocks: dict[TaskKey, OpenBlock] = {}
        self._appending = asyncio.Lock()
        self.unreadable_blocks = 0
        """Blocks of samples that could not be read since the start, and were passed over."""

    @property
    def described(self) -> str:
        """What kind of store and where, without a password."""
        return self._runner.described

    # --- AlertStore ---

    async def load(self) -> Snapshot:
        """Everything that was going on. Raises: StoreError."""
        return await self._runner.read(alerts.load)

    async def recall(self, key: TaskKey) -> Snapshot:
        """The states and open cards of one task or account. Raises: StoreError."""
        return await self._runner.read(lambda c: alerts.recall(c, key))

    async def commit(self, change: Change) -> None:
        """Writes a change whole or not at all. Raises: StoreConflict, StoreUnavailable."""
        await self._runner.write(lambda c: alerts.commit(c, change), durable=True)

    async def save_windows(self, windows: Mapping[TaskKey, TaskHistory]) -> None:
        """Saves windows in one batch. Raises: StoreUnavailable."""
        given = dict(windows)
        rows = await self._runner.compute(lambda: alerts.packed_windows(given))
        await self._runner.write(lambda c: alerts.put_packed_windows(c, rows))

    async def append_samples(self, samples: Sequence[TaskSample]) -> None:
        """Appends samples in one batch; on an error, as if it had not been called.

        Raises: StoreUnavailable.
        """
        async with self._appending:
            batch = await self._runner.compute(lambda: sampled.batch(samples, self._open_blocks))
            await self._runner.write(lambda c: sampled.write(c, batch.rows))
            self._open_blocks.update(batch.open)

    async def save_discovered(self, account: str, tasks: Sequence[ListedTask]) -> None:
        """Replaces what is known of an account by discovery. Raises: StoreUnavailable."""
        await self._runner.write(lambda c: alerts.put_discovered(c, account, tasks))

    async def forget_older(self, *, samples: datetime, incidents: datetime) -> None:
        """Deletes what is older, a thousand rows at a time. Raises: StoreUnavailable."""
        self._open_blocks = {
            key: block for key, block in self._open_blocks.items() if block.last.at >= samples
        }
        for step in forgetting.steps(samples=samples, incidents=incidents):
            while await self._runner.write(step):
                pass

    # --- Outbox ---

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[OutboxRow]:
        """Claims due rows, at most one per card and the oldest of it. Raises: StoreUnavailable."""
        wanted = claims.Claim(self._owner, now, lease, limit)
        return await self._runner.write(lambda c: claims.claim(c, wanted))

    async def delivered(self, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
        """Marks a row done. Raises: StoreUnavailable."""
        await self._runner.write(lambda c: deliveries.delivered(c, row, ref, at), durable=True)

    async def postpone(self, row: OutboxRow, postponement: Postponement) -> None:
        """Gives a claimed row back. Raises: StoreUnavailable."""
        owner = self._owner
        await self._runner.write(lambda c: deliveries.postpone(c, row, postponement, owner=owner))

    async def give_up(self, row: OutboxRow, error: str, at: datetime) -> None:
        """Marks a row as never to be sent. Raises: StoreUnavailable."""
        await self._runner.write(lambda c: deliveries.give_up(c, row, error, at), durable=True)

    async def drop_root(self, card_id: str) -> None:
        """Forgets where a card is. Raises: StoreUnavailable."""
        await self._runner.write(lambda c: deliveries.drop_root(c, card_id))

    async def release_claims(self) -> None:
        """Gives back what this process claimed before it died. Raises: StoreUnavailable.

        On SQLite that is every claim, whatever the owner was called: there is no other process.
        """
        whose = None if self._runner.exclusive else self._owner
        await self._runner.write(lambda c: claims.release(c, whose))

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        """Rows not delivered, and the age of the oldest due one. Raises: StoreUnavailable."""
        return await self._runner.read(lambda c: deliveries.backlog(c, now))

    # --- SilenceStore ---

    async def save_silence(self, silence: Silence) -> None:
        """Writes a silence over what is stored of it. Raises: StoreUnavailable."""
        await self._runner.write(lambda c: silences.save(c, silence), durable=True)

    async def silences(self, since: datetime) -> Sequence[Silence]:
        """Silences that are not over before a moment. Raises: StoreError."""
        return await self._report(lambda c: silences.since(c, since))

    # --- ReportStore ---

    async def happened(self, wanted: HappenedFilter) -> Sequence[Event]:
        """What happened, newest first. Raises: StoreError."""
        return await self._report(lambda c: silences.happened(c, wanted))

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        """Incidents, newest first. Raises: StoreError."""
        return await self._report(lambda c: reports.incidents(c, wanted))

    async def incident(self, id_prefix: str) -> Sequence[Incident]:
        """Incidents whose id begins so, at most 10. Raises: StoreError."""
        return await self._report(lambda c: reports.incident_called(c, id_prefix))

    async def events(self, incident_id: str) -> Sequence[Event]:
        """What happened to an incident, oldest first. Raises: StoreError."""
        return await self._report(lambda c: reports.events(c, incident_id))

    async def samples(self, key: TaskKey | None, since: datetime) -> AsyncIterator[TaskSample]:
        """Stored samples, oldest first per task; read in pages. Raises: StoreError."""
        wanted: sampled.Wanted | None = sampled.Wanted(key, since)
        while wanted is not None:
            page = await self._runner.read(partial(sampled.page, wanted=wanted))
            self.unreadable_blocks += page.unreadable
            for sample in page.samples:
                yield sample
            wanted = page.following

    async def _report(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._runner.read(work)
        except Undecodable as error:
            raise StoreError(f"the store holds {error}") from error
