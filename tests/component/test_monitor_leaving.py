"""Tasks that are not watched any more, and those that come back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.ports import Change, StoreUnavailable
from tests.builders import a_task, at
from tests.component.watching import Watching
from tests.fake_store import FakeStore

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("database is locked")


class SlowStore(FakeStore):
    """Takes time to write."""

    takes = timedelta(seconds=5)

    async def commit(self, change: Change) -> None:
        await asyncio.sleep(self.takes.total_seconds())
        await super().commit(change)


async def test_a_retired_task_is_told_once_as_no_longer_watched() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    removed = watching.watch()
    await watching.monitor.retire(removed, at(30))
    await watching.monitor.retire([], at(60))
    assert watching.replies() == ["resolved"]
    assert watching.intents()[-1].notice.incidents[0].resolution == "no longer watched"
    assert watching.open_in_store() == []


async def test_a_retired_task_that_was_well_is_not_mentioned() -> None:
    watching = Watching()
    await watching.lag(0, 0)
    await watching.monitor.retire(watching.watch(), at(30))
    assert watching.store.changes == []


async def test_an_ending_that_met_a_store_away_is_made_by_a_later_observation() -> None:
    watching = Watching(tasks=(a_task(), a_task("payments")))
    await watching.lag(0, 200_000)
    removed = watching.watch(a_task("payments"))
    watching.store.failing = AWAY
    await watching.monitor.retire(removed, at(30))
    assert watching.store_down()
    await watching.lag(60, 0, task="payments")
    watching.store.failing = None
    await watching.lag(120, 0, task="payments")
    await watching.lag(180, 0, task="payments")
    assert watching.replies() == ["resolved"]
    assert not watching.store_down()


async def test_several_endings_that_met_a_store_away_are_all_made() -> None:
    names = [f"task-{number}" for number in range(5)]
    watching = Watching(tasks=(*map(a_task, names), a_task("payments")))
    for name in names:
        await watching.lag(0, 200_000, task=name)
    removed = watching.watch(a_task("payments"))
    watching.store.failing = AWAY
    await watching.monitor.retire(removed, at(30))
    watching.store.failing = None
    await watching.lag(60, 0, task="payments")
    assert watching.replies() == ["resolved"] * 5


async def test_a_task_that_is_retired_while_an_observation_is_written_ends_all_the_same() -> None:
    store = SlowStore()
    watching = Watching(store=store)
    observing = asyncio.create_task(watching.lag(0, 200_000))
    await asyncio.sleep(1)
    removed = watching.watch()
    await watching.monitor.retire(removed, at(1))
    await observing
    assert watching.said()[0] == "card opened"
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []
    assert "change refused, the store knows better" not in watching.recorder.events()


async def test_an_observation_that_waits_while_its_task_is_retired_says_nothing() -> None:
    watching = Watching(store=SlowStore())
    observing = asyncio.create_task(watching.lag(0, 200_000))
    await asyncio.sleep(1)
    waiting = asyncio.create_task(watching.lag(60, 2_000_000))
    await asyncio.sleep(1)
    await watching.monitor.retire(watching.watch(), at(61))
    await asyncio.gather(observing, waiting)
    assert watching.replies() == ["resolved"]


async def test_a_task_that_comes_back_is_judged_and_saved_as_before() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.monitor.retire(watching.watch(), at(30))
    watching.watch(a_task())
    await watching.lag(600, 200_000)
    assert watching.said()[-1] == "card opened"
    assert len(watching.open_in_store()) == 1
    assert "change refused, the store knows better" not in watching.recorder.events()


async def test_a_task_that_comes_back_before_its_end_was_saved_goes_on_as_it_was() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    removed = watching.watch()
    watching.store.failing = AWAY
    await watching.monitor.retire(removed, at(30))
    watching.watch(a_task())
    watching.store.failing = None
    await watching.lag(60, 200_000)
    assert watching.replies() == []
    assert len(watching.open_here()) == 1


async def test_a_task_that_comes_back_after_a_restart_can_be_saved() -> None:
    watching = Watching(tasks=(a_task(), a_task("payments")))
    await watching.lag(0, 200_000)
    watching = await watching.restarted(tasks=(a_task("payments"),))
    await watching.monitor.retire(watching.fleet.orphans(), at(60))
    watching.fleet.forget_stored()
    watching.watch(a_task(), a_task("payments"))
    await watching.lag(600, 200_000)
    assert watching.replies() == ["resolved"]
    assert watching.said()[-1] == "card opened"
    assert watching.recorder.events().count("incident opened") == 1
