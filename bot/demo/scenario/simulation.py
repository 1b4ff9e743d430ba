"""The simulated world as a value: (seed, elapsed time, speed) -> the state of each task. Pure.

A scenario is written in scenario time. Speed divides its durations: after `elapsed` real time the
scenario is `elapsed * speed` old, a task that delivers every 300 s then reports 5 s at speed 60,
and because rates multiply by the same factor the heights of the lag stay what they were. Only whole
seconds can be reported, so an interval that does not divide is reported rounded up, never shorter
than the task really needs.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from bot.demo.scenario.behaviours import Failed, Paused, Says, concerns
from bot.demo.scenario.layout import lay_out, most_partitions, topics_by
from bot.demo.scenario.motion import Motion
from bot.demo.scenario.weather import Weather
from bot.demo.scenario.world import Scenario, SinkTask, Topic


@dataclass(frozen=True, slots=True)
class PartitionState:
    """Offsets are the next to be written (`log_end`), dumped, and the first still kept."""

    partition: int
    status: str
    transferred: int | None
    log_end: int
    log_start: int

    @property
    def lag(self) -> int | None:
        """Messages not yet dumped, never negative; None while there is no position."""
        return None if self.transferred is None else max(0, self.log_end - self.transferred)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the task sees it now; the retention is in real time."""

    name: str
    retention: timedelta
    partitions: tuple[PartitionState, ...]


@dataclass(frozen=True, slots=True)
class TaskState:
    """A dumping task now; `deliver_every` is in real time, whole seconds."""

    task: SinkTask
    status: str
    deliver_every: timedelta
    topics: tuple[TopicState, ...]


@dataclass(slots=True)
class Simulation:
    """A scenario at a speed. Asking changes nothing: partitions are only laid out once.

    Raises:
        ValueError: the speed is not above 0.
    """

    scenario: Scenario
    speed: float = 1.0
    _laid_out: dict[tuple[str, str, int], Motion] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"the speed must be above 0, not {self.speed}")

    def scenario_time(self, elapsed: timedelta) -> timedelta:
        """How old the scenario is after that much real time."""
        return elapsed * self.speed

    def real(self, duration: timedelta) -> timedelta:
        """How long a duration of the scenario takes here."""
        return duration / self.speed

    def weather(self, elapsed: timedelta) -> tuple[Weather, ...]:
        """What the API suffers now."""
        at = self.scenario_time(elapsed).total_seconds()
        return tuple(each for each in self.scenario.weather if each.window.covers(at))

    def state(self, task: SinkTask, elapsed: timedelta) -> TaskState | None:
        """The task now; None when it does not exist (yet, or any more)."""
        at = self.scenario_time(elapsed)
        if not task.exists(at):
            return None
        return TaskState(
            task=task,
            status=_task_status(task, at.total_seconds()),
            deliver_every=_whole(self.real(task.deliver_every), unit=timedelta(seconds=1)),
            topics=tuple(
                self._topic_state(task, topic, at.total_seconds()) for topic in topics_by(task, at)
            ),
        )

    def _topic_state(self, task: SinkTask, topic: Topic, at: float) -> TopicState:
        partitions = (
            self._partition_state(task, topic, number, at=at)
            for number in range(most_partitions(task, topic))
            if self._motion(task, topic, number).exists(at)
        )
        retention = _whole(self.real(topic.retention), unit=timedelta(hours=1))
        return TopicState(topic.name, retention, tuple(partitions))

    def _partition_state(
        self, task: SinkTask, topic: Topic, number: int, *, at: float
    ) -> PartitionState:
        motion = self._motion(task, topic, number)
        return PartitionState(
            partition=number,
            status=_partition_status(task, number, at),
            transferred=motion.transferred(at),
            log_end=motion.log_end(at),
            log_start=motion.log_start(at),
        )

    def _motion(self, task: SinkTask, topic: Topic, number: int) -> Motion:
        key = (task.task_id, topic.name, number)
        if key not in self._laid_out:
            self._laid_out[key] = lay_out(self.scenario.seed, task, topic, number=number)
        return self._laid_out[key]


def _whole(duration: timedelta, *, unit: timedelta) -> timedelta:
    return max(1, ceil(duration / unit)) * unit


def _task_status(task: SinkTask, at: float) -> str:
    status = "RUNNING"
    for each in task.behaviours:
        match each:
            case Failed(window, partitions=None) if window.covers(at):
                return "FAILED"
            case Paused(window) if window.covers(at):
                status = "PAUSED"
            case Says(window, says) if window.covers(at):
                status = says
            case _:
                pass
    return status


def _partition_status(task: SinkTask, number: int, at: float) -> str:
    status = "RUNNING"
    for each in task.behaviours:
        match each:
            case Failed(window, partitions) if concerns(partitions, number) and window.covers(at):
                return "FAILED"
            case Paused(window) if window.covers(at):
                status = "PAUSED"
            case Says(window, _, says) if says is not None and window.covers(at):
                status = says
            case _:
                pass
    return status
