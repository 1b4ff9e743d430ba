"""Days on which the bot, its store, Slack or the cloud go away, seen as a channel sees them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.ports import (
    ChatUnavailable,
    CloudTaskMissing,
    CloudUnavailable,
    ListedTask,
    Listing,
    StoreUnavailable,
)
from tests.component.days import HOUR, Day, Dump
from tests.configurations import PROJECT

pytestmark = pytest.mark.looptime(noop_cycles=1)

DOWN = CloudUnavailable("no answer within 10 s")
GONE = CloudTaskMissing("the task does not exist")


# --- restarts and outages of what the bot stands on ------------------------------------------


async def test_restarts_in_a_stall_say_nothing_again() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 3 * HOUR)]), Dump("clicks")])
    for hour in (1.6, 2, 2.1, 2.2, 2.5):
        async with day.running():
            await day.until(hour * HOUR)
        await asyncio.sleep(20)
    async with day.running():
        await day.until(4 * HOUR)
    assert len(day.chat.roots) == 1
    assert len(day.threads()[0]) == 1
    assert len(day.chat.rings) == 2


async def test_what_clears_while_the_bot_is_down_is_closed_after_it() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 3 * HOUR)])])
    async with day.running():
        await day.until(2 * HOUR)
    await day.until(10 * HOUR)
    async with day.running():
        await day.until(11 * HOUR)
    assert len(day.chat.roots) == 1
    assert "resolved" in day.threads()[0][0].lower()


async def test_a_store_away_for_hours_delays_the_alert_and_says_it_once() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 6 * HOUR)])])
    async with day.running() as bot:
        await day.until(0.9 * HOUR)
        day.store.failing = StoreUnavailable("disk full")
        await day.until(4 * HOUR)
        assert day.chat.calls == []
        assert {ailment.part for ailment in (await bot.health()).ailments} == {"store"}
        assert "orders" in await day.ask(bot, "list")
        day.store.failing = None
        await day.until(8 * HOUR)
        assert (await bot.health()).well
    assert len(day.chat.roots) == 1
    assert len(day.threads()[0]) == 1
    samples = day.store.kept.samples[day.dumps[0].key]
    assert len(samples) >= 8 * 59, "nothing that was seen is lost"


async def test_a_slack_away_for_hours_delays_everything_and_loses_nothing() -> None:
    day = Day(
        [Dump("orders", stalls=[(HOUR, 3 * HOUR)]), Dump("clicks", stalls=[(HOUR, 6 * HOUR)])]
    )
    day.chat.refuse = lambda _m, _c: ChatUnavailable("connection refused")
    async with day.running() as bot:
        await day.until(4 * HOUR)
        parts = {ailment.part for ailment in (await bot.health()).ailments}
        assert parts == {"slack", "outbox"}
        day.chat.refuse = lambda _m, _c: None
        await day.until(4.2 * HOUR)
        assert len(day.chat.roots) == 2
        assert (await bot.health()).well
        ended = next(said for said in day.chat.roots if "resolved" in said.message.text.lower())
        assert "late: waited" in ended.message.text
        assert len(ended.thread) == 1
        await day.until(5 * HOUR)
    assert len(day.chat.roots) == 2


async def test_slack_accepting_nothing_at_the_stop_leaves_the_rest_for_the_next_start() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 3 * HOUR)])])
    day.chat.refuse = lambda _m, _c: ChatUnavailable("connection refused")
    async with day.running():
        await day.until(2 * HOUR)
    day.chat.refuse = lambda _m, _c: None
    async with day.running():
        await day.until(2.2 * HOUR)
    assert len(day.chat.roots) == 1


# --- discovery -------------------------------------------------------------------------------


def listed(dump: Dump) -> ListedTask:
    key = dump.key
    return ListedTask(
        key=key,
        task_name=dump.name,
        status="RUNNING",
        topics_text=dump.name,
        connector_id=key.connector_id,
        instance_id="instance",
        instance_name="kafka",
    )


async def test_the_shortest_configuration_watches_what_discovery_finds() -> None:
    deleted = (2 * HOUR, 99 * HOUR, GONE)
    orders = Dump("orders", stalls=[(HOUR, 9 * HOUR)], outages=[deleted])
    dumps = [orders, Dump("clicks"), Dump("заказы 🚚")]
    day = Day(dumps, discovers=True)
    cloud = day.clouds["eu"]
    cloud.listing = Listing("eu", tuple(map(listed, dumps)), 1, 1)
    async with day.running() as bot:
        await day.until(2 * HOUR)
        assert len(bot.fleet) == 3
        assert len(day.chat.roots) == 1
        assert "заказы 🚚: ok" in await day.ask(bot, "заказы")
        cloud.listing = Listing("eu", tuple(map(listed, dumps[1:])), 1, 1)
        await day.until(3 * HOUR)
        assert len(bot.fleet) == 3
        assert "missing" in await day.ask(bot, "incidents orders")
        await day.until(27 * HOUR)
        assert len(bot.fleet) == 2
    (thread,) = day.threads()
    assert "missing" in thread[0]
    assert "no longer watched" in thread[-1]


async def test_refresh_reads_now_and_says_when_that_fails() -> None:
    dump = Dump("orders", outages=[(2 * HOUR, 3 * HOUR, DOWN)])
    day = Day([dump], config="poll: {interval: 30m}\n")
    async with day.running() as bot:
        await day.until(HOUR + 700)
        assert "orders: ok" in await day.ask(bot, "refresh orders")
        assert day.clouds["eu"].asked[-1][0] == day.clock.now()
        await day.until(2 * HOUR + 700)
        answer = await day.ask(bot, "refresh orders")
        assert "No fresh reading of orders" in answer
        assert "no answer within 10 s" in answer


async def test_a_slow_cloud_is_polled_with_patience_and_its_lateness_is_told() -> None:
    dumps = [Dump(f"task-{number}") for number in range(12)]
    accounts = f"accounts: {{eu: {{region: eu-west-101, project_id: {PROJECT}, concurrency: 2}}}}\n"
    day = Day(dumps, accounts=accounts)
    day.clouds["eu"].takes = timedelta(seconds=20)
    async with day.running() as bot:
        await day.until(HOUR)
        assert [part.part for part in (await bot.health()).ailments] == ["lateness"]
    assert day.chat.calls == []
    assert day.clouds["eu"].most_at_once == 1
