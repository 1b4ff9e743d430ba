"""The fleet: who is watched, what is kept of whom, and how accounts learn of failures."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.model import FailureKind, TaskKey
from bot.domain.policy import RuleType
from bot.ports import Snapshot
from bot.services.fleet import RINGS_KEPT, Fleet
from tests.builders import (
    START,
    a_card,
    a_failure,
    a_history,
    a_key,
    a_sample,
    a_state,
    a_task,
    an_incident,
    at,
)
from tests.component.watching import LAG, RULES


def snapshot_of(*names: str) -> Snapshot:
    """A store in which these tasks have an open incident, a card and a window."""
    incidents = [an_incident(key=a_key(name)) for name in names]
    return Snapshot(
        states=tuple(a_state(incident, version=3) for incident in incidents),
        cards=tuple(a_card(incident, version=2) for incident in incidents),
        windows={a_key(name): a_history(a_sample(key=a_key(name))) for name in names},
    )


def test_a_task_takes_up_what_the_store_knew_of_it() -> None:
    fleet = Fleet(["prod"], snapshot_of("orders"))
    fleet.watch([a_task()], RULES)
    memory = fleet.get(a_key())
    assert memory is not None
    assert memory.alerts.states[RuleType.PARTITION_LAG].version == 3
    assert memory.alerts.cards["C0DATA"].version == 2
    assert memory.history.sample is not None
    assert fleet.troubled(a_key())
    assert fleet.orphans() == []


def test_an_account_takes_up_what_the_store_knew_of_it() -> None:
    incident = an_incident(key=TaskKey("prod"), rule_type=RuleType.UNREACHABLE)
    fleet = Fleet(["prod", "test"], Snapshot(states=(a_state(incident),)))
    assert fleet.accounts["prod"].alerts.incidents() == [incident]
    assert fleet.accounts["test"].alerts.incidents() == []
    assert fleet.orphans() == []


def test_a_task_that_stays_keeps_its_memory_and_takes_its_new_name_and_rules() -> None:
    fleet = Fleet(["prod"])
    fleet.watch([a_task()], RULES)
    before = fleet.get(a_key())
    renamed = replace(a_task(), name="prod/orders")
    assert fleet.watch([renamed], (LAG,)) == []
    after = fleet.get(a_key())
    assert after is before
    assert after is not None
    assert after.task.name == "prod/orders"
    assert list(after.rules.rules) == [RuleType.PARTITION_LAG]


def test_who_is_not_watched_any_more_is_returned() -> None:
    fleet = Fleet(["prod"])
    fleet.watch([a_task("a"), a_task("b")], RULES)
    removed = fleet.watch([a_task("b")], RULES)
    assert [memory.task.name for memory in removed] == ["a"]
    assert [memory.task.name for memory in fleet] == ["b"]
    assert len(fleet) == 1
    assert not fleet.troubled(a_key("a"))


def test_tasks_are_counted_by_account() -> None:
    fleet = Fleet(["prod", "test"])
    fleet.watch([a_task("a"), a_task("b"), a_task("a", account="test")], RULES)
    assert [fleet.count(name) for name in ("prod", "test", "other")] == [2, 1, 0]
    assert [memory.task.key.account for memory in fleet.of_account("test")] == ["test"]


def test_what_the_store_knew_of_nobody_watched_is_an_orphan_under_its_old_name() -> None:
    quiet = replace(a_state(an_incident(key=a_key("quiet"))), incident=None)
    stored = snapshot_of("gone")
    fleet = Fleet(["prod"], replace(stored, states=(*stored.states, quiet)))
    fleet.watch([a_task()], RULES)
    names = sorted(memory.task.name for memory in fleet.orphans())
    assert names == ["gone", "prod/connector-of-quiet/id-of-quiet"]


def test_a_task_that_comes_back_takes_up_its_alerts_but_no_old_window() -> None:
    fleet = Fleet(["prod"], snapshot_of("orders"))
    fleet.forget_stored()
    fleet.watch([a_task()], RULES)
    fleet.watch([], RULES)
    fleet.watch([a_task()], RULES)
    memory = fleet.get(a_key())
    assert memory is not None
    assert memory.alerts.states[RuleType.PARTITION_LAG].version == 3
    assert memory.history.sample is None


def test_an_account_learns_how_its_tasks_fail_and_that_they_do_not() -> None:
    fleet = Fleet(["prod"])
    fleet.watch([a_task()], RULES)
    memory = fleet.get(a_key())
    assert memory is not None
    memory.history = a_history(*(a_failure(at(60 * n)) for n in range(3)))
    fleet.note_failing(memory, 3)
    failing = fleet.accounts["prod"].failing[a_key()]
    assert (failing.kind, failing.since, failing.stale) == (FailureKind.UNAVAILABLE, START, True)
    memory.history = a_history(a_sample())
    fleet.note_failing(memory, 3)
    assert fleet.accounts["prod"].failing == {}


def test_an_account_forgets_the_failures_of_tasks_that_are_not_watched() -> None:
    windows = {a_key(): a_history(a_failure())}
    fleet = Fleet(["prod"], Snapshot(windows=windows))
    fleet.watch([a_task()], RULES)
    assert list(fleet.accounts["prod"].failing) == [a_key()]
    fleet.watch([], RULES)
    assert fleet.accounts["prod"].failing == {}


def test_the_last_ring_comes_from_the_store_and_then_from_deliveries() -> None:
    card = replace(a_card(), rang_at=at(5))
    fleet = Fleet(["prod"], Snapshot(cards=(card,)))
    assert fleet.ring_time(replace(card, rang_at=None)).rang_at == at(5)
    fleet.rang(card.id, at(90))
    assert fleet.ring_time(card).rang_at == at(90)
    fleet.forget_ring(card.id)
    assert fleet.ring_time(replace(card, rang_at=None)).rang_at is None


def test_the_rings_of_closed_cards_do_not_pile_up() -> None:
    fleet = Fleet(["prod"], snapshot_of("orders"))
    fleet.watch([a_task()], RULES)
    going_on = a_card(an_incident(key=a_key()))
    fleet.rang(going_on.id, at(7))
    for number in range(5 * RINGS_KEPT):
        fleet.forget_ring(f"c-{number}")
        fleet.rang(f"c-{number}", at(number))
    assert len(fleet._rang_at) <= RINGS_KEPT + 2
    assert fleet.ring_time(going_on).rang_at == at(7)
