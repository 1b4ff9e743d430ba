"""What happens to topics: offsets that begin anew, and things that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.absences import Absence
from bot.domain.history import TaskHistory
from bot.domain.model import FailureKind, Severity, Subject, TaskSample
from bot.domain.policy import MissingRule, OffsetResetRule, RuleType
from bot.domain.resets import Reset, ResetKind
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unknown, unread
from bot.domain.verdicts import Finding, Judgement, Unit, Verdict


def judge_resets(
    history: TaskHistory, sample: TaskSample, rules: TaskRules, tracked: Tracked
) -> Finding:
    """Judges the latest answer by `offset_reset`. A reset is over with the first progress on its
    new baseline, or when nothing is left to deliver there."""
    joined = tracked.get(RuleType.OFFSET_RESET, {})
    found: list[Judgement] = []
    for topic in sample.topics or ():
        name, deliveries = topic.topic, history.deliveries[topic.topic]
        if not (deliveries.resets or joined):
            continue
        rule = rules.last(RuleType.OFFSET_RESET, name)
        if isinstance(rule, OffsetResetRule):
            for partition, reset in deliveries.resets.items():
                if partition not in topic.partitions:
                    continue  # Missed, and judged as absent.
                subject = Subject(name, partition)
                if reset.confirmed:
                    found.append(_reset(rule, subject, reset))
                elif subject in joined:
                    found.append(unknown(subject, "offsets contradict each other"))
            found += unread(topic, joined, deliveries.resets)
    found += [absent(sample, subject) for subject in joined if not present(sample, subject)]
    slow = timedelta(0) if joined else None
    return Finding(RuleType.OFFSET_RESET, Unit.EVENT, tuple(found), slow_clear=slow)


def _reset(rule: OffsetResetRule, subject: Subject, reset: Reset) -> Judgement:
    return Judgement(
        subject,
        Verdict.BREACHED,
        rule=rule.name,
        severity=rule.severity,
        value=reset.kind.value,
        detail=_numbers(reset),
        since=reset.at,
    )


def _numbers(reset: Reset) -> str:
    match reset.kind:
        case ResetKind.LOG_END_FELL:
            return _from_to(reset.end, reset.new_end)
        case ResetKind.TRANSFERRED_FELL:
            return _from_to(reset.transferred, reset.new_transferred)
        case _:
            return f"{_number(reset.new_transferred)} beyond {_number(reset.new_end)}"


def _from_to(before: int | None, now: int | None) -> str:
    return f"from {_number(before)} to {_number(now)}"


def _number(offset: int | None) -> str:
    return "unknown" if offset is None else f"{offset:,}"


def judge_missing(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> Finding:
    """Judges by `missing`: what was there and is gone, and a task that reports none at all.

    While the latest poll gave no sample only the task itself is judged.
    """
    return Finding(RuleType.MISSING, Unit.EVENT, tuple(_missed(history, rules, tracked, moment)))


def _missed(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> Iterator[Judgement]:
    joined = tracked.get(RuleType.MISSING, {})
    failure = history.failure
    judged = history.absences
    if failure is not None:
        gone = failure.kind is FailureKind.MISSING
        judged = {s: absence for s, absence in judged.items() if gone and s.is_task}
        yield from (unknown(s, "no reading") for s in joined if s not in judged)
    for subject, absence in judged.items():
        rule = rules.last(RuleType.MISSING, None if subject.is_task else subject.topic)
        if isinstance(rule, MissingRule):
            if absence.polls >= rule.polls:
                yield _absence(rule, subject, absence, history, moment)
            elif subject in joined:
                yield unknown(subject, "not in the answer")


def _absence(
    rule: MissingRule,
    subject: Subject,
    absence: Absence,
    history: TaskHistory,
    moment: Moment,
) -> Judgement:
    severity, value, detail = Severity.WARNING, "gone", ""
    failure = history.failure
    if subject.is_task and failure is not None and failure.kind is FailureKind.MISSING:
        severity = Severity.CRITICAL if moment.configured else Severity.WARNING
        detail = failure.detail
    elif subject.is_task:
        value = "no partitions"
    return Judgement(
        subject,
        Verdict.BREACHED,
        rule=rule.name,
        severity=rule.severity or severity,
        value=value,
        detail=detail,
        since=absence.since,
    )
