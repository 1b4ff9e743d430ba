"""When an account as a whole is to blame for what its tasks suffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.domain.matching import Match, Patterns
from bot.domain.model import TASK, FailureKind, Severity, TaskKey
from bot.domain.policy import RuleType, Span, StatusRule, UnreachableRule
from bot.domain.rules import Failing, Moment, account_rule, alike, judge_account
from bot.domain.verdicts import Finding, Unit, Verdict
from tests.builders import INTERVAL, a_key, at

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
STATUS = StatusRule(name="status")
UNREACHABLE = UnreachableRule(name="unreachable")
Kinds = tuple[FailureKind, ...]
DENIED, FORBIDDEN, DOWN, THROTTLED, MISSING = (
    FailureKind.DENIED,
    FailureKind.FORBIDDEN,
    FailureKind.UNAVAILABLE,
    FailureKind.THROTTLED,
    FailureKind.MISSING,
)


def tasks_failing(*kinds: FailureKind, stale: bool = True) -> dict[TaskKey, Failing]:
    return {
        a_key(f"task-{n}"): Failing(kind, at(60 * n), stale, detail=f"detail {n}")
        for n, kind in enumerate(kinds)
    }


@pytest.mark.parametrize(
    ("watched", "kinds", "blamed"),
    [
        (10, (), None),
        (10, (DENIED,), DENIED),
        (10, (DOWN,) * 9 + (DENIED,), DENIED),
        (10, (FORBIDDEN,), None),
        (10, (FORBIDDEN,) * 6, FORBIDDEN),
        (10, (DOWN,) * 6, DOWN),
        (10, (DOWN,) * 5, None),
        (10, (DOWN,) * 4 + (THROTTLED,) * 4, None),
        (10, (THROTTLED,) * 6 + (DOWN,) * 4, THROTTLED),
        (1, (DOWN,), None),
        (2, (DOWN,), None),
        (2, (DOWN, DOWN), DOWN),
        (3, (MISSING,) * 3, None),
        (3, (MISSING, DOWN, DOWN), DOWN),
    ],
)
def test_an_account_is_to_blame_when_refused_or_when_most_of_its_tasks_fail_alike(
    watched: int, kinds: Kinds, blamed: FailureKind | None
) -> None:
    assert alike(watched, tasks_failing(*kinds)) is blamed


def account_finding(
    failing_tasks: Mapping[TaskKey, Failing],
    *,
    rule: UnreachableRule | None = UNREACHABLE,
    now_s: float = 600,
) -> Finding:
    return judge_account(rule, 4, failing_tasks, Moment(at(now_s), INTERVAL))


def test_an_account_that_is_well_or_has_no_rule_waits_for_two_quiet_polls() -> None:
    quiet = Finding(RuleType.UNREACHABLE, Unit.STATUS, slow_clear=2 * INTERVAL)
    assert account_finding({}) == quiet
    assert account_finding(tasks_failing(DOWN, DOWN, DOWN), rule=None) == quiet


def test_an_account_is_told_once_a_task_of_it_is_stale() -> None:
    early = account_finding(tasks_failing(DOWN, DOWN, DOWN, stale=False))
    assert [(j.verdict, j.detail) for j in early.judgements] == [(Verdict.UNKNOWN, "detail 0")]
    mixed = {**tasks_failing(DOWN, DOWN, DOWN, stale=False), **tasks_failing(DOWN)}
    (judgement,) = account_finding(mixed).judgements
    assert (judgement.subject, judgement.verdict) == (TASK, Verdict.BREACHED)
    assert (judgement.severity, judgement.value) == (WARNING, "unavailable")
    assert judgement.detail == "3 of 4 tasks: detail 0"


def test_refused_credentials_are_told_at_once_and_name_only_the_refused() -> None:
    denied = tasks_failing(DOWN, DENIED, stale=False)
    (judgement,) = account_finding(denied).judgements
    assert (judgement.verdict, judgement.value) == (Verdict.BREACHED, "denied")
    assert judgement.detail == "1 of 4 tasks: detail 1"


def test_an_account_s_failure_is_critical_when_it_has_lasted_since_its_first_task() -> None:
    down = tasks_failing(DOWN, DOWN, DOWN)
    severities = [
        account_finding(down, now_s=now_s).judgements[0].severity for now_s in (1_799, 1_800)
    ]
    assert severities == [WARNING, CRITICAL]
    in_intervals = replace(UNREACHABLE, critical_after=Span(intervals=2))
    severities = [
        account_finding(down, rule=in_intervals, now_s=now_s).judgements[0].severity
        for now_s in (599, 600)
    ]
    assert severities == [WARNING, CRITICAL]


def test_an_account_goes_by_the_last_rule_that_speaks_of_accounts() -> None:
    general = UNREACHABLE
    other = replace(general, name="other", match=Match(account=Patterns(("staging",))))
    mine = replace(general, name="mine", match=Match(account=Patterns(("prod",))))
    of_tasks = replace(general, name="orders", match=Match(task=Patterns(("orders",))))
    key = TaskKey("prod")
    assert account_rule(key, [general, mine, other, of_tasks, STATUS]) is mine
    assert account_rule(key, [mine, general]) is general
    assert account_rule(key, [general, replace(mine, enabled=False)]) is None
    assert account_rule(key, [STATUS]) is None
