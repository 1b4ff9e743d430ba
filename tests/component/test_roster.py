"""The roster: fleet and pollers in step with the configuration and what discovery finds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bot.domain.alerts import Acknowledgement, EventKind
from bot.domain.discovery import DiscoveryEntry
from bot.domain.matching import Match, Patterns
from bot.domain.model import FailureKind, Severity, TaskKey, WatchedTask
from bot.domain.names import ConfiguredTask, LabelEntry
from bot.ports import CloudUnavailable, ListedTask, Listing, Snapshot, Surroundings
from bot.services.discovery import Around, Discovery, ListingTrouble, Wanted
from bot.services.fleet import Fleet
from bot.services.monitor import Monitor
from bot.services.poller import Poller
from bot.services.roster import Roll, Roster
from bot.services.settlement import Act
from bot.services.writer import WriteBehind
from tests.builders import (
    INTERVAL,
    a_failure,
    a_history,
    a_key,
    a_listed_task,
    a_sample,
    an_incident,
    an_opening,
    at,
)
from tests.component.watching import policies
from tests.fake_store import FakeStore
from tests.fakes import FakeCloud, LoopClock, NoJitter, Recorder

pytestmark = pytest.mark.looptime(noop_cycles=1)

EVERYTHING = (DiscoveryEntry(("prod",)),)
CONFIGURED = ConfiguredTask("orders", "prod", "id-of-orders", connector_id="connector-of-orders")


@dataclass
class Bench:
    """One process up to the pollers, which are not run."""

    entries: Sequence[DiscoveryEntry] = EVERYTHING
    configured: Sequence[ConfiguredTask] = ()
    labels: Sequence[LabelEntry] = ()
    store: FakeStore = field(default_factory=FakeStore)
    snapshot: Snapshot = field(default_factory=Snapshot)
    accounts: Sequence[str] = ("prod",)

    def __post_init__(self) -> None:
        clock, recorder = LoopClock(at(0)), Recorder()
        self.clock = clock
        around = Surroundings(clock, NoJitter(), recorder)
        self.clouds = {name: FakeCloud(clock, account=name) for name in self.accounts}
        self.fleet = Fleet(self.accounts, self.snapshot)
        behind = WriteBehind(self.store, recorder)
        self.monitor = Monitor(self.fleet, self.store, behind, recorder, policies())
        self.pollers = {
            name: Poller(cloud, self.monitor.observe, around, urgent=self.fleet.troubled, workers=1)
            for name, cloud in self.clouds.items()
        }
        wanted = Wanted(tuple(self.entries), tuple(self.configured))
        self.discovery = Discovery(
            self.clouds,
            wanted,
            self.store,
            recorder,
            Around(
                changed=self._changed,
                listed=self._listed,
                missing=self.fleet.missing,
                readable=self.fleet.readable,
                accepted=self.fleet.accepted,
                clock=self.clock,
            ),
        )
        self.discovery.start_with(self.snapshot.discovered)
        self.roster = Roster(
            Roll(wanted, self.labels), self.fleet, self.monitor, pollers=self.pollers, clock=clock
        )

    async def _changed(self, _account: str) -> None:
        await self.call()

    async def _listed(self, account: str, trouble: ListingTrouble | None) -> None:
        await self.monitor.note_listing(account, trouble, at(0), every=INTERVAL)

    async def call(self) -> None:
        await self.roster.call(self.discovery)

    async def shows(self, *tasks: ListedTask, account: str = "prod") -> None:
        """A listing of an account comes in."""
        self.clouds[account].listing = Listing(account, tasks, 1, 1)
        await self.discovery.discover(account)

    def names(self) -> list[str]:
        return sorted(memory.task.name for memory in self.fleet)

    def watched(self, name: str) -> WatchedTask:
        return next(memory.task for memory in self.fleet if memory.task.name == name)

    def endings(self) -> list[str]:
        """Who was told to be no longer watched by this process, in order."""
        return [
            event.incident.name
            for change in self.store.changes
            for event in change.events
            if event.incident.resolution == "no longer watched"
        ]


async def sick(*names: str, discovered: Sequence[str] = ()) -> tuple[FakeStore, Snapshot]:
    """A store that knows open incidents of these tasks, and what discovery found."""
    store = FakeStore()
    for name in names:
        await store.commit(an_opening(an_incident(key=a_key(name))))
    await store.save_discovered("prod", [a_listed_task(name) for name in discovered])
    again = store.opened_again()
    return again, await again.load()


async def test_configured_tasks_are_watched_at_once() -> None:
    bench = Bench(entries=(), configured=(CONFIGURED,))
    await bench.call()
    assert bench.names() == ["orders"]
    assert bench.pollers["prod"]._entries.keys() == {a_key()}


async def test_discovered_tasks_are_watched_when_they_are_found() -> None:
    bench = Bench()
    await bench.call()
    assert bench.names() == []
    await bench.shows(a_listed_task("a"), a_listed_task("b"))
    assert bench.names() == ["a", "b"]
    await bench.shows(a_listed_task("b"), a_listed_task("c"))
    assert bench.names() == ["a", "b", "c"]
    await asyncio.sleep(86_400)
    await bench.shows(a_listed_task("b"), a_listed_task("c"))
    assert bench.names() == ["b", "c"]
    assert bench.pollers["prod"]._entries.keys() == {a_key("b"), a_key("c")}


async def test_tasks_found_before_a_restart_are_watched_before_the_first_listing() -> None:
    store, snapshot = await sick(discovered=["a", "b"])
    bench = Bench(store=store, snapshot=snapshot)
    await bench.call()
    assert bench.names() == ["a", "b"]


async def test_labels_are_put_on() -> None:
    entry = LabelEntry(Match(task=Patterns(("a*",))), {"team": "data"})
    bench = Bench(labels=(entry,))
    await bench.shows(a_listed_task("a"), a_listed_task("b"))
    assert bench.watched("a").labels == {"team": "data"}
    assert bench.watched("b").labels == {}


async def test_a_task_whose_connector_nobody_knows_yet_is_watched_but_not_polled() -> None:
    by_instance = ConfiguredTask("mine", "prod", "id-of-orders", instance_id="instance-of-orders")
    bench = Bench(entries=(), configured=(by_instance,))
    await bench.call()
    assert bench.names() == ["mine"]
    assert not bench.pollers["prod"]._entries
    await bench.shows(a_listed_task())
    assert bench.names() == ["mine"]
    assert bench.pollers["prod"]._entries.keys() == {a_key()}


async def test_a_task_that_is_gone_from_the_listing_is_told_once() -> None:
    bench = Bench()
    await bench.shows(a_listed_task("a"), a_listed_task("b"))
    await bench.monitor.observe(a_sample(at(1), key=a_key("a"), lags=(200_000,)))
    for second in (60, 120):
        await bench.shows(a_listed_task("b"), a_listed_task("c"))
        gone = a_failure(at(second), key=a_key("a"), kind=FailureKind.MISSING)
        await bench.monitor.observe(gone)
    memory = bench.fleet.get(a_key("a"))
    assert memory is not None
    missing = [i for i in memory.alerts.incidents() if i.rule == "missing"]
    assert [incident.severity for incident in missing] == [Severity.WARNING]
    assert bench.endings() == []
    await asyncio.sleep(86_400)
    for _ in range(3):
        await bench.shows(a_listed_task("b"), a_listed_task("c"))
    assert bench.endings() == ["a", "a"]


async def test_an_orphan_is_not_ended_before_a_listing_shows_that_it_is_gone() -> None:
    store, snapshot = await sick("gone", "here")
    bench = Bench(store=store, snapshot=snapshot)
    await bench.call()
    assert bench.endings() == []
    bench.clouds["prod"].listing = CloudUnavailable("HTTP 503")
    await bench.discovery.discover("prod")
    assert bench.endings() == []
    await bench.shows(a_listed_task("here"))
    assert bench.endings() == ["gone"]
    assert bench.fleet.troubled(a_key("here"))
    await bench.shows(a_listed_task("here"), a_listed_task("another"))
    assert bench.endings() == ["gone"]


async def test_an_orphan_of_an_account_that_is_not_configured_any_more_is_ended_at_once() -> None:
    store = FakeStore()
    for key in (TaskKey("old"), a_key(account="old")):
        await store.commit(an_opening(an_incident(key=key)))
    again = store.opened_again()
    bench = Bench(store=again, snapshot=await again.load())
    await bench.call()
    assert len(bench.endings()) == 2


async def test_an_orphan_where_nothing_is_looked_for_is_ended_at_once() -> None:
    store, snapshot = await sick("gone")
    bench = Bench(entries=(), configured=(CONFIGURED,), store=store, snapshot=snapshot)
    await bench.call()
    assert bench.endings() == ["gone"]


async def test_one_account_that_is_down_does_not_keep_the_orphans_of_another() -> None:
    store = FakeStore()
    for account in ("prod", "test"):
        await store.commit(an_opening(an_incident(key=a_key(account, account=account))))
    again = store.opened_again()
    bench = Bench(
        entries=(DiscoveryEntry(("prod", "test")),),
        store=again,
        snapshot=await again.load(),
        accounts=("prod", "test"),
    )
    await bench.call()
    await bench.shows(account="test")
    assert bench.endings() == ["test"]
    await bench.shows()
    assert bench.endings() == ["test", "prod"]


async def test_an_incident_of_an_account_ends_when_a_listing_shows_no_task_of_it() -> None:
    store = FakeStore()
    await store.commit(an_opening(an_incident(key=TaskKey("prod"))))
    again = store.opened_again()
    bench = Bench(store=again, snapshot=await again.load())
    await bench.call()
    assert bench.endings() == []
    await bench.shows()
    assert len(bench.endings()) == 1


async def test_windows_are_kept_for_tasks_that_are_found_later() -> None:
    store = FakeStore()
    await store.save_windows({a_key(): a_history(a_sample())})
    bench = Bench(store=store, snapshot=await store.load())
    await bench.call()
    await bench.shows(a_listed_task())
    memory = bench.fleet.get(a_key())
    assert memory is not None
    assert memory.history == a_history(a_sample())


async def test_a_deleted_task_leaves_when_its_absence_is_acknowledged() -> None:
    bench = Bench()
    await bench.shows(a_listed_task("a"), a_listed_task("b"), a_listed_task("c"))
    await bench.shows(a_listed_task("b"), a_listed_task("c"))
    for second in (60, 120):
        gone = a_failure(at(second), key=a_key("a"), kind=FailureKind.MISSING)
        await bench.monitor.observe(gone)
    memory = bench.fleet.get(a_key("a"))
    assert memory is not None
    (missing,) = memory.alerts.incidents()
    ack = Acknowledgement("U0ADA", at(130), at(9_000))
    act = Act(EventKind.ACKNOWLEDGED, frozenset({missing.id}), "U0ADA", ack=ack)
    assert not bench.fleet.accepted(a_key("a"))
    await bench.monitor.act(a_key("a"), act, at(130))
    await bench.shows(a_listed_task("b"), a_listed_task("c"))
    assert bench.names() == ["b", "c"]
    assert bench.endings() == ["a"]
