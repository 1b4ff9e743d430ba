"""The store, cut by its users: the monitor writes changes, the notifier works the outbox, readers
read. What crosses are whole domain values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Event, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.notifications import Card, Decision, Intent
from bot.domain.silences import Silence
from bot.ports.chat import MessageRef
from bot.ports.cloud import ListedTask


@dataclass(frozen=True, slots=True)
class Change:
    """What one observation, or one act of a person, changes: written in one transaction."""

    key: TaskKey
    at: datetime
    states: tuple[AlertState, ...] = ()
    """Each with the version it was loaded or last saved with."""
    events: tuple[Event, ...] = ()
    """Incident rows are written from these."""
    cards: tuple[Card, ...] = ()
    intents: tuple[Intent, ...] = ()
    decisions: tuple[Decision, ...] = ()
    window: TaskHistory | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the core needs after a restart."""

    states: tuple[AlertState, ...] = ()
    """Those that were ever anything but quiet: a quiet one has a version to go on from."""
    cards: tuple[Card, ...] = ()
    """Those that are not closed."""
    windows: Mapping[TaskKey, TaskHistory] = field(default_factory=dict)
    newer: Mapping[TaskKey, Iterable[TaskSample]] = field(default_factory=dict)
    """Samples that were stored after the task's window, oldest first; none after a stop that was
    asked for. The window is whole once they are folded in."""
    discovered: tuple[ListedTask, ...] = ()
    """Tasks of the last good discovery."""
    unreadable_windows: int = 0
    """Windows that are damaged or of another version, and are missing above."""


class AlertStore(Protocol):
    """The write side of the monitor."""

    async def load(self) -> Snapshot:
        """Everything that was going on. Raises: StoreError."""
        ...

    async def recall(self, key: TaskKey) -> Snapshot:
        """The states and open cards of one task or account, and nothing else; for whoever does
        not know whether a change was written. Raises: StoreError."""
        ...

    async def commit(self, change: Change) -> None:
        """Writes a change whole or not at all; afterwards every saved version is one higher.

        Committing the very same change again writes nothing new and is no conflict. Of an
        incident's evidence changes only the latest event is kept. A card's rang_at is the
        notifier's: it is taken over from a new card and never written afterwards.

        Raises: StoreConflict when a state or card was saved by somebody else meanwhile;
            StoreUnavailable.
        """
        ...

    async def save_windows(self, windows: Mapping[TaskKey, TaskHistory]) -> None:
        """Saves windows in one batch, written behind their samples. Raises: StoreUnavailable."""
        ...

    async def append_samples(self, samples: Sequence[TaskSample]) -> None:
        """Appends samples of any tasks in one batch, written behind. Raises: StoreUnavailable."""
        ...

    async def save_discovered(self, account: str, tasks: Sequence[ListedTask]) -> None:
        """Replaces what is known of an account by discovery. Raises: StoreUnavailable."""
        ...

    async def forget_older(self, *, samples: datetime, incidents: datetime) -> None:
        """Deletes samples and ended incidents (with their events and cards) from before."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A claimed row, with what its delivery needs to know."""

    intent: Intent
    seq: int
    """Rows of a card are delivered in this order."""
    attempts: int
    """Deliveries tried before this claim."""
    created_at: datetime
    root: MessageRef | None
    """The card's message; None until it is posted."""
    ambiguous: bool = False
    """An earlier try may have arrived; said in the message if it is sent again."""
    plain: bool = False
    """Slack refused its blocks; only the text is sent."""


@dataclass(frozen=True, slots=True)
class Postponement:
    """Why and until when a row waits."""

    until: datetime
    error: str
    counts: bool = True
    """Whether a try was made; waiting for one's turn is none."""
    ambiguous: bool = False
    """The try may have arrived. Once set on a row it stays."""
    plain: bool = False
    """The next try sends text only. Once set on a row it stays."""


class Outbox(Protocol):
    """The write side of the notifier."""

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[OutboxRow]:
        """Claims due rows, at most one per card and the oldest of it, until now + lease.

        Waiting CARD rows of one card coalesce: the newest is claimed in the oldest one's place
        and rings if any would. A card without a message is posted before its replies; a reply
        without a root is claimed only when no CARD row of its card waits.
        Raises: StoreUnavailable.
        """
        ...

    async def delivered(self, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
        """Marks a row done. A CARD's ref becomes the root; a row that rang sets rang_at."""
        ...

    async def postpone(self, row: OutboxRow, postponement: Postponement) -> None:
        """Gives a claimed row back."""
        ...

    async def give_up(self, row: OutboxRow, error: str, at: datetime) -> None:
        """Marks a row as never to be sent, with the reason."""
        ...

    async def drop_root(self, card_id: str) -> None:
        """Forgets where a card is, so that its next look is posted anew.

        When no look waits, the last delivered one waits again, because replies need a root.
        """
        ...

    async def release_claims(self) -> None:
        """At start: gives back whatever this process claimed before it died."""
        ...

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        """Rows that wait and the age of the oldest that is due (zero when none is).

        A row that was tried in vain stays due, whenever its next try is.
        """
        ...


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents a reader wants."""

    open_only: bool = True
    key: TaskKey | None = None
    since: datetime | None = None
    """Without those that ended before."""
    limit: int = 200


@dataclass(frozen=True, slots=True)
class HappenedFilter:
    """Which events a reader wants; mere growth of evidence is never among them."""

    since: datetime
    key: TaskKey | None = None
    by: str = ""
    """Only what this person did."""
    limit: int = 200


class SilenceStore(Protocol):
    """Silences; a few hundred at most, so they are read whole."""

    async def save_silence(self, silence: Silence) -> None:
        """Writes a silence over what is stored of it. Raises: StoreUnavailable."""
        ...

    async def silences(self, since: datetime) -> Sequence[Silence]:
        """Those that are not over before a moment. Raises: StoreError."""
        ...


class ReportStore(Protocol):
    """The read side."""

    async def happened(self, wanted: HappenedFilter) -> Sequence[Event]:
        """What happened to incidents and who did what, newest first. Raises: StoreError."""
        ...

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        """Incidents, newest first."""
        ...

    async def incident(self, id_prefix: str) -> Sequence[Incident]:
        """Incidents whose id begins so, whatever the case; at most 10."""
        ...

    async def events(self, incident_id: str) -> Sequence[Event]:
        """What happened to an incident, oldest first."""
        ...

    def samples(self, key: TaskKey | None, since: datetime) -> AsyncIterator[TaskSample]:
        """Stored samples, oldest first per task."""
        ...


class Lease(Protocol):
    """The right of one process to poll, judge and tell an account."""

    async def held(self, account: str) -> bool:
        """Whether this process still holds the account."""
        ...
