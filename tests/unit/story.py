"""Stories about one task, poll by poll, through the pure middle with the built-in rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.history import TaskHistory, fold
from bot.domain.incidents import AlertState, Event, EventKind, Incident, Phase, StepContext, step
from bot.domain.marks import Age
from bot.domain.model import FailureKind, Observation, TaskSample, topic_sample
from bot.domain.policy import BUILT_IN, AnyRule, RuleType
from bot.domain.rules import Moment, TaskRules, evaluate, rules_for
from bot.domain.shelf import NO_SHELF, Shelf
from bot.domain.verdicts import Finding
from tests.builders import TOPIC, a_failure, a_key, a_sample_of, a_task, at

Row = tuple[int | None, int | None]
"""Transferred offset and log end."""
OPENED, RESOLVED = EventKind.OPENED, EventKind.RESOLVED


@dataclass
class Story:
    """One task, and all that is remembered and said of it."""

    delivery_s: float = 300.0
    interval_s: float = 60.0
    rules: Sequence[AnyRule] = BUILT_IN
    tolerance: int = 5
    configured: bool = True
    shelf: Shelf = NO_SHELF
    history: TaskHistory = field(default_factory=TaskHistory)
    states: dict[RuleType, AlertState] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def poll(
        self,
        second: float,
        *rows: Row,
        status: str | None = "RUNNING",
        topics: Mapping[str, Sequence[Row]] | None = None,
    ) -> list[tuple[RuleType, EventKind]]:
        """One answer: the rows of the topic `orders`, or of several topics. What it came to."""
        given = {TOPIC: rows} if topics is None else topics
        sample = a_sample_of(
            *(
                topic_sample(name, [(p, status, done, end) for p, (done, end) in enumerate(some)])
                for name, some in given.items()
            ),
            when=at(second),
            status=status,
            delivery_interval=timedelta(seconds=self.delivery_s),
        )
        return self.observe(sample)

    def fail(
        self, second: float, kind: FailureKind = FailureKind.UNAVAILABLE
    ) -> list[tuple[RuleType, EventKind]]:
        """A poll that gave no answer."""
        return self.observe(a_failure(at(second), kind=kind))

    def observe(self, observation: Observation) -> list[tuple[RuleType, EventKind]]:
        """One observation to its end."""
        self.history = fold(
            self.history,
            observation,
            interval=timedelta(seconds=self.interval_s),
            stale_polls=3,
            tolerance=self.tolerance,
        )
        said: list[Event] = []
        for finding in self.findings():
            said += self._step(finding)
        self.events += said
        return [
            (event.incident.type, event.kind) for event in said if event.kind in (OPENED, RESOLVED)
        ]

    def findings(self) -> tuple[Finding, ...]:
        """What the rules say now."""
        seen = self.history.seen_at or at(0)
        tracked = {s.type: s.levels for s in self.states.values() if s.phase is not Phase.QUIET}
        moment = Moment(
            seen, timedelta(seconds=self.interval_s), configured=self.configured, shelf=self.shelf
        )
        return evaluate(self.history, self._rules(), tracked, moment)

    def _rules(self) -> TaskRules:
        return rules_for(a_task(), self.rules)

    def _step(self, finding: Finding) -> Sequence[Event]:
        seen = self.history.seen_at or at(0)
        before = self.states.get(finding.type) or AlertState(a_key(), finding.type)
        context = StepContext(seen, "orders", timedelta(seconds=self.interval_s))
        self.states[finding.type], events = step(before, finding, context)
        return events

    def open(self) -> dict[RuleType, Incident]:
        """The open incidents."""
        return {t: s.incident for t, s in self.states.items() if s.incident is not None}

    def age(self, partition: int = 0, topic: str = TOPIC) -> Age:
        """The age of a partition's oldest undelivered message."""
        return dict(self.history.deliveries[topic].ages())[partition]

    @property
    def sample(self) -> TaskSample:
        """The latest readable answer."""
        assert self.history.sample is not None
        return self.history.sample


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
