"""Polls the tasks of one account: a heap of due tasks and a fixed pool of workers.

Each task has a phase, a hash of its key, so that polls are spread over the interval and a restart
does not stampede; every poll is moved by up to 5 % of the interval, again by a hash, so that
nothing aliases with the delivery interval. Of the tasks that are due, those with open incidents
go first. A task never overlaps itself: it is due again only after its poll has ended, and a poll
that comes late is counted, not stacked.

Every failure becomes an observation. A defect of the bot in one poll is logged and contained.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from itertools import count

from bot.domain.model import (
    FailureKind,
    Observation,
    PollFailure,
    TaskKey,
    TaskSample,
    WatchedTask,
)
from bot.ports import (
    CloudError,
    DumpingTaskSource,
    Noted,
    PollMeasured,
    Surroundings,
)

BUDGET_SHARE = 0.8
"""Share of the interval that a poll with all its retries may take."""
JITTER_SHARE = 0.05
FIRST_SPREAD = timedelta(seconds=2)
"""Least time over which the first polls after a start are spread."""

Observe = Callable[[Observation], Awaitable[None]]
Urgent = Callable[[TaskKey], bool]


def hashed_share(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but the parts."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(slots=True)
class _Entry:
    task: WatchedTask
    due: float
    """On the loop's clock."""
    polls: int = 0
    queued: bool = False
    """Waits for a worker, or is being polled."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """People who asked for a reading now."""
    defect: str = ""
    """The defect that the latest poll met."""


class Poller:
    """Polls one account until it is stopped."""

    def __init__(
        self,
        source: DumpingTaskSource,
        observe: Observe,
        around: Surroundings,
        *,
        urgent: Urgent,
        workers: int,
        requests_per_second: float = 20,
    ) -> None:
        self._source = source
        self._observe = observe
        self._clock = around.clock
        self._telemetry = around.telemetry
        self._urgent = urgent
        self._workers = workers
        self._rate = requests_per_second
        self._entries: dict[TaskKey, _Entry] = {}
        self._heap: list[tuple[float, TaskKey]] = []
        self._ready: asyncio.PriorityQueue[tuple[int, float, int, _Entry]] = asyncio.PriorityQueue()
        self._queued = count()
        self._changed = asyncio.Event()
        self._stopping = False
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = asyncio.Event()

    def watch(self, tasks: Iterable[WatchedTask]) -> None:
        """Polls exactly these tasks from now on; the schedule of those that stay is kept."""
        wanted = {task.key: task for task in tasks}
        now = asyncio.get_running_loop().time()
        for key in [key for key in self._entries if key not in wanted]:
            self._release(self._entries.pop(key))
        fresh = [task for key, task in wanted.items() if key not in self._entries]
        spread = max(FIRST_SPREAD.total_seconds(), len(fresh) / self._rate)
        for task in wanted.values():
            entry = self._entries.get(task.key)
            if entry is None:
                first = min(spread, task.interval.total_seconds())
                self._add(_Entry(task, now + first * hashed_share(task.key)))
            else:
                entry.task = task
        self._changed.set()

    async def run(self) -> None:
        """Polls until `stop`; then returns once the polls in hand have ended."""
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(self._work(), name=f"poll {self._source.account} {number}")
                for number in range(self._workers)
            ]
            await self._dispatch()
            await self._idle.wait()
            for worker in workers:
                worker.cancel()
        self._ended.set()

    def stop(self) -> None:
        """Starts no further polls."""
        self._stopping = True
        self._changed.set()

    async def ended(self) -> None:
        """Returns once the polls in hand have ended after a stop."""
        await self._ended.wait()

    async def refresh(self, key: TaskKey) -> None:
        """Polls a task now, or waits for the poll in hand; returns when it was observed.

        Returns at once for a task that is not polled here.
        """
        entry = self._entries.get(key)
        if entry is None or self._stopping:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry.waiting.append(future)
        if not entry.queued:
            self._queue(entry, urgency=0)
        await future

    # --- the schedule ---

    def _add(self, entry: _Entry) -> None:
        self._entries[entry.task.key] = entry
        heapq.heappush(self._heap, (entry.due, entry.task.key))

    async def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._changed.clear()
            now = loop.time()
            while self._heap and self._heap[0][0] <= now:
                self._take_due(*heapq.heappop(self._heap))
            # A wait below the clock's resolution would spin.
            wait = max(self._heap[0][0] - now, 0.001) if self._heap else None
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _take_due(self, due: float, key: TaskKey) -> None:
        entry = self._entries.get(key)
        # A heap entry that no longer speaks for its task was left by a refresh or a removal.
        if entry is not None and not entry.queued and entry.due == due:
            self._queue(entry, urgency=1 if self._urgent(key) else 2)

    def _queue(self, entry: _Entry, *, urgency: int) -> None:
        entry.queued = True
        self._busy += 1
        self._idle.clear()
        self._ready.put_nowait((urgency, entry.due, next(self._queued), entry))

    def _reschedule(self, entry: _Entry) -> None:
        """The next instant of the task's own phase that is at least half an interval away."""
        loop = asyncio.get_running_loop()
        interval = entry.task.interval.total_seconds()
        phase = hashed_share(entry.task.key) * interval
        earliest = loop.time() + interval / 2
        periods = -(-(earliest - phase) // interval)
        jitter = (2 * hashed_share(entry.task.key, entry.polls) - 1) * JITTER_SHARE * interval
        entry.polls += 1
        entry.due = phase + periods * interval + jitter
        entry.queued = False
        if self._entries.get(entry.task.key) is entry:
            heapq.heappush(self._heap, (entry.due, entry.task.key))
            self._changed.set()

    # --- the work ---

    async def _work(self) -> None:
        while True:
            *_, entry = await self._ready.get()
            watched = self._entries.get(entry.task.key) is entry
            try:
                if watched and not (self._stopping and not entry.waiting):
                    await self._poll(entry)
            finally:
                self._done(entry)

    def _done(self, entry: _Entry) -> None:
        self._busy -= 1
        if self._busy == 0:
            self._idle.set()
        self._reschedule(entry)
        self._release(entry)

    def _release(self, entry: _Entry) -> None:
        for future in entry.waiting:
            if not future.done():
                future.set_result(None)
        entry.waiting.clear()

    async def _poll(self, entry: _Entry) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        late = timedelta(seconds=max(0.0, started - entry.due))
        observation = await self._observation(entry)
        observed = await self._observed(entry, observation)
        result = observation.kind if isinstance(observation, PollFailure) else "ok"
        took = timedelta(seconds=loop.time() - started)
        self._telemetry.record(
            PollMeasured(
                self._source.account, str(result if observed else FailureKind.DEFECT), took, late
            )
        )

    async def _observation(self, entry: _Entry) -> Observation:
        task = entry.task
        try:
            return await self._source.observe(task, budget=task.interval * BUDGET_SHARE)
        except CloudError as error:
            return PollFailure(
                task.key, self._clock.now(), error.kind, error.detail, error.request_id
            )
        except Exception as error:  # noqa: BLE001 - a defect in one poll must not end the others
            self._note_defect(entry, error)
            return PollFailure(
                task.key, self._clock.now(), FailureKind.DEFECT, "a defect of the bot"
            )

    async def _observed(self, entry: _Entry, observation: Observation) -> bool:
        """Whether the observation was taken to its end."""
        try:
            await self._observe(observation)
        except Exception as error:  # noqa: BLE001 - as above
            self._note_defect(entry, error)
            return False
        if isinstance(observation, TaskSample):
            entry.defect = ""
        return True

    def _note_defect(self, entry: _Entry, error: Exception) -> None:
        """Logs a defect when it is another one than at the last poll."""
        defect = repr(error)
        if entry.defect != defect:
            self._telemetry.record(
                Noted("poll defect", "error", {"task": entry.task.name}, error=error)
            )
        entry.defect = defect
