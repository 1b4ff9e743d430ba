"""Sinks that deliver, but less than comes in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.climbs import Trough, climbed
from bot.domain.incidents import EventKind
from bot.domain.policy import BUILT_IN, AgeRule, FallingBehindRule, RuleType
from bot.domain.verdicts import Cause
from tests.builders import at
from tests.unit.story import OPENED, RESOLVED, Story

BEHIND = RuleType.FALLING_BEHIND
NO_AGE = (*BUILT_IN, AgeRule(name="no-age", enabled=False))
RATE = 100


Said = tuple[RuleType, EventKind]


def sink(story: Story, share: Callable[[int], float], until_s: int) -> list[tuple[int, Said]]:
    """Polls each minute a sink that takes that share of what came since its last delivery."""
    said: list[tuple[int, Said]] = []
    position = 0
    every_s = round(story.delivery_s)
    for second in range(0, until_s, 60):
        if second % max(every_s, 60) == 0:
            cycle_s = max(every_s, 60)
            came = RATE * cycle_s if share(second) < 1 else RATE * second - position
            position = min(position + round(share(second) * came), RATE * second)
        said += [(second, one) for one in story.poll(second, (position, RATE * second))]
    return said


@pytest.mark.parametrize("delivery_s", [30, 300, 900])
def test_a_sink_that_takes_eight_tenths_is_told_soon(delivery_s: int) -> None:
    story = Story(delivery_s=delivery_s, rules=NO_AGE)
    said = sink(story, lambda s: 1.0 if s < 9_000 else 0.8, 14_000)
    second, told = said[0]
    assert told == (BEHIND, OPENED)
    assert second - 9_000 <= 3 * delivery_s + 20 * 60
    (judgement,) = story.open()[BEHIND].evidence
    assert judgement.cause is Cause.TOO_SLOW
    assert "more each minute" in judgement.detail


@pytest.mark.parametrize("delivery_s", [30, 120, 135, 300, 330, 900])
def test_a_sink_that_takes_all_is_never_told_wherever_polls_meet_its_cycle(delivery_s: int) -> None:
    story = Story(delivery_s=delivery_s)
    position = 0
    for second in range(0, 30_000, 60):
        position = RATE * ((second - 5) // delivery_s * delivery_s)
        story.poll(second, (max(position, 0), RATE * second))
    assert story.events == []


@given(
    delivery_s=st.sampled_from([30, 120, 300, 900]),
    begin=st.integers(3_000, 5_000),
    factor=st.integers(2, 50),
    commit_s=st.integers(0, 60),
    late=st.lists(st.integers(0, 5), min_size=1, max_size=40),
)
def test_a_burst_that_begins_at_any_moment_is_not_falling_behind(
    delivery_s: int, begin: int, factor: int, commit_s: int, late: list[int]
) -> None:
    def produced(second: int) -> int:
        return RATE * (second + (factor - 1) * min(max(second - begin, 0), 900))

    story = Story(delivery_s=delivery_s)
    for number in range(150):
        second = 60 * number + late[number % len(late)]
        closed = (second - commit_s) // delivery_s * delivery_s
        story.poll(second, (produced(max(closed, 0)), produced(second)))
    assert story.events == []


def test_what_came_beyond_the_usual_may_all_have_come_last() -> None:
    troughs = [(361, 5_030, 35_722), (663, 5_461, 66_845), (964, 61_806, 153_882)]
    climb, since = None, at(0)
    for second, value, end in troughs:
        trough = Trough(at(second), value, end, since)
        climb = climbed(climb, trough, from_end=0, noise=timedelta(minutes=2), least=5)
        since = at(second)
    assert climb is not None
    assert climb.noise > 61_806
    assert not climb.rising(3)


def test_it_ends_when_the_sink_catches_up_and_does_not_flap_before() -> None:
    story = Story(rules=NO_AGE)
    said = sink(story, lambda s: 0.8 if 3_000 <= s < 9_000 else 1.0, 14_000)
    assert [one for _, one in said] == [(BEHIND, OPENED), (BEHIND, RESOLVED)]
    assert 9_000 < said[1][0] < 9_000 + 3 * 300 + 360


def test_a_sink_that_keeps_its_distance_is_not_falling_behind_any_more() -> None:
    story = Story(rules=NO_AGE)
    behind = 0
    said: list[Said] = []
    for second in range(0, 14_000, 60):
        if second % 300 == 0 and 3_000 <= second < 6_000:
            behind += 6_000
        position = max(RATE * (second // 300 * 300) - behind, 0)
        said += story.poll(second, (position, RATE * second))
    assert said == [(BEHIND, OPENED), (BEHIND, RESOLVED)]


def test_a_stop_is_not_falling_behind() -> None:
    for delivery_s in (30, 300):
        story = Story(delivery_s=delivery_s, rules=NO_AGE)
        sink(story, lambda s: 1.0 if s < 3_000 else 0.0, 9_000)
        assert BEHIND not in story.open()


def test_a_poll_gap_or_a_missed_delivery_begins_the_count_anew() -> None:
    for missed in (range(4_200, 4_500), range(4_800, 5_100)):
        story = Story(rules=NO_AGE)
        position = 0
        for second in range(0, 5_160, 60):
            if second % 300 == 0:
                taken = 1.0 if second < 3_900 else 0.8
                position += round(RATE * 300 * taken)
            if second not in missed:
                story.poll(second, (min(position, RATE * second), RATE * second))
        assert BEHIND not in story.open()


def test_while_it_cannot_be_read_nothing_is_said_of_it() -> None:
    story = Story(rules=NO_AGE)
    sink(story, lambda s: 1.0 if s < 3_000 else 0.8, 9_000)
    assert BEHIND in story.open()
    for second in range(9_000, 12_000, 60):
        assert story.poll(second, (None, None)) == []
    assert BEHIND in story.open()


def test_a_rule_that_is_off_says_nothing() -> None:
    off = FallingBehindRule(name="off", enabled=False)
    story = Story(rules=(*NO_AGE, off))
    sink(story, lambda s: 1.0 if s < 3_000 else 0.8, 9_000)
    assert story.events == []
