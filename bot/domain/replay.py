"""What would have been told: observations of a task through the very middle of the bot.

Nothing but the past and a configuration goes in, so the same samples give the same openings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.history import TaskHistory, fold
from bot.domain.incidents import AlertState, Event, Incident, Phase, StepContext, step
from bot.domain.model import Observation, WatchedTask
from bot.domain.policy import PollPolicy, RuleType
from bot.domain.rules import Moment, TaskRules, evaluate
from bot.domain.shelf import NO_SHELF, Shelf

UNREPLAYED = frozenset({RuleType.UNREACHABLE, RuleType.DATA_LOSS})
"""What may really have been told and cannot be told again: polls without an answer are not stored,
and neither are the retentions that the cloud knew."""


@dataclass(slots=True)
class Replay:
    """One task, from its first sample on."""

    task: WatchedTask
    rules: TaskRules
    poll: PollPolicy = PollPolicy()
    shelf: Shelf = NO_SHELF
    history: TaskHistory = field(default_factory=TaskHistory)
    states: dict[RuleType, AlertState] = field(default_factory=dict)

    def feed(self, observation: Observation) -> list[Event]:
        """What one observation comes to. A replay of what was fed already comes to nothing."""
        interval = self.task.interval
        history = fold(
            self.history,
            observation,
            interval=interval,
            stale_polls=self.poll.stale_polls,
            tolerance=self.poll.caught_up_tolerance,
        )
        if history is self.history:
            return []
        self.history = history
        tracked = {t: s.levels for t, s in self.states.items() if s.phase is not Phase.QUIET}
        moment = Moment(
            observation.at,
            interval,
            self.poll.stale_polls,
            configured=self.task.configured,
            shelf=self.shelf,
        )
        context = StepContext(observation.at, self.task.name, interval, self.poll.stale_polls)
        said: list[Event] = []
        for finding in evaluate(history, self.rules, tracked, moment):
            before = self.states.get(finding.type) or AlertState(self.task.key, finding.type)
            self.states[finding.type], events = step(before, finding, context)
            said += events
        return said


@dataclass(frozen=True, slots=True)
class Opening:
    """An incident that would have been."""

    incident: Incident
    """As it was last: resolved, or open at the end of the samples."""
    really: bool = False
    """Whether one of its task and type was really open at some time of it."""

    def lasted(self, until: datetime) -> timedelta:
        """From its opening to its end, or to the end of the samples."""
        return (self.incident.resolved_at or until) - self.incident.opened_at


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    since: datetime
    until: datetime
    tasks: int
    samples: int
    openings: tuple[Opening, ...] = ()
    """In the order of their opening."""
    only_really: tuple[Incident, ...] = ()
    """Incidents of these tasks and this time that really were, and would not be."""

    @property
    def days(self) -> float:
        """How long it was."""
        return (self.until - self.since) / timedelta(days=1)


def last_states(events: Iterable[Event]) -> list[Incident]:
    """Every incident of some events as it was last, in the order of their opening."""
    found: dict[str, Incident] = {}
    for event in events:
        found[event.incident.id] = event.incident
    return list(found.values())


def compared(
    replayed: Replayed, incidents: Sequence[Incident], really: Sequence[Incident]
) -> Replayed:
    """The replay with its incidents, held against what really was."""
    openings = tuple(
        Opening(one, really=any(_meet(one, other, replayed.until) for other in really))
        for one in sorted(incidents, key=lambda one: (one.opened_at, one.id))
    )
    return replace(
        replayed,
        openings=openings,
        only_really=tuple(_unmet(really, incidents, replayed)),
    )


def _unmet(
    really: Sequence[Incident], incidents: Sequence[Incident], replayed: Replayed
) -> Iterator[Incident]:
    for one in really:
        inside = replayed.since <= one.opened_at <= replayed.until and one.type not in UNREPLAYED
        if inside and not any(_meet(one, other, replayed.until) for other in incidents):
            yield one


def _meet(one: Incident, other: Incident, until: datetime) -> bool:
    """Whether two incidents are of one task and type and were open at one time."""
    same = (one.key, one.type) == (other.key, other.type)
    return (
        same
        and one.opened_at <= (other.resolved_at or until)
        and other.opened_at <= (one.resolved_at or until)
    )
