"""Which of the tasks that the cloud lists are watched.

An entry says where to look (accounts, and in them instances or connectors), which task names to
take, and which tags of an instance become labels of its tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot.domain.matching import Patterns
from bot.domain.model import TaskKey
from bot.domain.names import DiscoveredTask

DEFAULT_LISTING_INTERVAL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DiscoveryEntry:
    """One entry of `discovery`."""

    accounts: tuple[str, ...]
    """Names; "*" is already written out."""
    instances: tuple[str, ...] = ("*",)
    """Globs on the names of instances, or their ids. Not asked when connectors are given."""
    connectors: tuple[str, ...] = ()
    """Connector ids."""
    names: Patterns = Patterns()
    """On task_name and account/task_name; what is excluded is negated."""
    tags: tuple[str, ...] = ()
    interval: timedelta = DEFAULT_LISTING_INTERVAL
    """Time between two listings."""

    def takes(self, task: ListedTaskLike) -> bool:
        """Whether a listed task is watched because of this entry."""
        if task.key.account not in self.accounts:
            return False
        if self.connectors:
            place = task.connector_id in self.connectors
        else:
            place = Patterns(self.instances).hit(task.instance_name, task.instance_id)
        return place and self.names.hit(task.task_name, f"{task.key.account}/{task.task_name}")


class ListedTaskLike(Protocol):
    """A task as a listing of the cloud shows it."""

    @property
    def key(self) -> TaskKey:
        """Where it lives."""
        ...

    @property
    def task_name(self) -> str:
        """The cloud's name; may be empty, and shared with others."""
        ...

    @property
    def connector_id(self) -> str:
        """The connector it was listed under."""
        ...

    @property
    def instance_id(self) -> str:
        """The instance the connector belongs to; empty when not known."""
        ...

    @property
    def instance_name(self) -> str:
        """The instance's name; empty when not known."""
        ...

    @property
    def instance_tags(self) -> Mapping[str, str]:
        """The instance's tags."""
        ...


def discovered_tasks(
    entries: Sequence[DiscoveryEntry], listed: Iterable[ListedTaskLike]
) -> tuple[DiscoveredTask, ...]:
    """The listed tasks that some entry takes; the tags of all entries that take it are copied."""
    return tuple(
        DiscoveredTask(
            task.key,
            task.task_name,
            instance_id=task.instance_id or None,
            labels={
                tag: value
                for tag, value in task.instance_tags.items()
                if any(tag in entry.tags for entry in taking)
            },
        )
        for task in listed
        if (taking := [entry for entry in entries if entry.takes(task)])
    )
