"""How a contestant is driven and measured: passes over the tasks, CPU time of the whole process.

A pass polls every task once, 32 at a time, by workers that share the tasks out before it begins, so
a task never overlaps itself. Passes are made until the warm-up is over and then until enough CPU
time is used; CPU time, user and system, of all threads, because wall time on a shared machine
shows what else the machine was doing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from tests.bench.script import MOST_PASSES, ScriptedTask

IN_FLIGHT = 32
WARM_UP_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Lap:
    """What one contestant did in one process."""

    polls: int
    cpu_seconds: float
    passes: int = 0
    """In all, the warm-up included; 0 where the contestant does not count them."""
    opened: int = 0
    resolved: int = 0
    faults: tuple[str, ...] = ()
    """Why its figure cannot be trusted."""

    @property
    def cpu_us_per_poll(self) -> float:
        """Microseconds of CPU time for one task polled."""
        return 1e6 * self.cpu_seconds / self.polls

    def as_json(self) -> dict[str, object]:
        """For the way from the contestant's process to the bench."""
        return asdict(self)


Pass = Callable[[], Awaitable[None]]


async def measured(
    one_pass: Pass, finish: Pass, *, polls: int, seconds: float, warm_passes: int = 1
) -> Lap:
    """Warms up, for so many passes at least, then measures whole passes of so many polls each.

    `finish` completes what a pass may have left for later; it is part of what is measured.
    """
    passes, began = 0, time.perf_counter()
    while passes < warm_passes or time.perf_counter() - began < WARM_UP_SECONDS:
        await one_pass()
        passes += 1
    await finish()
    warm, began = passes, time.process_time()
    while passes < MOST_PASSES and time.process_time() - began < seconds:
        await one_pass()
        passes += 1
    await finish()
    used = time.process_time() - began
    return Lap(polls=polls * (passes - warm), cpu_seconds=used, passes=passes)


async def over_all(
    tasks: Sequence[ScriptedTask], poll: Callable[[ScriptedTask], Awaitable[None]]
) -> None:
    """One pass: every task once."""

    async def work(mine: Sequence[ScriptedTask]) -> None:
        for task in mine:
            await poll(task)

    async with asyncio.TaskGroup() as group:
        for first in range(min(IN_FLIGHT, len(tasks))):
            group.create_task(work(tasks[first::IN_FLIGHT]))
