"""The yardstick `bare`: a stock aiohttp session that fetches and reads, and does nothing else."""

from __future__ import annotations

from functools import partial

import aiohttp

from tests.bench.lap import Lap, measured, over_all
from tests.bench.script import ScriptedTask, scripted_tasks
from tests.bench.setting import Setting


async def lap(setting: Setting) -> Lap:
    """GET and read."""
    tasks = scripted_tasks(setting.tasks)
    urls = {task: setting.endpoint + setting.path(task.task_id) for task in tasks}
    async with aiohttp.ClientSession() as session:

        async def poll(task: ScriptedTask) -> None:
            async with session.get(urls[task]) as response:
                assert await response.read()

        return await measured(
            partial(over_all, tasks, poll), _nothing, polls=len(tasks), seconds=setting.seconds
        )


async def _nothing() -> None:
    """Nothing is left for later."""
