"""Whatever happens to topics and partitions, what is remembered of them stays sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.marks import MOST_MARKS, UNKNOWN
from bot.domain.model import FailureKind
from bot.domain.policy import RuleType
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
