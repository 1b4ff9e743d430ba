"""Whatever happens to topics and partitions, what is remembered of them stays sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.absences import KEPT_POLLS
from bot.domain.incidents import EventKind
from bot.domain.marks import MOST_MARKS, UNKNOWN
from bot.domain.model import FailureKind, topic_sample
from bot.domain.policy import RuleType
from tests.builders import TOPIC, a_sample_of, at
from tests.unit.story import Row, Story

offset = st.none() | st.integers(0, 500) | st.sampled_from([2**63, 2**70])
pairs = st.tuples(offset, offset)
rows = st.lists(pairs, max_size=4)
answers = st.dictionaries(st.sampled_from(["a", "b"]), rows, max_size=2)
statuses = st.sampled_from(["RUNNING", "RUNNING", "PAUSED", "FAILED", None, "strange"])
failures = st.sampled_from(FailureKind)
steps = st.lists(
    st.tuples(st.integers(1, 400), st.tuples(answers, statuses) | failures), max_size=30
)
SEEN_BY_NUMBERS = {RuleType.AGE, RuleType.FALLING_BEHIND, RuleType.OFFSET_RESET}


@given(st.sampled_from([30, 300]), steps)
def test_any_sequence_leaves_a_sound_state(
    delivery_s: int,
    sequence: list[tuple[int, tuple[Mapping[str, Sequence[Row]], str | None] | FailureKind]],
) -> None:
    story = Story(delivery_s=delivery_s)
    second = 0
    for wait, step in sequence:
        second += wait
        if isinstance(step, FailureKind):
            story.fail(second, step)
        else:
            topics, status = step
            story.poll(second, topics=topics, status=status)
        sound(story)


def sound(story: Story) -> None:
    """Every column is as long as the partitions, marks are few and in order, ages in bounds."""
    for deliveries in story.history.deliveries.values():
        count = len(deliveries.partitions)
        assert len(deliveries.transferred) == len(deliveries.ends) == count
        assert len(deliveries.moved_at) == len(deliveries.positions) == count
        assert 1 <= len(deliveries.marks) <= MOST_MARKS
        assert all(len(mark.ends) == count for mark in deliveries.marks)
        times = [mark.at for mark in deliveries.marks]
        assert times == sorted(times)
        assert min(deliveries.positions, default=0) >= UNKNOWN
        for _, age in deliveries.ages():
            assert timedelta(0) <= age.ran_at_least <= age.at_least
            assert age.at_most is None or age.at_least <= age.at_most
        worst = deliveries.oldest_age().at_least
        assert worst == max((age.at_least for _, age in deliveries.ages()), default=worst)
        keys = {*deliveries.starts, *deliveries.standing, *deliveries.resets}
        assert keys | {*deliveries.climbs.of_partition} <= {*deliveries.partitions}


@given(
    st.sampled_from([30, 300]),
    st.lists(st.tuples(st.integers(1, 400), st.lists(pairs, min_size=2, max_size=2)), max_size=30),
    st.sets(st.integers(0, 29)),
)
def test_an_answer_that_says_nothing_opens_nothing_and_resolves_nothing(
    delivery_s: int, sequence: list[tuple[int, list[Row]]], silent: set[int]
) -> None:
    story = Story(delivery_s=delivery_s)
    second = 0
    for number, (wait, some) in enumerate(sequence):
        second += wait
        said = story.poll(second, *([(None, None)] * 2 if number in silent else some))
        if number in silent:
            assert not [rule for rule, _ in said if rule in SEEN_BY_NUMBERS]


@pytest.mark.parametrize("lack", ["complete", "unreadable"])
def test_a_stopped_partition_that_some_answers_lack_is_told_all_the_same(lack: str) -> None:
    story = Story()
    said: list[tuple[RuleType, EventKind]] = []
    for poll in range(90):
        second = 60 * poll
        rows = [(0, "RUNNING", 1_000 + second, 1_000 + second), (1, "RUNNING", 500, 500 + poll)]
        missing = poll % 10 == 9
        unreadable = 1 if missing and lack == "unreadable" else 0
        topic = topic_sample(TOPIC, rows[:1] if missing else rows, unreadable)
        said += story.observe(a_sample_of(topic, when=at(second)))
    assert (RuleType.AGE, EventKind.OPENED) in said
    assert story.age(1).at_least > timedelta(minutes=80)
    assert RuleType.MISSING not in story.open()


def test_a_partition_that_stays_away_is_forgotten_and_begins_anew() -> None:
    story = Story()
    for second in range(0, 1_200, 60):
        story.poll(second, (1_000 + second, 1_000 + second), (500, 600 + second))
    for second in range(1_200, 1_200 + 60 * (KEPT_POLLS + 1), 60):
        story.poll(second, (1_000 + second, 1_000 + second))
    assert story.history.deliveries[TOPIC].partitions == (0,)
    story.poll(2_000, (3_000, 3_000), (500, 4_000))
    assert story.age(1).at_least == timedelta(0)


def test_one_answer_without_the_delivery_interval_keeps_the_one_that_was_known() -> None:
    story = Story(delivery_s=900)
    for second in range(0, 9_000, 60):
        done = 1_000 + second // 900 * 900
        if second == 6_000:
            topic = topic_sample(TOPIC, [(0, "RUNNING", done, 1_000 + second)])
            story.observe(a_sample_of(topic, when=at(second), delivery_interval=None))
        else:
            story.poll(second, (done, 1_000 + second))
        assert story.history.delivery_interval == timedelta(seconds=900)
    assert story.events == []


def test_where_no_answer_ever_named_a_delivery_interval_the_usual_one_is_assumed() -> None:
    story = Story()
    for second in (0, 60):
        topic = topic_sample(TOPIC, [(0, "RUNNING", 5, 5)])
        story.observe(a_sample_of(topic, when=at(second), delivery_interval=None))
    assert story.sample.destination.deliver_interval is None
    assert story.history.delivery_interval == timedelta(seconds=300)


def test_a_log_end_that_could_not_be_read_proves_nothing_of_tails() -> None:
    story = Story()
    for number in range(12):
        for poll in range(5):
            second = 300 * number + 60 * poll
            end = None if poll == 0 and number else 1_000 + 100 * number + 10 * poll
            story.poll(second, (1_000 + 100 * number, end))
    assert story.history.deliveries[TOPIC].tails == 0
