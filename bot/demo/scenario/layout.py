"""From a task and what befalls it to the motion of each of its partitions."""

from collections.abc import Iterator
from datetime import timedelta
from math import pi

from bot.demo.scenario.behaviours import (
    ZERO,
    Failed,
    HotPartition,
    IdleTail,
    NotYetTransferred,
    PartitionGrowth,
    Paused,
    Recreated,
    SlowSink,
    Stall,
    Surge,
    TopicGrowth,
    concerns,
)
from bot.demo.scenario.motion import Hindrance, Motion, Restart, Rise, Wave
from bot.demo.scenario.seed import between, chance
from bot.demo.scenario.world import SinkTask, Topic


def topics_by(task: SinkTask, at: timedelta) -> Iterator[Topic]:
    """The topics of a task at this scenario time: its own and those that have appeared."""
    yield from task.topics
    for each in task.behaviours:
        if isinstance(each, TopicGrowth) and at >= each.at:
            yield Topic(each.topic, each.partitions, each.messages_per_second, exists_from=each.at)


def _growth(task: SinkTask, topic: Topic) -> Iterator[PartitionGrowth]:
    for each in task.behaviours:
        if isinstance(each, PartitionGrowth) and each.topic in (None, topic.name):
            yield each


def most_partitions(task: SinkTask, topic: Topic) -> int:
    """How many partitions it will ever have; `Motion.exists` tells which are there."""
    return topic.partitions + sum(growth.added for growth in _growth(task, topic))


def lay_out(seed: int, task: SinkTask, topic: Topic, *, number: int) -> Motion:
    """The motion of one partition; everything left open by the task comes from the seed."""
    words = (task.task_id, topic.name, number)
    deliver_every = task.deliver_every.total_seconds()
    mean_rate = topic.messages_per_second / topic.partitions
    return Motion(
        first_offset=(
            int(between(2e5, 9e7, seed=seed, words=("first", *words)))
            if topic.first_offset is None
            else topic.first_offset
        ),
        rate=mean_rate * between(0.8, 1.2, seed=seed, words=("rate", *words)),
        waves=tuple(_waves(seed, words)),
        rises=tuple(_rises(task, number)),
        hindrances=tuple(_hindrances(task, number)),
        restarts=tuple(_restarts(task, topic, number)),
        idle=next((each for each in task.behaviours if isinstance(each, IdleTail)), None),
        unstarted=_unstarted(task, number),
        deliver_every=deliver_every,
        phase=deliver_every * chance(seed, "phase", task.task_id),
        upload=between(1.0, 4.0, seed=seed, words=("upload", *words)) * min(1, deliver_every / 60),
        retention=topic.retention.total_seconds(),
    )


def _waves(seed: int, words: tuple[object, ...]) -> Iterator[Wave]:
    for period, depth in ((97.0, 0.2), (1130.0, 0.15)):
        shift = 2 * pi * chance(seed, "wave", period, *words)
        yield Wave(depth, 2 * pi / period, shift)


def _rises(task: SinkTask, number: int) -> Iterator[Rise]:
    for each in task.behaviours:
        match each:
            case Surge(window, factor, partitions) if concerns(partitions, number):
                yield Rise(window, factor)
            case HotPartition(window, partition, factor) if partition == number:
                yield Rise(window, factor)
            case _:
                pass


def _hindrances(task: SinkTask, number: int) -> Iterator[Hindrance]:
    for each in task.behaviours:
        match each:
            case Stall(window, partitions, catch_up) | Failed(window, partitions, catch_up):
                if concerns(partitions, number):
                    yield Hindrance(window, 0.0, catch_up)
            case SlowSink(window, share, partitions, catch_up) if concerns(partitions, number):
                yield Hindrance(window, share, catch_up)
            case HotPartition(window, partition, _, share, catch_up) if partition == number:
                yield Hindrance(window, share, catch_up)
            case Paused(window, catch_up):
                yield Hindrance(window, 0.0, catch_up)
            case _:
                pass


def _restarts(task: SinkTask, topic: Topic, number: int) -> Iterator[Restart]:
    born = _born(task, topic, number)
    if born is not None:
        yield Restart(born.total_seconds(), born=True)
    for each in task.behaviours:
        if isinstance(each, Recreated) and each.at > (born or ZERO):
            yield Restart(each.at.total_seconds(), keeps_position=each.keeps_position)


def _born(task: SinkTask, topic: Topic, number: int) -> timedelta | None:
    """When this partition was added; None when it was there before the start."""
    there = topic.partitions
    born = topic.exists_from
    for growth in sorted(_growth(task, topic), key=lambda growth: growth.at):
        if number >= there:
            born = growth.at
        there += growth.added
    return born


def _unstarted(task: SinkTask, number: int) -> NotYetTransferred | None:
    for each in task.behaviours:
        if isinstance(each, NotYetTransferred) and concerns(each.partitions, number):
            return each
    return None
