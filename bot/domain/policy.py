"""What the configuration asks for, as frozen values: rules, routes, polling, alerting.

The settings build these; judgement and telling read them. Nothing here reads a file or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from bot.domain.matching import Match
from bot.domain.model import Severity


class RuleType(StrEnum):
    """The kinds of judgement; with the task it makes the identity of an incident."""

    STATUS = "status"
    PARTITION_LAG = "partition_lag"
    TOPIC_LAG = "topic_lag"
    TASK_LAG = "task_lag"
    AGE = "age"
    FALLING_BEHIND = "falling_behind"
    OFFSET_RESET = "offset_reset"
    MISSING = "missing"
    UNREACHABLE = "unreachable"
    DATA_LOSS = "data_loss"


LAG_TYPES = (RuleType.PARTITION_LAG, RuleType.TOPIC_LAG, RuleType.TASK_LAG)


class View(StrEnum):
    """Which reading of a sawtooth counts."""

    TROUGH = "trough"
    """The lowest reading of a window of D + 2P."""
    INSTANT = "instant"
    """The latest reading."""


@dataclass(frozen=True, slots=True)
class Span:
    """A duration: fixed, or in delivery intervals of the task it is applied to (`2x`)."""

    fixed: timedelta = timedelta(0)
    intervals: float | None = None

    def of(self, delivery_interval: timedelta) -> timedelta:
        """The duration for a task with this delivery interval."""
        if self.intervals is None:
            return self.fixed
        return self.intervals * delivery_interval


NO_TIME = Span()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has. `name` of a built-in is its type."""

    name: str
    type: RuleType
    match: Match = Match()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule(Rule):
    """Fires on a status outside `ok`. Status words are compared without case."""

    type: RuleType = RuleType.STATUS
    ok: tuple[str, ...] = ("RUNNING",)
    severity: Severity = Severity.CRITICAL
    """For FAILED and ERROR; words that nobody documents are a warning."""
    intended: tuple[str, ...] = ("PAUSED", "WAITING", "STOPPED")
    intended_after: Span = Span(timedelta(minutes=5))
    warning_after: Span = Span(timedelta(hours=24))
    transitional: tuple[str, ...] = ("CREATING", "RESTARTING", "UNASSIGNED")
    transitional_for: Span = Span(timedelta(minutes=15))
    creating_for: Span = Span(timedelta(minutes=60))
    hold_for: Span = NO_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRule(Rule):
    """Fires above a level of messages; at least one level is given."""

    warning: int | None = None
    critical: int | None = None
    view: View = View.TROUGH
    hold_for: Span = NO_TIME
    clear: float = 0.8
    """Share of the lowest level below which the subject is clear; between, it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule(Rule):
    """Fires when the oldest undelivered message is surely older than a level."""

    type: RuleType = RuleType.AGE
    warning: Span = Span(intervals=3)
    critical: Span = Span(intervals=6)
    idle_tail: Span = Span(intervals=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class FallingBehindRule(Rule):
    """Fires when each of several troughs in a row is higher than the one before."""

    type: RuleType = RuleType.FALLING_BEHIND
    troughs: int = 3
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetResetRule(Rule):
    """Fires when offsets fell or ran ahead."""

    type: RuleType = RuleType.OFFSET_RESET
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRule(Rule):
    """Fires when something was there and is gone for `polls` complete answers."""

    type: RuleType = RuleType.MISSING
    polls: int = 2
    severity: Severity | None = None
    """None: warning, and critical for a configured task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableRule(Rule):
    """Fires when a task gives no reading for `poll.stale_polls`, or credentials are refused."""

    type: RuleType = RuleType.UNREACHABLE
    severity: Severity = Severity.WARNING
    critical_after: Span = Span(timedelta(minutes=30))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLossRule(Rule):
    """Fires when the oldest undelivered message is about to leave retention."""

    type: RuleType = RuleType.DATA_LOSS
    warning: Span = Span(timedelta(hours=24))
    critical: Span = Span(timedelta(hours=6))
    retention: timedelta | None = None
    """None: asked from the instance's topics."""


AnyRule = (
    StatusRule
    | LagRule
    | AgeRule
    | FallingBehindRule
    | OffsetResetRule
    | MissingRule
    | UnreachableRule
    | DataLossRule
)


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How tasks are polled; a task's own interval is in its WatchedTask."""

    interval: timedelta = timedelta(seconds=60)
    stale_polls: int = 3
    caught_up_tolerance: int = 5
    """Messages a standing lag may have and still be caught up (transaction markers)."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts go: the first route that matches decides, unless it says to continue."""

    channel: str
    match: Match = Match()
    min_severity: Severity = Severity.INFO
    mention: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    """User ids, user-group ids, or "here", by severity."""
    repeat: Mapping[Severity, timedelta | None] = field(default_factory=dict)
    """Time between reminders by severity; None: never. Missing severities: DEFAULT_REPEAT."""
    continues: bool = False


DEFAULT_REPEAT: Mapping[Severity, timedelta] = {
    Severity.INFO: timedelta(hours=24),
    Severity.WARNING: timedelta(hours=4),
    Severity.CRITICAL: timedelta(hours=4),
}


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How alerts are grouped, edited and repeated. None stands for `auto`."""

    group_wait: timedelta = timedelta(seconds=10)
    storm_tasks: int = 5
    storm_window: timedelta | None = None
    edit_every: timedelta = timedelta(seconds=30)
    reopen_within: timedelta | None = None
    ack_expires: timedelta = timedelta(hours=24)
    links: Mapping[str, str] = field(default_factory=dict)
    """Button title to URL template with {task}, {rule}, {instance_id}, {task_id}."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything the configuration asks of judgement and telling; replaced whole on a reload."""

    rules: tuple[AnyRule, ...]
    """Built-ins first, then the configured ones, in order."""
    routes: tuple[Route, ...]
    alerts: AlertPolicy = AlertPolicy()
    poll: PollPolicy = PollPolicy()
    consoles: Mapping[str, str] = field(default_factory=dict)
    """Per account the URL template of its console page."""


BUILT_IN: tuple[AnyRule, ...] = (
    StatusRule(name=RuleType.STATUS),
    AgeRule(name=RuleType.AGE),
    FallingBehindRule(name=RuleType.FALLING_BEHIND),
    OffsetResetRule(name=RuleType.OFFSET_RESET),
    MissingRule(name=RuleType.MISSING),
    UnreachableRule(name=RuleType.UNREACHABLE),
    DataLossRule(name=RuleType.DATA_LOSS),
)
"""On without being asked for; the lag types have no level that fits everybody."""
