"""Everything an account shows of its dumping tasks.

Instances come in pages of 50; each with dumping enabled names its connector, whose tasks come in
one list. Counter-examples that shape the paging: an offset at or past the total is answered with
an error, not with an empty page, and the total may be absent or wrong; so it also ends with a page
that is short or brings nothing new.

Only a few of these requests are under way at a time, so that polls pass between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.adapters.dms.asking import Asker
from bot.adapters.dms.calls import PAGE_SIZE, Api
from bot.adapters.dms.errors import EndOfPages, safe_text
from bot.adapters.dms.shapes import (
    InstanceListShape,
    InstanceShape,
    ListedTaskShape,
    SmartConnectShape,
    TaskListShape,
    read,
)
from bot.adapters.dms.wire import number_of
from bot.domain.matching import Patterns
from bot.domain.model import TaskKey
from bot.ports import (
    CloudError,
    CloudProtocolError,
    CloudTaskMissing,
    ListedTask,
    Listing,
    Scope,
)

_AT_A_TIME = 4
_MOST_PAGES = 1000


@dataclass(frozen=True, slots=True)
class _Connector:
    id: str
    instance_id: str = ""
    instance_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        of_instance = f" of instance {safe_text(self.instance_name)}" if self.instance_name else ""
        return f"connector {safe_text(self.id)}{of_instance}"


@dataclass(slots=True)
class _Found:
    """What a listing has collected so far."""

    tasks: list[ListedTask] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    """Ids of connectors whose tasks could not be told."""
    errors: list[CloudError] = field(default_factory=list)
    smart_connect: list[int] = field(default_factory=list)


class Lister:
    """Lists one account. `deadline`s are on the loop's clock."""

    def __init__(self, account: str, api: Api, asker: Asker) -> None:
        self._account = account
        self._api = api
        self._asker = asker

    async def list(self, scope: Scope, deadline: float, *, smart_connect: bool) -> Listing:
        """The tasks in the scope. Raises: CloudError when there was nothing but errors."""
        instances = await self._scoped_instances(scope, deadline)
        connectors = _connectors(scope, instances)
        found = _Found()
        places = asyncio.Semaphore(_AT_A_TIME)
        async with asyncio.TaskGroup() as group:
            for connector in connectors:
                group.create_task(self._add_tasks(connector, places, deadline, found=found))
            for instance in instances if smart_connect else ():
                group.create_task(self._count_smart(instance, places, deadline, found=found))
        if connectors and len(found.errors) == len(connectors):
            raise found.errors[0]
        return Listing(
            account=self._account,
            tasks=tuple(sorted(found.tasks, key=lambda task: (task.task_name, task.key))),
            instances=len(instances),
            connectors=len(connectors),
            smart_connect_tasks=sum(found.smart_connect) if found.smart_connect else None,
            refused=tuple(sorted(found.refused)),
            refused_ids=frozenset(found.unknown),
        )

    async def _scoped_instances(self, scope: Scope, deadline: float) -> Sequence[InstanceShape]:
        if scope.connectors:
            return ()
        wanted = Patterns(scope.instances)
        return [
            instance
            for instance in await self._instances(deadline)
            if wanted.hit(instance.get("name") or "", instance.get("instance_id") or "")
        ]

    async def _instances(self, deadline: float) -> Sequence[InstanceShape]:
        found: dict[str, InstanceShape] = {}
        offset = 0
        for _ in range(_MOST_PAGES):
            page = await self._page(offset, deadline)
            rows, before = page.instances or [], len(found)
            found.update((_identity(row, offset + n), row) for n, row in enumerate(rows))
            offset += len(rows)
            if len(found) == before or _is_last(page, offset):
                break
        return list(found.values())

    async def _page(self, offset: int, deadline: float) -> InstanceListShape:
        try:
            return await self._asker.ask(self._api.instances(offset), deadline, _read_instances)
        except EndOfPages:
            return InstanceListShape()

    async def _add_tasks(
        self, connector: _Connector, places: asyncio.Semaphore, deadline: float, *, found: _Found
    ) -> None:
        try:
            async with places:
                call = self._api.sink_tasks(connector.id)
                shapes = await self._asker.ask(call, deadline, _read_tasks)
        except CloudError as error:
            found.errors.append(error)
            found.refused.append(f"{connector}: {error.detail}")
            if not isinstance(error, CloudTaskMissing):  # one that is gone has no tasks
                found.unknown.add(connector.id)
            return
        for shape in shapes:
            if shape.get("task_id"):
                found.tasks.append(self._listed(shape, connector))
            else:
                name = safe_text(shape.get("task_name") or "")
                found.refused.append(f"{connector}: task {name!r} has no task_id")
                found.unknown.add(connector.id)

    def _listed(self, shape: ListedTaskShape, connector: _Connector) -> ListedTask:
        task_id = shape.get("task_id") or ""
        return ListedTask(
            key=TaskKey(self._account, connector.id, task_id),
            task_name=shape.get("task_name") or task_id,
            status=shape.get("status") or None,
            topics_text=shape.get("topics") or None,
            connector_id=connector.id,
            instance_id=connector.instance_id,
            instance_name=connector.instance_name,
            instance_tags=connector.tags,
        )

    async def _count_smart(
        self, instance: InstanceShape, places: asyncio.Semaphore, deadline: float, *, found: _Found
    ) -> None:
        """Adds an instance's count; the many instances without Smart Connect answer an error."""
        instance_id = instance.get("instance_id")
        if not instance_id:
            return
        try:
            async with places:
                call = self._api.smart_connect_tasks(instance_id)
                total = await self._asker.ask(call, deadline, _read_total)
        except CloudError:
            return
        if total is not None:
            found.smart_connect.append(total)


def _identity(row: InstanceShape, position: int) -> str:
    return row.get("instance_id") or f"#{position}"


def _is_last(page: InstanceListShape, offset: int) -> bool:
    total = number_of(page.instance_num)
    if total is None:
        return len(page.instances or ()) < PAGE_SIZE
    return offset >= total


def _connectors(scope: Scope, instances: Iterable[InstanceShape]) -> Sequence[_Connector]:
    found = {connector_id: _Connector(connector_id) for connector_id in scope.connectors}
    for instance in instances:
        connector_id = instance.get("connector_id")
        if connector_id:  # empty or absent: dumping is off
            found[connector_id] = _Connector(
                connector_id,
                instance.get("instance_id") or "",
                instance.get("name") or "",
                _tags(instance),
            )
    return list(found.values())


def _tags(instance: InstanceShape) -> Mapping[str, str]:
    rows = instance.get("tags") or []
    return {key: row.get("value") or "" for row in rows if (key := row.get("key"))}


def _read_instances(body: bytes) -> InstanceListShape:
    page = read(InstanceListShape, body)
    if page.instances is None and number_of(page.instance_num) != 0:
        raise CloudProtocolError("instances: absent from the answer")
    return page


def _read_tasks(body: bytes) -> Sequence[ListedTaskShape]:
    # Absent is not empty: taken for empty, it would end the watch over every task of a connector.
    answer = read(TaskListShape, body)
    if answer.tasks is None and number_of(answer.total_number) != 0:
        raise CloudProtocolError("tasks: absent from the answer")
    return answer.tasks or []


def _read_total(body: bytes) -> int | None:
    return number_of(read(SmartConnectShape, body).total_number)
