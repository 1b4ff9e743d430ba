"""The age of the oldest undelivered message of each partition, against levels in deliveries.

A level of `3x` is three delivery intervals and what a poll or a commit takes: max(P, min(D, 60 s)).
The rule counts the time in which the task was running; the age that is told counts all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from bot.domain.deliveries import Deliveries
from bot.domain.history import TaskHistory
from bot.domain.marks import Age
from bot.domain.model import Severity, Subject, TaskSample, TopicSample
from bot.domain.policy import AgeRule, RuleType, Span
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unknown
from bot.domain.verdicts import Cause, Finding, Judgement, Level, Unit, Verdict

_LONGEST_COMMIT = timedelta(seconds=60)


def judge_age(
    history: TaskHistory,
    sample: TaskSample,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    """Judges the latest answer by `age`."""
    joined = tracked.get(RuleType.AGE, {})
    delivery_interval = history.delivery_interval
    found: list[Judgement] = []
    for topic in sample.topics or ():
        name, deliveries = topic.topic, history.deliveries[topic.topic]
        rule = rules.last(RuleType.AGE, name)
        if isinstance(rule, AgeRule):
            levels = age_levels(rule, delivery_interval, moment.interval)
            those = {s.partition for s in joined if s.topic == name}
            oldest = deliveries.undelivered_since()
            if those or (oldest is not None and levels.reached_by(history.ran - oldest.ran)):
                found += _Topic(topic, deliveries, rule, levels).judged(those)
    found += [absent(sample, subject) for subject in joined if not present(sample, subject)]
    slow = delivery_interval + moment.interval if joined else None
    return Finding(RuleType.AGE, Unit.SECONDS, tuple(found), slow_clear=slow)


@dataclass(frozen=True, slots=True)
class AgeLevels:
    """The levels of one task."""

    usual: Level
    tail: Level
    """Of the last messages of an idle topic, where it is not known that the sink delivers them."""

    def reached_by(self, age: timedelta) -> bool:
        """Whether anything could be breached at that age."""
        lowest = self.usual.lowest
        return lowest is not None and age.total_seconds() > lowest


def age_levels(rule: AgeRule, delivery_interval: timedelta, interval: timedelta) -> AgeLevels:
    """The levels of a rule for a task with this D and P."""
    return _levels((rule.warning, rule.critical, rule.idle_tail), delivery_interval, interval)


@lru_cache(maxsize=256)
def _levels(
    spans: tuple[Span, Span, Span], delivery_interval: timedelta, interval: timedelta
) -> AgeLevels:
    """The levels for spans of warning, critical and idle tail."""

    def seconds(span: Span) -> float:
        slack = max(interval, min(delivery_interval, _LONGEST_COMMIT))
        length = span.of(delivery_interval)
        return (length if span.intervals is None else length + slack).total_seconds()

    warning, critical, tail = map(seconds, spans)
    return AgeLevels(Level(min(warning, critical), critical), Level(max(tail, warning)))


@dataclass(frozen=True, slots=True)
class _Topic:
    sample: TopicSample
    deliveries: Deliveries
    rule: AgeRule
    levels: AgeLevels

    def judged(self, joined: set[int]) -> Iterator[Judgement]:
        """The partitions that are not clear."""
        here = {partition: place for place, partition in enumerate(self.sample.partitions)}
        for place, (partition, age) in enumerate(self.deliveries.ages()):
            if partition not in here:
                continue  # Missed, and judged as absent.
            verdict = self._verdict(age)
            if (why := self._unseen(here[partition], partition)) is not None:
                if partition in joined:
                    yield unknown(Subject(self.sample.topic, partition), why)
            elif verdict is Verdict.BREACHED or (
                partition in joined and verdict is not Verdict.CLEAR
            ):
                yield self._judgement(place, partition, age, verdict)

    def _unseen(self, place: int, partition: int) -> str | None:
        """Why the latest answer says nothing of a partition; None when it does."""
        if self.deliveries.doubtful(partition):
            return "offsets contradict each other"
        positioned = self.sample.transferred[place] is not None
        if self.sample.log_end[place] is None or not (
            positioned or partition in self.deliveries.starts
        ):
            return "no offsets in the answer"
        return None

    def level(self, age: Age) -> Level:
        """An idle tail has a level of its own, unless the sink is known to deliver tails."""
        tail = age.tail and not self.deliveries.flushes_tails
        return self.levels.tail if tail else self.levels.usual

    def _verdict(self, age: Age) -> Verdict:
        lowest = self.level(age).lowest or 0.0
        if age.ran_at_least.total_seconds() > lowest:
            return Verdict.BREACHED
        surely = age.ran_at_most is not None and age.ran_at_most.total_seconds() < lowest
        return Verdict.CLEAR if surely else Verdict.HOLDING

    def _judgement(self, place: int, partition: int, age: Age, verdict: Verdict) -> Judgement:
        level = self.level(age)
        return Judgement(
            Subject(self.sample.topic, partition),
            verdict,
            rule=self.rule.name,
            severity=level.severity(age.ran_at_least.total_seconds()) or Severity.WARNING,
            value=round(age.at_least.total_seconds()),
            level=level,
            at_most=None if age.at_most is None else round(age.at_most.total_seconds()),
            cause=self._cause(place, partition, age),
            since=self.deliveries.moved_at[place] or age.since,
        )

    def _cause(self, place: int, partition: int, age: Age) -> Cause:
        if partition in self.deliveries.starts:
            return Cause.NEVER_DELIVERED
        if age.tail and not self.deliveries.flushes_tails:
            return Cause.IDLE_TAIL
        moved_at = self.deliveries.moved_at[place]
        moves = moved_at is not None and age.since is not None and moved_at > age.since
        return Cause.TOO_SLOW if moves else Cause.NO_PROGRESS
