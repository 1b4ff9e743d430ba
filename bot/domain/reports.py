"""What can be said of a task now: the values behind a card, `status`, the page and the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest

from bot.domain.deliveries import Deliveries
from bot.domain.drain import Drain, drain
from bot.domain.history import TaskHistory, status_word
from bot.domain.incidents import Incident
from bot.domain.marks import Age
from bot.domain.model import (
    Destination,
    PartitionReading,
    Severity,
    TaskKey,
    TaskState,
    TopicSample,
    WatchedTask,
)
from bot.domain.shelf import NO_SHELF, Shelf

WORST_SHOWN = 10
"""Partitions a view carries, worst first; the rest is counted."""


@dataclass(frozen=True, slots=True)
class LagRow:
    """One partition as an answer lists it, with the age of its oldest undelivered message."""

    reading: PartitionReading
    age_at_least: timedelta | None = None
    """Surely that old; None where no age is known. Zero when caught up."""
    age_at_most: timedelta | None = None
    """At most that old; None where only the lower bound is known."""


@dataclass(frozen=True, slots=True)
class TopicView:
    """One topic: a total over what is known, and how much is not."""

    topic: str
    partitions: int
    lag: int | None
    """Messages over the known partitions; None when none is known."""
    unknown: int
    """Partitions without a lag."""
    age: Age | None = None
    """Of the oldest undelivered message; None where nothing is known of deliveries."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task as of its latest reading."""

    key: TaskKey
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    instance_id: str | None = None
    state: TaskState = TaskState.UNKNOWN
    cloud_status: str | None = None
    status_since: datetime | None = None
    """When the cloud status was first seen, or None before any reading."""
    read_at: datetime | None = None
    """When the reading arrived; None before any."""
    failure: str | None = None
    """Why the latest poll gave no reading; None when it did."""
    failing_since: datetime | None = None
    destination: Destination = Destination()
    topics_text: str | None = None
    delivery_interval: timedelta | None = None
    effective_interval: timedelta | None = None
    """How often it really delivers, see `pace`; None before any reading."""
    interval_assumed: bool = False
    """True where the answer named no interval and the vendor's default is taken."""
    lag: int | None = None
    """Messages over all known partitions; None when none is known."""
    known: int = 0
    unknown: int = 0
    topics: tuple[TopicView, ...] = ()
    worst: tuple[LagRow, ...] = ()
    """By age, then lag, worst first, at most WORST_SHOWN; partitions that are behind only."""
    age: Age | None = None
    """Of the oldest undelivered message of all topics; None where nothing is known."""
    drain: Drain | None = None
    """Of the backlog that deliveries leave; None without one."""
    loss: timedelta | None = None
    """Until the first undelivered message is lost; None where nothing waits or is known."""
    open_incidents: tuple[str, ...] = ()
    """Ids of the open incidents."""


def view_of(
    task: WatchedTask,
    history: TaskHistory,
    incidents: Iterable[Incident],
    *,
    now: datetime,
    stale_after: timedelta,
    shelf: Shelf = NO_SHELF,
) -> TaskView:
    """What can be said of a task at `now`. A reading older than `stale_after` is no state."""
    sample = shelf.kept(history.sample) if history.sample else None
    open_incidents = [incident for incident in incidents if incident.open]
    topics = tuple(
        _topic_view(topic, history.deliveries.get(topic.topic))
        for topic in (sample.topics if sample else None) or ()
    )
    ages = [topic.age for topic in topics if topic.age is not None]
    totals = [topic.lag for topic in topics if topic.lag is not None]
    return TaskView(
        key=task.key,
        name=task.name,
        labels=task.labels,
        instance_id=task.instance_id,
        state=state_of(history, open_incidents, now=now, stale_after=stale_after),
        cloud_status=sample.status if sample else None,
        status_since=history.status_since,
        read_at=sample.at if sample else None,
        failure=history.failure.detail if history.failure else None,
        failing_since=history.failing_since,
        destination=sample.destination if sample else Destination(),
        topics_text=sample.topics_text if sample else None,
        delivery_interval=sample.delivery_interval if sample else None,
        effective_interval=history.delivery_interval if sample else None,
        interval_assumed=sample is not None and sample.destination.deliver_interval is None,
        lag=sum(totals) if totals else None,
        known=sum(topic.partitions - topic.unknown for topic in topics),
        unknown=sum(topic.unknown for topic in topics),
        topics=topics,
        worst=worst_partitions(lag_rows(history, shelf), WORST_SHOWN),
        age=max(ages, key=lambda age: age.at_least, default=None),
        drain=drain(history),
        open_incidents=tuple(incident.id for incident in open_incidents),
    )


