"""Lag in messages against levels, by partition, by topic and by task.

Only subjects that are not clear are listed, so a healthy task costs a few calls of `max` and `sum`
per topic and makes no objects. No view of a lag is above the latest reading, so what the latest
readings cannot reach needs no closer look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.history import TaskHistory, TopicHistory, window_of
from bot.domain.model import TASK, Severity, Subject, TaskSample, TopicSample, known
from bot.domain.policy import LagRule, RuleType, View
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unknown
from bot.domain.verdicts import Finding, Judgement, Level, Unit, Verdict


def judge_lag(
    rule_type: RuleType,
    history: TaskHistory,
    sample: TaskSample,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    """Judges the latest answer by one of the lag types."""
    joined = tracked.get(rule_type, {})
    sample = moment.shelf.kept(sample)
    bench = _Bench(history, sample, rules, joined, moment.interval)
    # A good cycle of the trough is the clear of a whole delivery; an instant reading is its own.
    slow = any(bench.view(rule_type, subject) is View.TROUGH for subject in joined)
    return Finding(
        rule_type,
        Unit.MESSAGES,
        tuple(bench.judge(rule_type)),
        slow_clear=sample.delivery_interval + moment.interval if slow else None,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """Judges the lag of one task by one rule type."""

    history: TaskHistory
    sample: TaskSample
    rules: TaskRules
    joined: Mapping[Subject, Level]
    interval: timedelta

    def judge(self, rule_type: RuleType) -> Iterator[Judgement]:
        topics = self.sample.topics
        if topics is None:
            yield from (unknown(subject, "no topics in the answer") for subject in self.joined)
            return
        if rule_type is RuleType.TASK_LAG:
            yield from self._summed(rule_type, TASK, topics)
        else:
            for topic in topics:
                if rule_type is RuleType.TOPIC_LAG:
                    yield from self._summed(rule_type, Subject(topic.topic), (topic,))
                else:
                    yield from self._partitions(topic)
        for subject in self.joined:
            if not present(self.sample, subject):
                yield absent(self.sample, subject)

    def view(self, rule_type: RuleType, subject: Subject) -> View | None:
        """How the rule that decides for a subject looks at its lag; None without a rule."""
        rule = self._rule(rule_type, subject.topic)
        return None if rule is None else rule.view

    def _rule(self, rule_type: RuleType, topic: str) -> LagRule | None:
        rule = self.rules.last(rule_type, topic or None)
        return rule if isinstance(rule, LagRule) else None

    def _partitions(self, topic: TopicSample) -> Iterator[Judgement]:
        rule = self._rule(RuleType.PARTITION_LAG, topic.topic)
        if rule is None:
            return
        joined = {s.partition for s in self.joined if s.topic == topic.topic}
        floor = _floor(rule)
        if not joined and max(known(topic.lags), default=0) < floor:
            return
        values, covered = self._view(topic, rule)
        for partition, value, sure in zip(topic.partitions, values, covered, strict=True):
            if partition in joined or (value is not None and value >= floor):
                subject = Subject(topic.topic, partition)
                yield from self._judged(rule, subject, value, covered=sure)

    def _judged(
        self, rule: LagRule, subject: Subject, value: int | None, *, covered: bool
    ) -> Iterator[Judgement]:
        level = _level(rule)
        if value is None:
            yield unknown(subject, "no position yet")
            return
        verdict = level.verdict(value)
        if verdict is Verdict.CLEAR:
            return
        if verdict is Verdict.BREACHED and not covered:
            # Nothing below the level was seen so far, but the window may still hold it.
            verdict = Verdict.UNKNOWN
        yield Judgement(
            subject,
            verdict,
            rule=rule.name,
            severity=level.severity(value) or Severity.WARNING,
            value=value,
            level=level,
            hold_for=rule.hold_for.of(self.sample.delivery_interval),
        )

    def _summed(
        self, rule_type: RuleType, subject: Subject, topics: Sequence[TopicSample]
    ) -> Iterator[Judgement]:
        """Breached on what is surely known; clear only when nothing that counts is unknown."""
        rule = self._rule(rule_type, subject.topic)
        if rule is None:
            return
        if subject not in self.joined and _latest_sum(topics) < _floor(rule):
            return
        level = _level(rule)
        total, certain, unread = self._sums(rule, topics)
        if level.verdict(certain) is Verdict.BREACHED:
            yield from self._judged(rule, subject, certain, covered=True)
        elif unread or not any(topic.partitions for topic in topics):
            yield from self._unsummed(subject, unread)
        else:
            yield from self._judged(rule, subject, total, covered=False)

    def _sums(self, rule: LagRule, topics: Sequence[TopicSample]) -> tuple[int, int, int]:
        """Messages known, messages of those surely so, and how many partitions are unknown."""
        total = certain = unread = 0
        for topic in topics:
            values, covered = self._view(topic, rule)
            read = known(values)
            total += sum(read)
            certain += sum(v for v, sure in zip(values, covered, strict=True) if sure and v)
            unread += len(values) - len(read) + topic.unreadable
        return total, certain, unread

    def _unsummed(self, subject: Subject, unread: int) -> Iterator[Judgement]:
        """A sum that lacks a part is unknown; a sum of nothing at all is no zero."""
        if subject not in self.joined:
            return
        if unread:
            yield unknown(subject, f"{unread} partitions unknown")
        else:
            yield absent(self.sample, subject)

    def _view(
        self, topic: TopicSample, rule: LagRule
    ) -> tuple[Sequence[int | None], Sequence[bool]]:
        """Each partition's value as the rule sees it, and whether a breach by it is sure."""
        if rule.view is View.INSTANT:
            return topic.lags, (True,) * len(topic.lags)
        window = window_of(self.sample.delivery_interval, self.interval)
        return _troughs(self.history.topics[topic.topic], topic, self.sample.at - window)


def _troughs(
    remembered: TopicHistory, topic: TopicSample, window_start: datetime
) -> tuple[Sequence[int | None], Sequence[bool]]:
    # A partition that is unknown now is unknown, whatever the window still remembers of it.
    values = [
        None if lag is None or low is None else min(low, lag)
        for low, lag in zip(remembered.trough(), topic.lags, strict=True)
    ]
    return values, remembered.covers(window_start)


def _level(rule: LagRule) -> Level:
    return Level(rule.warning, rule.critical, rule.clear)


def _floor(rule: LagRule) -> float:
    """Below it, a subject without a joined level is clear."""
    levels = (rule.warning, rule.critical)
    return min((level for level in levels if level is not None), default=0) * rule.clear


def _latest_sum(topics: Sequence[TopicSample]) -> int:
    return sum(sum(known(topic.lags)) for topic in topics)
