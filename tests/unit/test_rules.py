"""Status and reachability: what the words mean, how long they may last, and who is to blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.history import TaskHistory
from bot.domain.matching import Match, Patterns
from bot.domain.model import (
    TASK,
    FailureKind,
    Severity,
    Subject,
    TaskSample,
    topic_sample,
)
from bot.domain.policy import AnyRule, LagRule, RuleType, Span, StatusRule, UnreachableRule
from bot.domain.rules import (
    JUDGED,
    rules_for,
)
from bot.domain.verdicts import UNITS, Finding, Judgement, Level, Unit, Verdict
from tests.builders import (
    TOPIC,
    a_failure,
    a_finding,
    a_history,
    a_sample,
    a_sample_of,
    a_task,
    at,
)
from tests.unit.judging import found, joined, matching

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
STATUS = StatusRule(name="status")
UNREACHABLE = UnreachableRule(name="unreachable")


def seen(
    history: TaskHistory, rule_type: RuleType, *rules: AnyRule, after: timedelta = timedelta(0)
) -> Judgement | None:
    """What is said of the task as a whole."""
    finding = found(history, *rules, after=after).get(rule_type)
    return finding.by_subject().get(TASK) if finding else None


# --- the words of a status -------------------------------------------------------------------


@pytest.mark.parametrize("word", ["RUNNING", "running", "RUNNING ", "\tRunning"])
def test_a_status_that_is_well_is_so_whatever_its_case_and_the_blanks_around(word: str) -> None:
    assert seen(a_history(a_sample(status=word)), RuleType.STATUS, STATUS, after=HOUR) is None


@pytest.mark.parametrize(
    ("word", "lasted", "severity"),
    [
        ("FAILED", timedelta(0), CRITICAL),
        ("failed", timedelta(0), CRITICAL),
        (" FAILED\n", timedelta(0), CRITICAL),
        ("ERROR", timedelta(0), CRITICAL),
        ("FROZEN", timedelta(0), WARNING),
        ("Something Else", timedelta(0), WARNING),
        ("PAUSED", 5 * MINUTE, INFO),
        ("paused", 24 * HOUR - MINUTE, INFO),
        ("PAUSED", 24 * HOUR, WARNING),
        ("WAITING", 5 * MINUTE, INFO),
        ("STOPPED", 24 * HOUR, WARNING),
        ("RESTARTING", 15 * MINUTE, WARNING),
        ("UNASSIGNED", 15 * MINUTE, WARNING),
        ("CREATING", 60 * MINUTE, WARNING),
        ("creating", 90 * MINUTE, WARNING),
    ],
)
def test_a_status_outside_ok_is_breached_by_its_word_and_how_long_it_lasted(
    word: str, lasted: timedelta, severity: Severity
) -> None:
    judgement = seen(a_history(a_sample(status=word)), RuleType.STATUS, STATUS, after=lasted)
    assert judgement is not None
    assert (judgement.verdict, judgement.severity) == (Verdict.BREACHED, severity)
    assert judgement.value == word


@pytest.mark.parametrize(
    ("word", "lasted"),
    [
        ("PAUSED", 5 * MINUTE - timedelta(seconds=1)),
        ("RESTARTING", 15 * MINUTE - timedelta(seconds=1)),
        ("CREATING", 59 * MINUTE),
    ],
)
def test_a_status_that_may_last_a_while_holds_until_then(word: str, lasted: timedelta) -> None:
    judgement = seen(a_history(a_sample(status=word)), RuleType.STATUS, STATUS, after=lasted)
    assert judgement is not None
    assert judgement.verdict is Verdict.HOLDING


@pytest.mark.parametrize("word", ["RUNNING", "running", "Running"])
def test_a_status_that_is_ok_is_not_mentioned(word: str) -> None:
    assert found(a_history(a_sample(status=word)), STATUS) == {}


def test_a_status_has_lasted_since_it_was_first_seen() -> None:
    history = a_history(*(a_sample(at(60 * poll), status="PAUSED") for poll in range(6)))
    judgement = seen(history, RuleType.STATUS, STATUS)
    assert judgement is not None
    assert (judgement.verdict, judgement.severity) == (Verdict.BREACHED, INFO)


def test_what_is_ok_intended_or_transitional_is_the_rule_s_to_say() -> None:
    rule = StatusRule(name="mine", ok=("Paused",), intended=("failed",), transitional=("running",))
    assert found(a_history(a_sample(status="PAUSED")), rule) == {}
    for word, severity in (("FAILED", INFO), ("RUNNING", WARNING)):
        judgement = seen(a_history(a_sample(status=word)), RuleType.STATUS, rule, after=15 * MINUTE)
        assert judgement is not None
        assert (judgement.severity, judgement.rule) == (severity, "mine")


@pytest.mark.parametrize(
    ("severity", "word", "expected"),
    [(WARNING, "FAILED", WARNING), (INFO, "FAILED", INFO), (INFO, "FROZEN", INFO)],
)
def test_the_severity_of_a_rule_is_the_most_a_word_can_be(
    severity: Severity, word: str, expected: Severity
) -> None:
    rule = replace(STATUS, severity=severity)
    judgement = seen(a_history(a_sample(status=word)), RuleType.STATUS, rule)
    assert judgement is not None
    assert judgement.severity is expected


def test_times_of_a_status_may_be_given_in_delivery_intervals() -> None:
    rule = replace(STATUS, intended_after=Span(intervals=2), hold_for=Span(intervals=1))
    history = a_history(a_sample(status="PAUSED"))
    early = seen(history, RuleType.STATUS, rule, after=9 * MINUTE)
    late = seen(history, RuleType.STATUS, rule, after=10 * MINUTE)
    assert early is not None
    assert late is not None
    assert (early.verdict, late.verdict) == (Verdict.HOLDING, Verdict.BREACHED)
    assert late.hold_for == 5 * MINUTE


def test_a_disabled_status_rule_says_nothing_and_lets_an_open_alert_clear() -> None:
    off = replace(STATUS, enabled=False)
    history = a_history(a_sample(status="FAILED"))
    assert found(history, STATUS, off) == {}
    finding = found(history, STATUS, off, tracked=joined(RuleType.STATUS, TASK))
    assert finding == {RuleType.STATUS: Finding(RuleType.STATUS, Unit.STATUS)}


# --- partitions that say something else ------------------------------------------------------


def statuses_of(task: str | None, *partitions: str | None) -> TaskSample:
    rows = [(partition, status, 5, 9) for partition, status in enumerate(partitions)]
    return a_sample_of(topic_sample(TOPIC, rows), status=task)


def listed(
    *samples: TaskSample, rules: tuple[AnyRule, ...] = (STATUS,), tracked: tuple[Subject, ...] = ()
) -> Mapping[Subject, tuple[Verdict, int | str | None]]:
    history = a_history(*(replace(s, at=at(60 * n)) for n, s in enumerate(samples)))
    held = joined(RuleType.STATUS, *tracked) if tracked else None
    finding = found(history, *rules, tracked=held).get(RuleType.STATUS, a_finding())
    return {j.subject: (j.verdict, j.value) for j in finding.judgements}


def test_a_partition_that_differs_from_its_task_is_judged_by_its_own_word() -> None:
    assert listed(statuses_of("RUNNING", "RUNNING", "FAILED", "running", "PAUSED")) == {
        Subject(TOPIC, 1): (Verdict.BREACHED, "FAILED"),
        Subject(TOPIC, 3): (Verdict.HOLDING, "PAUSED"),
    }


def test_partitions_that_say_what_a_failed_task_says_are_told_by_the_task() -> None:
    assert listed(statuses_of("FAILED", "FAILED", "RUNNING")) == {
        TASK: (Verdict.BREACHED, "FAILED")
    }


def test_a_rule_about_a_topic_does_not_speak_of_the_task() -> None:
    off = replace(STATUS, match=matching(TOPIC), enabled=False)
    failed = statuses_of("FAILED", "ERROR")
    assert listed(failed, rules=(STATUS, off)) == {TASK: (Verdict.BREACHED, "FAILED")}
    assert listed(failed, rules=(off,)) == {}


def test_a_status_that_is_not_given_is_unknown_for_who_takes_part_and_else_nothing() -> None:
    silent = statuses_of(None, None, None)
    assert listed(silent) == {}
    assert listed(silent, tracked=(TASK, Subject(TOPIC, 1))) == {
        TASK: (Verdict.UNKNOWN, None),
        Subject(TOPIC, 1): (Verdict.UNKNOWN, None),
    }


def test_an_odd_partition_that_falls_silent_is_unknown_and_not_what_it_was() -> None:
    odd, silent = statuses_of("RUNNING", "FAILED"), statuses_of("RUNNING", None)
    assert listed(odd, silent) == {}
    subject = Subject(TOPIC, 0)
    assert listed(odd, silent, tracked=(subject,)) == {subject: (Verdict.UNKNOWN, None)}
    assert listed(odd, replace(odd, topics=None), tracked=(subject,)) == {
        subject: (Verdict.UNKNOWN, None)
    }


def test_a_partition_that_is_well_again_clears_and_one_that_left_is_gone() -> None:
    tracked = (TASK, Subject(TOPIC, 0), Subject(TOPIC, 9))
    assert listed(statuses_of("RUNNING", "RUNNING"), tracked=tracked) == {
        Subject(TOPIC, 9): (Verdict.GONE, None)
    }


# --- which rules a task has ------------------------------------------------------------------


def test_a_task_has_the_rules_that_match_it_in_the_order_given() -> None:
    tests = LagRule(
        name="tests", type=RuleType.TASK_LAG, match=Match(labels={"env": Patterns(("test",))})
    )
    all_of_them = LagRule(name="all", type=RuleType.TASK_LAG)
    rules = rules_for(a_task(env="test"), [STATUS, tests, all_of_them])
    assert [rule.name for rule in rules.rules[RuleType.TASK_LAG]] == ["tests", "all"]
    assert rules_for(a_task(), [tests]).rules == {}


# --- blindness -------------------------------------------------------------------------------


def test_without_a_reading_every_alert_but_unreachable_hears_unknown() -> None:
    tracked: dict[RuleType, Mapping[Subject, Level]] = {
        rule_type: joined(rule_type, Subject(TOPIC, 0), TASK)[rule_type] for rule_type in JUDGED
    }
    history = a_history(a_sample(lags=(10**9,), status="FAILED"), a_failure(at(60)))
    findings = found(history, STATUS, UNREACHABLE, tracked=tracked)
    assert set(findings) == set(JUDGED)
    for rule_type, finding in findings.items():
        assert finding.unit is UNITS[rule_type]
        assert {j.verdict for j in finding.judgements} == {Verdict.UNKNOWN}


def test_a_task_that_was_never_polled_is_not_judged() -> None:
    assert found(TaskHistory(), STATUS, UNREACHABLE) == {}


# --- unreachable -----------------------------------------------------------------------------


def failing(polls: int, kind: FailureKind = FailureKind.UNAVAILABLE) -> TaskHistory:
    """One good answer, then so many polls without."""
    return a_history(a_sample(), *(a_failure(at(60 * (n + 1)), kind=kind) for n in range(polls)))


@pytest.mark.parametrize(
    ("polls", "kind", "after", "severity"),
    [
        (2, FailureKind.UNAVAILABLE, timedelta(0), None),
        (3, FailureKind.UNAVAILABLE, timedelta(0), WARNING),
        (3, FailureKind.PROTOCOL, timedelta(0), WARNING),
        (1, FailureKind.DENIED, timedelta(0), WARNING),
        (3, FailureKind.UNAVAILABLE, 28 * MINUTE - timedelta(seconds=1), WARNING),
        (3, FailureKind.UNAVAILABLE, 28 * MINUTE, CRITICAL),
    ],
)
def test_a_task_is_unreachable_after_stale_polls_and_at_once_when_refused(
    polls: int, kind: FailureKind, after: timedelta, severity: Severity | None
) -> None:
    judgement = seen(failing(polls, kind), RuleType.UNREACHABLE, UNREACHABLE, after=after)
    if judgement is None:
        assert severity is None
    else:
        assert (judgement.verdict, judgement.severity) == (Verdict.BREACHED, severity)
        assert (judgement.value, judgement.detail) == (kind.value, "no answer within 10 s")


@pytest.mark.parametrize(("severity", "later"), [(INFO, CRITICAL), (CRITICAL, CRITICAL)])
def test_what_lasts_becomes_critical_whatever_it_began_as(
    severity: Severity, later: Severity
) -> None:
    rule = replace(UNREACHABLE, severity=severity, critical_after=Span(intervals=2))
    soon = seen(failing(3), RuleType.UNREACHABLE, rule)
    lasting = seen(failing(3), RuleType.UNREACHABLE, rule, after=8 * MINUTE)
    assert soon is not None
    assert lasting is not None
    assert (soon.severity, lasting.severity) == (severity, later)


def test_a_few_failures_leave_an_open_alert_unknown_and_a_reading_clears_it() -> None:
    tracked = joined(RuleType.UNREACHABLE, TASK)
    few = found(failing(2), UNREACHABLE, tracked=tracked)[RuleType.UNREACHABLE]
    assert [(j.subject, j.verdict) for j in few.judgements] == [(TASK, Verdict.UNKNOWN)]
    read = found(a_history(a_sample()), UNREACHABLE, tracked=tracked)[RuleType.UNREACHABLE]
    assert (read.judgements, read.slow_clear) == ((), None)


def test_while_the_account_speaks_its_tasks_do_not() -> None:
    assert found(failing(9), UNREACHABLE, account_speaks=True) == {}
    tracked = joined(RuleType.UNREACHABLE, TASK)
    told = found(failing(9), UNREACHABLE, tracked=tracked, account_speaks=True)
    (judgement,) = told[RuleType.UNREACHABLE].judgements
    assert (judgement.verdict, judgement.detail) == (Verdict.UNKNOWN, "told of the account")


def test_without_an_unreachable_rule_nothing_is_said_of_failures() -> None:
    off = replace(UNREACHABLE, enabled=False)
    assert found(failing(9), UNREACHABLE, off) == {}
