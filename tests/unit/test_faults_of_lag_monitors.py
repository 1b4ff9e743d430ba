"""Faults that users report of other lag monitors, each as the right behaviour of this one.

The numbers in brackets are those of the public reports: B Burrow, KE kafka_exporter, KLE
kafka-lag-exporter, LR librdkafka and so on.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.history import TaskHistory
from bot.domain.marks import CAUGHT_UP
from bot.domain.model import FailureKind, Severity, Subject, TaskState, topic_sample
from bot.domain.policy import BUILT_IN, LagRule, RuleType, StatusRule, View
from bot.domain.reports import TaskView, view_of
from bot.domain.tiles import NO_READING
from tests.builders import TOPIC, a_sample_of, a_task, at
from tests.unit.story import OPENED, RESOLVED, Story

AGE, RESET, MISSING, STATUS = (
    RuleType.AGE,
    RuleType.OFFSET_RESET,
    RuleType.MISSING,
    RuleType.STATUS,
)
LEVEL = LagRule(name="lag", type=RuleType.PARTITION_LAG, warning=1_000, view=View.INSTANT)
TOTAL = LagRule(name="total", type=RuleType.TASK_LAG, warning=1_000, view=View.INSTANT)


def seen(history: TaskHistory, second: float = 0) -> TaskView:
    """What is told of a task."""
    now = history.seen_at or at(second)
    return view_of(a_task(), history, (), now=now, stale_after=timedelta(minutes=3))


# --- numbers ---------------------------------------------------------------------------------


def test_an_absent_offset_is_neither_0_nor_the_whole_log() -> None:  # KE 28, KLE 45, LR 1911
    story = Story(rules=(*BUILT_IN, LEVEL))
    for second in range(0, 3_600, 60):
        story.poll(second, (None, 5_000_000))
    assert story.events == []
    assert seen(story.history).lag is None


def test_a_small_negative_lag_of_two_moments_is_caught_up() -> None:  # KE 76, 169, 287
    story = Story(rules=(*BUILT_IN, LEVEL))
    for second in range(0, 3_600, 60):
        story.poll(second, (second + 3, second))
    assert seen(story.history).lag == 0
    assert story.events == []


def test_a_truly_negative_lag_is_an_event_of_its_own() -> None:  # Datadog 483, PR 626
    story = Story()
    said = [one for s in range(0, 600, 60) for one in story.poll(s, (90_000, s))]
    assert said == [(RESET, OPENED)]


def test_a_lag_that_jumps_for_one_poll_is_not_told() -> None:  # B 740
    story = Story(rules=(*BUILT_IN, LEVEL))
    for second in range(0, 600, 60):
        story.poll(second, (second, second))
    assert story.poll(600, (0, 600)) == []
    for second in range(660, 1_200, 60):
        assert story.poll(second, (second, second)) == []


def test_a_lag_frozen_at_its_last_value_says_how_old_it_is() -> None:  # B 287, 446
    story = Story()
    story.poll(0, (0, 700))
    for second in range(60, 600, 60):
        story.fail(second)
    view = seen(story.history)
    assert (view.lag, view.read_at, view.state) == (700, at(0), TaskState.UNKNOWN)


def test_one_unknown_does_not_poison_a_total() -> None:  # KLE 125, 265
    story = Story(rules=(*BUILT_IN, TOTAL))
    assert story.poll(0, (0, 2_000), (None, 7)) == [(RuleType.TASK_LAG, OPENED)]
    view = seen(story.history)
    assert (view.lag, view.known, view.unknown) == (2_000, 1, 1)


def test_stuck_unknown_and_healthy_partitions_are_three_sets() -> None:  # KEDA 5906, 5274
    story = Story()
    story.poll(0, (0, 0), (0, None), (0, 0))
    for second in range(60, 3_600, 60):
        story.poll(second, (0, second), (0, None), (second, second))
    assert [j.subject.partition for j in story.open()[AGE].evidence] == [0]
    view = seen(story.history)
    assert (view.known, view.unknown) == (2, 1)


def test_0_unknown_and_paused_are_different_words() -> None:  # kafka-ui 4503
    nothing, unknown, paused = Story(), Story(), Story()
    nothing.poll(0, (5, 5))
    unknown.poll(0, (None, 5))
    paused.poll(0, (5, 5), status="PAUSED")
    assert (seen(nothing.history).lag, seen(nothing.history).state) == (0, TaskState.OK)
    assert seen(unknown.history).lag is None
    assert seen(paused.history).state is TaskState.PAUSED


def test_offsets_beyond_32_and_64_bits_are_taken_as_they_are() -> None:
    story = Story()
    for second, base in ((0, 2**31), (60, 2**33), (120, 2**66)):
        story.poll(second, (base, base + 7))
        assert seen(story.history).lag == 7


# --- tails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [1, 2])
def test_caught_up_but_for_a_marker_never_grows_old(left: int) -> None:  # LR 3917
    story = Story()
    for second in range(0, 90_000, 60):
        end = min(second, 6_000)
        story.poll(second, (max(end // 300 * 300 - left, 0), end))
    assert story.age() == CAUGHT_UP
    assert AGE not in story.open()


def test_a_topic_that_is_quiet_at_night_is_never_old() -> None:  # trackme 104
    story = Story()
    end = position = 0
    for second in range(0, 2 * 86_400, 60):
        end += 600 if 6 * 3_600 <= second % 86_400 < 22 * 3_600 else 0
        position = end if second % 300 == 0 else position
        story.poll(second, (position, end))
    assert story.events == []


def test_buffered_records_that_never_advance_the_commit_are_told() -> None:  # storage-cloud PR 940
    story = Story()
    for second in range(0, 3_600, 60):
        story.poll(second, (0, second))
    assert AGE in story.open()


# --- resets and lifecycle --------------------------------------------------------------------


def test_a_topic_made_anew_is_no_stop_and_no_endless_lag() -> None:  # B 256, 864, KLE 197
    story = Story(rules=(*BUILT_IN, LEVEL))
    said = []
    for second in range(0, 3_600, 60):
        said += story.poll(second, (90_000 + second // 300 * 300, 90_000 + second))
    for second in range(3_600, 9_000, 60):
        said += story.poll(second, (max(second // 300 * 300 - 3_600, 0), second - 3_600))
    assert said == [(RESET, OPENED), (RESET, RESOLVED)]


def test_fewer_partitions_than_before_stop_nothing() -> None:  # KLE 478
    story = Story()
    story.poll(0, *[(5, 5)] * 4)
    for second in range(60, 600, 60):
        story.poll(second, *[(5, 5)] * 2)
    assert {j.subject for j in story.open()[MISSING].evidence} == {
        Subject(TOPIC, 2),
        Subject(TOPIC, 3),
    }


def test_a_new_topic_is_watched_from_its_first_answer() -> None:  # KLE 504
    story = Story()
    for second in range(0, 300, 60):
        story.poll(second, topics={"a": [(second, second)]})
    for second in range(300, 3_600, 60):
        story.poll(second, topics={"a": [(second, second)], "b": [(0, second)]})
    assert [j.subject for j in story.open()[AGE].evidence] == [Subject("b", 0)]


def test_what_stops_reporting_is_an_alert_and_no_gap() -> None:  # KE 226, 463, KLE 36, 63
    story = Story()
    story.poll(0, (5, 5))
    said = [one for s in range(60, 600, 60) for one in story.fail(s, FailureKind.UNAVAILABLE)]
    assert said == [(RuleType.UNREACHABLE, OPENED)]
    empty = Story()
    assert [one for s in range(0, 300, 60) for one in empty.poll(s)] == [(MISSING, OPENED)]


def test_a_topic_that_a_task_left_ends_what_was_said_of_it() -> None:  # klag 92, KMinion 5
    story = Story()
    for second in range(0, 3_600, 60):
        story.poll(second, topics={"a": [(0, second)], "b": [(second, second)]})
    assert AGE in story.open()
    for second in range(3_600, 5_400, 60):
        story.poll(second, topics={"b": [(second, second)]})
    assert AGE not in story.open()


# --- at the start ----------------------------------------------------------------------------


def test_one_reading_is_no_verdict() -> None:  # B 351: mail right after the start at lag 1
    for rows in [((0, 1),), ((0, 10**9),), ((0, 1), (5, 5))]:
        assert Story().poll(0, *rows) == []


# --- statuses --------------------------------------------------------------------------------


def test_a_passing_rebalance_is_not_told() -> None:  # connect-monit 10
    story = Story()
    story.poll(0, (5, 5))
    for second in range(60, 600, 60):
        assert story.poll(second, (5, 5), status="UNASSIGNED") == []
    assert story.poll(600, (5, 5)) == []


def test_a_deliberate_pause_is_information_and_a_long_one_a_warning() -> None:  # mq-source 88
    story = Story()
    for second in range(0, 90_000, 60):
        story.poll(second, (5, 5), status="PAUSED")
        incident = story.open().get(STATUS)
        if second < 300:
            assert incident is None
        elif second < 86_400:
            assert incident is not None
            assert incident.severity is Severity.INFO
    assert story.open()[STATUS].severity is Severity.WARNING


def test_a_word_that_nobody_knows_is_told_once_as_what_it_is() -> None:
    story = Story()
    said = [one for s in range(0, 6_000, 60) for one in story.poll(s, (5, 5), status="ODD")]
    assert said == [(STATUS, OPENED)]
    assert story.open()[STATUS].evidence[0].value == "ODD"
    allowed = StatusRule(name="mine", ok=("RUNNING", "ODD"))
    quiet = Story(rules=(*BUILT_IN, allowed))
    assert quiet.poll(0, (5, 5), status="ODD") == []


def test_an_answer_without_a_trough_keeps_no_false_minimum() -> None:
    story = Story()
    sample = a_sample_of(topic_sample(TOPIC, [(0, "RUNNING", None, None)]), when=at(0))
    story.observe(sample)
    assert list(story.history.topics[TOPIC].trough()) == [NO_READING]
