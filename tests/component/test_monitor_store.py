"""The monitor and a store that goes away, loses answers, or is opened again after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.model import Severity
from bot.domain.policy import (
    BUILT_IN,
    Route,
    Span,
)
from bot.ports import Change, StoreConflict, StoreUnavailable
from tests.builders import a_sample, at
from tests.component.watching import LAG, Watching, policies, severities
from tests.fake_store import FakeStore

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("database is locked")


class LosingStore(FakeStore):
    """Writes a change, and then says that it could not: as often as asked."""

    lose = 0

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        if self.lose:
            self.lose -= 1
            raise StoreUnavailable("the answer was lost")


# --- the store goes away --------------------------------------------------------------------------


async def test_what_cannot_be_saved_is_not_said_and_is_found_again_once() -> None:
    watching = Watching()
    watching.store.failing = AWAY
    await watching.lag(0, 200_000)
    await watching.lag(60, 200_000)
    assert watching.open_here() == []
    assert watching.store_down()
    watching.store.failing = None
    await watching.lag(120, 200_000)
    await watching.lag(180, 200_000)
    assert watching.said() == ["card opened"]
    assert not watching.store_down()
    assert watching.recorder.events() == [
        "store unavailable, transitions wait",
        "transitions are saved again",
        "incident opened",
    ]


async def test_an_ending_that_cannot_be_saved_is_found_again_once() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 0)
    watching.store.failing = AWAY
    await watching.lag(120, 0)
    await watching.lag(180, 0)
    watching.store.failing = None
    await watching.lag(240, 0)
    await watching.lag(300, 0)
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


async def test_a_transition_that_passed_while_the_store_was_away_leaves_no_complaint() -> None:
    watching = Watching()
    watching.store.failing = AWAY
    await watching.lag(0, 200_000)
    await watching.lag(60, 0)
    assert watching.store_down(), "nobody knows what was written"
    watching.store.failing = None
    await watching.lag(120, 0)
    assert not watching.store_down()
    assert watching.store.changes == []


async def test_the_wait_to_open_goes_on_while_the_store_is_away() -> None:
    patient = replace(LAG, hold_for=Span(timedelta(minutes=5)))
    watching = Watching(policies=policies(rules=(*BUILT_IN, patient)))
    watching.store.failing = AWAY
    for second in (0, 60, 120, 180, 240):
        await watching.lag(second, 200_000)
    watching.store.failing = None
    await watching.lag(300, 200_000)
    assert watching.said() == ["card opened"]
    assert watching.open_here()[0].breached_since == at(0)


async def test_a_commit_whose_answer_was_lost_is_neither_lost_nor_said_twice() -> None:
    store = LosingStore()
    watching = Watching(store=store)
    store.lose = 1
    for second in (0, 60, 120, 180):
        await watching.lag(second, 200_000)
    assert len(watching.roots()) == 1
    for second in (240, 300, 360):
        await watching.lag(second, 0)
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []
    assert [incident.opened_at for _, incident in store.kept.incidents.values()] == [at(0)]


async def test_what_somebody_else_wrote_is_taken_up() -> None:
    watching = Watching()
    other = Watching(store=watching.store.opened_again())
    await other.lag(0, 200_000)
    await watching.lag(30, 200_000)
    assert watching.said() == []
    for second in (60, 120, 180):
        await watching.lag(second, 0)
    assert watching.replies() == ["resolved"]
    assert len(watching.cards_in_store()) == 1


async def test_a_refused_change_with_a_store_that_then_goes_away_is_tried_again() -> None:
    class Refusing(FakeStore):
        refuse = True

        async def commit(self, change: Change) -> None:
            if self.refuse:
                self.refuse, self.failing = False, AWAY
                raise StoreConflict("saved by somebody else meanwhile")
            await super().commit(change)

    watching = Watching(store=Refusing())
    await watching.lag(0, 200_000)
    assert watching.store_down()
    watching.store.failing = None
    await watching.lag(60, 200_000)
    assert watching.said() == ["card opened"]


# --- restarts -------------------------------------------------------------------------------------


async def test_a_restart_says_nothing_again() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.status(60, "FAILED")
    for round_ in range(3):
        watching = await watching.restarted()
        for poll in range(5):
            sick = a_sample(
                at(600 * round_ + 60 * poll + 120), lags=(200_000, 0, 0), status="FAILED"
            )
            await watching.monitor.observe(sick)
        assert watching.replies() == []
        assert "card opened" not in watching.said()


async def test_what_cleared_while_the_bot_was_down_is_closed_with_one_reply() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    watching = await watching.restarted()
    for second in (7200, 7260, 7320, 7380):
        await watching.lag(second, 0)
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


async def test_a_restart_in_the_middle_of_a_recovery_does_not_shorten_it() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 0)
    watching = await watching.restarted()
    await watching.lag(3600, 0)
    assert watching.replies() == []
    await watching.lag(3660, 0)
    assert watching.replies() == ["resolved"]


async def test_a_wait_to_open_outlasts_a_restart() -> None:
    patient = replace(LAG, hold_for=Span(timedelta(minutes=5)))
    watching = Watching(policies=policies(rules=(*BUILT_IN, patient)))
    for second in (0, 60, 120):
        await watching.lag(second, 200_000)
    watching = await watching.restarted()
    for second in (180, 240, 300):
        await watching.lag(second, 200_000)
    assert watching.said() == ["card opened"]
    assert watching.open_here()[0].breached_since == at(0)


async def test_a_crash_before_anything_was_written_behind_loses_no_transition() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 2_000_000)
    store = watching.store.opened_again()
    watching = Watching(store=store, snapshot=await store.load())
    assert severities(watching.open_here()) == [Severity.CRITICAL]
    await watching.lag(120, 2_000_000)
    assert watching.replies() == []


async def test_a_rule_that_was_removed_lets_its_incident_end() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    watching = await watching.restarted(policies=policies(rules=BUILT_IN))
    for second in (60, 120, 180):
        await watching.lag(second, 200_000)
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


async def test_a_level_that_was_raised_ends_what_is_open_below_it() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    higher = replace(LAG, warning=500_000)
    watching = await watching.restarted(policies=policies(rules=(*BUILT_IN, higher)))
    for second in (60, 120, 180):
        await watching.lag(second, 200_000)
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


async def test_a_level_that_was_lowered_keeps_open_and_escalates_what_is_above_it() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    lower = replace(LAG, warning=10_000, critical=100_000)
    watching = await watching.restarted(policies=policies(rules=(*BUILT_IN, lower)))
    for second in (60, 120):
        await watching.lag(second, 50_000)
    assert watching.replies() == []
    await watching.lag(180, 200_000)
    assert watching.replies() == ["escalated"]
    assert len(watching.open_in_store()) == 1


async def test_routes_that_changed_do_not_move_an_open_incident() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    watching = await watching.restarted(policies=policies(Route("C0NEW")))
    for second in (60, 120):
        await watching.lag(second, 0)
    assert {intent.channel for intent in watching.intents()} == {"C0DATA"}


async def test_how_long_a_task_has_not_answered_outlasts_a_restart() -> None:
    watching = Watching()
    for minute in range(20):
        await watching.failure(60 * minute)
    watching = await watching.restarted()
    for minute in range(20, 32):
        await watching.failure(60 * minute)
    assert watching.replies() == ["escalated"]
