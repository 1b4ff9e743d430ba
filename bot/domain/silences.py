"""Silences: what people do not want to hear of for a while.

A silence covers an incident when everything it says fits: the task, by its key or a glob, its
labels, its account, the rule by name or type, and the topics, all of those that breach. It changes
who hears, never what is true. A critical `data_loss` speaks through, unless the silence names that
rule: what retention deletes nobody can dump later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.alerts import Incident
from bot.domain.matching import glob_hits
from bot.domain.model import Severity, TaskKey, WatchedTask
from bot.domain.policy import RuleType


@dataclass(frozen=True, slots=True)
class Cover:
    """What a silence speaks of; what is empty is not asked. Globs are matched whole, without case.

    At least one of them is given.
    """

    key: TaskKey | None = None
    """One task, whatever it is called."""
    task: str = ""
    """A glob on the task's names."""
    account: str = ""
    rule: str = ""
    """A glob on the rule's name or type."""
    topic: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """Names with a glob on their value."""

    def covers_task(self, key: TaskKey, task: WatchedTask | None) -> bool:
        """Whether incidents of this task may be covered; `task` is None for an account."""
        if self.account and not _hits(self.account, key.account):
            return False
        if task is None:
            return not (self.key or self.task or self.topic or self.labels)
        if self.key is not None and self.key != key:
            return False
        names = (task.name, task.task_name, f"{key.account}/{task.task_name}")
        if self.task and not any(_hits(self.task, name) for name in names):
            return False
        return all(_carries(task.labels, name, glob) for name, glob in self.labels)

    def covers(self, incident: Incident, task: WatchedTask | None) -> bool:
        """Whether an incident is covered."""
        if not self.covers_task(incident.key, task):
            return False
        if self.rule and not any(_hits(self.rule, r) for r in (incident.rule, incident.type)):
            return False
        topics = [topic for topic, _ in incident.spread]
        if self.topic and not (topics and all(_hits(self.topic, topic) for topic in topics)):
            return False
        return not _must_be_heard(incident) or self._names(incident)

    def _names(self, incident: Incident) -> bool:
        return self.rule.lower() in (incident.rule.lower(), incident.type.value)


def _must_be_heard(incident: Incident) -> bool:
    return incident.type is RuleType.DATA_LOSS and incident.severity is Severity.CRITICAL


def _hits(glob: str, text: str) -> bool:
    return glob_hits(glob.lower(), text.lower())


def _carries(labels: Mapping[str, str], name: str, glob: str) -> bool:
    folded = {label.lower(): value for label, value in labels.items()}
    value = folded.get(name.lower())
    return value is not None and _hits(glob, value)


@dataclass(frozen=True, slots=True)
class Silence:
    """What is covered from when to when, and by whom. One that begins later is maintenance."""

    id: str
    cover: Cover
    named: str
    """What it covers as a person would type it."""
    begins_at: datetime
    ends_at: datetime
    by: str
    """As in Acknowledgement."""
    made_at: datetime
    reason: str = ""
    ended_at: datetime | None = None
    """When somebody ended it early."""
    ended_by: str = ""

    def active(self, now: datetime) -> bool:
        """Whether it keeps anything quiet at this moment."""
        return self.begins_at <= now < self.ends_at and self.ended_at is None

    def over(self, now: datetime) -> bool:
        """Whether it is of the past."""
        return self.ended_at is not None or now >= self.ends_at


def covering(
    silences: Iterable[Silence],
    incidents: Iterable[Incident],
    task: WatchedTask | None,
    now: datetime,
) -> dict[str, Silence]:
    """For each covered incident, by id, the active silence that ends last."""
    active = sorted((s for s in silences if s.active(now)), key=lambda s: (s.ends_at, s.id))
    return {
        incident.id: silence
        for incident in incidents
        for silence in active
        if silence.cover.covers(incident, task)
    }
