"""What can wait is written behind, in batches, by one writer.

Samples and windows cost too much as a transaction per poll. A crash may cost the samples of the
seconds since the last batch; it never costs a transition, which commits at once elsewhere.

A window costs more than a sample and says little that is new, so only one is written for every
`POLLS_PER_WINDOW` samples: that which has waited longest. What a crash then leaves old is made
whole at the start by folding in the samples that were stored after it (see `Snapshot.newer`).
What samples do not tell is written with the next batch: a failed poll, and a task's first window,
without which nothing would be folded in. A last `flush` writes all.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import islice

from bot.domain.history import TaskHistory
from bot.domain.model import TaskKey, TaskSample
from bot.ports import AlertStore, Noted, StoreUnavailable, Telemetry

POLLS_PER_WINDOW = 10
"""More would save little: at ten, windows are a tenth of what samples cost."""
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
        """Those not written yet, the longest waiting first: what replaces one takes its place."""
        self._due: set[TaskKey] = set()
        """Of these, whose wait is over."""
        self._begun: set[TaskKey] = set()
        """Tasks whose first window was due."""
        self._owed = 0
        """Samples written of which no window came yet."""
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def add(self, sample: TaskSample, history: TaskHistory) -> None:
        """Takes a sample and the window that came of it."""
        self._samples.append(sample)
        key = sample.key
        if key in self._begun:
            self._windows[key] = history
        else:
            self._begun.add(key)
            self.keep(key, history)
        # While the store is away, only time brings the next try.
        if len(self._samples) >= BATCH and not self._failing:
            self._full.set()

    def keep(self, key: TaskKey, history: TaskHistory) -> None:
        """Takes a window that samples do not tell; it is written with the next batch."""
        self._windows[key] = history
        self._due.add(key)

    async def run(self) -> None:
        """Writes until cancelled; what is left then is for `flush`."""
        while True:
            try:
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._full.wait()
            except TimeoutError:
                pass
            await self.write()

    async def write(self) -> None:
        """Writes a batch: all samples, and the windows whose turn it is.

        What cannot be written, because the store is away, is kept for the next time.
        """
        async with self._writing:
            await self._write()

    async def flush(self) -> None:
        """Writes all that waits; keeps it for the next time when the store is away.

        One batch at a time: a call during another first lets that end, so that after a last call
        nothing waits.
        """
        async with self._writing:
            self._due.update(self._windows)
            await self._write()

    async def _write(self) -> None:
        samples, self._samples = self._samples, []
        windows = self._taken(len(samples))
        self._full.clear()
        if not samples and not windows:
            return
        try:
            if samples:
                await self._store.append_samples(samples)
            samples = []
            if windows:
                await self._store.save_windows(windows)
        except StoreUnavailable as error:
            self._take_back(samples, windows)
            self._failed(error)
        else:
            self._failing = False

    def _taken(self, samples: int) -> dict[TaskKey, TaskHistory]:
        """Takes out the windows that go with so many samples."""
        turns, self._owed = divmod(self._owed + samples, POLLS_PER_WINDOW)
        due, self._due = self._due, set()
        waiting = (key for key in self._windows if key not in due)
        return {key: self._windows.pop(key) for key in [*due, *islice(waiting, turns)]}

    def _take_back(self, samples: list[TaskSample], windows: dict[TaskKey, TaskHistory]) -> None:
        kept = [*samples, *self._samples]
        dropped = len(kept) - KEPT
        if dropped > 0:
            self._telemetry.record(Noted("samples dropped", "error", {"samples": dropped}))
            kept = kept[dropped:]
        self._samples = kept
        self._windows = {**windows, **self._windows}
        self._due.update(windows)

    def _failed(self, error: StoreUnavailable) -> None:
        if not self._failing:
            self._telemetry.record(
                Noted("samples wait for the store", "warning", {"reason": str(error)})
            )
        self._failing = True
