"""The read side: order, worst partitions, incidents, and what health complains of."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.model import FailureKind, Severity, TaskKey, TaskState
from bot.domain.notifications import Reason
from bot.ports import (
    Change,
    DeliveryMeasured,
    IncidentFilter,
    Measured,
    Noted,
    PollMeasured,
    Postponement,
    StoreUnavailable,
)
from bot.services.delivery import Delivery, Trouble
from bot.services.vitals import Vitals
from tests.builders import (
    a_card,
    a_key,
    a_sample,
    a_sample_of,
    a_task,
    a_topic,
    an_intent,
    at,
)
from tests.component.asking import Asking
from tests.fakes import LoopClock, Recorder, SetClock

AWAY = StoreUnavailable("database is locked")


async def watched() -> Asking:
    """Four tasks: payments critical, orders with a warning, the others well."""
    asking = Asking()
    await asking.read_all()
    await asking.watching.lag(592, 200_000, task="orders")
    await asking.watching.lag(594, 2_000_000, task="payments")
    return asking


# --- tasks -----------------------------------------------------------------------------------


async def test_tasks_are_listed_worst_first_then_by_lag_and_by_name() -> None:
    asking = await watched()
    await asking.watching.lag(595, 50, task="orders-eu")
    shown = [(view.name, view.state) for view in asking.queries.views()]
    assert shown == [
        ("payments", TaskState.CRITICAL),
        ("orders", TaskState.WARNING),
        ("orders-eu", TaskState.OK),
        ("audit log", TaskState.OK),
    ]


async def test_a_reading_that_is_too_old_is_no_state() -> None:
    asking = await watched()
    asking.clock.time = at(590 + 181)
    view = asking.queries.view(a_key("orders-eu"))
    assert view is not None
    assert view.state is TaskState.UNKNOWN
    assert view.read_at == at(590)


async def test_nobody_unwatched_is_shown() -> None:
    asking = await watched()
    nobody = a_key("nobody")
    assert asking.queries.view(nobody) is None
    assert asking.queries.incidents_of(nobody) == []
    assert asking.queries.lag_rows(nobody) == []


async def test_before_the_first_reading_there_are_no_partitions() -> None:
    asking = Asking()
    assert asking.queries.lag_rows(a_key("orders")) == []
    assert asking.queries.top(10) == []


async def test_every_partition_of_a_task_is_a_row() -> None:
    asking = await watched()
    rows = asking.queries.lag_rows(a_key("orders"))
    assert [(r.reading.partition, r.reading.lag) for r in rows] == [(0, 200_000), (1, 0), (2, 0)]


async def test_the_worst_partitions_of_all_tasks_come_in_order() -> None:
    asking = await watched()
    top = asking.queries.top(2)
    assert [(row.task, row.row.reading.lag) for row in top] == [
        ("payments", 2_000_000),
        ("orders", 200_000),
    ]


async def test_one_task_may_have_all_the_worst_partitions() -> None:
    asking = await watched()
    lags = tuple(range(1, 51))
    await asking.watching.monitor.observe(a_sample(at(596), key=a_key("audit log"), lags=lags))
    top = asking.queries.top(40)
    assert len(top) == 40
    assert [row.row.reading.lag for row in top[2:]] == list(range(50, 12, -1))


async def test_partitions_without_a_lag_are_not_among_the_worst() -> None:
    asking = Asking()
    sample = a_sample_of(a_topic(lags=(None, 0, 7)), when=at(590), key=a_key("orders"))
    await asking.watching.monitor.observe(sample)
    assert [row.row.reading.partition for row in asking.queries.top(10)] == [2]


async def test_the_fleet_is_summed_up_in_a_line() -> None:
    asking = await watched()
    summary = asking.queries.summary()
    assert summary.tasks == 4
    assert summary.states[TaskState.OK] == 2
    assert summary.open_incidents == {Severity.CRITICAL: 1, Severity.WARNING: 1}
    assert summary.oldest_read_at == at(590)
    assert summary.never_read == 0


async def test_a_fleet_of_no_tasks_is_summed_up_too() -> None:
    summary = Asking(tasks=()).queries.summary()
    assert (summary.tasks, summary.oldest_read_at, summary.never_read) == (0, None, 0)


# --- incidents -------------------------------------------------------------------------------


async def test_open_incidents_of_tasks_and_accounts_come_worst_first() -> None:
    asking = await watched()
    await asking.watching.failure(596, FailureKind.DENIED, task="orders-eu")
    names = [(i.name, i.severity) for i in asking.queries.open_incidents()]
    assert names == [
        ("payments", Severity.CRITICAL),
        ("orders", Severity.WARNING),
        ("prod", Severity.WARNING),
    ]
    assert asking.queries.summary().open_incidents[Severity.WARNING] == 2


async def test_the_incidents_of_one_task_come_worst_first() -> None:
    asking = await watched()
    sick = a_sample(at(596), key=a_key("orders"), lags=(200_000, 0, 0), status="FAILED")
    await asking.watching.monitor.observe(sick)
    rules = [incident.rule for incident in asking.queries.incidents_of(a_key("orders"))]
    assert rules == ["status", "lag"]


async def test_stored_incidents_and_their_events_can_be_asked_for() -> None:
    asking = await watched()
    found = await asking.queries.incidents(IncidentFilter(key=a_key("orders")))
    assert [incident.rule for incident in found] == ["lag"]
    by_id = await asking.queries.incident(found[0].id[:5])
    assert list(by_id) == list(found)
    events = await asking.queries.events(found[0].id)
    assert [event.kind.value for event in events] == ["opened"]


# --- health ----------------------------------------------------------------------------------


async def test_a_bot_that_is_well_has_no_ailment() -> None:
    asking = await watched()
    report = await asking.health()
    assert report.well
    assert report.version == "1.2.3"
    assert [(a.account, a.tasks, a.fresh) for a in report.accounts] == [("prod", 4, 4)]
    assert await asking.queries.backlog() == (2, timedelta(seconds=0))


async def test_an_account_that_cannot_be_read_is_named_with_the_reason() -> None:
    asking = await watched()
    await asking.watching.failure(596, FailureKind.DENIED, task="orders")
    assert await asking.ailments() == [("cloud prod", "1 of 4 tasks: no answer within 10 s")]
    assert asking.queries.open_incidents()[-1].key == TaskKey("prod")


async def test_an_account_of_which_nothing_is_read_is_named_whatever_the_rules_say() -> None:
    asking = Asking(tasks=(a_task(),))
    await asking.watching.failure(590)
    assert await asking.ailments() == [("cloud prod", "no answer within 10 s")]


async def test_an_account_of_which_a_task_fails_is_well() -> None:
    asking = await watched()
    await asking.watching.failure(596, task="orders")
    assert await asking.ailments() == []


async def test_a_failed_discovery_is_named() -> None:
    asking = await watched()
    asking.discovery_errors = {"prod": "HTTP 503"}
    assert await asking.ailments() == [("cloud prod", "discovery: HTTP 503")]


async def test_a_store_that_does_not_answer_is_named() -> None:
    asking = await watched()
    asking.store.failing = AWAY
    assert await asking.ailments() == [("store", "database is locked")]


async def test_transitions_that_cannot_be_saved_are_named() -> None:
    asking = await watched()
    asking.store.failing = AWAY
    await asking.watching.lag(596, 200_000, task="audit log")
    asking.store.failing = None
    assert await asking.ailments() == [("store", "transitions cannot be saved")]


async def test_a_refused_token_is_named() -> None:
    asking = await watched()
    asking.delivery = Delivery("invalid_auth")
    assert await asking.ailments() == [("slack", "the token is refused: invalid_auth")]


async def test_tries_that_fail_for_more_than_two_minutes_are_named() -> None:
    asking = await watched()
    refused = Trouble("connection refused", at(500))
    asking.delivery = Delivery(troubles={"C0DATA": refused})
    assert await asking.ailments() == []
    earlier = replace(refused, since=at(450))
    asking.delivery = Delivery(troubles={"C0DATA": refused, "C0OPS": earlier})
    assert await asking.ailments() == [("slack", "C0OPS: connection refused")]
    assert (await asking.health()).ailments[0].since == at(450)


async def test_a_channel_that_lost_a_message_is_named_at_once_and_many_are_counted() -> None:
    asking = await watched()
    lost = Trouble("is_archived", at(599), lost=True)
    asking.delivery = Delivery(troubles={"C0DATA": lost})
    assert await asking.ailments() == [("slack", "C0DATA: is_archived")]
    asking.delivery = Delivery(troubles={f"C{number}": lost for number in range(5)})
    assert await asking.ailments() == [("slack", "C0, C1, C2 and 2 more: is_archived")]


async def test_messages_that_wait_too_long_are_named() -> None:
    asking = await watched()
    asking.clock.time = at(720)
    await asking.read_all(719)
    assert ("outbox", "the oldest message has waited 128 s") in await asking.ailments()


async def test_a_message_that_waits_for_its_next_try_counts_as_waiting() -> None:
    asking = Asking(tasks=())
    card = a_card()
    await asking.store.commit(Change(card.key, at(0), cards=(card,), intents=(an_intent(card),)))
    (row,) = await asking.store.claim(at(590), lease=timedelta(seconds=45), limit=1)
    await asking.store.postpone(row, Postponement(at(890), "connection refused"))
    report = await asking.health()
    assert (report.outbox_waiting, report.outbox_oldest) == (1, timedelta(seconds=600))
    assert [ailment.part for ailment in report.ailments] == ["outbox"]


async def test_polls_that_come_late_are_named() -> None:
    asking = await watched()
    measured = PollMeasured("prod", "ok", timedelta(seconds=1), timedelta(seconds=40))
    asking.vitals.record(measured)
    assert await asking.ailments() == [("lateness", "polls are up to 40 s late")]


async def test_lateness_of_a_fleet_of_no_tasks_is_no_matter() -> None:
    asking = Asking(tasks=())
    asking.vitals.record(PollMeasured("prod", "ok", timedelta(0), timedelta(hours=1)))
    assert await asking.ailments() == []


async def test_a_clock_that_went_back_is_named() -> None:
    asking = await watched()
    asking.clock.time = at(0)
    ailments = dict(await asking.ailments())
    assert ailments["lateness"] == (
        "the clock went back: nothing is judged before 594 s have passed"
    )


async def test_messages_that_were_given_up_are_counted() -> None:
    asking = await watched()
    asking.vitals.record(DeliveryMeasured(Reason.OPENED, "given_up"))
    asking.vitals.record(DeliveryMeasured(Reason.OPENED, "delivered"))
    assert (await asking.health()).given_up == 1


# --- vitals ----------------------------------------------------------------------------------


@pytest.mark.looptime(noop_cycles=1)
async def test_lateness_is_the_worst_of_the_last_two_minutes() -> None:
    vitals = Vitals(Recorder(), LoopClock())
    seen = []
    for late in (5, 50, 10, 0, 0, 0, 0):
        await asyncio.sleep(30)
        vitals.record(PollMeasured("prod", "ok", timedelta(0), timedelta(seconds=late)))
        seen.append(vitals.lateness().total_seconds())
    assert seen == [5, 50, 50, 50, 50, 50, 10]
    await asyncio.sleep(300)
    assert vitals.lateness() == timedelta(0)


def test_everything_is_passed_on() -> None:
    recorder = Recorder()
    vitals = Vitals(recorder, SetClock())
    measured: list[Measured] = [Noted("a"), DeliveryMeasured(Reason.OPENED, "delivered")]
    for each in measured:
        vitals.record(each)
    assert recorder.records == measured


async def test_a_task_is_found_by_any_of_its_exact_names() -> None:
    asking = await watched()
    for name in ("orders", "prod/orders", str(a_key("orders"))):
        view = asking.queries.called(name)
        assert view is not None
        assert view.name == "orders"
    assert asking.queries.called("prod/order") is None
