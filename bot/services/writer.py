"""What can wait is written behind, in batches, by one writer.

Samples and unchanged windows cost too much as a transaction per poll. A crash may cost the seconds
since the last batch; it never costs a transition, which commits at once elsewhere.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.domain.history import TaskHistory
from bot.domain.model import TaskKey, TaskSample
from bot.ports import AlertStore, Noted, StoreUnavailable, Telemetry

BATCH = 500
"""Samples that make a batch before its time."""
KEPT = 20_000
"""Samples kept while the store is away; older ones are dropped, and the loss is logged."""


class WriteBehind:
    """Gathers samples and windows and writes them in batches."""

    def __init__(
        self, store: AlertStore, telemetry: Telemetry, *, every: timedelta = timedelta(seconds=2)
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._every = every
        self._samples: list[TaskSample] = []
        self._windows: dict[TaskKey, TaskHistory] = {}
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def add(self, sample: TaskSample, history: TaskHistory) -> None:
        """Takes a sample and the window that came of it."""
        self._samples.append(sample)
        self.keep(sample.key, history)
        # While the store is away, only time brings the next try.
        if len(self._samples) >= BATCH and not self._failing:
            self._full.set()

    def keep(self, key: TaskKey, history: TaskHistory) -> None:
        """Takes a window that no sample came with."""
        self._windows[key] = history

    async def run(self) -> None:
        """Writes until cancelled; what is left then is for `flush`."""
        while True:
            try:
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._full.wait()
            except TimeoutError:
                pass
            await self.flush()

    async def flush(self) -> None:
        """Writes what waits; keeps it for the next time when the store is away.

        One batch at a time: a call during another first lets that end, so that after a last call
        nothing waits.
        """
        async with self._writing:
            await self._write()

    async def _write(self) -> None:
        samples, windows = self._samples, self._windows
        self._samples, self._windows = [], {}
        self._full.clear()
        if not samples and not windows:
            return
        try:
            if samples:
                await self._store.append_samples(samples)
            samples = []
            await self._store.save_windows(windows)
        except StoreUnavailable as error:
            self._take_back(samples, windows)
            self._failed(error)
        else:
            self._failing = False

    def _take_back(self, samples: list[TaskSample], windows: dict[TaskKey, TaskHistory]) -> None:
        kept = [*samples, *self._samples]
        dropped = len(kept) - KEPT
        if dropped > 0:
            self._telemetry.record(Noted("samples dropped", "error", {"samples": dropped}))
            kept = kept[dropped:]
        self._samples = kept
        self._windows = {**windows, **self._windows}

    def _failed(self, error: StoreUnavailable) -> None:
        if not self._failing:
            self._telemetry.record(
                Noted("samples wait for the store", "warning", {"reason": str(error)})
            )
        self._failing = True
