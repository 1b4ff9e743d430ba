"""`export`: stored samples and incidents as JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import os

from bot.cli.samplefile import incident_line, sample_line, task_line
from bot.cli.stored import named, since_when, stored
from bot.domain.model import TaskKey
from bot.ports import IncidentFilter
from bot.settings import load

MOST_INCIDENTS = 100_000


def run(options: argparse.Namespace) -> int:
    """Prints one task or all, their samples, then their incidents.

    Raises: ConfigError; RequestError when --task names none; StoreError.
    """
    asyncio.run(_export(options))
    return 0


async def _export(options: argparse.Namespace) -> None:
    settings = load(options.config, os.environ, require_secrets=False)
    since = since_when(options.since)
    async with stored(settings, "export") as found:
        key: TaskKey | None = named(found.tasks, options.task).key if options.task else None
        names = {task.key: task.name for task in found.tasks}
        for task in found.tasks:
            if key in (None, task.key):
                print(task_line(task))
        async for sample in found.store.samples(key, since):
            print(sample_line(sample, names.get(sample.key, sample.key.task_id)))
        wanted = IncidentFilter(open_only=False, key=key, since=since, limit=MOST_INCIDENTS)
        for incident in await found.store.incidents(wanted):
            print(incident_line(incident))
