"""The silences that hold now or soon, in memory, kept in step with the store.

Another process may make or end one over the same store, so they are read again every few seconds.
While the store is away the known ones hold on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.silences import Silence
from bot.ports import Clock, Noted, SilenceStore, StoreError, Telemetry

READ_EVERY_S = 5.0


class Silencing:
    """One per process; changed only in the event loop."""

    def __init__(self, store: SilenceStore, *, clock: Clock, telemetry: Telemetry) -> None:
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._complained = False
        self._known: dict[str, Silence] = {}

    @property
    def current(self) -> Sequence[Silence]:
        """Those that are not over, in the order of their end."""
        now = self._clock.now()
        going = (silence for silence in self._known.values() if not silence.over(now))
        return sorted(going, key=lambda silence: (silence.ends_at, silence.id))

    async def run(self) -> None:
        """Reads again and again until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Takes up what the store has; keeps what is known while it is away."""
        try:
            found = await self._store.silences(self._clock.now())
        except StoreError as error:
            if not self._complained:
                reason = {"reason": str(error)}
                self._telemetry.record(Noted("silences not read", "warning", reason))
            self._complained = True
        else:
            self._complained = False
            self._known = {silence.id: silence for silence in found}

    async def begin(self, silence: Silence) -> None:
        """Writes a new one; it holds at once. Raises: StoreUnavailable."""
        await self._store.save_silence(silence)
        self._known[silence.id] = silence

    async def end(self, silence: Silence, *, by: str) -> Silence:
        """Ends one early. Raises: StoreUnavailable."""
        ended = replace(silence, ended_at=self._clock.now(), ended_by=by)
        await self._store.save_silence(ended)
        self._known.pop(silence.id, None)
        return ended
