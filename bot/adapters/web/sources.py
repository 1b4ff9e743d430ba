"""What the pages are made from: the questions this room asks, cut to its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.incidents import Event, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.reports import HealthReport, TaskView
from bot.ports import Clock, IncidentFilter


class Reads(Protocol):
    """The read side of the fleet."""

    def views(self) -> Sequence[TaskView]:
        """Every task, worst first."""
        ...

    def called(self, name: str) -> TaskView | None:
        """The task that is called exactly so, by name, account/task_name or id; else None."""
        ...

    def open_incidents(self) -> Sequence[Incident]:
        """Every open incident, worst first."""
        ...

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        """Stored incidents, newest first. Raises: StoreError."""
        ...

    async def incident(self, typed_id: str) -> Sequence[Incident]:
        """Incidents whose id begins so. Raises: StoreError."""
        ...

    async def events(self, incident_id: str) -> Sequence[Event]:
        """What happened to an incident, oldest first. Raises: StoreError."""
        ...


@dataclass(slots=True)
class Sources:
    """Where each address gets what it shows; a reload puts others in their place."""

    reads: Reads
    samples: Callable[[TaskKey, datetime], AsyncIterator[TaskSample]]
    """Stored samples of a task from an instant on, oldest first. Raises: StoreError."""
    health: Callable[[], Awaitable[HealthReport]]
    metrics: Callable[[], Awaitable[bytes]]
    """Prometheus' text format, version 0.0.4."""
    alive: Callable[[], bool]
    """Whether the process's loops are alive."""
    ready: Callable[[], bool]
    """Started, store usable, not stopping."""
    clock: Clock
