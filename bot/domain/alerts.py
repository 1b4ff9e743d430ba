"""Alerts and incidents as values: what the automaton remembers, and what it says happened.

An alert is what the automaton keeps of one task and rule type, quiet or not; an incident is a fault
from its opening on. An acknowledgement travels with its incident, but the automaton never looks at
it: what people do changes who hears, never what is true. Silences stand in `silences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.model import Severity, Subject, TaskKey
from bot.domain.policy import RuleType
from bot.domain.verdicts import Judgement, Level, Unit

UNWATCHED = "no longer watched"
"""Why an incident ends that nobody looks at any more; nothing is said about the fault itself."""


class Phase(StrEnum):
    """Where an alert is in its life."""

    QUIET = "quiet"
    PENDING = "pending"
    OPEN = "open"
    RECOVERING = "recovering"


class EventKind(StrEnum):
    """What happened to an incident; an audit row."""

    OPENED = "opened"
    ESCALATED = "escalated"
    EVIDENCE_CHANGED = "evidence_changed"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    # what people do:
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"


ACTS = frozenset(
    {
        EventKind.ACKNOWLEDGED,
        EventKind.UNACKNOWLEDGED,
        EventKind.SILENCED,
        EventKind.UNSILENCED,
    }
)
"""What a person did."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has it: reminders stop until then."""

    by: str
    """A Slack user's id, or a name given at a terminal."""
    at: datetime
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """A fault of one task by one rule type, from its opening on."""

    id: str
    key: TaskKey
    type: RuleType
    name: str
    """The task's name when it opened, or the account's."""
    rule: str
    unit: Unit
    severity: Severity
    """The worst so far; it never goes down while the incident is open."""
    opened_at: datetime
    breached_since: datetime
    """First sample of the breach that opened it; earlier than opened_at where `for` waited."""
    evidence: tuple[Judgement, ...] = ()
    """The breached subjects of the latest breach, worst first, at most `evidence.EVIDENCE_KEPT`."""
    spread: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Every breached (topic, partitions ascending); a task or topic as such has no partitions."""
    observed_at: datetime | None = None
    """When the evidence was seen."""
    peak: int | None = None
    """Highest value of any subject, in `unit`; None where values are words."""
    peak_at: datetime | None = None
    phase: Phase = Phase.OPEN
    closes_at: datetime | None = None
    """While recovering: when it would resolve if it stays clear."""
    resolved_at: datetime | None = None
    resolution: str = ""
    """Why it ended: "cleared", "gone", "no longer watched"."""
    acknowledged: Acknowledgement | None = None
    """The latest; it may have run out."""

    @property
    def open(self) -> bool:
        """True until it resolves."""
        return self.resolved_at is None

    def holder(self, now: datetime) -> Acknowledgement | None:
        """The acknowledgement that holds at this moment; None where nobody has it."""
        ack = self.acknowledged
        return ack if ack is not None and now < ack.until else None


@dataclass(frozen=True, slots=True)
class SubjectState:
    """A subject that breached in a pending or open alert."""

    level: Level
    breached_since: datetime
    breached_at: datetime
    """The latest sample that breached."""
    gone_polls: int = 0
    """Answers in a row whose absences count and that lacked the subject."""
    broken: bool = False
    """It was seen below its level after `breached_at`, so that its breach is over."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """The automaton's memory for one (task, rule type)."""

    key: TaskKey
    type: RuleType
    phase: Phase = Phase.QUIET
    subjects: Mapping[Subject, SubjectState] = field(default_factory=dict)
    incident: Incident | None = None
    """The open incident; None while quiet or pending."""
    clear_since: datetime | None = None
    cleared_at: datetime | None = None
    """The latest clear sample of the current recovery."""
    clear_polls: int = 0
    version: int = 0
    """Rises with every saved change; the store refuses a change from an older one."""

    @property
    def levels(self) -> Mapping[Subject, Level]:
        """The level that each subject that votes joined with."""
        return {subject: state.level for subject, state in self.subjects.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an incident: what it became, and when."""

    kind: EventKind
    at: datetime
    incident: Incident
    by: str = ""
    """Who did it, as in Acknowledgement; empty where nobody did."""
    note: str = ""
    """What they said to it."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What the automaton needs to know beside the finding."""

    now: datetime
    name: str
    """What the task or account is called."""
    interval: timedelta
    """P, the time between two polls."""
    stale_polls: int = 3
    missing_polls: int = 2