def state_of(
    history: TaskHistory,
    open_incidents: Sequence[Incident],
    *,
    now: datetime,
    stale_after: timedelta,
) -> TaskState:
    """The worst open incident; else unknown without a fresh reading; else paused or ok."""
    if open_incidents:
        return TaskState(max(incident.severity for incident in open_incidents).word)
    sample = history.sample
    if sample is None or sample.status is None or now - sample.at > stale_after:
        return TaskState.UNKNOWN
    return TaskState.PAUSED if status_word(sample.status) == "PAUSED" else TaskState.OK


def lag_rows(history: TaskHistory, shelf: Shelf = NO_SHELF) -> Iterator[LagRow]:
    """Every partition of the latest reading, with its age; what is gone is no lag."""
    sample = shelf.kept(history.sample) if history.sample else None
    for topic in (sample.topics if sample else None) or ():
        deliveries = history.deliveries.get(topic.topic)
        ages = dict(deliveries.ages()) if deliveries is not None else {}
        for row in topic.rows():
            age = ages.get(row.partition)
            if age is None or row.log_end is None:
                yield LagRow(row)
            else:
                yield LagRow(row, age.at_least, age.at_most)


def worst_partitions(rows: Iterable[LagRow], limit: int) -> tuple[LagRow, ...]:
    """The partitions with the highest age, then lag; those that are not behind are left out."""
    behind = [row for row in rows if row.reading.lag or row.age_at_least]
    return tuple(nlargest(limit, behind, key=badness))


def badness(row: LagRow) -> tuple[timedelta, int]:
    """Age, then lag; what is not known counts as nothing."""
    return row.age_at_least or timedelta(0), row.reading.lag or 0


def _topic_view(topic: TopicSample, deliveries: Deliveries | None) -> TopicView:
    known = [lag for lag in topic.lags if lag is not None]
    return TopicView(
        topic=topic.topic,
        partitions=len(topic.partitions) + topic.unreadable,
        lag=sum(known) if known else None,
        unknown=len(topic.partitions) - len(known) + topic.unreadable,
        age=deliveries.oldest_age() if deliveries is not None else None,
    )


@dataclass(frozen=True, slots=True)
class TopRow:
    """A partition among those of the whole fleet."""

    task: str
    row: LagRow
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Trend:
    """How the lag of a task moved."""

    lags: tuple[int | None, ...]
    """Total lag in messages at even distances, oldest first; None where it was not known."""
    over: timedelta
    """From the first to the last."""


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """All tasks in one line."""

    states: Mapping[TaskState, int] = field(default_factory=dict)
    """Tasks by state; a state without tasks may be absent."""
    open_incidents: Mapping[Severity, int] = field(default_factory=dict)
    oldest_read_at: datetime | None = None
    """The oldest of the tasks' latest readings; None before any."""
    never_read: int = 0
    """Tasks without any reading yet."""

    @property
    def tasks(self) -> int:
        """How many tasks are watched."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """How well one account's tasks are being read."""

    account: str
    tasks: int
    fresh: int
    """Tasks whose latest reading is not stale."""
    failure: str | None = None
    """Why the account as a whole cannot be read; None while it can."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """A part of the bot, or of what it stands on, that does not work."""

    part: str
    """"cloud NAME", "slack", "store", "lateness", "outbox" or "configuration"."""
    why: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The bot about itself."""

    version: str
    started_at: datetime
    accounts: tuple[AccountHealth, ...] = ()
    lateness: timedelta = timedelta(0)
    """How late the latest polls were, at worst."""
    outbox_waiting: int = 0
    outbox_oldest: timedelta = timedelta(0)
    """How long the oldest message that is due has waited."""
    given_up: int = 0
    """Messages that could not be delivered at all, since the start."""
    store: str = ""
    """What kind of store; never an address with a password."""
    ailments: tuple[Ailment, ...] = ()
    """Empty when all is well."""

    @property
    def well(self) -> bool:
        """True when nothing ails."""
        return not self.ailments
