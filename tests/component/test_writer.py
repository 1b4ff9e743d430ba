"""Writing behind: batches, a store that goes away, and the last batch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.history import TaskHistory
from bot.domain.model import TaskKey, TaskSample
from bot.ports import StoreUnavailable
from bot.services.writer import BATCH, KEPT, POLLS_PER_WINDOW, WriteBehind
from tests.builders import START, a_failure, a_history, a_key, a_sample, at
from tests.fake_store import FakeStore
from tests.fakes import Recorder

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("disk full")


class CountingStore(FakeStore):
    """Counts the batches, and may take time for them."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.takes = timedelta(0)
        self.windows_fail = False
        self.oldest = START

    async def append_samples(self, samples: Sequence[TaskSample]) -> None:
        self.batches.append(len(samples))
        self.oldest = samples[0].at
        await asyncio.sleep(self.takes.total_seconds())
        # A store in memory looks through all there is; thousands would take it long.
        await super().append_samples(samples[-2 * BATCH :])

    async def save_windows(self, windows: Mapping[TaskKey, TaskHistory]) -> None:
        if self.windows_fail:
            raise AWAY
        await super().save_windows(windows)


class Bench:
    """A writer and its store."""

    def __init__(self) -> None:
        self.store = CountingStore()
        self.recorder = Recorder()
        self.behind = WriteBehind(self.store, self.recorder)

    def add(self, *seconds: float, task: str = "orders") -> None:
        for second in seconds:
            sample = a_sample(at(second), key=a_key(task))
            self.behind.add(sample, a_history(sample))

    def stored(self, task: str = "orders") -> int:
        return len(self.store.kept.samples.get(a_key(task), {}))


async def test_samples_and_windows_are_written_together_every_two_seconds() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.behind.run())
    for second in range(10):
        bench.add(second)
        await asyncio.sleep(1)
    running.cancel()
    assert bench.stored() >= 8
    assert len(bench.store.batches) <= 6
    assert bench.store.kept.windows[a_key()].sample is not None


async def test_a_full_batch_is_written_before_its_time() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.behind.run())
    await asyncio.sleep(0.1)
    bench.add(*range(BATCH))
    await asyncio.sleep(0.1)
    assert bench.store.batches == [BATCH]
    running.cancel()


async def test_nothing_is_written_where_nothing_waits() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.behind.run())
    await asyncio.sleep(60)
    running.cancel()
    assert bench.store.batches == []


async def test_a_window_without_a_sample_is_written_too() -> None:
    bench = Bench()
    bench.behind.keep(a_key(), a_history(a_failure()))
    await bench.behind.flush()
    assert bench.store.kept.windows[a_key()].failure is not None


async def test_windows_take_turns_and_none_waits_longer_than_its_polls() -> None:
    bench = Bench()
    tasks = [f"task-{number}" for number in range(7)]
    behind: dict[str, int] = dict.fromkeys(tasks, 0)
    for poll in range(40):
        for task in tasks:
            bench.add(60 * poll, task=task)
        await bench.behind.write()
        for task in tasks:
            sample = bench.store.kept.windows[a_key(task)].sample
            assert sample is not None
            behind[task] = poll - round((sample.at - START).total_seconds() / 60)
        assert max(behind.values()) <= POLLS_PER_WINDOW
    assert len(set(behind.values())) > 1, "they are not written all at once"


async def test_few_samples_at_a_time_bring_a_window_too() -> None:
    bench = Bench()
    for poll in range(POLLS_PER_WINDOW + 1):
        bench.add(60 * poll)
        await bench.behind.write()
    sample = bench.store.kept.windows[a_key()].sample
    assert sample is not None
    assert sample.at > at(0)


async def test_a_failed_poll_and_a_last_flush_do_not_wait_for_a_turn() -> None:
    bench = Bench()
    bench.add(0)
    await bench.behind.write()
    failed = a_history(a_sample(), a_failure(at(60)))
    bench.behind.keep(a_key(), failed)
    await bench.behind.write()
    assert bench.store.kept.windows[a_key()] == failed
    bench.add(120)
    await bench.behind.write()
    assert bench.store.kept.windows[a_key()] == failed
    await bench.behind.flush()
    assert bench.store.kept.windows[a_key()] == a_history(a_sample(at(120)))


async def test_a_window_that_could_not_be_written_needs_no_other_turn() -> None:
    bench = Bench()
    bench.store.windows_fail = True
    bench.add(0)
    await bench.behind.write()
    bench.store.windows_fail = False
    await bench.behind.write()
    assert bench.store.kept.windows[a_key()] == a_history(a_sample())


async def test_what_cannot_be_written_is_kept_in_order_and_written_later() -> None:
    bench = Bench()
    bench.add(0, 60)
    bench.store.failing = AWAY
    await bench.behind.flush()
    bench.add(120)
    await bench.behind.flush()
    bench.store.failing = None
    await bench.behind.flush()
    assert list(bench.store.kept.samples[a_key()]) == [at(0), at(60), at(120)]
    assert bench.recorder.events() == ["samples wait for the store"]


async def test_a_newer_window_is_not_replaced_by_one_that_could_not_be_written() -> None:
    bench = Bench()
    bench.store.takes = timedelta(seconds=5)
    bench.add(0)
    bench.store.windows_fail = True
    writing = asyncio.create_task(bench.behind.flush())
    await asyncio.sleep(1)
    bench.add(60)
    await writing
    bench.store.windows_fail = False
    await bench.behind.flush()
    sample = bench.store.kept.windows[a_key()].sample
    assert sample is not None
    assert sample.at == at(60)
    assert bench.store.batches == [1, 1], "samples that were written are not written again"


async def test_while_the_store_is_away_full_batches_do_not_ask_it_again_and_again() -> None:
    bench = Bench()
    bench.store.failing = AWAY
    running = asyncio.create_task(bench.behind.run())
    bench.add(*range(BATCH))
    await asyncio.sleep(1)
    asked = len(bench.store.batches)
    for second in range(1000):
        bench.add(BATCH + second)
        await asyncio.sleep(0.01)
    running.cancel()
    assert len(bench.store.batches) - asked <= 6


async def test_when_the_store_is_away_too_long_the_oldest_samples_go_and_it_is_said() -> None:
    bench = Bench()
    bench.store.failing = AWAY
    sample = a_sample()
    window = a_history(sample)
    for second in range(KEPT + 5):
        bench.behind.add(replace(sample, at=at(second)), window)
    await bench.behind.flush()
    bench.store.failing = None
    await bench.behind.flush()
    assert bench.store.batches[-1] == KEPT
    assert bench.store.oldest == at(5)
    assert "samples dropped" in bench.recorder.events()


async def test_after_a_last_flush_nothing_waits_though_another_was_in_hand() -> None:
    bench = Bench()
    bench.store.takes = timedelta(seconds=5)
    running = asyncio.create_task(bench.behind.run())
    bench.add(0)
    await asyncio.sleep(3)
    bench.add(60)
    await bench.behind.flush()
    running.cancel()
    assert bench.stored() == 2


async def test_a_store_that_works_again_is_complained_of_anew_when_it_fails_anew() -> None:
    bench = Bench()
    for second in (0, 60):
        bench.store.failing = AWAY
        bench.add(second)
        await bench.behind.flush()
        bench.store.failing = None
        await bench.behind.flush()
    assert bench.recorder.events() == ["samples wait for the store"] * 2
