"""The delivery interval that a task really has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.story import Story


def deliver(story: Story, every_s: int, until_s: int, *, begin_s: int = 0) -> None:
    """A dump that delivers everything, but only so often."""
    for second in range(begin_s, until_s, 60):
        story.poll(second, (second // every_s * every_s, second))


def effective_s(story: Story) -> float:
    return story.history.delivery_interval.total_seconds()


def test_a_task_that_keeps_to_its_interval_has_it() -> None:
    story = Story(delivery_s=300)
    deliver(story, 300, 20_000)
    assert effective_s(story) == 300


def test_a_task_that_delivers_more_rarely_is_measured_by_what_it_does() -> None:
    story = Story(delivery_s=300)
    deliver(story, 600, 6_000)
    assert effective_s(story) == 300
    deliver(story, 600, 9_000, begin_s=6_000)
    assert effective_s(story) == 600


def test_a_task_that_delivers_far_more_rarely_is_not_excused_for_it() -> None:
    story = Story(delivery_s=300)
    deliver(story, 3_000, 90_000)
    assert effective_s(story) == 900
    assert story.events


def test_what_the_tick_of_commits_adds_is_not_learned() -> None:
    story = Story(delivery_s=30)
    deliver(story, 60, 20_000)
    assert effective_s(story) == 30


def test_an_edited_interval_begins_anew() -> None:
    story = Story(delivery_s=300)
    deliver(story, 600, 9_000)
    story.delivery_s = 400
    deliver(story, 600, 9_600, begin_s=9_000)
    assert effective_s(story) == 400


@pytest.mark.parametrize("idle_s", [900, 3_600])
def test_messages_that_are_few_and_far_between_teach_nothing(idle_s: int) -> None:
    story = Story(delivery_s=300)
    for second in range(0, 40 * idle_s, 60):
        came = second // idle_s
        delivered = max(second - 240, 0) // idle_s
        story.poll(second, (delivered, came))
    assert story.history.pace.learned is None


def test_polls_that_came_late_teach_nothing() -> None:
    story = Story(delivery_s=300)
    for second in range(0, 60_000, 600):
        story.poll(second, (second // 300 * 300, second))
    assert story.history.pace.gaps_s == ()
    assert story.history.delivery_interval == timedelta(seconds=300)
