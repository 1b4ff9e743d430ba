"""Ours: the very middle of the bot with the built-in rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.incidents import Event, EventKind
from bot.domain.model import TASK, Observation, TaskKey, WatchedTask
from bot.domain.policy import BUILT_IN, PollPolicy
from bot.domain.replay import Replay
from bot.domain.rules import rules_for
from tests.bench.judgement.detectors import Spoken
from tests.bench.judgement.world import seconds


class Core:
    """One task with default settings."""

    def __init__(self, key: TaskKey, interval: timedelta) -> None:
        task = WatchedTask(key, name="bench", task_name="bench", interval=interval)
        self.replay = Replay(task, rules_for(task, BUILT_IN), PollPolicy(interval=interval))

    def feed(self, observation: Observation) -> Sequence[Spoken]:
        """What one observation comes to."""
        events = self.replay.feed(observation)
        return [spoken for event in events for spoken in _spoken(event)]


def _spoken(event: Event) -> Sequence[Spoken]:
    """An incident counts once, whatever the number of its partitions: it is one alert."""
    if event.kind not in {EventKind.OPENED, EventKind.RESOLVED}:
        return ()
    opened = event.kind is EventKind.OPENED
    worst = event.incident.evidence[0].subject if event.incident.evidence else TASK
    return (Spoken(seconds(event.at), worst, opened, event.incident.type.value),)
