"""Which rules a task has, and what every kind of judgement needs to know.

Levels are those of the rules as they are now: who edits a level means the incidents that are open,
too. Unknown is a third value: it opens nothing and resolves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.model import Subject, TaskSample, TopicSample, WatchedTask
from bot.domain.policy import AnyRule, RuleType
from bot.domain.shelf import NO_SHELF, Shelf
from bot.domain.verdicts import Judgement, Level, Verdict

Tracked = Mapping[RuleType, Mapping[Subject, Level]]
"""Per rule type the subjects of a pending or open alert and the levels they joined with."""


@dataclass(frozen=True, slots=True)
class TaskRules:
    """The rules whose match fits one task, in the order of the configuration."""

    rules: Mapping[RuleType, tuple[AnyRule, ...]]

    def last(self, rule_type: RuleType, topic: str | None = None) -> AnyRule | None:
        """The rule that decides for a topic, or for the task as a whole (None).

        The last match wins, whole; when it is disabled there is no rule. A rule about some topics
        says nothing of the task as a whole.
        """
        for rule in reversed(self.rules.get(rule_type, ())):
            topics = rule.match.topic
            if topics.hit(topic) if topic is not None else not topics.globs:
                return rule if rule.enabled else None
        return None


def rules_for(task: WatchedTask, rules: Iterable[AnyRule]) -> TaskRules:
    """Picks the rules that fit a task."""
    found: dict[RuleType, list[AnyRule]] = {}
    for rule in rules:
        if rule.match.hits_task(task):
            found.setdefault(rule.type, []).append(rule)
    return TaskRules({rule_type: tuple(those) for rule_type, those in found.items()})


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how a task is judged."""

    now: datetime
    interval: timedelta
    """P."""
    stale_polls: int = 3
    account_speaks: bool = False
    """The account as a whole fails in the way this task does, and that is told instead."""
    configured: bool = True
    """False for a task that only discovery knows."""
    shelf: Shelf = NO_SHELF
    """How long its topics keep messages, as far as that is known."""


def unknown(subject: Subject, why: str) -> Judgement:
    """A subject of which this poll says nothing."""
    return Judgement(subject, Verdict.UNKNOWN, rule="", detail=why)


def unread(
    topic: TopicSample, joined: Collection[Subject], judged: Container[int]
) -> Iterator[Judgement]:
    """Partitions that vote, were not judged, and have no offsets in this answer: it cannot end
    what they breached."""
    for partition, lag in zip(topic.partitions, topic.lags, strict=True):
        subject = Subject(topic.topic, partition)
        if lag is None and partition not in judged and subject in joined:
            yield unknown(subject, "no offsets in the answer")


def present(sample: TaskSample, subject: Subject) -> bool:
    """Whether an answer has a subject at all; the task itself is always there."""
    if subject.is_task:
        return True
    for topic in sample.topics or ():
        if topic.topic == subject.topic:
            return subject.partition < 0 or subject.partition in topic.partitions
    return False


def absent(sample: TaskSample, subject: Subject) -> Judgement:
    """A subject that an answer lacks: gone when the answer is complete, else unknown."""
    verdict = Verdict.GONE if sample.complete else Verdict.UNKNOWN
    return Judgement(subject, verdict, rule="", detail="not in the answer")
