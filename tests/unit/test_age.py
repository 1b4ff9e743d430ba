"""The age of the oldest undelivered message: what is known of it, and when it is a fault."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.marks import CAUGHT_UP, MOST_MARKS
from bot.domain.model import Severity
from bot.domain.policy import BUILT_IN, AgeRule, RuleType, Span
from bot.domain.verdicts import Cause
from tests.builders import at
from tests.unit.story import OPENED, RESOLVED, Story, minutes

AGE = RuleType.AGE


def healthy(story: Story, until_s: int, *, rate: int = 10) -> int:
    """Polls each minute of a dump that delivers everything each D; the last position."""
    position = 0
    for second in range(0, until_s, 60):
        position = int(second // story.delivery_s * story.delivery_s) * rate
        story.poll(second, (position, second * rate))
    return position


# --- bounds ----------------------------------------------------------------------------------


def test_what_was_there_at_first_sight_is_at_least_that_old() -> None:
    story = Story()
    story.poll(0, (100, 900))
    story.poll(60, (100, 900))
    assert story.age().at_least == minutes(1)
    assert story.age().at_most is None


def test_what_came_between_two_polls_is_between_the_two_old() -> None:
    story = Story()
    story.poll(0, (900, 900))
    story.poll(60, (900, 1000))
    story.poll(120, (900, 1100))
    assert story.age().at_least == minutes(1)
    assert story.age().at_most == minutes(2)
    assert story.age().since == at(60)


def test_a_delivery_makes_the_age_that_of_what_it_left() -> None:
    story = Story()
    for second in range(0, 600, 60):
        story.poll(second, (0, second * 10))
    story.poll(600, (3_000, 6_000))
    assert story.age().at_least == minutes(4)
    assert story.age().at_most == minutes(5)
    story.poll(660, (6_600, 6_600))
    assert story.age() == CAUGHT_UP


def test_a_poll_that_could_not_read_the_log_end_proves_no_upper_bound() -> None:
    story = Story()
    story.poll(0, (900, 900))
    story.poll(60, (900, None))
    story.poll(120, (900, 1000))
    assert story.age().at_least == minutes(0)
    assert story.age().at_most is None


@st.composite
def days(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, bool, bool]]]:
    """Arrivals of messages, deliveries as (visible, closed), and polls as (second, readable)."""
    arrivals = sorted(draw(st.lists(st.integers(1, 4_000), max_size=40)))
    closed = sorted(draw(st.lists(st.integers(0, 4_000), max_size=8)))
    deliveries = [(at_s + draw(st.integers(0, 90)), at_s) for at_s in closed]
    seconds = draw(st.lists(st.integers(0, 5_000), min_size=1, max_size=40, unique=True))
    readable = st.sampled_from([True, True, True, False])
    return arrivals, deliveries, [(s, draw(readable), draw(readable)) for s in sorted(seconds)]


@given(days())
def test_the_bounds_always_enclose_the_truth(
    day: tuple[list[int], list[tuple[int, int]], list[tuple[int, bool, bool]]],
) -> None:
    arrivals, deliveries, polls = day
    story = Story(tolerance=0)
    for second, end_known, position_known in polls:
        closed = max((closed for seen, closed in deliveries if seen <= second), default=-1)
        position, end = bisect_right(arrivals, closed), bisect_right(arrivals, second)
        story.poll(second, (position if position_known else None, end if end_known else None))
        if end_known and position_known:
            truth = second - arrivals[position] if position < end else 0
            age = story.age()
            assert age.at_least.total_seconds() <= truth
            assert age.at_most is None or truth <= age.at_most.total_seconds()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 9)), max_size=11))
def test_who_delivers_less_is_never_younger(steps: list[tuple[int, int, int]]) -> None:
    more, less = Story(tolerance=0), Story(tolerance=0)
    end = much = little = 0
    for number, (came, delivered, held_back) in enumerate(steps):
        end += came
        much = min(much + delivered, end)
        little = max(little, min(much, little + delivered) - held_back)
        more.poll(60 * number, (much, end))
        less.poll(60 * number, (little, end))
        assert less.age().at_least >= more.age().at_least


@given(st.permutations(range(4)), st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4)))
def test_ages_are_blind_to_the_order_of_partitions(
    order: list[int], steps: list[list[int]]
) -> None:
    straight, mixed = Story(), Story()
    ends = [0, 0, 0, 0]
    for number, came in enumerate(steps):
        ends = [end + more for end, more in zip(ends, came, strict=True)]
        rows = [(end // 2, end) for end in ends]
        straight.poll(60 * number, *rows)
        mixed.poll(60 * number, *(rows[place] for place in order))
        assert [straight.age(place) for place in order] == [mixed.age(n) for n in range(4)]


def test_a_stop_of_days_is_remembered_in_few_marks_and_never_overstated() -> None:
    story = Story()
    story.poll(0, (0, 0))
    for second in range(60, 3 * 86_400, 60):
        story.poll(second, (0, second))
        assert story.age().at_least == timedelta(seconds=second - 60)
    assert len(story.history.deliveries["orders"].marks) <= MOST_MARKS


# --- the rule --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivery_s", "warning_s", "critical_s"),
    [(30, 150, 240), (300, 960, 1_860), (900, 2_760, 5_460)],
)
def test_levels_are_in_deliveries_of_the_task(
    delivery_s: int, warning_s: int, critical_s: int
) -> None:
    story = Story(delivery_s=delivery_s)
    story.poll(0, (0, 0))
    for second in range(60, critical_s + 240, 60):
        story.poll(second, (0, second))
        age_s = second - 60
        incident = story.open().get(AGE)
        assert (incident is not None) == (age_s > warning_s)
        if incident is not None:
            assert (incident.severity is Severity.CRITICAL) == (age_s > critical_s)


@pytest.mark.parametrize("delivery_s", [300, 900])
def test_a_healthy_dump_is_never_told_whatever_its_height(delivery_s: int) -> None:
    story = Story(delivery_s=delivery_s)
    healthy(story, 20_000, rate=10**9)
    assert story.events == []


def test_a_stop_is_one_incident_that_ends_a_whole_delivery_after_the_last_old_message() -> None:
    story = Story()
    position = healthy(story, 3_600)
    said = []
    for second in range(3_600, 9_000, 60):
        said += [(second, *one) for one in story.poll(second, (position, second * 10))]
    for second in range(9_000, 12_000, 60):
        position = second // 300 * 3_000
        said += [(second, *one) for one in story.poll(second, (position, second * 10))]
    (opened_s, *opened), (resolved_s, *resolved) = said
    assert (opened, resolved) == ([AGE, OPENED], [AGE, RESOLVED])
    assert 3_300 + 960 < opened_s <= 3_300 + 3 * 300 + 180
    assert 9_000 + 360 <= resolved_s <= 9_000 + 480


def test_fixed_levels_are_taken_as_they_are() -> None:
    rule = AgeRule(name="strict", warning=Span(minutes(2)), critical=Span(minutes(5)))
    story = Story(rules=(*BUILT_IN, rule))
    story.poll(0, (0, 0))
    for second in range(60, 360, 60):
        story.poll(second, (0, second))
    assert story.open()[AGE].breached_since == at(240)
    assert story.open()[AGE].rule == "strict"


def test_time_in_which_the_task_was_paused_is_shown_and_not_judged() -> None:
    story = Story()
    position = healthy(story, 3_600)
    for second in range(3_600, 90_000, 60):
        story.poll(second, (position, second * 10), status="PAUSED")
    for second in range(90_000, 90_600, 60):
        story.poll(second, (position, second * 10))
    assert AGE not in story.open()
    assert story.age().at_least > timedelta(hours=23)
    for second in range(90_600, 91_200, 60):
        story.poll(second, (position, second * 10))
    assert AGE in story.open()


def test_pausing_closes_nothing() -> None:
    story = Story()
    position = healthy(story, 3_600)
    for second in range(3_600, 5_400, 60):
        story.poll(second, (position, second * 10))
    assert AGE in story.open()
    for second in range(5_400, 20_000, 60):
        story.poll(second, (position, second * 10), status="PAUSED")
    assert AGE in story.open()


# --- tails and standing lags -----------------------------------------------------------------


def test_an_idle_tail_has_a_level_of_its_own_and_is_said_to_be_one() -> None:
    story = Story()
    story.poll(0, (0, 0))
    for second in range(60, 3_000, 60):
        story.poll(second, (0, 1_000))
        age_s = second - 60
        assert (AGE in story.open()) == (age_s > 6 * 300 + 60)
    (judgement,) = story.open()[AGE].evidence
    assert judgement.cause is Cause.IDLE_TAIL
    assert story.open()[AGE].severity is Severity.WARNING


def test_a_tail_of_a_sink_that_is_known_to_deliver_tails_has_the_usual_level() -> None:
    story = Story()
    for cycle in range(4):  # Messages come, fall silent, and are delivered to the very end.
        start = cycle * 600
        story.poll(start, (cycle * 50, cycle * 50 + 50))
        for second in range(start + 60, start + 300, 60):
            story.poll(second, (cycle * 50, cycle * 50 + 50))
        for second in range(start + 300, start + 600, 60):
            story.poll(second, (cycle * 50 + 50, cycle * 50 + 50))
    for second in range(2_400, 3_600, 60):
        story.poll(second, (200, 250))
    assert story.open()[AGE].evidence[0].cause is Cause.NO_PROGRESS


@pytest.mark.parametrize("left", [1, 5])
def test_a_standing_lag_of_a_few_messages_with_a_still_log_end_is_caught_up(left: int) -> None:
    story = Story()
    for second in range(0, 3_600, 60):
        end = min(second, 600) * 10
        position = max(min(second // 300 * 300, 600) * 10 - left, 0)
        story.poll(second, (position, end))
    for second in range(3_600, 90_000, 600):
        story.poll(second, (6_000 - left, 6_000))
    assert story.age() == CAUGHT_UP
    assert AGE not in story.open()


def test_a_lag_of_one_message_is_told_once_more_come_and_are_not_delivered() -> None:
    story = Story()
    for second in range(0, 3_600, 60):
        story.poll(second, (99, 100))
    assert story.events == []
    for second in range(3_600, 7_200, 60):
        story.poll(second, (99, 100 + second // 1_200))
    assert AGE in story.open()


# --- never delivered -------------------------------------------------------------------------


def test_no_position_on_an_idle_topic_is_normal() -> None:
    story = Story()
    for second in range(0, 86_400, 600):
        story.poll(second, (None, 5_000))
    assert story.events == []


def test_no_position_while_messages_come_is_never_delivered() -> None:
    story = Story()
    for second in range(0, 2_400, 60):
        story.poll(second, (None, 5_000 + second))
    incident = story.open()[AGE]
    assert incident.evidence[0].cause is Cause.NEVER_DELIVERED
    assert incident.evidence[0].since == at(60)


def test_the_first_delivery_ends_it() -> None:
    story = Story()
    for second in range(0, 2_400, 60):
        story.poll(second, (None, 5_000 + second))
    for second in range(2_400, 3_600, 60):
        story.poll(second, (5_000 + second // 300 * 300, 5_000 + second))
    assert AGE not in story.open()
