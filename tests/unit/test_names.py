"""What tasks are called, and which task a typed text means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ids import derived_id
from bot.domain.matching import Match, Patterns
from bot.domain.model import TaskKey, WatchedTask
from bot.domain.names import (
    ConfiguredTask,
    DiscoveredTask,
    LabelEntry,
    NotOne,
    called,
    resolve,
    watched_tasks,
)


def found(
    task_name: str, task_id: str, *, account: str = "prod", connector: str = "c1", **labels: str
) -> DiscoveredTask:
    key = TaskKey(account, connector, task_id)
    return DiscoveredTask(key, task_name, instance_id="i1", labels=labels)


def names(*tasks: DiscoveredTask, configured: tuple[ConfiguredTask, ...] = ()) -> dict[str, str]:
    """Task id to name."""
    return {task.key.task_id: task.name for task in watched_tasks(configured, tasks)}


# --- naming ------------------------------------------------------------------------------------


def test_a_discovered_task_is_called_by_its_task_name() -> None:
    assert names(found("orders", "t1"), found("clicks", "t2")) == {"t1": "orders", "t2": "clicks"}


def test_namesakes_of_two_accounts_are_told_apart_by_the_account() -> None:
    tasks = found("orders", "t1", account="eu"), found("orders", "t2", account="us")
    assert names(*tasks) == {"t1": "eu/orders", "t2": "us/orders"}


def test_namesakes_of_one_account_are_told_apart_by_eight_characters_of_the_task_id() -> None:
    tasks = found("orders", "3f1c8d0e-aaaa"), found("orders", "77aa8d0e-bbbb")
    assert names(*tasks) == {
        "3f1c8d0e-aaaa": "prod/orders#3f1c8d0e",
        "77aa8d0e-bbbb": "prod/orders#77aa8d0e",
    }


def test_a_namesake_in_another_account_keeps_the_short_form_of_the_two() -> None:
    tasks = (
        found("orders", "3f1c8d0e-1", account="eu"),
        found("orders", "77aa8d0e-2", account="eu"),
        found("orders", "t3", account="us"),
    )
    assert names(*tasks)["t3"] == "us/orders"


def test_the_whole_task_id_is_used_where_eight_characters_are_not_enough() -> None:
    tasks = found("orders", "3f1c8d0e-1"), found("orders", "3f1c8d0e-2")
    assert names(*tasks)["3f1c8d0e-2"] == "prod/orders#3f1c8d0e-2"


def test_the_same_task_id_under_two_connectors_still_gives_two_names() -> None:
    tasks = found("orders", "t1", connector="c1"), found("orders", "t1", connector="c2")
    first, second = watched_tasks((), tasks)
    assert {first.name, second.name} == {
        f"prod/orders#{derived_id('t', 'prod/c1/t1', '0')}",
        f"prod/orders#{derived_id('t', 'prod/c2/t1', '0')}",
    }


def test_a_task_without_a_task_name_is_called_by_its_id() -> None:
    (task,) = watched_tasks((), [found("", "t1")])
    assert (task.name, task.task_name) == ("t1", "t1")


def test_a_configured_name_is_never_taken_by_a_discovered_task() -> None:
    entry = ConfiguredTask("orders", "eu", "t1", connector_id="c1")
    assert names(found("orders", "t2"), configured=(entry,)) == {
        "t1": "orders",
        "t2": "prod/orders",
    }


task_names = st.sampled_from(["orders", "eu/orders", "us/orders", "eu/orders#3f1c8d0e", "", "x"])
fleets = st.lists(
    st.builds(
        lambda name, account, connector, task_id: found(
            name, task_id, account=account, connector=connector
        ),
        task_names,
        st.sampled_from(["eu", "us"]),
        st.sampled_from(["c1", "c2"]),
        st.sampled_from(["3f1c8d0e-1", "3f1c8d0e-2", "x"]),
    ),
    max_size=10,
)


@given(fleets)
def test_names_are_unique_and_do_not_depend_on_the_order_of_the_listing(
    fleet: list[DiscoveredTask],
) -> None:
    entry = ConfiguredTask("orders", "eu", "x", connector_id="c1")
    distinct = list({task.key: task for task in fleet}.values())
    named = watched_tasks([entry], distinct)
    assert len({task.name for task in named}) == len(named)
    assert named == watched_tasks([entry], reversed(distinct))


# --- configured meets discovered ---------------------------------------------------------------


def test_a_configured_entry_wins_over_the_discovered_task_with_its_ids() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", connector_id="c1", interval=timedelta(seconds=30))
    (task,) = watched_tasks([entry], [found("orders", "t1")])
    assert task == WatchedTask(
        TaskKey("prod", "c1", "t1"),
        name="mine",
        task_name="orders",
        interval=timedelta(seconds=30),
        configured=True,
        instance_id="i1",
    )


def test_an_entry_given_by_its_instance_learns_its_connector_from_discovery() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", instance_id="i9")
    (task,) = watched_tasks([entry], [found("", "t1")])
    assert (task.key.connector_id, task.instance_id, task.task_name) == ("c1", "i9", "mine")


def test_an_entry_that_was_not_discovered_is_watched_all_the_same() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", instance_id="i9")
    (task,) = watched_tasks([entry], [], interval=timedelta(seconds=45))
    assert (task.key, task.interval) == (TaskKey("prod", "", "t1"), timedelta(seconds=45))


def test_an_entry_with_another_connector_is_another_task() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", connector_id="c2")
    assert [task.name for task in watched_tasks([entry], [found("orders", "t1")])] == [
        "mine",
        "orders",
    ]


# --- labels ------------------------------------------------------------------------------------


def labels_of(
    entry: ConfiguredTask | None, task: DiscoveredTask, *entries: LabelEntry
) -> Mapping[str, str]:
    (watched,) = watched_tasks([entry] if entry else [], [task], labels=entries)
    return watched.labels


def test_labels_of_an_entry_merge_over_the_tags_of_the_instance() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", labels={"team": "orders"})
    task = found("orders", "t1", team="none", env="prod")
    assert labels_of(entry, task) == {"team": "orders", "env": "prod"}


def test_every_label_entry_that_matches_applies_and_the_later_wins() -> None:
    every = LabelEntry(Match(), {"team": "all", "env": "prod"})
    orders = LabelEntry(Match(task=Patterns(("orders-*",))), {"team": "orders"})
    other = LabelEntry(Match(task=Patterns(("clicks-*",))), {"team": "clicks"})
    assert labels_of(None, found("orders-eu", "t1", team="tag"), every, orders, other) == {
        "team": "orders",
        "env": "prod",
    }


def test_a_task_s_own_labels_stand_above_label_entries() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", labels={"team": "own"})
    assert labels_of(entry, found("x", "t1"), LabelEntry(Match(), {"team": "all"})) == {
        "team": "own"
    }


def test_a_label_entry_sees_the_labels_from_before_it_and_the_task_s_own() -> None:
    entry = ConfiguredTask("mine", "prod", "t1", labels={"tier": "one"})
    of_tier = LabelEntry(Match(labels={"tier": Patterns(("one",))}), {"team": "orders"})
    of_team = LabelEntry(Match(labels={"team": Patterns(("orders",))}), {"env": "prod"})
    seen = labels_of(entry, found("x", "t1"), of_tier, of_team)
    assert seen == {"tier": "one", "team": "orders", "env": "prod"}


def test_globs_are_tried_on_both_forms_of_a_name() -> None:
    entry = LabelEntry(Match(task=Patterns(("prod/ord*",))), {"hit": "yes"})
    assert labels_of(None, found("orders", "t1"), entry) == {"hit": "yes"}


# --- which one is meant ------------------------------------------------------------------------

FLEET = watched_tasks(
    [ConfiguredTask("Billing", "eu", "id-billing", connector_id="c1")],
    [
        found("orders", "id-orders", account="eu"),
        found("orders-archive", "id-archive", account="eu"),
        found("clicks", "3f1c8d0e-1", account="eu"),
        found("clicks", "77aa8d0e-2", account="eu"),
        found("events", "id-events-eu", account="eu"),
        found("events", "id-events-us", account="us"),
    ],
)
DUMPED = {
    "id-billing": ("invoices", "shared"),
    "id-orders": ("ord",),
    "id-archive": ("shared",),
    "id-events-us": ("late", "events"),
}
TOPICS = {task.key: DUMPED.get(task.key.task_id, ()) for task in FLEET}


@pytest.mark.parametrize(
    ("typed", "task_id"),
    [
        pytest.param("orders", "id-orders", id="exact beats prefix"),
        pytest.param(" orders ", "id-orders", id="spaces around do not count"),
        pytest.param("orders-", "id-archive", id="a unique prefix"),
        pytest.param("eu/orders", "id-orders", id="account and task_name always work"),
        pytest.param("us/events", "id-events-us", id="the shown name of a namesake"),
        pytest.param("us/", "id-events-us", id="a prefix of the long form"),
        pytest.param("eu/clicks#3f1c8d0e", "3f1c8d0e-1", id="with characters of the id"),
        pytest.param("eu/clicks#7", "77aa8d0e-2", id="with fewer characters of the id"),
        pytest.param("77aa8d0e-2", "77aa8d0e-2", id="the task id"),
        pytest.param("BILLING", "id-billing", id="whatever the case"),
        pytest.param("bil", "id-billing", id="a prefix whatever the case"),
        pytest.param("invoices", "id-billing", id="a topic that only it dumps"),
        pytest.param("ord", "id-orders", id="a topic where a prefix fits several"),
    ],
)
def test_a_text_names_one_task(typed: str, task_id: str) -> None:
    task = resolve(typed, FLEET, TOPICS)
    assert isinstance(task, WatchedTask)
    assert task.key.task_id == task_id


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [
        pytest.param("eu/clicks", ("eu/clicks#3f1c8d0e", "eu/clicks#77aa8d0e"), id="namesakes"),
        pytest.param("clicks", ("eu/clicks#3f1c8d0e", "eu/clicks#77aa8d0e"), id="their own name"),
        pytest.param("ord", ("orders", "orders-archive"), id="a prefix of two"),
        pytest.param("shared", ("Billing", "orders-archive"), id="a topic that two dump"),
    ],
)
def test_a_text_that_fits_several_tasks_names_them(typed: str, candidates: tuple[str, ...]) -> None:
    topics = TOPICS if typed == "shared" else None
    assert resolve(typed, FLEET, topics) == NotOne(typed, candidates, ambiguous=True)


def test_a_mistyped_name_gets_suggestions() -> None:
    assert resolve("ordres", FLEET) == NotOne("ordres", ("orders", "orders-archive"))


def test_a_text_near_nothing_gets_no_suggestions() -> None:
    assert resolve("zzz", FLEET) == NotOne("zzz")


def test_an_empty_text_names_nothing() -> None:
    assert resolve("  ", FLEET) == NotOne("")


def test_a_program_names_a_task_exactly_and_nothing_is_guessed() -> None:
    orders = WatchedTask(TaskKey("prod", "c", "id-1"), "orders", "dump-orders")
    others = [WatchedTask(TaskKey("prod", "c", f"id-{n}"), f"x{n}", "x") for n in (2, 3)]
    tasks = [orders, *others]
    for name in ("orders", "dump-orders", "prod/dump-orders", "id-1", str(orders.key)):
        assert called(name, tasks) is orders
    for name in ("order", "Orders", "x", "prod/x", ""):
        assert called(name, tasks) is None
