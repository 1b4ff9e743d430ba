"""What the rules of a valid configuration mean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.matching import Match, Patterns
from bot.domain.model import Severity
from bot.domain.policy import (
    AgeRule,
    AnyRule,
    DataLossRule,
    FallingBehindRule,
    LagRule,
    MissingRule,
    OffsetResetRule,
    RuleType,
    Span,
    StatusRule,
    UnreachableRule,
    View,
)
from tests.configurations import rule, settings

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("type: status", StatusRule(name="r")),
        (
            "type: partition_lag, warning: 1",
            LagRule(name="r", type=RuleType.PARTITION_LAG, warning=1),
        ),
        (
            "type: topic_lag, critical: 2k",
            LagRule(name="r", type=RuleType.TOPIC_LAG, critical=2000),
        ),
        ("type: task_lag, critical: 0", LagRule(name="r", type=RuleType.TASK_LAG, critical=0)),
        ("type: age", AgeRule(name="r")),
        ("type: falling_behind", FallingBehindRule(name="r")),
        ("type: offset_reset", OffsetResetRule(name="r")),
        ("type: missing", MissingRule(name="r")),
        ("type: unreachable", UnreachableRule(name="r")),
        ("type: data_loss", DataLossRule(name="r")),
    ],
)
def test_a_rule_takes_the_defaults_of_its_type(keys: str, expected: AnyRule) -> None:
    assert rule(keys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            (
                "type: status, ok: [RUNNING, idle], severity: warning, intended: [PAUSED],"
                " warning_after: 2d, transitional: CREATING, transitional_for: 10m, for: 1m"
            ),
            StatusRule(
                name="r",
                ok=("RUNNING", "idle"),
                severity=Severity.WARNING,
                intended=("PAUSED",),
                warning_after=Span(timedelta(days=2)),
                transitional=("CREATING",),
                transitional_for=Span(10 * MINUTE),
                hold_for=Span(MINUTE),
            ),
        ),
        (
            "type: status, transitional_for: 2h",
            StatusRule(name="r", transitional_for=Span(2 * HOUR), creating_for=Span(2 * HOUR)),
        ),
        (
            "type: partition_lag, warning: 100k, critical: 1M, view: instant, for: 2x, clear: 75%",
            LagRule(
                name="r",
                type=RuleType.PARTITION_LAG,
                warning=100_000,
                critical=1_000_000,
                view=View.INSTANT,
                hold_for=Span(intervals=2),
                clear=0.75,
            ),
        ),
        (
            "type: age, warning: 10m, critical: 1h30m, idle_tail: 1.5x",
            AgeRule(
                name="r",
                warning=Span(10 * MINUTE),
                critical=Span(90 * MINUTE),
                idle_tail=Span(intervals=1.5),
            ),
        ),
        ("type: age, warning: 1h", AgeRule(name="r", warning=Span(HOUR))),
        (
            "type: falling_behind, troughs: 5, severity: critical",
            FallingBehindRule(name="r", troughs=5, severity=Severity.CRITICAL),
        ),
        ("type: offset_reset, severity: info", OffsetResetRule(name="r", severity=Severity.INFO)),
        (
            "type: missing, polls: 4, severity: info",
            MissingRule(name="r", polls=4, severity=Severity.INFO),
        ),
        (
            "type: unreachable, severity: info, critical_after: 1h",
            UnreachableRule(name="r", severity=Severity.INFO, critical_after=Span(HOUR)),
        ),
        (
            "type: data_loss, warning: 12h, critical: 3h, retention: 3d",
            DataLossRule(
                name="r",
                warning=Span(12 * HOUR),
                critical=Span(3 * HOUR),
                retention=timedelta(days=3),
            ),
        ),
    ],
)
def test_a_rule_takes_what_it_is_given(keys: str, expected: AnyRule) -> None:
    assert rule(keys) == expected


def test_the_match_and_the_switch_of_a_rule() -> None:
    made = rule(
        "type: age, enabled: false, match: {task: 'a*', account: [eu, '!us'], connector_id: c,"
        " topic: t, labels: {team: [x, y]}}"
    )
    assert made.enabled is False
    assert made.match == Match(
        task=Patterns(("a*",)),
        account=Patterns(("eu", "!us")),
        connector_id=Patterns(("c",)),
        topic=Patterns(("t",)),
        labels={"team": Patterns(("x", "y"))},
    )


def test_built_in_rules_come_first() -> None:
    made = settings("rules: [{name: tests, type: age, enabled: false}]\n")
    assert [one.name for one in made.policies.rules] == [
        *("status", "age", "falling_behind", "offset_reset", "missing", "unreachable"),
        *("data_loss", "tests"),
    ]


def test_a_lag_rule_may_be_named_after_its_type() -> None:
    made = settings("rules: [{name: task_lag, type: task_lag, critical: 1}]\n")
    assert made.policies.rules[-1].name == "task_lag"
