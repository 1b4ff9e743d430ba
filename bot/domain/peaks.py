"""How high the sawtooth of a healthy task is, learned from its samples, against levels of rules.

A level on the instant lag that lies below the task's normal peak is crossed at every delivery. The
normal peak of a subject is the median of its highest readings between two deliveries, so a day with
a stop in it teaches the same. Levels on the trough are not concerned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median_low

from bot.domain.model import TASK, Subject, TaskSample, TopicSample, known
from bot.domain.policy import LagRule, RuleType, View
from bot.domain.rules import TaskRules

FEWEST = 3
"""Deliveries that make a normal peak."""
MOST = 500


@dataclass(frozen=True, slots=True)
class LowLevel:
    """A level below the normal peak of a task."""

    rule: LagRule
    subject: Subject
    """The one that crosses it most often."""
    level: int
    peak: int
    """In messages."""
    crossings_per_day: float


@dataclass(slots=True)
class _Course:
    """One subject over time."""

    last: int = 0
    highest: int = 0
    maxima: list[int] = field(default_factory=list)
    """The highest reading before each fall."""
    crossed: dict[int, int] = field(default_factory=dict)
    """How often each level was crossed upwards."""

    def read(self, lag: int, levels: frozenset[int]) -> None:
        """One more reading."""
        for level in levels:
            if self.last <= level < lag:
                self.crossed[level] = self.crossed.get(level, 0) + 1
        if lag < self.last and len(self.maxima) < MOST:
            self.maxima.append(self.highest)
            self.highest = 0
        self.highest = max(self.highest, lag)
        self.last = lag


@dataclass(slots=True)
class Peaks:
    """What the samples of one task teach; they come in the order of their time."""

    rules: TaskRules
    first: datetime | None = None
    latest: datetime | None = None
    _courses: dict[tuple[RuleType, Subject], _Course] = field(default_factory=dict)

    def feed(self, sample: TaskSample) -> None:
        """One more sample."""
        self.first = self.first or sample.at
        self.latest = sample.at
        for rule, subject, lag in _readings(self.rules, sample):
            course = self._courses.setdefault((rule.type, subject), _Course())
            course.read(lag, _levels(rule))

    def low_levels(self) -> Iterator[LowLevel]:
        """Levels below a normal peak: of each rule and level the subject that crosses most."""
        if self.first is None or self.latest is None:
            return
        days = max((self.latest - self.first) / timedelta(days=1), 1 / 24)
        worst: dict[tuple[str, int], LowLevel] = {}
        for (rule_type, subject), course in self._courses.items():
            rule = self.rules.last(rule_type, subject.topic or None)
            if isinstance(rule, LagRule) and len(course.maxima) >= FEWEST:
                for low in _below(rule, subject, course, days):
                    known_worst = worst.get((rule.name, low.level))
                    if known_worst is None or low.crossings_per_day > known_worst.crossings_per_day:
                        worst[rule.name, low.level] = low
        yield from worst.values()


def _below(rule: LagRule, subject: Subject, course: _Course, days: float) -> Iterator[LowLevel]:
    peak = median_low(course.maxima)
    for level in sorted(_levels(rule)):
        crossed = course.crossed.get(level, 0)
        if level < peak and crossed:
            yield LowLevel(rule, subject, level, peak, crossed / days)


def _levels(rule: LagRule) -> frozenset[int]:
    return frozenset(level for level in (rule.warning, rule.critical) if level is not None)


def _readings(rules: TaskRules, sample: TaskSample) -> Iterator[tuple[LagRule, Subject, int]]:
    """The instant lag of every subject that a rule with an instant view decides for."""
    topics = sample.topics or ()
    whole = _instant(rules, RuleType.TASK_LAG, None)
    if whole is not None and topics:
        yield whole, TASK, sum(sum(known(topic.lags)) for topic in topics)
    for topic in topics:
        of_topic = _instant(rules, RuleType.TOPIC_LAG, topic.topic)
        if of_topic is not None:
            yield of_topic, Subject(topic.topic), sum(known(topic.lags))
        of_partition = _instant(rules, RuleType.PARTITION_LAG, topic.topic)
        if of_partition is not None:
            yield from (
                (of_partition, Subject(topic.topic, partition), lag)
                for partition, lag in _known_lags(topic).items()
            )


def _known_lags(topic: TopicSample) -> Mapping[int, int]:
    pairs = zip(topic.partitions, topic.lags, strict=True)
    return {partition: lag for partition, lag in pairs if lag is not None}


def _instant(rules: TaskRules, rule_type: RuleType, topic: str | None) -> LagRule | None:
    rule = rules.last(rule_type, topic)
    return rule if isinstance(rule, LagRule) and rule.view is View.INSTANT else None
