"""The heartbeat: a watchdog hears of the bot while it reads and tells, and only then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.reports import AccountHealth, Ailment, HealthReport
from bot.ports import StoreUnavailable
from bot.services.heartbeat import Heartbeat
from tests.builders import at
from tests.fakes import Recorder

pytestmark = pytest.mark.looptime


class Bench:
    """A bot that is as well as a test says, and a watchdog."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.ailing: tuple[str, ...] = ()
        self.fresh = 3
        self.down = False
        self.refusal = ""
        self.beats = 0
        self.heart = Heartbeat(
            self.health, self.ping, every=timedelta(seconds=60), telemetry=self.recorder
        )

    async def health(self) -> HealthReport:
        if self.down:
            raise StoreUnavailable("disk full")
        return HealthReport(
            "1",
            at(0),
            accounts=(AccountHealth("prod", 3, self.fresh),),
            ailments=tuple(Ailment(part, "why") for part in self.ailing),
        )

    async def ping(self) -> str:
        self.beats += not self.refusal
        return self.refusal


async def test_it_beats_as_often_as_asked() -> None:
    bench = Bench()
    beating = asyncio.create_task(bench.heart.run())
    await asyncio.sleep(185)
    beating.cancel()
    assert bench.beats == 4
    assert bench.recorder.events() == []


@pytest.mark.parametrize("part", ["slack", "cloud prod", "store", "outbox", "lateness"])
async def test_it_stops_while_reading_or_telling_does_not_work(part: str) -> None:
    bench = Bench()
    bench.ailing = (part,)
    assert not await bench.heart.beat()
    assert not await bench.heart.beat()
    assert bench.beats == 0
    assert bench.recorder.events() == ["heartbeat not sent"]
    bench.ailing = ()
    assert await bench.heart.beat()
    assert bench.recorder.events() == ["heartbeat not sent", "heartbeat sent again"]


async def test_an_invalid_edit_of_the_file_does_not_stop_it() -> None:
    bench = Bench()
    bench.ailing = ("configuration",)
    assert await bench.heart.beat()


async def test_it_stops_while_no_task_can_be_read_or_health_cannot_be_asked() -> None:
    bench = Bench()
    bench.fresh = 0
    assert not await bench.heart.beat()
    bench.fresh, bench.down = 3, True
    assert not await bench.heart.beat()


async def test_a_watchdog_that_does_not_take_it_is_logged_once() -> None:
    bench = Bench()
    bench.refusal = "HTTP 500"
    for _ in range(3):
        assert not await bench.heart.beat()
    assert bench.recorder.events() == ["heartbeat not sent"]
