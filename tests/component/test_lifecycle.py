"""Running and stopping: order, bounds, failures and signals."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.app.lifecycle import STEP, Eternal, Lifecycle, Step, stopped_by_signals
from bot.ports import StoreUnusable
from tests.fakes import Recorder

pytestmark = pytest.mark.looptime(noop_cycles=1)


class Stage:
    """Notes what is done, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.recorder = Recorder()
        self.lifecycle = Lifecycle(self.recorder)

    def eternal(self, name: str) -> Eternal:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                self.done.append(f"{name} ended")

        return Eternal(name, run)

    def failing(self, error: Exception, *, after: float = 5) -> Eternal:
        async def run() -> None:
            await asyncio.sleep(after)
            raise error

        return Eternal("failing", run)

    def step(self, name: str, *, takes: float = 0) -> Step:
        async def do() -> None:
            await asyncio.sleep(takes)
            self.done.append(name)

        return Step(name, do)

    async def run(self, eternals: list[Eternal], steps: list[Step]) -> None:
        await self.lifecycle.run(eternals, steps)


async def soon(do: Callable[[], object], *, seconds: float = 10) -> None:
    await asyncio.sleep(seconds)
    do()


async def test_a_stop_takes_its_steps_in_order_and_then_ends_the_eternal_tasks() -> None:
    stage = Stage()
    stopping = asyncio.create_task(soon(stage.lifecycle.stop.set))
    await stage.run([stage.eternal("loop")], [stage.step("first", takes=2), stage.step("second")])
    assert stage.done == ["first", "second", "loop ended"]
    assert asyncio.get_running_loop().time() == pytest.approx(12)
    await stopping


async def test_it_has_started_before_it_waits_and_says_when_it_stops() -> None:
    stage = Stage()
    assert not stage.lifecycle.started
    running = asyncio.create_task(stage.run([stage.eternal("loop")], [stage.step("x", takes=5)]))
    await asyncio.sleep(1)
    states = [(stage.lifecycle.started, stage.lifecycle.stopping)]
    stage.lifecycle.stop.set()
    await asyncio.sleep(1)
    states.append((stage.lifecycle.started, stage.lifecycle.stopping))
    await running
    assert states == [(True, False), (True, True)]


async def test_a_step_that_takes_too_long_is_left_and_noted_and_the_next_is_taken() -> None:
    stage = Stage()
    stage.lifecycle.stop.set()
    await stage.run([], [stage.step("slow", takes=3600), stage.step("next")])
    assert stage.done == ["next"]
    assert stage.recorder.events() == ["stop step took too long"]
    assert asyncio.get_running_loop().time() == pytest.approx(STEP.total_seconds())


async def test_three_steps_end_within_what_an_orchestrator_grants() -> None:
    assert timedelta(seconds=30) > 3 * STEP


async def test_an_eternal_task_that_fails_ends_everything_by_its_error() -> None:
    stage = Stage()
    with pytest.raises(StoreUnusable, match="newer than the program"):
        await stage.run(
            [stage.eternal("loop"), stage.failing(StoreUnusable("newer than the program"))], []
        )
    assert stage.done == ["loop ended"]


async def test_two_that_fail_at_once_are_both_told() -> None:
    stage = Stage()
    with pytest.raises(ExceptionGroup) as raised:
        await stage.run(
            [stage.failing(ZeroDivisionError()), stage.failing(StoreUnusable("gone"))], []
        )
    assert len(raised.value.exceptions) == 2


async def test_an_eternal_task_that_fails_during_a_stop_ends_it_by_its_error() -> None:
    stage = Stage()
    stage.lifecycle.stop.set()
    with pytest.raises(ZeroDivisionError):
        await stage.run(
            [stage.failing(ZeroDivisionError(), after=2)], [stage.step("slow", takes=5)]
        )
    assert stage.done == []


async def test_a_step_with_a_defect_ends_the_process_by_its_error() -> None:
    stage = Stage()
    stopping = asyncio.create_task(soon(stage.lifecycle.stop.set))

    async def defective() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stage.run([stage.eternal("loop")], [Step("defective", defective)])
    assert stage.done == ["loop ended"]
    await stopping


async def test_an_eternal_task_that_was_told_to_end_does_not_end_the_others() -> None:
    stage = Stage()

    async def brief() -> None:
        stage.done.append("brief ended")

    stopping = asyncio.create_task(soon(stage.lifecycle.stop.set))
    await stage.run([Eternal("brief", brief), stage.eternal("loop")], [stage.step("step")])
    assert stage.done == ["brief ended", "step", "loop ended"]
    await stopping


async def test_a_run_that_is_cancelled_ends_its_tasks() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.run([stage.eternal("loop")], []))
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.done == ["loop ended"]


# --- signals ---------------------------------------------------------------------------------


@pytest.mark.looptime(False)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_for_a_stop(number: signal.Signals) -> None:
    stop = asyncio.Event()
    with stopped_by_signals(stop):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stop.wait()


@pytest.mark.looptime(False)
async def test_a_wish_to_reload_is_passed_on_and_ends_nothing() -> None:
    stop, asked = asyncio.Event(), asyncio.Event()
    with stopped_by_signals(stop, hangup=asked.set):
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            await asked.wait()
    with stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGHUP)  # Unheard, it would end this process.
    assert not stop.is_set()


@pytest.mark.looptime(False)
async def test_afterwards_signals_mean_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(asyncio.Event()):
        pass
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.looptime(False)
async def test_where_signals_are_not_ours_nothing_is_done() -> None:
    outcome: list[bool] = []

    async def body() -> None:
        stop = asyncio.Event()
        with stopped_by_signals(stop):
            outcome.append(stop.is_set())

    await asyncio.to_thread(lambda: asyncio.run(body()))
    assert outcome == [False]
