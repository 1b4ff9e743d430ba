"""Discovery over a scripted account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.domain.discovery import DiscoveryEntry
from bot.domain.matching import Patterns
from bot.domain.model import TaskKey
from bot.domain.names import ConfiguredTask
from bot.ports import CloudUnavailable, ListedTask, Listing, StoreUnavailable
from bot.services.discovery import Around, Discovery, ListingTrouble, Wanted
from tests.fake_store import FakeStore
from tests.fakes import FakeCloud, LoopClock, Recorder

pytestmark = pytest.mark.looptime


def listed(number: int, *, connector: str = "c1", name: str | None = None) -> ListedTask:
    return ListedTask(
        key=TaskKey("prod", connector, f"id-{number}"),
        task_name=name or f"task-{number}",
        status="RUNNING",
        topics_text="orders",
        connector_id=connector,
        instance_id=f"instance-of-{connector}",
        instance_name="kafka-a",
    )


def listing(tasks: Sequence[ListedTask], refused: Sequence[str] = ()) -> Listing:
    return Listing("prod", tuple(tasks), 1, 1, refused_ids=frozenset(refused))


class Bench:
    """Discovery of one account and what it told."""

    def __init__(self, *entries: DiscoveryEntry) -> None:
        self.cloud = FakeCloud(LoopClock())
        self.recorder = Recorder()
        self.store = FakeStore()
        self.told: list[str] = []
        self.missing: set[TaskKey] = set()
        self.readable: set[TaskKey] = set()
        self.accepted: set[TaskKey] = set()
        self.troubles: list[tuple[str, int] | None] = []
        """What was told of listings: the reason and how often in a row."""
        self.around = Around(
            changed=self._changed,
            listed=self._listed,
            missing=self.missing.__contains__,
            readable=self.readable.__contains__,
            accepted=self.accepted.__contains__,
            clock=LoopClock(),
        )
        self.discovery = Discovery(
            {"prod": self.cloud},
            Wanted(entries or (DiscoveryEntry(("prod",)),)),
            self.store,
            self.recorder,
            self.around,
        )

    async def _changed(self, account: str) -> None:
        self.told.append(account)

    async def _listed(self, _account: str, trouble: ListingTrouble | None) -> None:
        self.troubles.append((trouble.detail, trouble.failures) if trouble else None)

    async def shows(self, *tasks: ListedTask, refused: Sequence[str] = ()) -> bool:
        self.cloud.listing = listing(tasks, refused)
        return await self.discovery.discover("prod")

    async def a_day_later(self, *tasks: ListedTask) -> None:
        await asyncio.sleep(86_400)
        assert await self.shows(*tasks)

    def names(self) -> list[str]:
        return sorted(task.task_name for task in self.discovery.tasks)


async def test_what_the_account_shows_is_told_and_stored() -> None:
    bench = Bench()
    assert await bench.shows(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2"]
    assert bench.told == ["prod"]
    assert len((await bench.store.load()).discovered) == 2


async def test_an_unchanged_listing_is_told_only_the_first_time() -> None:
    bench = Bench()
    for _ in range(3):
        await bench.shows(listed(1))
    assert bench.told == ["prod"]


async def test_a_first_listing_is_told_even_when_it_shows_what_was_stored() -> None:
    bench = Bench()
    bench.discovery.start_with([listed(1)])
    assert bench.names() == ["task-1"]
    await bench.shows(listed(1))
    assert bench.told == ["prod"]


async def test_a_listing_that_loses_more_than_half_is_a_failed_discovery() -> None:
    bench = Bench()
    await bench.shows(*(listed(number) for number in range(10)))
    assert not await bench.shows(*(listed(number) for number in range(4)))
    assert len(bench.names()) == 10
    assert bench.discovery.errors() == {"prod": "the listing lost 6 of 10 tasks"}
    assert await bench.shows(*(listed(number) for number in range(5)))
    assert bench.discovery.errors() == {}
    await bench.a_day_later(*(listed(number) for number in range(5)))
    assert len(bench.names()) == 5


async def test_losses_that_follow_each_other_are_not_added_up() -> None:
    bench = Bench()
    for shown in (10, 6, 4, 3):
        assert await bench.shows(*(listed(number) for number in range(shown)))


async def test_what_is_not_listed_any_more_is_watched_for_a_day() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2), listed(3))
    for _ in range(3):
        await bench.shows(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2", "task-3"]
    assert bench.recorder.events().count("tasks not listed any more") == 1
    assert len((await bench.store.load()).discovered) == 3
    await bench.a_day_later(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2"]
    assert len((await bench.store.load()).discovered) == 2


async def test_what_is_not_listed_but_can_be_read_stays() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2), listed(3))
    bench.readable.add(listed(3).key)
    await bench.shows(listed(1), listed(2))
    await bench.a_day_later(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2", "task-3"]
    bench.readable.clear()
    await bench.shows(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2"]


async def test_what_somebody_acknowledged_to_be_missing_is_let_go() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2), listed(3))
    await bench.shows(listed(1), listed(2))
    bench.accepted.add(listed(3).key)
    await bench.shows(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2"]


async def test_what_is_listed_again_was_never_lost() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2), listed(3))
    await bench.shows(listed(1), listed(2))
    await bench.a_day_later(listed(1), listed(2), listed(3))
    await bench.shows(listed(1), listed(2))
    assert bench.names() == ["task-1", "task-2", "task-3"]


async def test_a_task_made_anew_under_its_name_takes_its_place() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2), listed(3))
    await bench.shows(listed(1), listed(2), listed(4, name="task-3"))
    assert bench.names() == ["task-1", "task-2", "task-3"]
    assert listed(3).key not in {task.key for task in bench.discovery.tasks}


async def test_a_great_loss_is_not_believed_however_often_it_is_listed() -> None:
    bench = Bench()
    await bench.shows(*(listed(number) for number in range(10)))
    assert [await bench.shows() for _ in range(5)] == [False] * 5
    assert len(bench.names()) == 10
    assert bench.discovery.errors() == {"prod": "the listing lost 10 of 10 tasks"}


async def test_a_great_loss_is_believed_of_tasks_that_the_cloud_says_do_not_exist() -> None:
    bench = Bench()
    await bench.shows(*(listed(number) for number in range(10)))
    bench.missing.update(listed(number).key for number in range(4))
    assert not await bench.shows()
    bench.missing.add(listed(4).key)
    assert await bench.shows()
    await bench.a_day_later()
    assert bench.names() == []


async def test_a_connector_that_refuses_keeps_its_tasks() -> None:
    bench = Bench()
    await bench.shows(listed(1), listed(2, connector="c2"), listed(3))
    assert await bench.shows(listed(1), listed(3), refused=["c2"])
    assert bench.names() == ["task-1", "task-2", "task-3"]


async def test_a_cloud_that_is_away_changes_nothing_and_is_logged_once() -> None:
    bench = Bench()
    await bench.shows(listed(1))
    bench.cloud.listing = CloudUnavailable("HTTP 503")
    for _ in range(3):
        assert not await bench.discovery.discover("prod")
    assert bench.names() == ["task-1"]
    assert bench.recorder.events().count("discovery failed") == 1
    await bench.shows(listed(1))
    assert bench.recorder.events().count("discovery works again") == 1
    assert bench.troubles == [None, ("HTTP 503", 1), ("HTTP 503", 2), ("HTTP 503", 3), None]


async def test_names_can_be_included_and_excluded() -> None:
    bench = Bench(DiscoveryEntry(("prod",), names=Patterns(("orders-*", "!*-tmp"))))
    await bench.shows(
        listed(1, name="orders-eu"), listed(2, name="orders-tmp"), listed(3, name="clicks")
    )
    assert bench.names() == ["orders-eu"]


async def test_a_new_task_is_found_within_the_interval() -> None:
    bench = Bench(DiscoveryEntry(("prod",), interval=timedelta(minutes=10)))
    bench.cloud.listing = listing([listed(1)])
    running = asyncio.create_task(bench.discovery.run())
    await asyncio.sleep(1)
    bench.cloud.listing = listing([listed(1), listed(2)])
    await asyncio.sleep(600)
    assert bench.names() == ["task-1", "task-2"]
    running.cancel()


async def test_after_a_failed_start_the_account_is_asked_again_soon() -> None:
    bench = Bench()
    bench.cloud.listing = CloudUnavailable("HTTP 503")
    running = asyncio.create_task(bench.discovery.run())
    await asyncio.sleep(1)
    bench.cloud.listing = listing([listed(1)])
    await asyncio.sleep(31)
    assert bench.names() == ["task-1"]
    running.cancel()


async def test_a_task_configured_by_its_instance_is_found_without_watching_its_neighbours() -> None:
    bench = Bench()
    entry = ConfiguredTask("orders", "prod", "id-2", instance_id="instance-of-c1")
    wanted = Wanted(configured=(entry,))
    discovery = Discovery(
        {"prod": bench.cloud},
        wanted,
        bench.store,
        bench.recorder,
        bench.around,
    )
    bench.cloud.listing = listing([listed(1), listed(2)])
    assert await discovery.discover("prod")
    assert [task.key.task_id for task in discovery.tasks] == ["id-2"]
    assert [task.key.connector_id for task in wanted.tasks(discovery.tasks)] == ["c1"]
    assert discovery.settled("prod")


async def test_what_could_not_be_saved_is_saved_with_the_next_listing() -> None:
    bench = Bench()
    bench.store.failing = StoreUnavailable("database is locked")
    assert await bench.shows(listed(1))
    assert bench.recorder.events()[-1] == "discovery not saved"
    bench.store.failing = None
    assert await bench.shows(listed(1))
    assert len((await bench.store.load()).discovered) == 1
    assert bench.told == ["prod"]
