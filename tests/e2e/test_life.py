"""The program as a process: what a channel sees of a fault, of stops and of crashes."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.demo.slack.faults import Fault, FaultKind
from tests.e2e.world import CHANNEL, World, running, stall, until


async def test_a_fault_is_told_once_edited_as_it_grows_and_resolved(world: World) -> None:
    async with running(world) as bot:
        task_id = stall(world)
        await until(lambda: len(world.roots()) == 1)
        root = world.roots()[0]
        first_text = root.content.text
        await until(lambda: world.roots()[0].edited_ts is not None)
        world.cloud.relieve(task_id)
        await until(lambda: len(world.resolved()) == 1)
        await until(lambda: len(world.replies(world.roots()[0])) == 1)
        assert "warning" in first_text.lower()
        assert [m.ts for m in world.roots()] == [root.ts]
        assert "resolved" in world.replies(root)[0].content.text.lower()
        assert len(world.slack.rings(CHANNEL)) == 2
        status, body = await bot.get("/api/incidents")
        assert (status, json.loads(body)["incidents"]) == (200, [])
        assert await bot.ended(signal.SIGTERM) == 0
    assert bot.logged("stopped")


async def test_a_restart_says_nothing_again_and_closes_what_cleared_while_down(
    world: World,
) -> None:
    async with running(world) as bot:
        stay, clear = stall(world, 0), stall(world, 1)
        await until(lambda: len(world.roots()) == 2)
        assert await bot.ended(signal.SIGTERM) == 0
    rings = len(world.slack.rings(CHANNEL))
    world.cloud.relieve(clear)
    async with running(world) as bot:
        await until(lambda: len(world.resolved()) == 1)
        await until(lambda: len(world.slack.rings(CHANNEL)) == rings + 1)
        assert len(world.roots()) == 2
        world.cloud.relieve(stay)
        await until(lambda: len(world.resolved()) == 2)
    assert len(world.roots()) == 2


async def test_a_kill_between_decision_and_delivery_leaves_exactly_one_card(world: World) -> None:
    world.slack.faults.add(Fault(FaultKind.HANG, "chat.postMessage", times=None))
    async with running(world) as bot:
        stall(world)
        await until(lambda: world.posts() >= 1)
        bot.process.kill()
        await bot.ended()
    assert world.roots() == []
    world.slack.faults.clear()
    async with running(world) as bot:
        await until(lambda: len(world.roots()) >= 1)
        await until(lambda: world.roots()[0].edited_ts is not None)
        assert await bot.ended(signal.SIGTERM) == 0
    assert len(world.roots()) == 1
    assert len(world.slack.rings(CHANNEL)) == 1


async def test_sigterm_in_the_middle_of_a_delivery_finishes_it(world: World) -> None:
    world.slack.faults.add(Fault(FaultKind.SLOW, "chat.postMessage", delay_s=1.0))
    async with running(world) as bot:
        stall(world)
        await until(lambda: world.posts() >= 1)
        assert await bot.ended(signal.SIGTERM) == 0
    assert len(world.roots()) == 1
    world.slack.faults.clear()
    async with running(world) as bot:
        await until(lambda: world.roots()[0].edited_ts is not None)
        await bot.ended(signal.SIGTERM)
    assert len(world.roots()) == 1


async def test_an_answer_that_slack_lost_makes_at_most_one_more_card_and_it_is_marked(
    world: World,
) -> None:
    lost = Fault(FaultKind.DROP, "chat.postMessage", accepted=True)
    world.slack.faults.add(lost)
    async with running(world) as bot:
        stall(world)
        await until(lambda: len(world.roots()) == 2)
        await until(lambda: world.roots()[1].edited_ts is not None)
        await bot.ended(signal.SIGTERM)
    first, second = world.roots()
    assert first.edited_ts is None
    assert first.client_msg_id == second.client_msg_id
    assert "may have been delivered" in second.versions[0].content.text.lower() or any(
        "duplicate" in str(block).lower() for block in second.versions[0].content.blocks
    )


async def test_refusals_of_slack_lose_nothing(world: World) -> None:
    world.slack.faults.add(Fault(FaultKind.RATE_LIMITED, "chat.postMessage", times=2))
    world.slack.faults.add(Fault(FaultKind.RATE_LIMITED, "chat.update", times=1))
    async with running(world):
        task_id = stall(world)
        await until(lambda: len(world.roots()) == 1)
        world.cloud.relieve(task_id)
        await until(lambda: len(world.resolved()) == 1)
    assert len(world.roots()) == 1


async def test_while_the_store_is_away_probes_are_answered_and_then_the_start_goes_on(
    world: World,
) -> None:
    with _locked(world.folder / "dumptask.db") as unlock:
        async with running(world) as bot:
            assert bot.logged("store unavailable, waiting for it")
            assert (await bot.get("/healthz"))[0] == 200
            assert [(await bot.get(path))[0] for path in ("/readyz", "/api/tasks", "/")] == [
                503
            ] * 3
            unlock()
            await until(lambda: bot.logged("started"))
            assert await bot.ended(signal.SIGTERM) == 0


async def test_a_stop_is_obeyed_while_the_store_is_away(world: World) -> None:
    with _locked(world.folder / "dumptask.db"):
        async with running(world) as bot:
            assert await bot.ended(signal.SIGTERM) == 0
    assert bot.logged("stopped")
    assert not bot.logged("started")


@contextmanager
def _locked(path: Path) -> Iterator[Callable[[], None]]:
    """A database file that somebody else has locked, and what unlocks it."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield holder.close
    finally:
        holder.close()


async def test_the_bot_starts_while_the_cloud_and_slack_are_down_and_recovers(
    world: World,
) -> None:
    world.cloud.credentials_revoked = True
    down = Fault(FaultKind.HTML_503, times=None)
    world.slack.faults.add(down)
    async with running(world) as bot:
        assert (await bot.get("/readyz"))[0] == 200
        await until(lambda: bot.logged("discovery failed"))
        assert (await bot.get("/api/health"))[0] == 503
        world.slack.faults.clear()
        world.cloud.credentials_revoked = False
        await until(lambda: bot.logged("tasks discovered"))
