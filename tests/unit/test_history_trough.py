"""The trough against a plain list of every reading, whatever partitions and polls do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.history import TaskHistory, fold, window_of
from bot.domain.model import Observation, TaskSample, TopicSample, topic_sample
from bot.domain.tiles import MOST_TILES, TILES
from tests.builders import TOPIC, a_failure, a_sample_of, a_topic, at

PARTITIONS = 3
STALE_POLLS = 3

Offsets = tuple[int | None, int | None]
"""Transferred and log end."""


@dataclass(slots=True)
class PlainList:
    """Every reading of one partition: what the trough stands for, without any tiles."""

    longest_gap: timedelta
    readings: list[tuple[datetime, int]] = field(default_factory=list)
    since: datetime | None = None
    """First reading of the present run without gap, reset or absence."""
    clean_since: datetime | None = None
    """First of the present run in which every single poll gave a reading."""

    def restart(self) -> None:
        """The partition was absent, or its offsets fell."""
        self.since = self.clean_since = None

    def read(self, when: datetime, lag: int) -> None:
        if self.readings and when - self.readings[-1][0] > self.longest_gap:
            self.restart()
        self.since = self.since or when
        self.clean_since = self.clean_since or when
        self.readings.append((when, lag))

    def lowest(self, start: datetime) -> int:
        """The true minimum of what was read since `start`."""
        return min(lag for when, lag in self.readings if when >= start)


@dataclass(slots=True)
class Partition:
    """A partition that grows, is delivered, starts anew, vanishes and falls silent."""

    plain: PlainList
    transferred: int = 0
    log_end: int = 0
    seen: bool = True
    readable: bool = True

    def lives(self, luck: Random, scale: int) -> None:
        self.log_end += luck.randrange(100) * scale
        if luck.random() < 0.3:
            self.transferred += (self.log_end - self.transferred) * luck.randrange(11) // 10
        if luck.random() < 0.01:
            self.transferred, self.log_end = 0, luck.randrange(3) * scale
        self.seen = _turned(self.seen, luck, leaves=0.01, returns=0.3)
        self.readable = _turned(self.readable, luck, leaves=0.04, returns=0.3)

    @property
    def row(self) -> Offsets:
        return (self.transferred, self.log_end) if self.readable else (None, None)


def _turned(now: bool, luck: Random, *, leaves: float, returns: float) -> bool:
    return not now if luck.random() < (leaves if now else returns) else now


@dataclass(slots=True)
class World:
    """One topic and the polls that look at it."""

    interval: timedelta
    luck: Random
    scale: int
    now: datetime = at(0)
    partitions: list[Partition] = field(default_factory=list)
    shown: dict[int, Offsets] = field(default_factory=dict)
    """What the previous sample showed."""

    def __post_init__(self) -> None:
        gap = STALE_POLLS * self.interval
        self.partitions = [Partition(PlainList(gap)) for _ in range(PARTITIONS)]

    def polled(self, delivery_interval: timedelta) -> Observation:
        """The next poll, noted in the plain lists too."""
        pause = self.luck.choice((1, 1, 1, 1, 1, 1, 1, 2, 3.4)) * self.luck.uniform(0.95, 1.05)
        self.now += pause * self.interval
        for partition in self.partitions:
            partition.lives(self.luck, self.scale)
        kind = self.luck.random()
        if kind < 0.04:
            self._unseen()
            return a_failure(self.now)
        sample = a_sample_of(when=self.now, delivery_interval=delivery_interval)
        if kind < 0.08:
            self._unseen()
            self.shown = {}
            return replace(sample, topics=None)
        return replace(sample, topics=(self._topic(),))

    def _unseen(self) -> None:
        for partition in self.partitions:
            partition.plain.clean_since = None

    def _topic(self) -> TopicSample:
        rows = {n: partition.row for n, partition in enumerate(self.partitions) if partition.seen}
        for number, partition in enumerate(self.partitions):
            if number not in rows or self._fell(number, rows):
                partition.plain.restart()
            if number in rows and partition.readable:
                partition.plain.read(self.now, partition.log_end - partition.transferred)
            elif number in rows:
                partition.plain.clean_since = None
        self.shown = rows
        return topic_sample(TOPIC, [(number, "RUNNING", *row) for number, row in rows.items()])

    def _fell(self, number: int, rows: Mapping[int, Offsets]) -> bool:
        """Whether two answers in a row show lower offsets than before."""
        if rows.keys() != self.shown.keys():
            return False
        pairs = zip(self.shown[number], rows[number], strict=True)
        return any(b is not None and n is not None and n < b for b, n in pairs)


@dataclass(frozen=True, slots=True)
class Setup:
    """A task and how it is polled."""

    interval: timedelta
    deliveries: tuple[timedelta, ...]
    """D of each poll in turn, round and round."""
    scale: int
    """Of the numbers: beyond 64 bits, too."""

    @property
    def steady(self) -> bool:
        return len(set(self.deliveries)) == 1


setups = st.builds(
    Setup,
    interval=st.sampled_from([timedelta(seconds=s) for s in (10, 60, 300)]),
    deliveries=st.lists(
        st.sampled_from([timedelta(seconds=s) for s in (30, 47, 300, 900)]), min_size=1, max_size=4
    ).map(tuple),
    scale=st.sampled_from([1, 2**61, 2**66]),
)


@settings(max_examples=80, deadline=None)
@given(setups, st.integers(0, 2**32))
def test_the_trough_is_the_true_minimum_of_a_covered_window_and_little_more(
    setup: Setup, seed: int
) -> None:
    world = World(setup.interval, Random(seed), setup.scale)
    history = TaskHistory()
    for poll in range(80):
        delivery_interval = setup.deliveries[poll // 7 % len(setup.deliveries)]
        observation = world.polled(delivery_interval)
        once = fold(history, observation, interval=setup.interval, stale_polls=STALE_POLLS)
        again = fold(once, observation, interval=setup.interval, stale_polls=STALE_POLLS)
        assert again is once
        history = once
        if isinstance(observation, TaskSample) and observation.topics is not None:
            check_troughs(world, history, setup, window_of(delivery_interval, setup.interval))


def check_troughs(world: World, history: TaskHistory, setup: Setup, window: timedelta) -> None:
    topic = history.topics[TOPIC]
    assert len(topic.tiles) <= (TILES + 1 if setup.steady else MOST_TILES)
    start = world.now - window
    earliest = start - window / TILES - STALE_POLLS * setup.interval
    for number, lowest, covered in zip(
        topic.partitions, topic.trough(), topic.covers(start), strict=True
    ):
        partition = world.partitions[number]
        if not partition.readable:
            continue
        plain = partition.plain
        assert lowest <= partition.log_end - partition.transferred
        if covered:
            assert plain.since is not None
            assert plain.since <= start
            assert lowest <= plain.lowest(start)
        if setup.steady:
            assert lowest >= plain.lowest(earliest)
            assert covered or plain.clean_since is None or plain.clean_since > start


def test_however_the_delivery_interval_is_changed_the_tiles_stay_few() -> None:
    history = TaskHistory()
    readings: list[tuple[datetime, int]] = []
    most, when, delivery_interval = 0, at(0), timedelta(seconds=30)
    for poll in range(60):
        # Just slow enough that every poll makes a tile, and none is old enough to go.
        window = window_of(delivery_interval, timedelta(seconds=1))
        when += window / TILES
        readings.append((when, poll * 37 % 60))
        topic = a_topic(lags=(readings[-1][1],), transferred=1_000 * poll)
        sample = a_sample_of(topic, when=when, delivery_interval=delivery_interval)
        history = fold(history, sample, interval=timedelta(seconds=1), stale_polls=10**9)
        most = max(most, len(history.topics[TOPIC].tiles))
        (lowest,) = history.topics[TOPIC].trough()
        assert lowest <= min(lag for read_at, lag in readings if read_at >= when - window)
        delivery_interval *= 1.34
    assert most == MOST_TILES
