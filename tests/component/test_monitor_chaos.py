"""Whatever happens to the store and the process: each incident is opened once and ended once."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.cards import Form, Intent, Reason
from bot.domain.incidents import EventKind
from bot.ports import Change, StoreUnavailable
from tests.builders import a_key, a_task, at
from tests.component.watching import Watching
from tests.fake_outbox import Kept
from tests.fake_store import FakeStore

HAPPENINGS = (
    *("low", "high", "higher", "no answer"),
    *("store away", "store back", "answer lost", "restart", "crash", "leave", "return", "replay"),
)


class Fickle(FakeStore):
    """Writes a change and then says that it could not, when told to."""

    loses = False

    def __init__(self, owner: str = "bot", *, kept: Kept | None = None) -> None:
        super().__init__(owner, kept=kept)

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        if self.loses:
            self.loses = False
            raise StoreUnavailable("the answer was lost")

    def opened_again(self, owner: str | None = None) -> Fickle:
        return Fickle(owner or self.owner, kept=self.kept)


class World:
    """One task of two; the other is always well and always there."""

    def __init__(self) -> None:
        self.store = Fickle()
        self.watching = Watching(tasks=(a_task(), a_task("other")), store=self.store)
        self.changes: list[Change] = []
        self.seconds = 0
        self.lag = 0
        self.here = True

    async def happens(self, what: str) -> None:
        match what:
            case "low" | "high" | "higher":
                self.lag = {"low": 0, "high": 200_000, "higher": 2_000_000}[what]
                await self.poll()
            case "no answer":
                self.seconds += 60
                await self.watching.failure(self.seconds)
            case "store away":
                self.store.failing = StoreUnavailable("database is locked")
            case "store back":
                self.store.failing = None
            case "answer lost":
                self.store.loses = True
            case "restart" | "crash":
                await self.restarts(flushed=what == "restart")
            case "leave" | "return":
                await self.moves(here=what == "return")
            case _:
                await self.watching.lag(self.seconds, self.lag)

    async def poll(self) -> None:
        self.seconds += 60
        await self.watching.lag(self.seconds, self.lag)
        await self.watching.lag(self.seconds, 0, task="other")

    async def moves(self, *, here: bool) -> None:
        self.here = here
        self.seconds += 1
        tasks = (a_task(), a_task("other")) if here else (a_task("other"),)
        removed = self.watching.watch(*tasks)
        await self.watching.monitor.retire(removed, at(self.seconds))

    async def restarts(self, *, flushed: bool) -> None:
        if flushed:
            await self.watching.behind.flush()
        self.changes += self.store.changes
        self.store = self.store.opened_again()
        tasks = (a_task(), a_task("other")) if self.here else (a_task("other"),)
        self.watching = Watching(tasks=tasks, store=self.store, snapshot=await self.store.load())
        await self.watching.monitor.retire(self.watching.fleet.orphans(), at(self.seconds))

    async def peace(self, *, here: bool) -> None:
        """The store is back, the task is back or gone, and everything is well for a while."""
        self.store.failing, self.store.loses, self.lag = None, False, 0
        await self.moves(here=here)
        for _ in range(8):
            await self.poll()
        self.seconds += 2_400  # Cards wait for what may come back.
        await self.poll()
        self.changes += self.store.changes

    def intents(self) -> list[Intent]:
        return [intent for change in self.changes for intent in change.intents]


async def lived_through(happenings: list[str], *, here: bool) -> World:
    world = World()
    for what in happenings:
        await world.happens(what)
    await world.peace(here=here)
    return world


@settings(max_examples=150)
@given(happenings=st.lists(st.sampled_from(HAPPENINGS), max_size=40), here=st.booleans())
@example(happenings=["high", "low", "low", "answer lost", "leave"], here=False)
def test_every_incident_is_opened_once_and_ended_once_whatever_happens(
    happenings: list[str], here: bool
) -> None:
    world = asyncio.run(lived_through(happenings, here=here))
    kept = world.store.kept
    assert not [i for _, i in kept.incidents.values() if i.open]
    assert not [card for card in kept.cards.values() if card.closed_at is None]
    events = Counter((event.incident.id, event.kind) for event in kept.events)
    assert set(events) >= {(i, EventKind.OPENED) for i in kept.incidents}
    for incident in kept.incidents:
        assert events[incident, EventKind.OPENED] == 1
        assert events[incident, EventKind.RESOLVED] == 1
    assert not world.watching.store_down()
    assert not world.watching.fleet.troubled(a_key())


@settings(max_examples=150)
@given(st.lists(st.sampled_from(HAPPENINGS), max_size=40), st.booleans())
def test_nothing_is_said_twice_whatever_happens(happenings: list[str], here: bool) -> None:
    world = asyncio.run(lived_through(happenings, here=here))
    intents = world.intents()
    assert max(Counter(intent.id for intent in intents).values(), default=1) == 1
    posts = Counter(i.card_id for i in intents if i.form is Form.CARD and i.rings)
    assert set(posts.values()) <= {1}
    assert len(posts) == len(world.store.kept.cards)
    replies = [i for i in intents if i.form is Form.REPLY]
    ends = Counter(i.notice.incidents[0].id for i in replies if i.notice.reason is Reason.RESOLVED)
    assert set(ends.values()) <= {1}
    assert set(ends) == set(world.store.kept.incidents)
