"""The simulated world as a value: instances, their dumping tasks, and what befalls them.

All durations and moments are scenario time, counted from the scenario's start.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from bot.demo.scenario.behaviours import Behaviour, Created, Deleted, ended
from bot.demo.scenario.weather import Weather

VENDOR_PROJECT = "0123456789abcdef0123456789abcdef"


class NoPosition(StrEnum):
    """How the answer writes a position that does not exist yet; the vendor does not say."""

    ABSENT = "absent"
    DASH = "-"
    MINUS_ONE = "-1"
    EMPTY = ""
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic; the rate is over all its partitions. `first_offset` None: by the seed."""

    name: str
    partitions: int = 3
    messages_per_second: float = 60.0
    retention: timedelta = timedelta(hours=72)
    first_offset: int | None = None
    exists_from: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTask:
    """A dumping task and what befalls it.

    `created_at_ms` fixes its creation, milliseconds since 1970; None: `age` before the start.
    """

    task_id: str
    name: str
    topics: tuple[Topic, ...]
    topics_regex: str | None = None
    deliver_every: timedelta = timedelta(seconds=300)
    behaviours: tuple[Behaviour, ...] = ()
    strategy: str = "latest"
    bucket: str = "kafka-dumps"
    path: str | None = None
    age: timedelta = timedelta(days=40)
    created_at_ms: int | None = None
    no_position: NoPosition = NoPosition.DASH

    def exists(self, at: timedelta) -> bool:
        """Whether it is there at this scenario time."""
        return all(
            not (isinstance(each, Deleted) and at >= each.at)
            and not (isinstance(each, Created) and at < each.at)
            for each in self.behaviours
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartTask:
    """A task of the newer Smart Connect API, which shows no offsets."""

    task_id: str
    name: str
    topics: str | None = None
    topics_regex: str | None = None
    status: str = "RUNNING"
    replicates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A Kafka instance; an empty `connector_id` means that dumping is not enabled."""

    instance_id: str
    name: str
    connector_id: str = ""
    tasks: tuple[SinkTask, ...] = ()
    smart_tasks: tuple[SmartTask, ...] = ()
    status: str = "RUNNING"
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole project of one region."""

    name: str
    seed: int = 1
    project_id: str = VENDOR_PROJECT
    instances: tuple[Instance, ...]
    weather: tuple[Weather, ...] = ()

    def tasks(self) -> Iterator[SinkTask]:
        """Every dumping task, in order of instance."""
        for instance in self.instances:
            yield from instance.tasks

    def with_behaviour(self, task_id: str, behaviour: Behaviour) -> "Scenario":
        """The same world, in which one more thing befalls a task.

        Raises:
            KeyError: there is no such task.
        """
        return self._changed(
            task_id, lambda task: replace(task, behaviours=(*task.behaviours, behaviour))
        )

    def relieved(self, task_id: str, now: timedelta) -> "Scenario":
        """The same world, in which what befalls a task for a time is over at `now`.

        Raises:
            KeyError: there is no such task.
        """
        return self._changed(
            task_id,
            lambda task: replace(
                task, behaviours=tuple(ended(each, now) for each in task.behaviours)
            ),
        )

    def _changed(self, task_id: str, change: Callable[[SinkTask], SinkTask]) -> "Scenario":
        if all(task.task_id != task_id for task in self.tasks()):
            raise KeyError(task_id)
        return replace(
            self,
            instances=tuple(
                replace(
                    instance,
                    tasks=tuple(
                        change(task) if task.task_id == task_id else task for task in instance.tasks
                    ),
                )
                for instance in self.instances
            ),
        )
