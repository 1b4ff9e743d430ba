"""Running and stopping: one task group, a stop that is asked for, and bounds on every step."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bot.ports import Noted, Telemetry

STEP = timedelta(seconds=8)
"""The longest that one step of a stop may take; three steps, and the closing of what is open,
stay within the 30 s that an orchestrator usually grants between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class Eternal:
    """A task that never ends by itself."""

    name: str
    run: Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a stop, in the order of the list."""

    name: str
    do: Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Lifecycle:
    """Runs eternal tasks until it is asked to stop, then stops them in order."""

    telemetry: Telemetry
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: bool = False

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self.stop.is_set()

    async def run(self, eternals: list[Eternal], steps: list[Step]) -> None:
        """Runs until `stop`. An eternal task that fails ends everything, by its error."""
        try:
            await self._run(eternals, steps)
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise

    async def _run(self, eternals: list[Eternal], steps: list[Step]) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(eternal.run(), name=eternal.name) for eternal in eternals]
            self.started = True
            await self.stop.wait()
            for step in steps:
                await self._take(step)
            for task in tasks:
                task.cancel()

    async def _take(self, step: Step) -> None:
        try:
            async with asyncio.timeout(STEP.total_seconds()):
                await step.do()
        except TimeoutError:
            self.telemetry.record(Noted("stop step took too long", "warning", {"step": step.name}))


def _nothing_to_reload() -> None:
    """Unheard, SIGHUP would end the process."""


@contextmanager
def stopped_by_signals(
    stop: asyncio.Event, *, hangup: Callable[[], None] = _nothing_to_reload
) -> Iterator[None]:
    """Sets `stop` on SIGTERM and SIGINT while inside, and calls `hangup` at SIGHUP.

    Does nothing where signals are not ours.
    """
    loop = asyncio.get_running_loop()
    caught = []
    reactions = {signal.SIGTERM: stop.set, signal.SIGINT: stop.set, signal.SIGHUP: hangup}
    for number, react in reactions.items():
        with suppress(ValueError, RuntimeError):  # not the main thread, or no such signals
            loop.add_signal_handler(number, react)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
