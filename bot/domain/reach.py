"""Whether tasks and accounts can be read at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.history import TaskHistory, denied
from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    TASK,
    FailureKind,
    Severity,
    TaskKey,
)
from bot.domain.policy import AnyRule, RuleType, UnreachableRule
from bot.domain.ruleset import Moment, TaskRules, Tracked, unknown
from bot.domain.verdicts import Finding, Judgement, Unit, Verdict


def judge_reach(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> Finding:
    """Judges a task whose latest poll gave no sample; nothing is said of one that can be read."""
    rule = rules.last(RuleType.UNREACHABLE)
    failure, since = history.failure, history.failing_since
    if not isinstance(rule, UnreachableRule) or failure is None or since is None:
        return Finding(RuleType.UNREACHABLE, Unit.STATUS)
    if moment.account_speaks:
        judgements = tuple(
            unknown(s, "told of the account") for s in tracked.get(RuleType.UNREACHABLE, {})
        )
        return Finding(RuleType.UNREACHABLE, Unit.STATUS, judgements)
    if failure.kind is FailureKind.MISSING and rules.last(RuleType.MISSING) is not None:
        return Finding(RuleType.UNREACHABLE, Unit.STATUS)  # It was reached, and `missing` tells it.
    if history.failures < moment.stale_polls and not denied(history):
        judgements = tuple(
            unknown(s, failure.detail) for s in tracked.get(RuleType.UNREACHABLE, {})
        )
        return Finding(RuleType.UNREACHABLE, Unit.STATUS, judgements)
    judgement = Judgement(
        TASK,
        Verdict.BREACHED,
        rule=rule.name,
        severity=unreachable_severity(rule, moment.now - since, history.delivery_interval),
        value=failure.kind.value,
        detail=failure.detail,
    )
    return Finding(RuleType.UNREACHABLE, Unit.STATUS, (judgement,))


def unreachable_severity(
    rule: UnreachableRule, failing_for: timedelta, delivery_interval: timedelta
) -> Severity:
    """Critical once it has lasted `critical_after`."""
    if failing_for >= rule.critical_after.of(delivery_interval):
        return max(Severity.CRITICAL, rule.severity)
    return rule.severity


@dataclass(frozen=True, slots=True)
class Failing:
    """How a task of an account fails at present."""

    kind: FailureKind
    since: datetime
    stale: bool
    """It has given no reading for `stale_polls`."""
    detail: str


def alike(watched: int, failing: Mapping[TaskKey, Failing]) -> FailureKind | None:
    """The way in which most tasks of an account fail, so that the account is to blame; or None.

    Refused credentials blame the account at once. Otherwise more than half of its tasks, and two
    at least, must fail alike: a right that is lacking may lack for one task only. A task that does
    not exist is never the account's fault.
    """
    counts: dict[FailureKind, int] = {}
    for task in failing.values():
        counts[task.kind] = counts.get(task.kind, 0) + 1
    if counts.get(FailureKind.DENIED):
        return FailureKind.DENIED
    counts.pop(FailureKind.MISSING, None)
    if not counts:
        return None
    kind = max(counts, key=lambda k: counts[k])
    return kind if counts[kind] >= 2 and counts[kind] * 2 > watched else None


def judge_account(
    rule: UnreachableRule | None,
    watched: int,
    failing: Mapping[TaskKey, Failing],
    moment: Moment,
    *,
    listing: Failing | None = None,
) -> Finding:
    """Judges an account as a whole; a good cycle is two polls of quiet.

    `listing` is how the listing of its tasks fails, None while it does not. That is told where
    the tasks give no cause: new ones are not watched then, or none at all.
    """
    kind = alike(watched, failing)
    if rule is not None and kind is None and listing is not None:
        return _judge_listing(rule, watched, listing, moment)
    those = [task for task in failing.values() if task.kind is kind]
    told = kind is FailureKind.DENIED or any(task.stale for task in those)
    quiet = Finding(RuleType.UNREACHABLE, Unit.STATUS, slow_clear=2 * moment.interval)
    if rule is None or kind is None:
        return quiet
    if not told:
        return Finding(quiet.type, quiet.unit, (unknown(TASK, those[0].detail),), quiet.slow_clear)
    since = min(task.since for task in those)
    judgement = Judgement(
        TASK,
        Verdict.BREACHED,
        rule=rule.name,
        severity=unreachable_severity(rule, moment.now - since, DEFAULT_DELIVERY_INTERVAL),
        value=kind.value,
        detail=f"{len(those)} of {watched} tasks: {those[0].detail}",
    )
    return Finding(quiet.type, quiet.unit, (judgement,), quiet.slow_clear)


def _judge_listing(
    rule: UnreachableRule, watched: int, listing: Failing, moment: Moment
) -> Finding:
    detail = f"tasks cannot be listed: {listing.detail}"
    if listing.stale or listing.kind is FailureKind.DENIED:
        lasted = moment.now - listing.since
        blind = unreachable_severity(rule, lasted, DEFAULT_DELIVERY_INTERVAL)
        judgement = Judgement(
            TASK,
            Verdict.BREACHED,
            rule=rule.name,
            severity=rule.severity if watched else blind,
            value=listing.kind.value,
            detail=detail,
        )
    else:
        judgement = unknown(TASK, detail)
    return Finding(RuleType.UNREACHABLE, Unit.STATUS, (judgement,), slow_clear=2 * moment.interval)


def account_rule(key: TaskKey, rules: Iterable[AnyRule]) -> UnreachableRule | None:
    """The rule that decides for an account: the last that uses `account` at most."""
    found: UnreachableRule | None = None
    for rule in rules:
        if isinstance(rule, UnreachableRule) and rule.match.hits_account(key):
            found = rule
    return found if found is not None and found.enabled else None
