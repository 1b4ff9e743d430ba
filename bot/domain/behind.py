"""Sinks that deliver, but less than comes in: `falling_behind`."""

from __future__ import annotations

from bot.domain.climbs import Climb
from bot.domain.history import TaskHistory
from bot.domain.model import Subject, TaskSample
from bot.domain.policy import FallingBehindRule, RuleType
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unread
from bot.domain.verdicts import Cause, Finding, Judgement, Unit, Verdict

CAUGHT_AGAIN = 2
"""Troughs in a row that did not rise end what was breached."""


def judge_behind(
    history: TaskHistory,
    sample: TaskSample,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    """Judges the latest answer by `falling_behind`; the values are the messages left behind."""
    joined = tracked.get(RuleType.FALLING_BEHIND, {})
    found: list[Judgement] = []
    for topic in sample.topics or ():
        climbs = history.deliveries[topic.topic].climbs.of_partition
        if not (climbs or joined):
            continue
        rule = rules.last(RuleType.FALLING_BEHIND, topic.topic)
        if isinstance(rule, FallingBehindRule):
            lags = dict(zip(topic.partitions, topic.lags, strict=True))
            read = {p: climb for p, climb in climbs.items() if lags.get(p) is not None}
            for partition, climb in read.items():
                subject = Subject(topic.topic, partition)
                judgement = _judged(rule, subject, climb, joined=subject in joined)
                if judgement is not None:
                    found.append(judgement)
            found += unread(topic, joined, read)
    found += [absent(sample, subject) for subject in joined if not present(sample, subject)]
    slow = history.delivery_interval + moment.interval if joined else None
    return Finding(RuleType.FALLING_BEHIND, Unit.MESSAGES, tuple(found), slow_clear=slow)


def _judged(
    rule: FallingBehindRule, subject: Subject, climb: Climb, *, joined: bool
) -> Judgement | None:
    """None when it keeps up."""
    rising = climb.rising(rule.troughs)
    if not rising and (not joined or climb.falls >= CAUGHT_AGAIN):
        return None
    return Judgement(
        subject,
        Verdict.BREACHED if rising else Verdict.HOLDING,
        rule=rule.name,
        severity=rule.severity,
        value=climb.value,
        detail=f"{climb.per_minute:,} more each minute" if rising else "",
        cause=Cause.TOO_SLOW,
        since=climb.since,
    )
