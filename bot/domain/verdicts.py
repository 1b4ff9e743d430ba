"""What the rules say: a verdict per subject, gathered into one finding per rule type and task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.model import Severity, Subject
from bot.domain.policy import RuleType


class Verdict(StrEnum):
    """What one rule says of one subject, or of all together."""

    BREACHED = "breached"
    HOLDING = "holding"
    """Below the level, not yet below the point where it clears."""
    CLEAR = "clear"
    UNKNOWN = "unknown"
    GONE = "gone"
    """Subjects only: absent from an answer whose absences count."""


class Unit(StrEnum):
    """What a value and its level are counted in."""

    MESSAGES = "messages"
    SECONDS = "seconds"
    STATUS = "status"
    EVENT = "event"
    """Words that say what happened."""


UNITS: Mapping[RuleType, Unit] = {
    RuleType.STATUS: Unit.STATUS,
    RuleType.UNREACHABLE: Unit.STATUS,
    RuleType.AGE: Unit.SECONDS,
    RuleType.DATA_LOSS: Unit.SECONDS,
    RuleType.OFFSET_RESET: Unit.EVENT,
    RuleType.MISSING: Unit.EVENT,
    RuleType.PARTITION_LAG: Unit.MESSAGES,
    RuleType.TOPIC_LAG: Unit.MESSAGES,
    RuleType.TASK_LAG: Unit.MESSAGES,
    RuleType.FALLING_BEHIND: Unit.MESSAGES,
}
"""What the values of each rule type are."""


class Cause(StrEnum):
    """Why, as far as it can be seen from outside."""

    UNSEEN = ""
    NO_PROGRESS = "no progress"
    TOO_SLOW = "delivers less than comes in"
    IDLE_TAIL = "idle tail"
    NEVER_DELIVERED = "never delivered"


@dataclass(frozen=True, slots=True)
class Level:
    """The levels a subject is measured against; frozen into an incident when the subject joins.

    For lag in messages, for times in seconds. None where the rule has no such level.
    """

    warning: float | None = None
    critical: float | None = None
    clear: float = 1.0
    """Share of the lowest level under which the subject is clear."""

    @property
    def lowest(self) -> float | None:
        """The level at which the subject starts to be breached."""
        given = [level for level in (self.warning, self.critical) if level is not None]
        return min(given) if given else None

    def severity(self, value: float) -> Severity | None:
        """The severity of a value, None when no level is exceeded."""
        if self.critical is not None and value > self.critical:
            return Severity.CRITICAL
        if self.warning is not None and value > self.warning:
            return Severity.WARNING
        return None

    def verdict(self, value: float) -> Verdict:
        """Breached above the lowest level, clear below its `clear` share, holding between."""
        lowest = self.lowest
        if lowest is None:
            return Verdict.CLEAR
        if value > lowest:
            return Verdict.BREACHED
        return Verdict.CLEAR if value < lowest * self.clear or value == 0 else Verdict.HOLDING


@dataclass(frozen=True, slots=True)
class Judgement:
    """One rule's verdict about one subject, with its evidence."""

    subject: Subject
    verdict: Verdict
    rule: str
    """The name of the rule that decided."""
    severity: Severity = Severity.WARNING
    """Meaningful only when breached."""
    value: int | str | None = None
    """Messages, seconds or a word; None when unknown."""
    level: Level = Level()
    hold_for: timedelta = timedelta(0)
    """How long the breach must last before an incident opens."""
    detail: str = ""
    """Evidence in words, where a number alone does not say it."""
    at_most: int | None = None
    """Of an age: the upper bound, None where only the lower one (`value`) is known."""
    cause: Cause = Cause.UNSEEN
    since: datetime | None = None
    """When the cause was last not there: the latest progress, for instance."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything one rule type says of one task after one observation.

    Subjects that are not listed are clear. A finding with no judgements is the good news that an
    open incident waits for.
    """

    type: RuleType
    unit: Unit
    judgements: tuple[Judgement, ...] = ()
    slow_clear: timedelta | None = None
    """Length of unbroken clear that makes a good cycle (D + P for the trough); None: two polls."""

    def by_subject(self) -> Mapping[Subject, Judgement]:
        """The judgements by subject."""
        return {judgement.subject: judgement for judgement in self.judgements}
