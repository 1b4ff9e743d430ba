"""What can be said of a task now: the values behind a card, `status`, the page and the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest

from bot.domain.history import TaskHistory
from bot.domain.incidents import Incident
from bot.domain.model import (
    Destination,
    PartitionReading,
    TaskKey,
    TaskState,
    TopicSample,
    WatchedTask,
)

WORST_SHOWN = 10
"""Partitions a view carries, worst first; the rest is counted."""


@dataclass(frozen=True, slots=True)
class TopicView:
    """One topic: a total over what is known, and how much is not."""

    topic: str
    partitions: int
    lag: int | None
    """Messages over the known partitions; None when none is known."""
    unknown: int
    """Partitions without a lag."""


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
    interval_assumed: bool = False
    """True where the answer named no interval and the vendor's default is taken."""
    lag: int | None = None
    """Messages over all known partitions; None when none is known."""
    known: int = 0
    unknown: int = 0
    topics: tuple[TopicView, ...] = ()
    worst: tuple[PartitionReading, ...] = ()
    """By lag, highest first, at most WORST_SHOWN; partitions with a lag above 0 only."""
    open_incidents: tuple[str, ...] = ()
    """Ids of the open incidents."""


def view_of(
    task: WatchedTask,
    history: TaskHistory,
    incidents: Iterable[Incident],
    *,
    now: datetime,
    stale_after: timedelta,
) -> TaskView:
    """What can be said of a task at `now`. A reading older than `stale_after` is no state."""
    sample = history.sample
    open_incidents = [incident for incident in incidents if incident.open]
    topics = tuple(_topic_view(topic) for topic in (sample.topics if sample else None) or ())
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
        interval_assumed=sample is not None and sample.destination.deliver_interval is None,
        lag=sum(totals) if totals else None,
        known=sum(topic.partitions - topic.unknown for topic in topics),
        unknown=sum(topic.unknown for topic in topics),
        topics=topics,
        worst=worst_partitions(sample.rows() if sample else (), WORST_SHOWN),
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
    return TaskState.PAUSED if sample.status.upper() == "PAUSED" else TaskState.OK


def worst_partitions(rows: Iterable[PartitionReading], limit: int) -> tuple[PartitionReading, ...]:
    """The partitions with the highest lag, highest first; those without lag are left out."""
    behind = [row for row in rows if row.lag]
    return tuple(nlargest(limit, behind, key=lambda row: row.lag or 0))


def _topic_view(topic: TopicSample) -> TopicView:
    known = [lag for lag in topic.lags if lag is not None]
    return TopicView(
        topic=topic.topic,
        partitions=len(topic.partitions) + topic.unreadable,
        lag=sum(known) if known else None,
        unknown=len(topic.partitions) - len(known) + topic.unreadable,
    )
