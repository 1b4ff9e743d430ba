"""The monitor: what observations come to, in memory, in the store and in the outbox."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.matching import Match, Patterns
from bot.domain.model import FailureKind, Severity, TaskKey, WatchedTask
from bot.domain.policy import (
    BUILT_IN,
    AlertPolicy,
    LagRule,
    Route,
    RuleType,
    Span,
    UnreachableRule,
    View,
)
from bot.ports import Change, Snapshot, StoreConflict, StoreUnavailable
from tests.builders import START, a_failure, a_key, a_sample, a_task, at
from tests.component.watching import LAG, RULES, Watching, policies, severities
from tests.fake_store import FakeStore

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("database is locked")
DENIED = FailureKind.DENIED


class LosingStore(FakeStore):
    """Writes a change, and then says that it could not: as often as asked."""

    lose = 0

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        if self.lose:
            self.lose -= 1
            raise StoreUnavailable("the answer was lost")


class SlowStore(FakeStore):
    """Takes time to write."""

    takes = timedelta(seconds=5)

    async def commit(self, change: Change) -> None:
        await asyncio.sleep(self.takes.total_seconds())
        await super().commit(change)


# --- the plain course ------------------------------------------------------------------------


async def test_a_breach_opens_one_incident_and_is_told_once() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 200_000)
    await watching.lag(120, 200_000)
    assert watching.said() == ["card opened"]
    assert len(watching.open_in_store()) == 1


async def test_a_task_that_is_well_writes_nothing_at_once() -> None:
    watching = Watching()
    for minute in range(10):
        await watching.lag(60 * minute, 10 * minute)
    assert watching.store.changes == []
    await watching.behind.flush()
    assert len(watching.store.kept.samples[a_key()]) == 10


async def test_an_observation_of_an_unwatched_task_is_dropped() -> None:
    watching = Watching()
    await watching.lag(0, 200_000, task="nobody")
    await watching.behind.flush()
    assert watching.store.changes == []
    assert watching.store.kept.samples == {}


async def test_a_replayed_observation_changes_nothing() -> None:
    watching = Watching()
    for _ in range(3):
        await watching.lag(0, 200_000)
    await watching.lag(60, 300_000)
    memory = watching.fleet.get(a_key())
    assert memory is not None
    before = (memory.history, dict(memory.alerts.states), dict(memory.alerts.cards))
    await watching.lag(60, 300_000)
    await watching.lag(0, 200_000)
    assert (memory.history, memory.alerts.states, memory.alerts.cards) == before
    assert len(watching.store.changes) == 2


async def test_a_change_holds_the_window_that_it_was_judged_by() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    memory = watching.fleet.get(a_key())
    assert memory is not None
    assert watching.store.kept.windows[a_key()] == memory.history


async def test_new_evidence_that_nobody_is_told_of_is_not_written() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    for second in range(60, 600, 60):
        await watching.lag(second, 200_000 + second)
    assert len(watching.store.changes) == 1


async def test_numbers_edit_a_card_at_most_every_edit_every() -> None:
    alerts = AlertPolicy(edit_every=timedelta(minutes=5))
    watching = Watching(policies=policies(alerts=alerts))
    for minute in range(60):
        await watching.lag(60 * minute, 200_000 + 10_000 * minute)
    said = watching.said()
    assert said[0] == "card opened"
    assert set(said[1:]) == {"card evidence_changed"}
    assert 10 <= len(said) <= 12


async def test_unicode_names_are_as_good_as_others() -> None:
    task = replace(a_task(), name="заказы-订单 🚚", task_name="заказы-订单 🚚")
    watching = Watching(tasks=(task,))
    await watching.lag(0, 200_000)
    assert watching.intents()[0].notice.task.name == "заказы-订单 🚚"
    assert watching.open_in_store()[0].name == "заказы-订单 🚚"


async def test_a_fleet_of_no_tasks_is_no_matter() -> None:
    watching = Watching(tasks=())
    await watching.lag(0, 200_000)
    await watching.monitor.retire([], START)
    assert watching.store.changes == []


# --- flapping, several incidents -------------------------------------------------------------


async def test_a_lag_that_flaps_around_its_level_stays_one_incident() -> None:
    watching = Watching()
    for minute in range(60):
        await watching.lag(60 * minute, 200_000 if minute % 2 else 90_000)
    assert watching.replies() == []
    assert len(watching.roots()) == 1


async def test_a_lag_that_clears_for_one_poll_at_a_time_never_resolves() -> None:
    watching = Watching()
    for minute in range(60):
        await watching.lag(60 * minute, 0 if minute % 2 else 200_000)
    assert watching.replies() == []
    assert len(watching.open_here()) == 1


async def test_each_resolution_ends_its_card_and_the_next_opening_has_a_new_one() -> None:
    watching = Watching()
    for round_ in range(3):
        start = 600 * round_
        await watching.lag(start, 200_000)
        for second in (60, 120, 180):
            await watching.lag(start + second, 0)
    assert watching.replies() == ["resolved"] * 3
    assert len(watching.roots()) == 3
    assert watching.open_in_store() == []


async def test_two_incidents_of_a_task_share_a_card_that_ends_with_the_last() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    sick = a_sample(at(60), lags=(200_000, 0, 0), status="FAILED")
    await watching.monitor.observe(sick)
    assert len(watching.roots()) == 1
    assert watching.replies() == ["opened"]
    for second in (120, 180, 240):
        await watching.monitor.observe(a_sample(at(second), lags=(0, 0, 0), status="FAILED"))
    assert [c.closed_at for c in watching.cards_in_store()] == [None]
    for second in (300, 360, 420):
        await watching.lag(second, 0)
    assert watching.replies() == ["opened", "resolved", "resolved"]
    assert all(card.closed_at for card in watching.cards_in_store())


async def test_an_escalation_is_told_and_a_lesser_lag_does_not_deescalate() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 2_000_000)
    await watching.lag(120, 200_000)
    assert watching.replies() == ["escalated"]
    assert severities(watching.open_here()) == [Severity.CRITICAL]


# --- the store goes away ---------------------------------------------------------------------


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
    assert not watching.store_down()
    watching.store.failing = None
    await watching.lag(120, 0)
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


# --- restarts --------------------------------------------------------------------------------


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


async def test_a_level_that_was_raised_does_not_end_an_open_incident() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    higher = replace(LAG, warning=500_000)
    watching = await watching.restarted(policies=policies(rules=(*BUILT_IN, higher)))
    for second in (60, 120, 180):
        await watching.lag(second, 200_000)
    assert watching.replies() == []
    assert len(watching.open_in_store()) == 1


async def test_a_level_that_was_lowered_does_not_keep_an_open_incident_open() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    lower = replace(LAG, warning=10_000)
    watching = await watching.restarted(policies=policies(rules=(*BUILT_IN, lower)))
    for second in (60, 120):
        await watching.lag(second, 50_000)
    assert watching.replies() == ["resolved"]
    await watching.lag(180, 50_000)
    assert watching.replies() == ["resolved"]
    assert len(watching.open_in_store()) == 1, "the new level counts for what opens now"


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


# --- tasks that are not watched any more -----------------------------------------------------


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


# --- the account as a whole ------------------------------------------------------------------

FLEET = tuple(a_task(f"task-{number}") for number in range(6))


async def outage(
    watching: Watching, *minutes: int, kind: FailureKind = FailureKind.UNAVAILABLE
) -> None:
    """All tasks fail alike, one second after the other."""
    for minute in minutes:
        for place, task in enumerate(watching.tasks):
            await watching.failure(60 * minute + place, kind, task=task.name)


async def recovery(watching: Watching, *minutes: int) -> None:
    """All tasks answer, one second after the other."""
    for minute in minutes:
        for place, task in enumerate(watching.tasks):
            await watching.lag(60 * minute + place, 0, task=task.name)


async def test_an_outage_of_an_account_is_one_incident_of_the_account() -> None:
    watching = Watching(tasks=FLEET)
    await recovery(watching, 0)
    await outage(watching, *range(1, 10))
    incidents = watching.open_in_store()
    assert [incident.key for incident in incidents] == [TaskKey("prod")]
    assert [s for s in watching.said() if s != "card evidence_changed"] == ["card opened"]
    assert len(watching.roots()) == 1
    assert incidents[0].evidence[0].detail == "6 of 6 tasks: no answer within 10 s"


async def test_when_an_account_answers_again_its_incident_ends_once() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    await recovery(watching, *range(4, 10))
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


async def test_refused_credentials_are_told_at_once_and_of_the_account() -> None:
    watching = Watching(tasks=FLEET)
    await watching.failure(0, DENIED, task="task-0")
    assert [incident.key for incident in watching.open_in_store()] == [TaskKey("prod")]
    await outage(watching, 1, 2, 3, 4, 5, kind=DENIED)
    assert len(watching.roots()) == 1
    assert watching.replies() == []


async def test_an_outage_that_lasts_becomes_critical_once() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(40))
    assert watching.replies() == ["escalated"]


async def test_an_outage_of_half_the_tasks_is_told_of_each() -> None:
    watching = Watching(tasks=FLEET)
    for minute in range(5):
        for name in ("task-0", "task-1", "task-2"):
            await watching.failure(60 * minute, task=name)
        for name in ("task-3", "task-4", "task-5"):
            await watching.lag(60 * minute, 0, task=name)
    assert len(watching.roots()) == 3
    assert not any(incident.key.is_account for incident in watching.open_in_store())


async def test_tasks_that_still_fail_when_the_account_is_well_speak_for_themselves() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    for minute in range(4, 12):
        await watching.failure(60 * minute, task="task-0")
        for task in FLEET[1:]:
            await watching.lag(60 * minute + 1, 0, task=task.name)
    assert [incident.key for incident in watching.open_in_store()] == [a_key("task-0")]


async def test_an_account_with_one_task_lets_the_task_speak() -> None:
    watching = Watching()
    for minute in range(5):
        await watching.failure(60 * minute)
    assert [incident.key for incident in watching.open_in_store()] == [a_key()]


async def test_refused_credentials_of_an_account_with_one_task_are_one_incident() -> None:
    watching = Watching()
    for minute in range(5):
        await watching.failure(60 * minute, DENIED)
    assert [incident.key for incident in watching.open_in_store()] == [TaskKey("prod")]
    assert watching.said() == ["card opened"]


async def test_where_no_rule_speaks_of_accounts_the_tasks_do() -> None:
    off = UnreachableRule(name="off", enabled=False)
    on = UnreachableRule(name="on", match=Match(task=Patterns(("task-*",))))
    watching = Watching(tasks=FLEET, policies=policies(rules=(*BUILT_IN, off, on)))
    await outage(watching, *range(5))
    assert len(watching.open_in_store()) == 6
    assert not any(incident.key.is_account for incident in watching.open_in_store())


async def test_a_restart_in_an_outage_says_nothing_and_judges_as_before() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    watching = await watching.restarted()
    await outage(watching, *range(5, 8))
    assert watching.said() == []
    await recovery(watching, *range(8, 12))
    assert watching.replies() == ["resolved"]


async def test_accounts_with_tasks_of_equal_ids_do_not_mix() -> None:
    here = a_task("orders")
    there = WatchedTask(replace(here.key, account="test"), "test/orders", "orders")
    watching = Watching(tasks=(here, there), accounts=("prod", "test"))
    await watching.failure(0, DENIED, account="test")
    await watching.lag(0, 200_000)
    keys = sorted(incident.key for incident in watching.open_in_store())
    assert keys == sorted([TaskKey("test"), here.key])
    await watching.monitor.observe(a_failure(at(60), key=there.key, kind=DENIED))
    await watching.lag(60, 200_000)
    assert len(watching.open_in_store()) == 2


async def test_an_incident_of_an_account_goes_by_routes_that_speak_of_accounts() -> None:
    of_task = Route("C0TEAM", match=Match(task=Patterns(("task-*",))))
    of_account = Route("C0OPS", match=Match(account=Patterns(("prod",))))
    watching = Watching(tasks=FLEET, policies=policies(of_task, of_account, Route("C0REST")))
    await outage(watching, *range(4))
    await watching.lag(300, 200_000, task="task-1")
    channels = {intent.channel for intent in watching.intents()}
    assert channels == {"C0OPS", "C0TEAM"}


async def test_an_account_that_clears_while_its_change_could_not_be_saved_complains_no_more() -> (
    None
):
    watching = Watching(tasks=FLEET)
    watching.store.failing = AWAY
    await watching.failure(0, DENIED, task="task-0")
    assert watching.store_down()
    await recovery(watching, 1)
    assert not watching.store_down()


async def test_what_is_open_of_an_account_ends_when_none_of_its_tasks_is_watched() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    await watching.monitor.retire(watching.watch(), at(300))
    await watching.monitor.retire_account("prod", at(300))
    await watching.monitor.retire_account("prod", at(360))
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


# --- reminders -------------------------------------------------------------------------------


async def test_a_reminder_is_due_repeat_after_the_last_ring_that_was_delivered() -> None:
    hourly = Route("C0DATA", repeat={Severity.WARNING: timedelta(hours=1)})
    watching = Watching(policies=policies(hourly))
    await watching.lag(0, 200_000)
    card_id = watching.intents()[0].card_id
    for minute in range(1, 90):
        await watching.lag(60 * minute, 200_000)
    assert watching.replies() == [], "the card was not delivered yet"
    watching.fleet.rang(card_id, at(5400))
    for minute in range(90, 150):
        await watching.lag(60 * minute, 200_000)
    assert watching.replies() == []
    await watching.lag(60 * 150, 200_000)
    assert watching.replies() == ["reminder"]
    for minute in range(151, 400):
        await watching.lag(60 * minute, 200_000)
    assert watching.replies() == ["reminder"], "one waits"
    watching.fleet.rang(card_id, at(60 * 400))
    await watching.lag(60 * 461, 200_000)
    assert watching.replies() == ["reminder", "reminder"]


async def test_a_task_polled_more_seldom_than_its_reminder_is_reminded_at_each_poll() -> None:
    route = Route("C0DATA", repeat={Severity.WARNING: timedelta(minutes=10)})
    slow = replace(a_task(), interval=timedelta(hours=1))
    watching = Watching(tasks=(slow,), policies=policies(route))
    await watching.lag(0, 200_000)
    card_id = watching.intents()[0].card_id
    for hour in range(1, 5):
        watching.fleet.rang(card_id, at(3600 * hour - 3590))
        await watching.lag(3600 * hour, 200_000)
    assert watching.replies() == ["reminder"] * 4


async def test_what_rings_anyway_is_no_reminder_besides() -> None:
    hourly = Route("C0DATA", repeat={Severity.WARNING: timedelta(hours=1)})
    watching = Watching(policies=policies(hourly))
    await watching.lag(0, 200_000)
    watching.fleet.rang(watching.intents()[0].card_id, at(10))
    await watching.lag(3660, 2_000_000)
    assert watching.replies() == ["escalated"]


async def test_reminders_of_an_open_incident_go_on_after_a_restart() -> None:
    hourly = Route("C0DATA", repeat={Severity.WARNING: timedelta(hours=1)})
    watching = Watching(policies=policies(hourly))
    await watching.lag(0, 200_000)
    watching.store.kept.rang_at[watching.intents()[0].card_id] = at(10)
    watching = await watching.restarted()
    await watching.lag(3600, 200_000)
    assert watching.replies() == []
    await watching.lag(3660, 200_000)
    assert watching.replies() == ["reminder"]


async def test_a_reminder_that_could_not_be_saved_comes_with_the_next_observation() -> None:
    hourly = Route("C0DATA", repeat={Severity.WARNING: timedelta(hours=1)})
    watching = Watching(policies=policies(hourly))
    await watching.lag(0, 200_000)
    watching.fleet.rang(watching.intents()[0].card_id, at(10))
    watching.store.failing = AWAY
    await watching.lag(3660, 200_000)
    watching.store.failing = None
    await watching.lag(3720, 200_000)
    await watching.lag(3780, 200_000)
    assert watching.replies() == ["reminder"]


# --- severities ------------------------------------------------------------------------------


async def test_an_incident_below_a_channels_severity_is_told_when_it_reaches_it() -> None:
    critical_only = Route("C0ONCALL", min_severity=Severity.CRITICAL, continues=True)
    watching = Watching(policies=policies(critical_only, Route("C0DATA")))
    await watching.lag(0, 200_000)
    assert {intent.channel for intent in watching.intents()} == {"C0DATA"}
    await watching.lag(60, 2_000_000)
    late = [i for i in watching.intents() if i.channel == "C0ONCALL"]
    assert [(i.form.value, i.notice.reason.value, i.rings) for i in late] == [
        ("card", "opened", True)
    ]


async def test_what_never_reached_a_channels_severity_ends_in_silence_there() -> None:
    watching = Watching(policies=policies(Route("C0ONCALL", min_severity=Severity.CRITICAL)))
    await watching.lag(0, 200_000)
    for second in (60, 120):
        await watching.lag(second, 0)
    assert watching.intents() == []
    assert all(card.closed_at for card in watching.cards_in_store())
    assert [incident.open for _, incident in watching.store.kept.incidents.values()] == [False]


# --- time that goes back ---------------------------------------------------------------------


async def test_observations_older_than_the_last_change_nothing_and_are_noted_once() -> None:
    watching = Watching()
    await watching.lag(7200, 200_000)
    for minute in range(100):
        await watching.lag(60 * minute, 0)
    assert watching.replies() == []
    assert watching.recorder.events().count("the clock went back") == 1
    for second in (7260, 7320):
        await watching.lag(second, 0)
    assert watching.replies() == ["resolved"]


async def test_a_small_step_back_is_no_matter() -> None:
    watching = Watching()
    await watching.lag(60, 0)
    await watching.lag(55, 0)
    assert watching.recorder.events() == []


# --- trough ----------------------------------------------------------------------------------


async def test_the_window_of_the_trough_outlasts_a_restart() -> None:
    trough = LagRule(name="lag", type=RuleType.PARTITION_LAG, warning=100_000, view=View.TROUGH)
    watching = Watching(policies=policies(rules=(*BUILT_IN, trough)))
    for minute in range(5):
        await watching.lag(60 * minute, 200_000)
    watching = await watching.restarted()
    for minute in range(5, 9):
        await watching.lag(60 * minute, 200_000)
    assert watching.said() == ["card opened"]


async def test_a_snapshot_of_nothing_is_a_first_start() -> None:
    watching = Watching(snapshot=Snapshot(), policies=policies(rules=RULES))
    await watching.lag(0, 200_000)
    assert watching.said() == ["card opened"]
