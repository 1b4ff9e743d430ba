"""The gate of an account, on virtual time."""

import asyncio

import pytest

from bot.adapters.dms.limits import Gate
from bot.ports import CloudThrottled, CloudUnavailable

pytestmark = pytest.mark.looptime

FAR = 10_000.0


def now() -> float:
    return asyncio.get_running_loop().time()


async def pass_through(gate: Gate, passed: list[float], *, hold: float = 0.0) -> None:
    await gate.enter(FAR)
    passed.append(round(now(), 3))
    await asyncio.sleep(hold)
    gate.leave()


async def test_requests_keep_their_distance_and_their_order() -> None:
    gate, order = Gate(concurrency=50, requests_per_second=20), []

    async def one(number: int) -> None:
        await gate.enter(FAR)
        order.append((number, round(now(), 3)))
        gate.leave()

    await asyncio.gather(*(one(number) for number in range(5)))
    assert order == [(0, 0.0), (1, 0.05), (2, 0.1), (3, 0.15), (4, 0.2)]


async def test_idle_time_gives_no_credit_for_a_burst() -> None:
    gate, passed = Gate(concurrency=50, requests_per_second=10), list[float]()
    await pass_through(gate, passed)
    await asyncio.sleep(5)
    await asyncio.gather(*(pass_through(gate, passed) for _ in range(3)))
    assert passed == [0.0, 5.0, 5.1, 5.2]


async def test_no_more_than_the_bound_are_in_flight() -> None:
    gate, passed = Gate(concurrency=2, requests_per_second=1000), list[float]()
    await asyncio.gather(*(pass_through(gate, passed, hold=1.0) for _ in range(6)))
    assert [round(time) for time in passed] == [0, 0, 1, 1, 2, 2]


async def test_a_cancelled_request_costs_nothing_and_blocks_nobody() -> None:
    gate, passed = Gate(concurrency=3, requests_per_second=1), list[float]()
    await pass_through(gate, passed)
    waiting = [asyncio.create_task(pass_through(gate, passed)) for _ in range(20)]
    await asyncio.sleep(0.5)
    for task in waiting[:-1]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert passed == [0.0, 1.0]
    await asyncio.gather(*(pass_through(gate, passed, hold=0.1) for _ in range(3)))
    assert passed[2:] == [2.0, 3.0, 4.0]


async def test_a_pause_stops_everybody_for_its_time() -> None:
    gate, passed = Gate(concurrency=5, requests_per_second=10), list[float]()
    gate.pause(30)
    gate.pause(1)
    await asyncio.gather(*(pass_through(gate, passed) for _ in range(3)))
    assert passed == [30.0, 30.1, 30.2]


async def test_a_pause_holds_back_those_who_were_already_waiting() -> None:
    gate, passed = Gate(concurrency=5, requests_per_second=1), list[float]()
    await pass_through(gate, passed)
    waiting = asyncio.gather(*(pass_through(gate, passed) for _ in range(2)))
    await asyncio.sleep(0.5)
    gate.pause(10)
    await waiting
    assert passed == [0.0, 10.5, 11.5]


async def test_a_pause_beyond_the_deadline_is_told_at_once() -> None:
    gate = Gate(concurrency=5, requests_per_second=10)
    gate.pause(60)
    with pytest.raises(CloudThrottled, match=r"60.0 s of it are left") as caught:
        await gate.enter(now() + 5)
    assert now() == 0
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == pytest.approx(60)


async def test_who_waits_when_a_long_pause_begins_is_told_that_it_is_one() -> None:
    gate = Gate(concurrency=5, requests_per_second=1)
    await gate.enter(FAR)
    waiting = asyncio.create_task(gate.enter(now() + 5))
    await asyncio.sleep(0.5)
    gate.pause(60)
    with pytest.raises(CloudThrottled):
        await waiting


async def test_a_busy_account_says_so_at_the_deadline() -> None:
    gate = Gate(concurrency=1, requests_per_second=10)
    await gate.enter(FAR)
    with pytest.raises(CloudUnavailable, match="1 in flight, 10 a second"):
        await gate.enter(now() + 2)
    assert now() == pytest.approx(2)
    gate.leave()
    await gate.enter(now() + 1)


async def test_a_late_timer_does_not_lower_the_rate() -> None:
    gate = Gate(concurrency=1, requests_per_second=1000)
    for _ in range(100):
        await gate.enter(FAR)
        gate.leave()
        await asyncio.sleep(0.0015)  # each comes half a millisecond late
        await gate.enter(FAR)
        gate.leave()
    assert now() == pytest.approx(0.2, abs=0.005)
