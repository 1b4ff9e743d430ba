"""What the cloud status of a task and of its partitions means.

Words are open: compared without case, and judged even where nobody documents them. Partitions are
judged by their own word only where it differs from their task's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from bot.domain.history import TaskHistory, status_word
from bot.domain.model import TASK, Severity, Subject, TaskSample
from bot.domain.policy import RuleType, StatusRule
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unknown
from bot.domain.verdicts import Finding, Judgement, Unit, Verdict

BROKEN = ("FAILED", "ERROR")
"""Words that surely mean a fault: Kafka Connect's own, and the plain one."""


def judge_status(
    history: TaskHistory,
    sample: TaskSample,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    """Judges the latest answer's words."""
    joined = tracked.get(RuleType.STATUS, {})
    silent = _silent(sample) if joined or history.odd_partitions else _NOBODY
    found: list[Judgement] = []
    for subject, word, since in _said(history, sample, silent):
        rule = rules.last(RuleType.STATUS, None if subject.is_task else subject.topic)
        if isinstance(rule, StatusRule):
            span = (moment.now - since, sample.delivery_interval)
            judgement = _judge_status(rule, subject, word, *span)
            if judgement is not None:
                found.append(judgement)
    for subject in joined:
        if subject in silent:
            found.append(unknown(subject, "no status in the answer"))
        elif not present(sample, subject):
            found.append(absent(sample, subject))
    return Finding(RuleType.STATUS, Unit.STATUS, tuple(found))


_NOBODY: frozenset[Subject] = frozenset()


def _silent(sample: TaskSample) -> frozenset[Subject]:
    """Of whom the answer gives no status."""
    partitions = {Subject(row.topic, row.partition) for row in sample.rows() if row.status is None}
    return frozenset(partitions | {TASK} if sample.status is None else partitions)


def _said(
    history: TaskHistory, sample: TaskSample, silent: frozenset[Subject]
) -> Iterator[tuple[Subject, str, datetime]]:
    """The task's word and those of the partitions that say something else, as of this answer."""
    if sample.status is not None:
        yield TASK, sample.status, history.status_since or sample.at
    if sample.topics is not None:
        for subject, (word, since) in history.odd_partitions.items():
            if subject not in silent:
                yield subject, word, since


def _judge_status(
    rule: StatusRule, subject: Subject, status: str, lasted: timedelta, interval: timedelta
) -> Judgement | None:
    """None when the status is well. A status that has not lasted long enough holds."""
    word = status_word(status)
    if word in _upper(rule.ok):
        return None
    severity = _status_severity(rule, word, lasted, interval)
    return Judgement(
        subject,
        Verdict.HOLDING if severity is None else Verdict.BREACHED,
        rule=rule.name,
        severity=severity or Severity.INFO,
        value=status,
        hold_for=rule.hold_for.of(interval),
    )


def _status_severity(
    rule: StatusRule, word: str, lasted: timedelta, interval: timedelta
) -> Severity | None:
    if word in _upper(rule.intended):
        if lasted >= rule.warning_after.of(interval):
            return Severity.WARNING
        return Severity.INFO if lasted >= rule.intended_after.of(interval) else None
    if word in _upper(rule.transitional):
        allowed = rule.creating_for if word == "CREATING" else rule.transitional_for
        return Severity.WARNING if lasted >= allowed.of(interval) else None
    return rule.severity if word in BROKEN else min(Severity.WARNING, rule.severity)


@lru_cache(maxsize=256)
def _upper(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.upper() for word in words)
