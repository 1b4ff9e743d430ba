"""Offsets that begin anew, and things that are gone: told once, and nothing is reckoned across."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.model import TASK, FailureKind, Severity, Subject
from bot.domain.policy import BUILT_IN, MissingRule, OffsetResetRule, RuleType
from bot.domain.resets import ResetKind
from tests.builders import TOPIC
from tests.unit.story import OPENED, RESOLVED, Row, Story

RESET, MISSING, AGE = RuleType.OFFSET_RESET, RuleType.MISSING, RuleType.AGE


def watched(*rows: Row, until_s: int = 600) -> Story:
    """A quiet task with these rows."""
    story = Story()
    for second in range(0, until_s, 60):
        story.poll(second, *rows)
    return story


# --- resets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "kind", "numbers"),
    [
        ((0, 40), ResetKind.LOG_END_FELL, "from 15,000 to 40"),
        ((None, 40), ResetKind.LOG_END_FELL, "from 15,000 to 40"),
        ((0, 15_000), ResetKind.TRANSFERRED_FELL, "from 15,000 to 0"),
        ((15_900, 15_000), ResetKind.RAN_AHEAD, "15,900 beyond 15,000"),
    ],
)
def test_offsets_that_contradict_those_before_are_told_at_the_second_poll(
    after: Row, kind: ResetKind, numbers: str
) -> None:
    story = watched((15_000, 15_000))
    assert story.poll(600, after) == []
    assert story.poll(660, after) == [(RESET, OPENED)]
    (judgement,) = story.open()[RESET].evidence
    assert judgement.value == kind.value
    assert judgement.detail == numbers


@pytest.mark.parametrize("spike", [25_000, 10**12, 2**70])
def test_one_log_end_out_of_course_is_no_reset_and_makes_nothing_old(spike: int) -> None:
    story = Story()
    for second in range(0, 6_000, 60):
        done = 1_000 + second // 300 * 300
        story.poll(second, (done, spike if second == 3_060 else 1_000 + second))
    assert story.events == []
    assert story.age().at_least < timedelta(minutes=5)


def test_an_answer_without_offsets_does_not_end_a_reset() -> None:
    story = Story(delivery_s=30)
    for second in (60, 120):
        story.poll(second, (16, 0))
    story.poll(180, (17, 1_000))
    assert story.poll(240, (None, None)) == []
    assert RuleType.OFFSET_RESET in story.open()
    assert story.poll(300, (18, 1_000)) == [(RuleType.OFFSET_RESET, RESOLVED)]


def test_a_single_odd_reading_is_no_reset_and_no_lag() -> None:
    story = watched((15_000, 15_000))
    assert story.poll(600, (0, 15_010)) == []
    assert story.poll(660, (15_000, 15_010)) == []
    assert story.events == []
    assert story.age().at_least <= timedelta(minutes=1)


def test_a_position_a_little_ahead_of_its_log_end_is_caught_up() -> None:
    story = watched((15_000, 15_000))
    for second in range(600, 1_200, 60):
        assert story.poll(second, (15_003, 15_000)) == []


def test_a_reset_ends_with_the_first_progress_on_the_new_baseline() -> None:
    story = watched((15_000, 15_000))
    for second in range(600, 900, 60):
        story.poll(second, (0, second))
    assert RESET in story.open()
    said = [one for s in range(900, 1_200, 60) for one in story.poll(s, (900, s))]
    assert said == [(RESET, RESOLVED)]


def test_a_topic_made_anew_of_which_the_position_is_kept_stays_told() -> None:
    story = watched((15_000, 15_000))
    said = [one for s in range(600, 9_000, 60) for one in story.poll(s, (15_000, s - 600))]
    assert said == [(RESET, OPENED)]


def test_no_age_reaches_across_a_reset() -> None:
    story = watched((15_000, 15_000))
    for second in range(600, 1_500, 60):
        story.poll(second, (15_000, 16_000))
    assert story.age().at_least > timedelta(minutes=10)
    story.poll(1_500, (0, 40))
    story.poll(1_560, (0, 40))
    assert story.age().at_least == timedelta(0)


# --- missing ---------------------------------------------------------------------------------


def test_a_partition_that_is_gone_for_two_polls_is_told_and_its_return_too() -> None:
    story = watched((10, 10), (10, 10), (10, 10))
    assert story.poll(600, (10, 10), (10, 10)) == []
    assert story.poll(660, (10, 10), (10, 10)) == [(MISSING, OPENED)]
    assert story.open()[MISSING].evidence[0].subject == Subject(TOPIC, 2)
    story.poll(720, *[(10, 10)] * 3)
    assert story.poll(780, *[(10, 10)] * 3) == [(MISSING, RESOLVED)]


def test_a_topic_that_is_gone_is_one_thing_and_not_one_for_each_partition() -> None:
    story = Story()
    for second in range(0, 300, 60):
        story.poll(second, topics={"a": [(1, 1)] * 9, "b": [(1, 1)]})
    for second in range(300, 480, 60):
        story.poll(second, topics={"b": [(1, 1)]})
    assert [j.subject for j in story.open()[MISSING].evidence] == [Subject("a")]


def test_a_running_task_that_reports_nothing_is_told() -> None:
    story = Story()
    assert [one for s in (0, 60, 120) for one in story.poll(s)] == [(MISSING, OPENED)]
    assert story.open()[MISSING].evidence[0].subject == TASK


def test_a_paused_task_that_reports_nothing_is_not() -> None:
    story = Story()
    for second in range(0, 600, 60):
        story.poll(second, status="PAUSED")
    assert MISSING not in story.open()


@pytest.mark.parametrize(
    ("configured", "severity"), [(True, Severity.CRITICAL), (False, Severity.WARNING)]
)
def test_a_task_that_does_not_exist_is_missing_and_not_unreachable(
    configured: bool, severity: Severity
) -> None:
    story = Story(configured=configured)
    story.poll(0, (10, 10))
    said = [one for s in range(60, 900, 60) for one in story.fail(s, FailureKind.MISSING)]
    assert said == [(MISSING, OPENED)]
    assert story.open()[MISSING].severity is severity
    story.poll(900, (10, 10))
    assert story.poll(960, (10, 10)) == [(MISSING, RESOLVED)]


def test_other_failures_say_nothing_of_whether_it_exists() -> None:
    story = Story()
    story.poll(0, (10, 10))
    for second in range(60, 900, 60):
        story.fail(second, FailureKind.FORBIDDEN)
    assert set(story.open()) == {RuleType.UNREACHABLE}


def test_what_is_gone_for_a_day_is_not_missed_any_more() -> None:
    story = watched((10, 10), (10, 10))
    for second in range(600, 87_000, 120):
        story.poll(second, (10, 10))
    assert MISSING in story.open()
    for second in range(87_000, 87_240, 60):
        story.poll(second, (10, 10))
    assert MISSING not in story.open()


def test_partitions_that_are_new_are_neither_missing_nor_old() -> None:
    story = watched((10, 10))
    for second in range(600, 1_800, 60):
        story.poll(second, (10, 10), (None, 0))
    assert story.events == []


def test_a_reset_is_not_told_where_the_rule_is_off() -> None:
    story = watched((15_000, 15_000))
    story.rules = (*BUILT_IN, OffsetResetRule(name="off", enabled=False))
    for second in range(600, 900, 60):
        assert story.poll(second, (0, 40)) == []


def test_a_second_reset_of_an_open_one_waits_for_its_second_poll_too() -> None:
    story = watched((15_000, 15_000))
    for second in (600, 660):
        story.poll(second, (0, 4_000))
    assert story.poll(720, (0, 30)) == []
    assert story.poll(780, (0, 30)) == []
    assert story.open()[RESET].evidence[0].detail == "from 4,000 to 30"


def test_nothing_is_missed_where_the_rule_is_off() -> None:
    story = watched((10, 10), (10, 10))
    story.rules = (*BUILT_IN, MissingRule(name="off", enabled=False))
    for second in range(600, 900, 60):
        assert story.poll(second, (10, 10)) == []
