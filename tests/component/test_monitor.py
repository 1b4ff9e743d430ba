"""The monitor: what observations come to, in memory, in the store and in the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cards import Form
from bot.domain.model import Severity
from bot.domain.policy import (
    BUILT_IN,
    AlertPolicy,
    LagRule,
    Route,
    RuleType,
    View,
)
from bot.ports import Snapshot
from tests.builders import START, a_key, a_sample, a_task, at
from tests.component.watching import RULES, Watching, policies, severities

pytestmark = pytest.mark.looptime(noop_cycles=1)


# --- the plain course -----------------------------------------------------------------------------


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


@given(
    polls=st.lists(
        st.tuples(st.integers(1, 400), st.none() | st.integers(0, 300_000) | st.just("failure")),
        min_size=1,
        max_size=30,
    )
)
async def test_a_process_that_dies_after_its_last_batch_forgets_nothing_of_a_task(
    polls: list[tuple[int, int | str | None]],
) -> None:
    watching = Watching()
    second = 0
    for pause, seen in polls:
        second += pause
        if isinstance(seen, str):
            await watching.failure(second)
        else:
            await watching.lag(second, seen)
        await watching.behind.write()
    store = watching.store.opened_again()
    again = Watching(store=store, snapshot=await store.load())
    before, after = watching.fleet.get(a_key()), again.fleet.get(a_key())
    assert before is not None
    assert after is not None
    assert after.history == before.history


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


# --- flapping, several incidents ------------------------------------------------------------------


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


async def rounds(watching: Watching, count: int, every_s: int) -> None:
    """A lag that comes and passes within four minutes, so many times."""
    for number in range(count):
        start = every_s * number
        await watching.lag(start, 200_000)
        for second in (60, 120, 180):
            await watching.lag(start + second, 0)


async def test_what_comes_back_soon_joins_its_card_and_rings() -> None:
    watching = Watching()
    await rounds(watching, 3, 600)
    assert watching.replies() == ["resolved", "opened", "resolved", "opened", "resolved"]
    assert len(watching.roots()) == 1
    replies = [intent for intent in watching.intents() if intent.form is Form.REPLY]
    assert all(intent.rings for intent in replies)
    assert watching.open_in_store() == []


async def test_what_comes_back_later_has_a_card_of_its_own() -> None:
    watching = Watching()
    await rounds(watching, 3, 2_400)
    assert watching.replies() == ["resolved"] * 3
    assert len(watching.roots()) == 3
    assert [card.closed_at is None for card in watching.cards_in_store()].count(True) == 1


async def test_the_fourth_opening_is_flapping_and_the_last_word_until_it_settles() -> None:
    watching = Watching()
    await rounds(watching, 8, 600)
    assert watching.replies() == [*["resolved", "opened"] * 2, "resolved", "flapping"]
    rings = [intent for intent in watching.intents() if intent.rings]
    assert len(rings) == 7
    await watching.lag(4_400, 0)
    assert watching.replies()[-1] == "flapping"
    await watching.lag(6_400, 0)
    assert watching.replies()[-1] == "settled"
    assert all(card.closed_at for card in watching.cards_in_store())
    await watching.lag(6_500, 200_000)
    assert len(watching.roots()) == 2


async def test_an_escalation_of_what_flaps_rings_all_the_same() -> None:
    watching = Watching()
    await rounds(watching, 5, 600)
    await watching.lag(3_000, 200_000)
    await watching.lag(3_060, 2_000_000)
    last = watching.intents()[-1]
    assert (last.notice.reason.value, last.rings) == ("escalated", True)


async def test_what_flapped_and_then_stays_rings_and_its_end_is_told() -> None:
    watching = Watching()
    await rounds(watching, 5, 600)
    for second in range(3_000, 3_000 + 1_980, 60):
        await watching.lag(second, 200_000)
    assert watching.replies()[-2:] == ["flapping", "opened"]
    assert [i.rings for i in watching.intents() if i.form is Form.REPLY][-1]
    for second in (5_000, 5_060, 5_120):
        await watching.lag(second, 0)
    assert watching.replies()[-1] == "resolved"


async def test_reopening_can_be_turned_off() -> None:
    alerts = AlertPolicy(reopen_within=timedelta(0))
    watching = Watching(policies=policies(alerts=alerts))
    await rounds(watching, 3, 600)
    assert watching.replies() == ["resolved"] * 3
    assert len(watching.roots()) == 3


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
    assert [c.closed_at for c in watching.cards_in_store()] == [None]
    await watching.lag(2_400, 0)
    assert all(card.closed_at for card in watching.cards_in_store())


async def test_an_escalation_is_told_and_a_lesser_lag_does_not_deescalate() -> None:
    watching = Watching()
    await watching.lag(0, 200_000)
    await watching.lag(60, 2_000_000)
    await watching.lag(120, 200_000)
    assert watching.replies() == ["escalated"]
    assert severities(watching.open_here()) == [Severity.CRITICAL]


# --- severities -----------------------------------------------------------------------------------


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


# --- time that goes back --------------------------------------------------------------------------


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


# --- trough ---------------------------------------------------------------------------------------


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
