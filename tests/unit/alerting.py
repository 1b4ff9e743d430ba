"""One alert that is stepped poll by poll, for tests of the automaton with many subjects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.incidents import AlertState, Event, EventKind, Incident, StepContext, step
from bot.domain.model import Severity
from bot.domain.policy import RuleType
from bot.domain.verdicts import Finding, Judgement, Verdict
from tests.builders import INTERVAL, a_finding, a_judgement, a_key, at

STALE_POLLS = 3
MISSING_POLLS = 2


@dataclass(slots=True)
class Alert:
    """One alert that is stepped poll by poll; a story for a test to read."""

    state: AlertState = field(default_factory=lambda: AlertState(a_key(), RuleType.PARTITION_LAG))
    now: datetime = at(0)
    said: list[Event] = field(default_factory=list)

    def hear(
        self,
        *judgements: Judgement,
        after: timedelta = INTERVAL,
        slow_clear: timedelta | None = None,
    ) -> list[EventKind]:
        """One poll later; returns the kinds of what is said."""
        self.now += after
        return self.hear_finding(a_finding(*judgements, slow_clear=slow_clear))

    def hear_finding(self, finding: Finding) -> list[EventKind]:
        context = StepContext(self.now, "orders", INTERVAL, STALE_POLLS, MISSING_POLLS)
        self.state, events = step(self.state, finding, context)
        self.said.extend(events)
        return [event.kind for event in events]

    @property
    def incident(self) -> Incident:
        assert self.state.incident is not None
        return self.state.incident


def partition(
    number: int,
    verdict: Verdict = Verdict.BREACHED,
    *,
    hold_polls: int = 0,
    severity: Severity = Severity.WARNING,
    value: int | None = 200_000,
) -> Judgement:
    """A judgement about one partition whose rule waits so many polls."""
    return replace(
        a_judgement(value, partition=number, verdict=verdict, severity=severity),
        hold_for=hold_polls * INTERVAL,
    )
