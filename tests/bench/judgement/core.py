"""Ours: the real fold, rules and automaton with the built-in rules, driven as the monitor does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.history import TaskHistory, fold
from bot.domain.incidents import AlertState, Event, EventKind, Phase, StepContext, step
from bot.domain.model import TASK, Observation, TaskKey, WatchedTask
from bot.domain.policy import BUILT_IN, PollPolicy, RuleType
from bot.domain.rules import Moment, evaluate, rules_for
from tests.bench.judgement.detectors import Spoken
from tests.bench.judgement.world import seconds


class Core:
    """The pure middle of the bot for one task, with default settings."""

    def __init__(self, key: TaskKey, interval: timedelta) -> None:
        self._task = WatchedTask(key, name="bench", task_name="bench", interval=interval)
        self._rules = rules_for(self._task, BUILT_IN)
        self._poll = PollPolicy(interval=interval)
        self._states: dict[RuleType, AlertState] = {}
        self.history = TaskHistory()

    def feed(self, observation: Observation) -> Sequence[Spoken]:
        """One observation through fold, rules and automaton."""
        stale = self._poll.stale_polls
        interval = self._task.interval
        history = fold(self.history, observation, interval=interval, stale_polls=stale)
        if history is self.history:
            return ()
        self.history = history
        tracked = {s.type: s.levels for s in self._states.values() if s.phase is not Phase.QUIET}
        moment = Moment(observation.at, interval, stale)
        said: list[Spoken] = []
        context = StepContext(observation.at, self._task.name, interval, stale)
        for finding in evaluate(history, self._rules, tracked, moment):
            before = self._states.get(finding.type) or AlertState(self._task.key, finding.type)
            self._states[finding.type], events = step(before, finding, context)
            said.extend(spoken for event in events for spoken in _spoken(event))
        return said


def _spoken(event: Event) -> Sequence[Spoken]:
    """An incident counts once, whatever the number of its partitions: it is one alert."""
    if event.kind not in {EventKind.OPENED, EventKind.RESOLVED}:
        return ()
    opened = event.kind is EventKind.OPENED
    worst = event.incident.evidence[0].subject if event.incident.evidence else TASK
    return (Spoken(seconds(event.at), worst, opened, event.incident.type.value),)
