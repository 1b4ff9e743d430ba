"""What can be said of a task now: the values behind a card, `status`, the page and the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.model import (
    Destination,
    PartitionReading,
    TaskKey,
    TaskState,
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
