"""The cloud, as the poller and discovery see it: one source per account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from bot.domain.model import TaskKey, TaskSample, WatchedTask


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A dumping task as a listing shows it."""

    key: TaskKey
    task_name: str
    status: str | None
    topics_text: str | None
    connector_id: str
    instance_id: str
    instance_name: str
    instance_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything an account shows of its dumping tasks."""

    account: str
    tasks: tuple[ListedTask, ...]
    instances: int
    connectors: int
    smart_connect_tasks: int | None = None
    """Tasks of the newer kind, which this API does not show; None when not asked."""
    refused: tuple[str, ...] = ()
    """Connectors or instances that answered with an error, each with the reason."""
    refused_ids: frozenset[str] = frozenset()
    """Their ids: what they hold is unknown, not absent."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of an account a listing looks at. Globs on instance names, or exact ids."""

    instances: tuple[str, ...] = ("*",)
    connectors: tuple[str, ...] = ()
    """Connector ids; when given, instances are not asked."""


class TopicSource(Protocol):
    """What an account says of topics beside its dumping tasks."""

    async def retentions(self, instance_id: str) -> Mapping[str, timedelta]:
        """How long each topic of an instance keeps messages; those that do not say are left out.

        Raises: CloudError.
        """
        ...

    async def log_starts(self, instance_id: str, topic: str) -> Mapping[int, int]:
        """By partition the first offset that is still kept.

        Raises: CloudError.
        """
        ...


class DumpingTaskSource(Protocol):
    """One account of the cloud."""

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        ...

    async def observe(self, task: WatchedTask, *, budget: timedelta) -> TaskSample:
        """Queries one task, retrying inside `budget`.

        Raises: CloudError.
        """
        ...

    async def list_tasks(self, scope: Scope, *, smart_connect: bool = False) -> Listing:
        """Lists the dumping tasks in the scope; asks for Smart Connect tasks when told to.

        Raises: CloudError when nothing can be listed; a connector that fails is in `refused`.
        """
        ...
