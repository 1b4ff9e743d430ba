"""Reminders, counted from what was delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.model import Severity
from bot.domain.policy import (
    Route,
)
from bot.ports import StoreUnavailable
from tests.builders import a_task, at
from tests.component.watching import Watching, policies

pytestmark = pytest.mark.looptime(noop_cycles=1)

AWAY = StoreUnavailable("database is locked")


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
