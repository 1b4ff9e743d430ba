"""The contestant `ours`: the bot's own path from the wire to the disk.

`DmsClient.observe` (signed with AK/SK) -> `Monitor.observe` (history, rules, incidents, cards) ->
the SQLite store: transitions with their outbox rows at once and durably, samples and the windows
whose turn it is through `WriteBehind`, once per pass and beside the next one, because within its
two seconds the service, too, sees no task twice. Stand-ins are the telemetry, which records, and
the clock, which moves one poll interval per pass. Rows of the outbox are written and not delivered.

Afterwards everything is read back through `ReportStore` and held against the script. A pipeline
that drops work is fast for the wrong reason.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.adapters.dms.account import AccountConfig, AkSk
from bot.adapters.dms.client import DmsClient, open_client
from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import Store, open_store
from bot.app.memory import settle_memory
from bot.domain.model import TaskKey, TaskSample, WatchedTask
from bot.domain.policy import BUILT_IN, LagRule, Policies, PollPolicy, Route, RuleType
from bot.ports import IncidentFilter
from bot.services.fleet import Fleet
from bot.services.monitor import Monitor
from bot.services.writer import WriteBehind
from tests.bench.lap import IN_FLIGHT, Lap, measured, over_all
from tests.bench.script import (
    ANSWERS,
    CYCLE,
    INTERVAL,
    LEVEL,
    ScriptedTask,
    Tally,
    columns,
    demanded,
    scripted_tasks,
)
from tests.bench.setting import ACCESS_KEY, CONNECTOR_ID, PROJECT_ID, SECRET_KEY, Setting
from tests.fakes import NoJitter, Recorder, SetClock

ACCOUNT = "bench"
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
UNBOUNDED = 1e9
POLICIES = Policies(
    rules=(*BUILT_IN, LagRule(name="lag", type=RuleType.PARTITION_LAG, warning=LEVEL)),
    routes=(Route("C0BENCH"),),
    poll=PollPolicy(interval=INTERVAL),
)


@dataclass(frozen=True, slots=True)
class _Bot:
    """The parts of the bot that a poll goes through."""

    client: DmsClient
    monitor: Monitor
    behind: WriteBehind
    store: Store
    clock: SetClock
    telemetry: Recorder


async def lap(setting: Setting) -> Lap:
    """Polls, judges and stores; then checks that nothing was lost."""
    tasks = scripted_tasks(setting.tasks)
    with TemporaryDirectory(prefix="bench-") as directory:
        async with _opened(setting, tasks, Path(directory) / "bench.db") as bot:
            settle_memory()
            async with _profiled(bot.store, setting.profile):
                run = await _measured(bot, tasks, setting)
            tally = await _stored_incidents(bot.store)
            faults = [fault async for fault in _faults(bot, tasks, setting.size, passes=run.passes)]
    wanted = demanded(tasks, run.passes)
    if tally != wanted:
        faults.append(f"the script demands {wanted}, the store has {tally}")
    return replace(run, opened=tally.opened, resolved=tally.resolved, faults=tuple(faults[:5]))


# --- the bot ---------------------------------------------------------------------------------


@asynccontextmanager
async def _opened(
    setting: Setting, tasks: Sequence[ScriptedTask], path: Path
) -> AsyncIterator[_Bot]:
    clock, telemetry = SetClock(START), Recorder()
    account = AccountConfig(
        name=ACCOUNT,
        endpoint=setting.endpoint,
        project_id=PROJECT_ID,
        credentials=AkSk(ACCESS_KEY, SECRET_KEY),
        requests_per_second=UNBOUNDED,
        concurrency=IN_FLIGHT,
    )
    async with (
        open_client(account, clock=clock, jitter=NoJitter()) as client,
        open_store(StoreConfig(path=path), owner=ACCOUNT) as store,
    ):
        fleet = Fleet([ACCOUNT], await store.load())
        fleet.watch([_watched(task) for task in tasks], POLICIES.rules)
        behind = WriteBehind(store, telemetry)
        monitor = Monitor(fleet, store, behind, telemetry, POLICIES)
        yield _Bot(client, monitor, behind, store, clock, telemetry)


def _watched(task: ScriptedTask) -> WatchedTask:
    name = f"task-{task.number}"
    return WatchedTask(_key(task), name=name, task_name=name, interval=INTERVAL)


def _key(task: ScriptedTask) -> TaskKey:
    return TaskKey(ACCOUNT, CONNECTOR_ID, task.task_id)


async def _measured(bot: _Bot, tasks: Sequence[ScriptedTask], setting: Setting) -> Lap:
    watched = {task: _watched(task) for task in tasks}
    writing: list[asyncio.Task[None]] = []

    async def poll(task: ScriptedTask) -> None:
        sample = await bot.client.observe(watched[task], budget=INTERVAL)
        await bot.monitor.observe(sample)

    async def written() -> None:
        while writing:
            await writing.pop()

    async def one_pass() -> None:
        await over_all(tasks, poll)
        bot.clock.time += INTERVAL
        await written()
        writing.append(asyncio.create_task(bot.behind.write()))

    # The first incidents open and resolve in the warm-up: statements and codecs are made then.
    return await measured(
        one_pass, written, polls=len(tasks), seconds=setting.seconds, warm_passes=CYCLE
    )


@asynccontextmanager
async def _profiled(store: Store, functions: int) -> AsyncIterator[None]:
    """Prints where the loop and the store's thread spend their CPU time; 0 functions: does nothing.

    The profiler itself takes a multiple of what it measures: only shares mean something.
    """
    if not functions:
        yield
        return
    loop, writer = cProfile.Profile(time.thread_time), cProfile.Profile(time.thread_time)
    await store._runner.compute(writer.enable)
    loop.enable()
    yield
    loop.disable()
    await store._runner.compute(writer.disable)
    for title, profile in (("the event loop", loop), ("the store's thread", writer)):
        print(f"--- {title}", file=sys.stderr)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(functions)


# --- what must have come of it ---------------------------------------------------------------


async def _stored_incidents(store: Store) -> Tally:
    everything = IncidentFilter(open_only=False, limit=1_000_000)
    found = await store.incidents(everything)
    return Tally(len(found), sum(incident.resolved_at is not None for incident in found))


async def _faults(
    bot: _Bot, tasks: Sequence[ScriptedTask], size: int, *, passes: int
) -> AsyncIterator[str]:
    for complaint in bot.telemetry.events():
        if complaint not in {f"incident {word}" for word in ("opened", "recovering", "resolved")}:
            yield f"the bot noted: {complaint}"
    for task in tasks:
        stored = [sample async for sample in bot.store.samples(_key(task), START)]
        if len(stored) != passes:
            yield f"task {task.number}: {len(stored)} samples stored of {passes}"
        elif wrong := _wrong(task, size, stored):
            yield f"task {task.number}: {wrong} stored samples differ from what was answered"


def _wrong(task: ScriptedTask, size: int, stored: Sequence[TaskSample]) -> int:
    """How many samples are not what the server answered at that poll."""
    return sum(
        not _same(task, size, sample, answer=task.phase + place)
        for place, sample in enumerate(stored)
    )


def _same(task: ScriptedTask, size: int, sample: TaskSample, *, answer: int) -> bool:
    said = columns(task.kind, size, answer % ANSWERS)
    (topic,) = sample.topics or (None,)
    return topic is not None and (topic.transferred, topic.log_end) == (
        said.transferred,
        said.log_end,
    )
