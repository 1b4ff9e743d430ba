"""The yardstick `sdk`: the vendor's own client fetches and deserialises, in eight threads.

huaweicloudsdkkafka 3.1.84 is the last release that has `show_sink_task_detail`. Signing is part of
it, as of ours; judging and storing are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from tests.bench.lap import Lap, measured
from tests.bench.script import scripted_tasks
from tests.bench.setting import ACCESS_KEY, CONNECTOR_ID, PROJECT_ID, SECRET_KEY, Setting

THREADS = 8
TASKS = 64
"""Of a pass: it keeps nothing from one poll to the next, and a pass should not take a second."""


async def lap(setting: Setting) -> Lap:
    """Fetch and deserialise."""
    poll = _poll_with(setting)
    ids = [task.task_id for task in scripted_tasks(TASKS)]
    with ThreadPoolExecutor(THREADS) as threads:

        async def one_pass() -> None:
            # One hop into the threads for the whole pass, so that no loop is in the measurement.
            await asyncio.to_thread(lambda: list(threads.map(poll, ids)))

        return await measured(one_pass, _nothing, polls=TASKS, seconds=setting.seconds)


def _poll_with(setting: Setting) -> Callable[[str], None]:
    core: Any = import_module("huaweicloudsdkcore.auth.credentials")
    kafka: Any = import_module("huaweicloudsdkkafka.v2")
    credentials = core.BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT_ID)
    builder = kafka.KafkaClient.new_builder().with_credentials(credentials)
    client = builder.with_endpoint(setting.endpoint).build()

    def poll(task_id: str) -> None:
        request = kafka.ShowSinkTaskDetailRequest(
            connector_id=CONNECTOR_ID, task_id=task_id, topic_info="true"
        )
        topics = client.show_sink_task_detail(request).topics_info
        assert len(topics[0].partitions) == setting.size

    return poll


async def _nothing() -> None:
    """Nothing is left for later."""
