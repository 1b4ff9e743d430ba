"""What a channel has been told of a task, and what is to be said: cards, notices, intents.

A *card* stands for the open incidents of one task in one channel. It is posted once, edited in
place, and its thread holds what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.alerts import Incident
from bot.domain.model import Severity, TaskKey
from bot.domain.policy import DEFAULT_REPEAT
from bot.domain.reports import TaskView
from bot.domain.silences import Silence


class Reason(StrEnum):
    """Why something is said, or why not; a metric label and a word in the message."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    EVIDENCE_CHANGED = "evidence_changed"
    RESOLVED = "resolved"
    FLAPPING = "flapping"
    SETTLED = "settled"
    DIGEST = "digest"
    DRILL = "drill"
    # for silence:
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    NOT_DUE = "not_due"
    GROUPED = "grouped"
    EXPLAINED = "explained"
    BELOW_MIN_SEVERITY = "below_min_severity"


class Form(StrEnum):
    """How a notice appears."""

    CARD = "card"
    """The card itself: posted the first time, edited in place afterwards."""
    REPLY = "reply"
    """A line in the card's thread."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one incident is told on a card; route facts are fixed when the incident opens."""

    incident_id: str
    min_severity: Severity
    mention: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    repeat: Mapping[Severity, timedelta | None] = field(default_factory=dict)
    severity: Severity | None = None
    """The severity last told; None while below min_severity."""
    rang: bool = False
    """Whether its opening rang (new card or broadcast), so that its end may."""
    resolved: bool = False
    record: Incident | None = None
    """How it ended, for the card to show until that closes; None while it goes on."""
    flapping: bool = False
    """It came back so often that its opening and its end are not told any more."""

    def mentions(self, severity: Severity) -> tuple[str, ...]:
        """Whom an alert of this severity calls."""
        return tuple(self.mention.get(severity, ()))

    def repeat_after(self) -> timedelta | None:
        """Time between reminders at the severity told; None: never."""
        if self.severity is None:
            return None
        if self.severity in self.repeat:
            return self.repeat[self.severity]
        return DEFAULT_REPEAT[self.severity]


@dataclass(frozen=True, slots=True)
class Card:
    """What one channel has been told, or is about to be, of one task."""

    id: str
    key: TaskKey
    channel: str
    opened_at: datetime
    told: Mapping[str, Told] = field(default_factory=dict)
    """By incident id, in the order of opening; resolved ones stay until the card closes."""
    decided_at: datetime | None = None
    """When the card's look was last put into the outbox."""
    shown: str = ""
    """Coarse fingerprint of the evidence that look had."""
    rang_at: datetime | None = None
    """Last *successful* delivery that rang; reminders count from it."""
    reminded_at: datetime | None = None
    """When the latest reminder was put into the outbox."""
    closed_at: datetime | None = None
    version: int = 0

    @property
    def over_since(self) -> datetime | None:
        """When the last of what it tells ended; None while something goes on."""
        if not all(told.resolved for told in self.told.values()):
            return None
        ends = [t.record.resolved_at for t in self.told.values() if t.record is not None]
        return max((end for end in ends if end is not None), default=self.opened_at)

    @property
    def mentions(self) -> tuple[str, ...]:
        """Whom all that it tells calls, each once."""
        told = ((each, each.severity or Severity.INFO) for each in self.speaking)
        return tuple(dict.fromkeys(m for each, severity in told for m in each.mentions(severity)))

    @property
    def speaking(self) -> tuple[Told, ...]:
        """The incidents that were told and go on."""
        return tuple(t for t in self.told.values() if not t.resolved and t.severity is not None)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be said, complete in itself, so that it can be rendered whenever it is sent."""

    reason: Reason
    at: datetime
    """The moment it speaks of."""
    task: TaskView
    incidents: tuple[Incident, ...]
    """On a card all that it tells, open first; in a reply the one it is about (a reminder: all)."""
    mentions: tuple[str, ...] = ()
    reminder_at: datetime | None = None
    """On a card: when the next reminder would come, None when none would."""
    links: tuple[tuple[str, str], ...] = ()
    """Titles and addresses for buttons."""
    silences: Mapping[str, Silence] = field(default_factory=dict)
    """By incident id, what keeps it quiet."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing to say: a row of the outbox."""

    id: str
    """Derived from the card, the form and the moment; Slack's client_msg_id is made of it."""
    card_id: str
    channel: str
    form: Form
    notice: Notice
    due_at: datetime
    rings: bool = False
    """A card rings when it is posted; a reply when it is broadcast."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one incident in one channel, said or not; an audit row."""

    incident_id: str
    channel: str
    reason: Reason
    said: bool
