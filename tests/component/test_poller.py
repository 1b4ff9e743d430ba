"""The poller over a scripted cloud, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.model import FailureKind, PollFailure, TaskKey, TaskSample, WatchedTask
from bot.ports import CloudUnavailable, PollMeasured, Surroundings
from bot.services.poller import Poller
from tests.fakes import FakeCloud, LoopClock, NoJitter, Observed, Recorder

pytestmark = pytest.mark.looptime

MINUTE = timedelta(seconds=60)


def task(number: int, interval: timedelta = MINUTE) -> WatchedTask:
    key = TaskKey("prod", "connector", f"task-{number}")
    return WatchedTask(key, f"t{number}", f"t{number}", interval=interval)


def healthy(watched: WatchedTask, now: datetime) -> TaskSample:
    return TaskSample(watched.key, now, "RUNNING", ())


class Bench:
    """One poller with everything around it."""

    def __init__(
        self, *, workers: int = 4, urgent: Callable[[TaskKey], bool] | None = None
    ) -> None:
        self.clock = LoopClock()
        self.recorder = Recorder()
        self.cloud = FakeCloud(self.clock)
        self.observed = Observed()
        self.poller = Poller(
            self.cloud,
            self.observed,
            Surroundings(self.clock, NoJitter(), self.recorder),
            urgent=urgent or (lambda _key: False),
            workers=workers,
        )

    def watch(self, *tasks: WatchedTask) -> None:
        for watched in tasks:
            self.cloud.answers.setdefault(watched.key, healthy)
        self.poller.watch(tasks)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.poller.run())
        yield
        self.poller.stop()
        await running

    def times(self, watched: WatchedTask) -> list[datetime]:
        return [at for at, key in self.cloud.asked if key == watched.key]


async def test_every_task_is_polled_once_per_interval() -> None:
    bench = Bench()
    tasks = [task(number) for number in range(50)]
    bench.watch(*tasks)
    async with bench.running():
        await asyncio.sleep(3600)
    for watched in tasks:
        assert 59 <= len(bench.times(watched)) <= 62


async def test_polls_keep_their_phase_and_move_by_at_most_a_twentieth() -> None:
    bench = Bench()
    watched = task(1)
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(36000)
    times = bench.times(watched)[2:]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert min(gaps) >= 60 * 0.9
    assert max(gaps) <= 60 * 1.1
    assert len({round(gap, 3) for gap in gaps}) > 100


async def test_first_polls_are_spread_and_still_come_soon() -> None:
    bench = Bench()
    bench.watch(*(task(number) for number in range(200)))
    async with bench.running():
        await asyncio.sleep(11)
    assert len({key for _, key in bench.cloud.asked}) == 200
    seconds = [int(at.timestamp()) for at, _ in bench.cloud.asked]
    assert max(seconds.count(second) for second in set(seconds)) < 45


async def test_a_task_never_overlaps_itself_and_a_late_poll_is_counted_not_stacked() -> None:
    bench = Bench(workers=1)
    bench.cloud.takes = timedelta(seconds=90)
    bench.watch(task(1))
    async with bench.running():
        await asyncio.sleep(600)
    assert bench.cloud.most_at_once == 1
    assert len(bench.cloud.asked) <= 7


async def test_lateness_is_measured_when_workers_are_few() -> None:
    bench = Bench(workers=1)
    bench.cloud.takes = timedelta(seconds=10)
    bench.watch(*(task(number) for number in range(6)))
    async with bench.running():
        await asyncio.sleep(300)
    late = [measured.late for measured in bench.recorder.of(PollMeasured)]
    assert max(late) > timedelta(seconds=10)


async def test_of_several_due_tasks_those_with_open_incidents_go_first() -> None:
    troubled = task(7)
    bench = Bench(workers=1, urgent=lambda key: key == troubled.key)
    bench.cloud.takes = timedelta(seconds=5)
    bench.watch(*(task(number) for number in range(20)))
    async with bench.running():
        await asyncio.sleep(600)
    mean = len(bench.cloud.asked) / 20
    assert len(bench.times(troubled)) > mean


async def test_a_failure_of_the_cloud_becomes_an_observation() -> None:
    bench = Bench()
    watched = task(1)

    def failing(_task: WatchedTask, _now: datetime) -> TaskSample:
        raise CloudUnavailable("HTTP 503", request_id="r-1")

    bench.cloud.answers[watched.key] = failing
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(5)
    failure = bench.observed.observations[0]
    assert isinstance(failure, PollFailure)
    assert (failure.kind, failure.detail) == (FailureKind.UNAVAILABLE, "HTTP 503")
    assert failure.request_id == "r-1"


async def test_a_defect_in_one_poll_is_logged_and_the_others_go_on() -> None:
    bench = Bench()
    broken, fine = task(1), task(2)

    def defective(_task: WatchedTask, _now: datetime) -> TaskSample:
        raise ZeroDivisionError

    bench.cloud.answers[broken.key] = defective
    bench.watch(broken, fine)
    async with bench.running():
        await asyncio.sleep(200)
    assert len(bench.times(broken)) >= 3
    assert len(bench.times(fine)) >= 3
    assert "poll defect" in bench.recorder.events()
    results = {measured.result for measured in bench.recorder.of(PollMeasured)}
    assert results == {"ok", "defect"}


async def test_a_poll_may_take_four_fifths_of_the_interval() -> None:
    bench = Bench()
    bench.watch(task(1, timedelta(seconds=30)))
    async with bench.running():
        await asyncio.sleep(10)
    assert bench.cloud.budgets[0] == timedelta(seconds=24)


async def test_refresh_polls_at_once_and_returns_when_observed() -> None:
    bench = Bench()
    watched = task(1)
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(5)
        before = len(bench.observed.observations)
        await bench.poller.refresh(watched.key)
        assert len(bench.observed.observations) == before + 1
        await bench.poller.refresh(TaskKey("prod", "connector", "nobody"))


async def test_two_refreshes_share_one_poll() -> None:
    bench = Bench()
    bench.cloud.takes = timedelta(seconds=2)
    watched = task(1)
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(10)
        before = len(bench.cloud.asked)
        await asyncio.gather(bench.poller.refresh(watched.key), bench.poller.refresh(watched.key))
        assert len(bench.cloud.asked) == before + 1


async def test_a_removed_task_is_polled_no_more_and_a_new_one_is() -> None:
    bench = Bench()
    first, second = task(1), task(2)
    bench.watch(first)
    async with bench.running():
        await asyncio.sleep(100)
        bench.watch(second)
        polls = len(bench.times(first))
        await asyncio.sleep(200)
    assert len(bench.times(first)) == polls
    assert len(bench.times(second)) >= 3


async def test_stopping_lets_the_poll_in_hand_finish() -> None:
    bench = Bench()
    bench.cloud.takes = timedelta(seconds=5)
    bench.watch(task(1))
    running = asyncio.create_task(bench.poller.run())
    await asyncio.sleep(3)
    assert len(bench.cloud.asked) == 1
    bench.poller.stop()
    await running
    assert len(bench.observed.observations) == 1


async def test_a_defect_is_observed_too_and_logged_once() -> None:
    bench = Bench()
    watched = task(1)

    def defective(_task: WatchedTask, _now: datetime) -> TaskSample:
        raise ZeroDivisionError

    bench.cloud.answers[watched.key] = defective
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(300)
        bench.cloud.answers[watched.key] = healthy
        await asyncio.sleep(120)
        bench.cloud.answers[watched.key] = defective
        await asyncio.sleep(120)
    kinds = [o.kind for o in bench.observed.observations if isinstance(o, PollFailure)]
    assert len(kinds) >= 6
    assert set(kinds) == {FailureKind.DEFECT}
    assert bench.recorder.events() == ["poll defect", "poll defect"]


async def test_a_defect_of_whoever_observes_is_contained() -> None:
    bench = Bench()
    broken, fine = task(1), task(2)

    async def observe(observation: TaskSample | PollFailure) -> None:
        if observation.key == broken.key:
            raise ZeroDivisionError
        await bench.observed(observation)

    surroundings = Surroundings(bench.clock, NoJitter(), bench.recorder)
    bench.poller = Poller(bench.cloud, observe, surroundings, urgent=lambda _key: False, workers=1)
    bench.watch(broken, fine)
    async with bench.running():
        await asyncio.sleep(300)
    assert len(bench.times(broken)) >= 4
    assert len(bench.observed.observations) >= 4
    assert bench.recorder.events() == ["poll defect"]
    assert {m.result for m in bench.recorder.of(PollMeasured)} == {"ok", "defect"}


async def test_a_task_removed_while_it_is_polled_is_observed_once_more_and_polled_no_more() -> None:
    bench = Bench()
    bench.cloud.takes = timedelta(seconds=5)
    watched = task(1)
    bench.watch(watched)
    async with bench.running():
        while not bench.cloud.asked:  # noqa: ASYNC110 - on virtual time
            await asyncio.sleep(0.1)
        bench.watch()
        await asyncio.sleep(300)
    assert len(bench.cloud.asked) == 1
    assert len(bench.observed.observations) == 1


async def test_whoever_waits_for_a_reading_of_a_removed_task_is_let_go() -> None:
    bench = Bench(workers=1)
    bench.cloud.takes = timedelta(seconds=5)
    first, second = task(1), task(2)
    bench.watch(first, second)
    async with bench.running():
        waiting = [asyncio.create_task(bench.poller.refresh(t.key)) for t in (first, second)]
        await asyncio.sleep(1)
        bench.watch()
        await asyncio.sleep(0.1)
        assert all(each.done() for each in waiting)


async def test_a_task_that_comes_back_while_it_waits_for_a_worker_is_not_polled_twice() -> None:
    bench = Bench(workers=2)
    bench.cloud.takes = timedelta(seconds=5)
    busy = [task(number) for number in range(2)]
    watched = task(9)
    bench.watch(*busy, watched)
    async with bench.running():
        for each in (*busy, watched):
            refreshing = asyncio.create_task(bench.poller.refresh(each.key))
            refreshing.add_done_callback(lambda _done: None)
        await asyncio.sleep(1)
        bench.watch(*busy)
        bench.watch(*busy, watched)
        await asyncio.sleep(200)
    assert bench.cloud.most_at_once == 1


async def test_an_account_without_tasks_is_no_matter() -> None:
    bench = Bench()
    bench.watch()
    async with bench.running():
        await asyncio.sleep(600)
    assert bench.cloud.asked == []
    await bench.poller.ended()


async def test_after_a_stop_nobody_waits_for_a_reading() -> None:
    bench = Bench()
    watched = task(1)
    bench.watch(watched)
    async with bench.running():
        await asyncio.sleep(10)
    await bench.poller.refresh(watched.key)
    assert len(bench.cloud.asked) == 1


async def test_what_is_queued_at_a_stop_is_polled_only_for_those_who_wait_for_it() -> None:
    bench = Bench(workers=1)
    bench.cloud.takes = timedelta(seconds=5)
    tasks = [task(number) for number in range(4)]
    bench.watch(*tasks)
    running = asyncio.create_task(bench.poller.run())
    await asyncio.sleep(3)
    in_hand = bench.cloud.asked[0][1]
    asked = next(t for t in tasks if t.key != in_hand)
    waiting = asyncio.create_task(bench.poller.refresh(asked.key))
    await asyncio.sleep(0.1)
    bench.poller.stop()
    await running
    await waiting
    assert [key for _, key in bench.cloud.asked] == [in_hand, asked.key]
