"""How long a backlog takes to drain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.climbs import Climb, Climbs, Low
from bot.domain.deliveries import Flow
from bot.domain.drain import Drain, drain
from bot.domain.history import TaskHistory
from bot.domain.model import TaskSample
from tests.builders import TOPIC, a_sample, at
from tests.unit.story import Story

RATE = 100


def delivering(shares: list[float], story: Story | None = None) -> Story:
    """A share per delivery of what came since the one before; five polls each."""
    story = story or Story()
    position = 0
    for number, share in enumerate(shares):
        came = RATE * 300 * number
        position = min(position + round(share * RATE * 300), came)
        for poll in range(5):
            second = 300 * number + 60 * poll
            story.poll(second, (position, RATE * second))
    return story


def of(story: Story) -> Drain | None:
    return drain(story.history)


def test_after_a_stop_the_rates_are_those_since_it_ended() -> None:
    stopped = [1.0] * 12 + [0.0] * 6
    found = [of(delivering([*stopped, *[1.5] * after])) for after in range(1, 9)]
    known = [drain for drain in found if drain is not None]
    assert known
    assert all(drain.lasts is not None for drain in known)


def test_a_healthy_task_has_nothing_to_drain() -> None:
    assert of(delivering([1.0] * 20)) is None
    assert drain(TaskHistory()) is None
    assert of(delivering([1.0, 0.5])) is None


def test_a_sink_that_is_too_slow_never_drains_at_this_rate() -> None:
    slow = of(delivering([1.0] * 10 + [0.8] * 10))
    assert slow is not None
    assert slow.lasts is None
    assert (round(slow.intake_per_minute), round(slow.outgo_per_minute)) == (6_000, 4_800)
    assert slow.backlog > 20_000


def test_a_sink_that_catches_up_says_when() -> None:
    story = delivering([1.0] * 10 + [0.2] * 10 + [1.5] * 9)
    catching = of(story)
    assert catching is not None
    assert catching.lasts is not None
    left = timedelta(seconds=catching.backlog / (0.5 * RATE))
    assert abs(catching.lasts - left) < timedelta(minutes=5)


def test_a_stop_is_a_backlog_that_only_grows() -> None:
    story = delivering([1.0] * 10 + [0.0] * 8)
    stopped = of(story)
    assert stopped is not None
    assert (stopped.lasts, stopped.outgo_per_minute) == (None, 0.0)
    assert round(stopped.intake_per_minute) == 6_000


def test_numbers_beyond_every_float_have_no_rate() -> None:
    story = delivering([1.0] * 10 + [0.8] * 10)
    topic = story.history.deliveries[TOPIC]
    huge = tuple(Flow(at(60 * n), n * 10**400, n * 10**400) for n in range(3))
    vast = replace(story.history, deliveries={TOPIC: replace(topic, flow=huge)})
    assert drain(vast) is None


def test_what_would_last_longer_than_time_can_say_never_ends() -> None:
    sample: TaskSample = a_sample(at(600))
    story = delivering([1.0] * 10 + [0.8] * 10)
    topic = story.history.deliveries[TOPIC]
    climb = Climb((Low(10**18, 10**19, at(0)),))
    flow = (Flow(at(0), 0, 0), Flow(at(100), 0, 0), Flow(at(500), 10**6, 10**6 + 1))
    slowly = replace(topic, flow=flow, climbs=Climbs({0: climb}))
    history = replace(story.history, sample=sample, deliveries={TOPIC: slowly})
    assert drain(history) == Drain(10**18, 10**6 / 500 * 60, (10**6 + 1) / 500 * 60, None)


def test_one_partition_that_stands_still_never_drains_though_its_topic_moves() -> None:
    story = Story()
    for second in range(0, 14_400, 60):
        done = RATE * (second // 300 * 300)
        stuck = min(done, RATE * 3_600)
        story.poll(second, (done, RATE * second), (stuck, RATE * second))
    found = of(story)
    assert found is not None
    assert found.lasts is None
    assert found.backlog == RATE * (14_340 - 3_600)
    assert (round(found.intake_per_minute), found.outgo_per_minute) == (60 * RATE, 0)


def test_what_one_topic_gains_does_not_drain_another() -> None:
    story = Story()
    for second in range(0, 14_400, 60):
        done = RATE * (second // 300 * 300)
        stuck = min(done, RATE * 3_600)
        topics = {"moves": [(done, RATE * second)], "stands": [(stuck, RATE * second)]}
        story.poll(second, topics=topics)
    found = of(story)
    assert found is not None
    assert found.lasts is None


def test_what_came_lately_to_an_idle_partition_or_topic_is_no_backlog() -> None:
    story = Story()
    for second in range(0, 9_000, 60):
        done = RATE * (second // 300 * 300)
        sparse = 5_000 + 50 * min(second // 300, 4)
        late = 50 * (second >= 8_700)
        rows = [(done, RATE * second), (sparse, sparse + late)]
        story.poll(second, topics={"orders": rows, "sparse": [(sparse, sparse + late)]})
    assert of(story) is None
