"""One account of the cloud, as the port `DumpingTaskSource` wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from bot.adapters.dms.account import AccountConfig
from bot.adapters.dms.asking import Asker
from bot.adapters.dms.auth import credentials_of
from bot.adapters.dms.calls import Api, Call
from bot.adapters.dms.listing import Lister
from bot.adapters.dms.topics import TopicReader
from bot.adapters.dms.transport import open_transport
from bot.adapters.dms.wire import QueryAnswer, query_answer, sample_of
from bot.domain.model import TaskKey, TaskSample, WatchedTask
from bot.ports import Clock, Jitter, Listing, Scope

Read = TypeVar("Read")

_LISTING_BUDGET = timedelta(minutes=5)
_TOPICS_BUDGET = timedelta(minutes=1)
_MOST_CALLS_KEPT = 50_000
"""Prepared requests; the tasks of an account are far fewer, but they come and go for years."""


class DmsClient:
    """The dumping tasks of one account. Made by `open_client`."""

    def __init__(self, config: AccountConfig, asker: Asker, *, clock: Clock) -> None:
        self._account = config.name
        self._asker = asker
        self._clock = clock
        self._api = Api(config.endpoint, config.project_id)
        self._topics = TopicReader(self._api, asker)
        self._calls: dict[TaskKey, Call] = {}

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        return self._account

    async def observe(self, task: WatchedTask, *, budget: timedelta) -> TaskSample:
        """Queries one task, retrying inside `budget`. Raises: CloudError."""
        key = task.key
        return await self._ask(key, budget, lambda body: sample_of(body, key, self._clock.now()))

    async def query(self, task: WatchedTask, *, budget: timedelta) -> QueryAnswer:
        """As `observe`, and with the answer as a document in the API's own names.

        Raises: CloudError.
        """
        key = task.key
        return await self._ask(key, budget, lambda body: query_answer(body, key, self._clock.now()))

    async def list_tasks(self, scope: Scope, *, smart_connect: bool = False) -> Listing:
        """Lists the dumping tasks in the scope, within five minutes.

        Raises: CloudError when nothing can be listed; a connector that fails is in `refused`.
        """
        lister = Lister(self._account, self._api, self._asker)
        return await lister.list(scope, _in(_LISTING_BUDGET), smart_connect=smart_connect)

    async def retentions(self, instance_id: str) -> Mapping[str, timedelta]:
        """How long each topic of an instance keeps messages. Raises: CloudError."""
        return await self._topics.retentions(instance_id, _in(_TOPICS_BUDGET))

    async def log_starts(self, instance_id: str, topic: str) -> Mapping[int, int]:
        """By partition the first offset that is still kept. Raises: CloudError."""
        return await self._topics.log_starts(instance_id, topic, _in(_TOPICS_BUDGET))

    async def _ask(self, key: TaskKey, budget: timedelta, read: Callable[[bytes], Read]) -> Read:
        call = self._calls.get(key) or self._prepared(key)
        return await self._asker.ask(call, _in(budget), read)

    def _prepared(self, key: TaskKey) -> Call:
        if len(self._calls) >= _MOST_CALLS_KEPT:
            self._calls.clear()
        return self._calls.setdefault(key, self._api.sink_task(key.connector_id, key.task_id))


def _in(budget: timedelta) -> float:
    return asyncio.get_running_loop().time() + budget.total_seconds()


@asynccontextmanager
async def open_client(
    config: AccountConfig, *, clock: Clock, jitter: Jitter
) -> AsyncIterator[DmsClient]:
    """A client of one account; nothing is asked before the first call.

    Raises: ConfigError when the CA file or the credentials cannot be used.
    """
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(open_transport(config))
        credentials = credentials_of(config, transport=transport, clock=clock)
        stack.push_async_callback(credentials.close)
        asker = Asker(config, credentials, transport=transport, clock=clock, jitter=jitter)
        yield DmsClient(config, asker, clock=clock)
