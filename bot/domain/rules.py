"""Judgement: what is remembered of a task, and the rules, to findings.

One finding per rule type, with a verdict per subject; `status`, `lag` and `reach` make them. A
healthy task makes none.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.age import judge_age
from bot.domain.behind import judge_behind
from bot.domain.history import TaskHistory
from bot.domain.lag import judge_lag
from bot.domain.loss import judge_loss
from bot.domain.mishaps import judge_missing, judge_resets
from bot.domain.policy import LAG_TYPES, RuleType
from bot.domain.reach import (
    Failing,
    account_rule,
    alike,
    judge_account,
    judge_reach,
    unreachable_severity,
)
from bot.domain.ruleset import Moment, TaskRules, Tracked, rules_for, unknown
from bot.domain.status import judge_status
from bot.domain.verdicts import UNITS, Finding, Unit

__all__ = [
    "JUDGED",
    "Failing",
    "Moment",
    "TaskRules",
    "Tracked",
    "account_rule",
    "alike",
    "evaluate",
    "judge_account",
    "rules_for",
    "unreachable_severity",
]

JUDGED = tuple(RuleType)
"""The rule types this version evaluates."""


_REACHED = Finding(RuleType.UNREACHABLE, Unit.STATUS)
"""What a task that can be read makes its `unreachable` alert hear."""


def evaluate(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> tuple[Finding, ...]:
    """Judges a task after an observation was folded into its history.

    A finding is given for each type that has something to say or an alert that waits for it.
    """
    sample = history.sample
    if history.failure is not None or sample is None:
        findings = [
            judge_reach(history, rules, tracked, moment),
            judge_missing(history, rules, tracked, moment),
            *_blind(tracked),
        ]
    else:
        findings = [judge_status(history, sample, rules, tracked, moment)]
        for rule_type in LAG_TYPES:
            if rule_type in rules.rules or rule_type in tracked:
                findings.append(judge_lag(rule_type, history, sample, rules, tracked, moment))
        findings += [
            judge_age(history, sample, rules, tracked, moment),
            judge_behind(history, sample, rules, tracked, moment),
            judge_resets(history, sample, rules, tracked),
            judge_loss(history, sample, rules, tracked, moment),
            _REACHED,
        ]
        if history.absences or RuleType.MISSING in tracked:
            findings.append(judge_missing(history, rules, tracked, moment))
    return tuple(f for f in findings if f.judgements or tracked.get(f.type))


def _blind(tracked: Tracked) -> Iterator[Finding]:
    """Without a reading every alert but `unreachable` and `missing` hears "unknown"."""
    for rule_type, subjects in tracked.items():
        if rule_type not in (RuleType.UNREACHABLE, RuleType.MISSING):
            blind = tuple(unknown(subject, "no reading") for subject in subjects)
            yield Finding(rule_type, UNITS[rule_type], blind)
