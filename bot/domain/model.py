"""The things watched and what was seen of them.

Plain values, shared by every room of the house. A number that the cloud did not give, or gave
unreadably, is None: unknown is a third value, never 0.

Partitions of a topic are kept in columns (one tuple per number), because a fleet has millions of
them: a column is one object, and `min`, `max`, `map` run over it at the speed of C.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

DEFAULT_DELIVERY_INTERVAL = timedelta(seconds=300)
"""Assumed where the answer gives no deliver_time_interval (Kafka API reference: default 300 s)."""


class Severity(IntEnum):
    """How bad, in order."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The word people type and read: info, warning, critical."""
        return self.name.lower()


class TaskState(StrEnum):
    """The bot's word for a task, worst first; the cloud's own word is its cloud status."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    OK = "ok"


@dataclass(frozen=True, slots=True, order=True)
class TaskKey:
    """Where a dumping task lives. Without connector and task it names the account itself."""

    account: str
    connector_id: str = ""
    task_id: str = ""

    @property
    def is_account(self) -> bool:
        """True for what concerns an account as a whole, such as refused credentials."""
        return not self.task_id

    def __str__(self) -> str:
        return "/".join(part for part in (self.account, self.connector_id, self.task_id) if part)


@dataclass(frozen=True, slots=True)
class WatchedTask:
    """A dumping task as it is watched: by configuration or by discovery."""

    key: TaskKey
    name: str
    """What people type and read; unique in the fleet (see `names`)."""
    task_name: str
    """The cloud's name, or the configured one; what globs are tried on beside account/task_name."""
    labels: Mapping[str, str] = field(default_factory=dict)
    interval: timedelta = timedelta(seconds=60)
    """Time between two polls."""
    configured: bool = True
    """False for a task that only discovery knows."""
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a task dumps to. Every field is None where the answer did not give it."""

    bucket: str | None = None
    path: str | None = None
    partition_format: str | None = None
    file_type: str | None = None
    consumer_strategy: str | None = None
    deliver_interval: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PartitionReading:
    """One partition of one poll, as a row. Offsets are next positions; lag is never negative."""

    topic: str
    partition: int
    status: str | None
    transferred: int | None
    log_end: int | None
    lag: int | None


@dataclass(frozen=True, slots=True)
class TopicSample:
    """One topic of one poll, in columns of equal length, partitions ascending."""

    topic: str
    partitions: tuple[int, ...]
    statuses: tuple[str | None, ...]
    transferred: tuple[int | None, ...]
    """Next offset to dump (the committed position), None when there is none yet."""
    log_end: tuple[int | None, ...]
    """Next offset to be written."""
    lags: tuple[int | None, ...]
    """log_end - transferred in messages, not below 0; None where either is unknown."""
    unreadable: int = 0
    """Rows of the answer that could not be told apart (no usable partition id)."""

    def rows(self) -> Iterator[PartitionReading]:
        """Each partition as a row, ascending."""
        columns = zip(
            self.partitions, self.statuses, self.transferred, self.log_end, self.lags, strict=True
        )
        for partition, status, transferred, log_end, lag in columns:
            yield PartitionReading(self.topic, partition, status, transferred, log_end, lag)


def topic_sample(
    topic: str,
    rows: Sequence[tuple[int, str | None, int | None, int | None]],
    unreadable: int = 0,
) -> TopicSample:
    """Columns from rows of (partition, status, transferred, log end), in any order.

    The partition ids must differ from each other.
    """
    ordered = sorted(rows, key=lambda row: row[0])
    return TopicSample(
        topic=topic,
        partitions=tuple(row[0] for row in ordered),
        statuses=tuple(row[1] for row in ordered),
        transferred=tuple(row[2] for row in ordered),
        log_end=tuple(row[3] for row in ordered),
        lags=tuple(lag_between(row[2], row[3]) for row in ordered),
        unreadable=unreadable,
    )


def lag_between(transferred: int | None, log_end: int | None) -> int | None:
    """Messages between two offsets; None when either is unknown.

    The two are read at slightly different moments, so a small negative difference is normal and
    means caught up.
    """
    if transferred is None or log_end is None:
        return None
    return max(log_end - transferred, 0)


def known(numbers: Sequence[int | None]) -> Sequence[int]:
    """Those that are known; the very same column where all are."""
    try:
        # Adding up, which None refuses, takes half the time of asking for None one by one.
        sum(numbers)  # type: ignore[arg-type]
    except TypeError:
        return [number for number in numbers if number is not None]
    return numbers  # type: ignore[return-value]  # no None is in it


@dataclass(frozen=True, slots=True)
class TaskSample:
    """A readable answer about one task."""

    key: TaskKey
    at: datetime
    """When the answer arrived."""
    status: str | None
    """The cloud status as it came; None where the answer had none."""
    topics: tuple[TopicSample, ...] | None
    """Sorted by topic name; None where the answer said nothing about topics."""
    task_name: str | None = None
    destination_type: str | None = None
    created_at: datetime | None = None
    topics_text: str | None = None
    """The list of topics or the regular expression the task was made with; nothing marks which."""
    destination: Destination = Destination()

    @property
    def delivery_interval(self) -> timedelta:
        """D as the task was configured, or the vendor's default when the answer names none."""
        return self.destination.deliver_interval or DEFAULT_DELIVERY_INTERVAL

    @property
    def complete(self) -> bool:
        """True when absence from this answer means absence: topics given, every row readable."""
        return self.topics is not None and not any(topic.unreadable for topic in self.topics)

    def rows(self) -> Iterator[PartitionReading]:
        """Every partition of every topic, in order."""
        for topic in self.topics or ():
            yield from topic.rows()


class FailureKind(StrEnum):
    """Why a poll gave no sample; a metric label and a word in messages."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    DENIED = "denied"
    """The credentials are refused, which concerns the whole account."""
    FORBIDDEN = "forbidden"
    """They are accepted, but may not read this."""
    MISSING = "missing"
    PROTOCOL = "protocol"
    DEFECT = "defect"
    """The bot itself failed; the log has the trace."""


@dataclass(frozen=True, slots=True)
class PollFailure:
    """A poll that gave no sample. `detail` is safe to show: it never holds a secret or a body."""

    key: TaskKey
    at: datetime
    kind: FailureKind
    detail: str
    request_id: str | None = None


Observation = TaskSample | PollFailure


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a verdict is about: the task, one of its topics, or one partition."""

    topic: str = ""
    partition: int = -1

    @property
    def is_task(self) -> bool:
        """True for the task as a whole."""
        return not self.topic

    def __str__(self) -> str:
        if self.is_task:
            return "task"
        return self.topic if self.partition < 0 else f"{self.topic}[{self.partition}]"


TASK = Subject()
