"""What concerns an account as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.matching import Match, Patterns
from bot.domain.model import FailureKind, Severity, TaskKey, WatchedTask
from bot.domain.policy import (
    BUILT_IN,
    Route,
    UnreachableRule,
)
from bot.ports import StoreUnavailable
from bot.services.discovery import ListingTrouble
from tests.builders import a_failure, a_key, a_task, at
from tests.component.watching import Watching, policies

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("database is locked")
DENIED = FailureKind.DENIED


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
    watching.store.failing = None
    await recovery(watching, 2)
    assert not watching.store_down()


async def test_what_is_open_of_an_account_ends_when_none_of_its_tasks_is_watched() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    await watching.monitor.retire(watching.watch(), at(300))
    await watching.monitor.retire_account("prod", at(300))
    await watching.monitor.retire_account("prod", at(360))
    assert watching.replies() == ["resolved"]
    assert watching.open_in_store() == []


# --- the listing of an account ---------------------------------------------------------------


async def listings(watching: Watching, *minutes: int, trouble: ListingTrouble | None) -> None:
    for count, minute in enumerate(minutes, 1):
        told = trouble and replace(trouble, failures=count)
        await watching.monitor.note_listing("prod", told, at(60 * minute), every=TEN_MINUTES)


TEN_MINUTES = timedelta(minutes=10)
NOT_LISTED = ListingTrouble(FailureKind.PROTOCOL, "the listing lost 6 of 6 tasks", 1)


async def test_a_listing_that_goes_on_failing_is_told_of_the_account_and_ends() -> None:
    watching = Watching(tasks=FLEET)
    await listings(watching, 0, 10, trouble=NOT_LISTED)
    assert watching.open_in_store() == []
    await listings(watching, 0, 10, 20, trouble=NOT_LISTED)
    (incident,) = watching.open_in_store()
    assert (incident.key, incident.severity) == (TaskKey("prod"), Severity.WARNING)
    assert incident.evidence[0].detail == ("tasks cannot be listed: the listing lost 6 of 6 tasks")
    await listings(watching, 30, trouble=None)
    await recovery(watching, 31, 32)
    assert watching.open_in_store() == []
    assert watching.replies() == ["resolved"]


async def test_refused_credentials_are_told_of_an_account_of_which_no_task_is_known() -> None:
    watching = Watching(tasks=())
    refused = ListingTrouble(DENIED, "HTTP 401", 1)
    await listings(watching, 0, trouble=refused)
    assert [incident.severity for incident in watching.open_in_store()] == [Severity.WARNING]
    await listings(watching, *range(1, 40), trouble=refused)
    assert [incident.severity for incident in watching.open_in_store()] == [Severity.CRITICAL]
    await listings(watching, 50, 60, 70, trouble=None)
    assert watching.replies() == ["escalated", "resolved"]


async def test_a_listing_is_not_told_beside_tasks_that_fail_alike() -> None:
    watching = Watching(tasks=FLEET)
    await outage(watching, *range(4))
    await listings(watching, 5, 6, 7, trouble=NOT_LISTED)
    (incident,) = watching.open_in_store()
    assert incident.evidence[0].detail.startswith("6 of 6 tasks")
