"""How fast the past goes through the core: `python -m tests.bench.replay`.

A hundred tasks of ten partitions are polled each minute for a week, a million samples in all. They
are made beforehand in slices, so that only fold, rules and automaton are counted. As machines
differ, the time is given beside that of a plain loop of ten million additions on the same one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

from bot.domain.model import Destination, TaskKey, TaskSample, WatchedTask, topic_sample
from bot.domain.policy import BUILT_IN
from bot.domain.replay import Replay
from bot.domain.rules import rules_for
from tests.builders import START

PARTITIONS = 10
INTERVAL = timedelta(seconds=60)
DELIVERY = timedelta(seconds=300)
WEEK = 7 * 24 * 60
TASKS = 100
SLICE = 1_440


def main(words: Sequence[str] | None = None) -> int:
    """Replays and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replay", description=__doc__)
    parser.add_argument("--polls", type=int, default=WEEK, help="of each task (a week)")
    parser.add_argument("--tasks", type=int, default=TASKS)
    options = parser.parse_args(words)
    yardstick_s = _additions()
    took_s = sum(_replayed(number, options.polls) for number in range(options.tasks))
    samples = options.polls * options.tasks
    print(
        f"{samples:,} samples of {PARTITIONS} partitions in {took_s:.1f} s,"
        f" {took_s / samples * 1e6:.0f} µs each; ten million additions took {yardstick_s:.2f} s:"
        f" {took_s / yardstick_s:.0f} times as long"
    )
    return 0


def _additions() -> float:
    begin, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - begin


def _replayed(number: int, polls: int) -> float:
    key = TaskKey("bench", "connector", f"task-{number}")
    task = WatchedTask(key, name=key.task_id, task_name=key.task_id, interval=INTERVAL)
    replay = Replay(task, rules_for(task, BUILT_IN))
    took = 0.0
    for first in range(0, polls, SLICE):
        samples = [_sample(key, poll) for poll in range(first, min(first + SLICE, polls))]
        begin = time.perf_counter()
        for sample in samples:
            replay.feed(sample)
        took += time.perf_counter() - begin
    return took


def _sample(key: TaskKey, poll: int) -> TaskSample:
    end, position = 6_000 * poll, 6_000 * (poll // 5 * 5)
    rows = [(p, "RUNNING", position + p, end + p) for p in range(PARTITIONS)]
    return TaskSample(
        key,
        START + poll * INTERVAL,
        "RUNNING",
        (topic_sample("events", rows),),
        destination=Destination(deliver_interval=DELIVERY),
    )


if __name__ == "__main__":
    sys.exit(main())
