"""What can befall a simulated dumping task: values only, the arithmetic is in `motion`.

All times are scenario time, counted from the scenario's start. A behaviour with `partitions`
concerns these partitions of every topic of the task; None means all. Of several behaviours that
hold the same partition back, the one that began last rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from math import floor, inf
from typing import Any, Literal

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of scenario time, its end excluded; without an end it lasts for ever.

    `every` repeats it for ever, counted from start to start.

    Raises:
        ValueError: it ends before it begins, or its repetitions overlap.
    """

    start: timedelta = ZERO
    end: timedelta | None = None
    every: timedelta | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"a window must end after it starts: {self.start} to {self.end}")
        if self.every is not None and (self.end is None or self.every < self.end - self.start):
            raise ValueError("a repeated window needs an end, and must end before it comes again")

    def latest(self, at: float) -> tuple[float, float] | None:
        """Begin and end, in seconds, of the occurrence that began last; None before the first."""
        start = self.start.total_seconds()
        if at < start:
            return None
        length = inf if self.end is None else self.end.total_seconds() - start
        if self.every is not None:
            every = self.every.total_seconds()
            start += every * floor((at - start) / every)
        return start, start + length

    def covers(self, at: float) -> bool:
        """Whether the second `at` lies inside."""
        span = self.latest(at)
        return span is not None and at < span[1]

    def passed(self, at: float) -> float:
        """How many seconds up to `at` lay inside, all occurrences together."""
        span = self.latest(at)
        if span is None:
            return 0.0
        inside = min(at, span[1]) - span[0]
        if self.every is None or self.end is None:
            return inside
        rounds = round((span[0] - self.start.total_seconds()) / self.every.total_seconds())
        return inside + rounds * (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is transferred; afterwards the backlog goes in `catch_up` equal deliveries."""

    window: Window
    partitions: tuple[int, ...] | None = None
    catch_up: int = 3
    kind: Literal["stall"] = "stall"


@dataclass(frozen=True, slots=True)
class SlowSink:
    """Every delivery takes only `share` of what came in, so the backlog grows."""

    window: Window
    share: float = 0.8
    partitions: tuple[int, ...] | None = None
    catch_up: int = 3
    kind: Literal["slow_sink"] = "slow_sink"


@dataclass(frozen=True, slots=True)
class Surge:
    """`factor` times as many messages come in; below 1 fewer, 0 none.

    What overlapping surges add, or take, is summed.
    """

    window: Window
    factor: float = 3.0
    partitions: tuple[int, ...] | None = None
    kind: Literal["surge"] = "surge"


@dataclass(frozen=True, slots=True)
class HotPartition:
    """One partition gets `factor` times its traffic, and of that only `share` is transferred."""

    window: Window
    partition: int = 0
    factor: float = 6.0
    share: float = 0.3
    catch_up: int = 4
    kind: Literal["hot_partition"] = "hot_partition"


@dataclass(frozen=True, slots=True)
class Paused:
    """The task says PAUSED and transfers nothing, while the log goes on."""

    window: Window
    catch_up: int = 2
    kind: Literal["paused"] = "paused"


@dataclass(frozen=True, slots=True)
class Failed:
    """The task says FAILED; with `partitions` only these do, while the task says RUNNING."""

    window: Window
    partitions: tuple[int, ...] | None = None
    catch_up: int = 3
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Says:
    """The task reports another status (CREATING, RESTARTING, any text) and works as before."""

    window: Window
    status: str = "RESTARTING"
    partition_status: str | None = None
    kind: Literal["says"] = "says"


@dataclass(frozen=True, slots=True)
class IdleTail:
    """From `since` no message comes in, and the last `left` of each partition stay behind."""

    since: timedelta = ZERO
    left: int = 3
    until: timedelta | None = None
    kind: Literal["idle_tail"] = "idle_tail"


@dataclass(frozen=True, slots=True)
class NotYetTransferred:
    """No position is known until the first delivery after `until`; None: never.

    With `log_still` no message comes in before either, which is how a task with the strategy
    "latest" looks on an idle topic.
    """

    partitions: tuple[int, ...] | None = None
    until: timedelta | None = None
    log_still: bool = True
    kind: Literal["not_yet_transferred"] = "not_yet_transferred"


@dataclass(frozen=True, slots=True)
class Recreated:
    """The topics were deleted and made again: the log starts at 0.

    The dump starts at 0 as well, or keeps a position beyond the log until the log overtakes it.
    """

    at: timedelta
    keeps_position: bool = False
    kind: Literal["recreated"] = "recreated"


@dataclass(frozen=True, slots=True)
class PartitionGrowth:
    """`added` more partitions of one topic; None: of every topic."""

    at: timedelta
    added: int = 1
    topic: str | None = None
    kind: Literal["partition_growth"] = "partition_growth"


@dataclass(frozen=True, slots=True)
class TopicGrowth:
    """A topic whose name fits the task's expression appears; messages are per second, all told."""

    at: timedelta
    topic: str = "grown"
    partitions: int = 3
    messages_per_second: float = 10.0
    kind: Literal["topic_growth"] = "topic_growth"


@dataclass(frozen=True, slots=True)
class Deleted:
    """The task is gone from `at` on."""

    at: timedelta
    kind: Literal["deleted"] = "deleted"


@dataclass(frozen=True, slots=True)
class Created:
    """The task is not there before `at`."""

    at: timedelta
    kind: Literal["created"] = "created"


Behaviour = (
    Stall
    | SlowSink
    | Surge
    | HotPartition
    | Paused
    | Failed
    | Says
    | IdleTail
    | NotYetTransferred
    | Recreated
    | PartitionGrowth
    | TopicGrowth
    | Deleted
    | Created
)


def concerns(partitions: Iterable[int] | None, partition: int) -> bool:
    """Whether a behaviour with these `partitions` is about this one."""
    return partitions is None or partition in partitions


def postponed(behaviour: Behaviour, by: timedelta) -> Behaviour:
    """The same behaviour with all its moments moved, whichever fields carry them."""
    moved: dict[str, Any] = {}
    for each in fields(behaviour):
        value = getattr(behaviour, each.name)
        if isinstance(value, Window):
            end = None if value.end is None else value.end + by
            moved[each.name] = Window(value.start + by, end, value.every)
        elif isinstance(value, timedelta):
            moved[each.name] = value + by
    return replace(behaviour, **moved)


def ended(behaviour: Behaviour, now: timedelta) -> Behaviour:
    """The same behaviour over at `now` if its window is open then; it does not come again."""
    window = getattr(behaviour, "window", None)
    if not isinstance(window, Window) or now <= window.start:
        return behaviour
    if not window.covers(now.total_seconds()):
        return behaviour
    closed: dict[str, Any] = {"window": Window(window.start, now)}
    return replace(behaviour, **closed)
