"""`backtest`: stored or exported samples through the rules of a file: what would have been told."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.cli.samplefile import read_file
from bot.cli.stored import since_when, stored
from bot.domain.incidents import Event, Incident
from bot.domain.model import TaskKey, TaskSample, WatchedTask
from bot.domain.names import DiscoveredTask, watched_tasks
from bot.domain.replay import Replay, Replayed, compared, last_states
from bot.domain.rules import rules_for
from bot.ports import IncidentFilter
from bot.presenters import plain
from bot.presenters.backtest_answers import as_json, backtest
from bot.settings import load
from bot.settings.values import Settings

MOST_INCIDENTS = 100_000


def run(options: argparse.Namespace) -> int:
    """Prints what would have opened, when, for how long and how often.

    Raises: ConfigError; RequestError for a file that is none; StoreError.
    """
    settings = load(options.config, os.environ, require_secrets=False)
    if options.samples is not None:
        found = _from_file(settings, options.samples)
    else:
        found = asyncio.run(_from_store(settings, since_when(options.since)))
    if options.json:
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        print(plain.render(backtest(found)), end="")
    return 0


@dataclass(slots=True)
class _Run:
    """Replays of many tasks, fed sample by sample."""

    settings: Settings
    tasks: Mapping[TaskKey, WatchedTask]
    replays: dict[TaskKey, Replay] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    samples: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def feed(self, sample: TaskSample, name: str) -> None:
        """One more sample; those of a task come in the order of their time."""
        replay = self.replays.get(sample.key)
        if replay is None:
            replay = self.replays[sample.key] = self._begun(sample.key, name)
        self.events += replay.feed(sample)
        self.samples += 1
        self.first = sample.at if self.first is None else min(self.first, sample.at)
        self.last = sample.at if self.last is None else max(self.last, sample.at)
        if self.samples % 2_000 == 0 and sys.stderr.isatty():
            print(f"\r{self.samples:,} samples …", end="", file=sys.stderr, flush=True)

    def _begun(self, key: TaskKey, name: str) -> Replay:
        policies = self.settings.policies
        task = self.tasks.get(key) or WatchedTask(
            key, name or key.task_id, name or key.task_id, interval=policies.poll.interval
        )
        return Replay(task, rules_for(task, policies.rules), policies.poll)

    def result(self, since: datetime, really: Sequence[Incident]) -> Replayed:
        """What came of it."""
        if self.samples >= 2_000 and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        begin = self.first or since
        whole = Replayed(begin, self.last or begin, len(self.replays), self.samples)
        of_these = [incident for incident in really if incident.key in self.replays]
        return compared(whole, last_states(self.events), of_these)


async def _from_store(settings: Settings, since: datetime) -> Replayed:
    async with stored(settings, "backtest") as found:
        names = {task.key: task.name for task in found.tasks}
        run = _Run(settings, {task.key: task for task in found.tasks})
        async for sample in found.store.samples(None, since):
            run.feed(sample, names.get(sample.key, ""))
        wanted = IncidentFilter(open_only=False, since=since, limit=MOST_INCIDENTS)
        return run.result(since, await found.store.incidents(wanted))


def _from_file(settings: Settings, path: Path) -> Replayed:
    contents = read_file(path)
    seen = {sample.key: DiscoveredTask(sample.key, name) for name, sample in contents.samples}
    tasks = watched_tasks(
        settings.tasks,
        {**seen, **contents.tasks}.values(),
        labels=settings.labels,
        interval=settings.policies.poll.interval,
    )
    run = _Run(settings, {task.key: task for task in tasks})
    named = sorted(contents.samples, key=lambda pair: pair[1].at)
    for name, sample in named:
        run.feed(sample, name)
    return run.result(named[0][1].at, contents.incidents)
