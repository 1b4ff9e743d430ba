"""Levels below the sawtooth of a healthy task."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.model import TASK, Subject, TaskSample
from bot.domain.peaks import Peaks
from bot.domain.policy import LagRule, RuleType, View
from bot.domain.ruleset import rules_for
from bot.settings.checks import check_report
from tests.builders import START, TOPIC, a_sample_of, a_task, a_topic
from tests.configurations import settings
from tests.unit.test_check import TASKS, report


def sawtooth(hours: int = 24, *, peak: int = 5_000) -> list[TaskSample]:
    """A lag that climbs to its peak and falls to nothing every five minutes; polls each minute."""
    return [
        a_sample_of(
            a_topic(lags=(peak * (minute % 5) // 4, None)),
            when=START + timedelta(minutes=minute),
        )
        for minute in range(hours * 60)
    ]


def learned(*rules: LagRule, samples: list[TaskSample] | None = None) -> Peaks:
    peaks = Peaks(rules_for(a_task(), rules))
    for sample in sawtooth() if samples is None else samples:
        peaks.feed(sample)
    return peaks


def rule(rule_type: RuleType, **levels: int) -> LagRule:
    return LagRule(name="mine", type=rule_type, view=View.INSTANT, **levels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule_type", "subject"),
    [
        (RuleType.PARTITION_LAG, Subject(TOPIC, 0)),
        (RuleType.TOPIC_LAG, Subject(TOPIC)),
        (RuleType.TASK_LAG, TASK),
    ],
)
def test_a_level_below_the_normal_peak_is_found_with_its_crossings(
    rule_type: RuleType, subject: Subject
) -> None:
    (low,) = learned(rule(rule_type, warning=2_000, critical=9_000)).low_levels()
    assert (low.level, low.peak, low.subject) == (2_000, 5_000, subject)
    assert round(low.crossings_per_day) == 288


def test_levels_above_the_peak_on_the_trough_or_never_crossed_are_fine() -> None:
    above = rule(RuleType.PARTITION_LAG, warning=5_000)
    trough = LagRule(name="trough", type=RuleType.PARTITION_LAG, warning=10)
    assert not list(learned(above).low_levels())
    assert not list(learned(trough).low_levels())
    assert not list(learned(above, samples=[]).low_levels())
    few = learned(rule(RuleType.TASK_LAG, warning=1), samples=sawtooth()[:8])
    assert not list(few.low_levels())


def test_of_many_partitions_the_one_that_crosses_most_is_named() -> None:
    samples = [
        a_sample_of(
            a_topic(lags=(900 * (minute % 20) // 19, 900 * (minute % 5) // 4)),
            when=START + timedelta(minutes=minute),
        )
        for minute in range(600)
    ]
    (low,) = learned(rule(RuleType.PARTITION_LAG, warning=500), samples=samples).low_levels()
    assert low.subject == Subject(TOPIC, 1)


def test_check_warns_of_such_a_level_and_says_what_would_be_right() -> None:
    lows = tuple(learned(rule(RuleType.PARTITION_LAG, warning=2_000)).low_levels())
    made = check_report(settings(TASKS), low_levels={"orders": lows})
    (warning,) = [each for each in made.warnings if "normal peak" in each]
    assert warning == (
        "mine: the level of 2,000 lies below the normal peak of orders (5,000 messages in"
        " orders[0]): it is crossed about 288 times a day; view: trough, or a level above the peak"
        " would be right"
    )


def test_an_instant_level_without_stored_readings_is_not_judged() -> None:
    level = "rules: [{name: lag, type: task_lag, critical: 1, view: instant}]\n"
    assert report(TASKS + level).not_judged == (
        "levels of lag against each task's own normal peak: that needs stored readings",
    )
    trough = "rules: [{name: lag, type: task_lag, critical: 1}]\n"
    assert report(TASKS + trough).not_judged == ()


def test_a_partition_that_crosses_less_often_does_not_hide_one_that_does_more() -> None:
    samples = [
        a_sample_of(
            a_topic(lags=(900 * (minute % 5) // 4, 900 * (minute % 20) // 19)),
            when=START + timedelta(minutes=minute),
        )
        for minute in range(600)
    ]
    (low,) = learned(rule(RuleType.PARTITION_LAG, warning=500), samples=samples).low_levels()
    assert low.subject == Subject(TOPIC, 0)
