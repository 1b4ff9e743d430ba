"""Commands and their answers over a small fleet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.model import FailureKind, TaskKey, WatchedTask
from bot.ports import StoreUnavailable
from bot.presenters import plain
from tests.builders import a_sample, a_sample_of, a_task, a_topic, at
from tests.component.asking import SOMEBODY, TASKS, Asking

AWAY = StoreUnavailable("database is locked")


async def fleet(*tasks: WatchedTask) -> Asking:
    """Payments is critical, orders has a warning, the others are well."""
    asking = Asking(tasks=(*TASKS, *tasks))
    await asking.read_all(540)
    await asking.watching.lag(580, 200_000, task="orders")
    await asking.watching.lag(590, 2_000_000, task="payments")
    return asking


# --- the commands ----------------------------------------------------------------------------


async def test_nothing_typed_gives_one_line_about_the_fleet_and_help() -> None:
    answer = await (await fleet()).say("")
    assert "4 dumping tasks: 1 critical, 1 warning, 2 ok." in answer
    assert "2 open incidents: 1 critical, 1 warning." in answer
    assert "Oldest reading: 1 min." in answer
    assert "list [filter]" in answer


async def test_help_gives_usage_of_everything_or_of_one_command() -> None:
    asking = await fleet()
    assert "refresh TASK" in await asking.say("help")
    answer = await asking.say("help lag")
    assert "lag TASK [TOPIC]" in answer
    assert "refresh" not in answer


async def test_list_shows_tasks_worst_first_and_how_old_the_readings_are() -> None:
    answer = await (await fleet()).say("list")
    places = [answer.index(name) for name in ("payments", "orders ", "audit log", "orders-eu")]
    assert places == sorted(places)
    assert "Readings are at most 1 min old" in answer


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ("critical", {"payments"}),
        ("OK", {"audit log", "orders-eu"}),
        ("team=money", {"audit log", "payments"}),
        ("team=money ok", {"audit log"}),
        ("orders*", {"orders", "orders-eu"}),
        ("prod/*", {"audit log", "orders", "orders-eu", "payments"}),
        ("unknown", set()),
    ],
)
async def test_list_shows_what_fits_every_filter(filters: str, shown: set[str]) -> None:
    asking = await fleet()
    turn = await asking.conversation.say(f"list {filters}", SOMEBODY)
    rows = plain.render(turn.answer).splitlines()
    names = {task.name for task in TASKS if any(f"  {task.name}  " in row for row in rows)}
    assert names == shown


async def test_status_shows_a_task_with_its_incidents_and_the_age_of_the_reading() -> None:
    answer = await (await fleet()).say("status payments")
    assert "payments: critical" in answer
    assert "2,000,000 messages behind in orders partition 0" in answer
    assert "Reading 10 s old" in answer


@pytest.mark.parametrize(
    "typed",
    ["payments", "PAYMENTS", "pay", "prod/payments", "id-of-payments", "status pay", '"payments"'],
)
async def test_a_task_is_named_in_many_ways(typed: str) -> None:
    assert "payments: critical" in await (await fleet()).say(typed)


@pytest.mark.parametrize("typed", ["audit log", 'status "audit log"', "status audit log", "audit"])
async def test_a_name_with_a_space_needs_no_quotes_and_bears_them(typed: str) -> None:
    assert "audit log: ok" in await (await fleet()).say(typed)


async def test_a_name_that_is_a_command_can_be_quoted() -> None:
    asking = await fleet(a_task("health"))
    assert "health: ok" in await asking.say('"health"')
    assert "health: ok" in await asking.say("status health")
    assert "Health: all is well" in await asking.say("health")


async def test_a_topic_that_only_one_task_dumps_names_it() -> None:
    asking = await fleet()
    sample = a_sample_of(a_topic("clicks"), when=at(595), key=TASKS[3].key)
    await asking.watching.monitor.observe(sample)
    assert "audit log: ok" in await asking.say("clicks")
    assert "orders names 3 tasks" not in await asking.say("orders"), "the exact name comes first"


async def test_a_name_that_fits_several_tasks_shows_all_of_them() -> None:
    more = [a_task(f"batch-{number}") for number in range(7)]
    answer = await (await fleet(*more)).say("batch")
    assert "batch names 7 tasks" in answer
    assert "status batch-6" in answer


async def test_of_very_many_that_fit_the_number_is_right() -> None:
    more = [a_task(f"batch-{number:02}") for number in range(30)]
    answer = await (await fleet(*more)).say("batch")
    assert "batch names 30 tasks" in answer
    assert "and 22 more" in answer


async def test_a_mistyped_name_gets_suggestions() -> None:
    answer = await (await fleet()).say("ordres")
    assert "No task is called ordres" in answer
    assert "status orders" in answer


async def test_a_mistyped_command_gets_suggestions_each_once() -> None:
    answer = await (await fleet()).say("staus orders")
    lines = [line.strip() for line in answer.splitlines()]
    assert sum(1 for line in lines if line.split("  ")[0] == "status orders") == 1
    assert "status orders-eu" in lines


async def test_a_name_like_nothing_points_to_the_list() -> None:
    assert "All tasks: list" in await (await fleet()).say("zzzzzzzz")


async def test_lag_shows_every_partition() -> None:
    answer = await (await fleet()).say("lag orders")
    assert "Lag of orders" in answer
    assert "5,800,000,201,000  200,000" in answer
    assert answer.count("5,800,000,001,000        0") == 2


async def test_lag_of_one_topic_leaves_out_the_others() -> None:
    asking = await fleet()
    sample = a_sample_of(
        a_topic("clicks", lags=(7,)), a_topic("views", lags=(9,)), when=at(595), key=TASKS[3].key
    )
    await asking.watching.monitor.observe(sample)
    both = await asking.say('lag "audit log"')
    one = await asking.say('lag "audit log" clicks')
    assert "views" in both
    assert "views" not in one
    assert "1,007" in one


async def test_lag_of_a_topic_that_is_not_dumped_says_which_are() -> None:
    answer = await (await fleet()).say("lag orders clicks")
    assert 'orders does not dump a topic "clicks"; it dumps orders.' in answer


async def test_lag_of_a_topic_before_the_first_reading_says_so() -> None:
    answer = await Asking().say("lag orders clicks")
    assert "orders has no known topics" in answer


async def test_top_shows_the_worst_partitions_of_all_tasks() -> None:
    answer = await (await fleet()).say("top 1")
    assert "2,000,000" in answer
    assert "  200,000" not in answer


async def test_incidents_shows_what_is_open() -> None:
    asking = await fleet()
    answer = await asking.say("incidents")
    assert "Open incidents: 2" in answer
    assert "Open incidents of orders: 1" in await asking.say("incidents orders")
    assert "Open incidents of orders: 1" in await asking.say("incidents open orders")


async def test_incidents_all_shows_what_has_ended_too() -> None:
    asking = await fleet()
    for second in (592, 594):
        await asking.watching.lag(second, 0, task="orders")
    assert "Open incidents: 1" in await asking.say("incidents")
    assert "Incidents: 2" in await asking.say("incidents all")
    assert "resolved" in await asking.say("incidents all orders")


async def test_incidents_of_a_mistyped_task_gets_suggestions() -> None:
    asking = await fleet()
    assert "status orders" in await asking.say("incidents ordres")
    assert "status orders" in await asking.say("incidents all ordres")


async def test_incidents_of_accounts_are_among_the_open_ones() -> None:
    asking = await fleet()
    await asking.watching.failure(595, FailureKind.DENIED, task="orders-eu")
    assert "prod" in await asking.say("incidents")


async def test_one_incident_is_shown_with_its_timeline_by_any_beginning_of_its_id() -> None:
    asking = await fleet()
    await asking.watching.lag(595, 2_000_000, task="orders")
    found = asking.queries.incidents_of(TASKS[0].key)[0]
    for typed in (found.id, found.id[:6].lower(), found.id[2:7]):
        answer = await asking.say(f"incident {typed}")
        assert "orders" in answer
        assert "opened" in answer
        assert "critical" in answer


async def test_an_unknown_incident_is_said_to_be_unknown() -> None:
    asking = await fleet()
    assert 'No incident has an id that begins with "i-zzz".' in await asking.say("incident i-zzz")
    assert '"i-" begins the id of every incident' in await asking.say("incident i-")


async def test_a_beginning_that_fits_several_incidents_names_them() -> None:
    many = [a_task(f"task-{number}") for number in range(60)]
    asking = Asking(tasks=many)
    for task in many:
        await asking.watching.lag(590, 200_000, task=task.name)
    letters = [incident.id[2] for incident in asking.queries.open_incidents()]
    twice = next(letter for letter in letters if letters.count(letter) > 1)
    answer = await asking.say(f"incident {twice}")
    assert f'More than one incident begins with "{twice}": i-' in answer


async def test_health_speaks_of_the_bot_itself() -> None:
    asking = await fleet()
    assert "Health: all is well" in await asking.say("health")
    asking.discovery_errors = {"prod": "HTTP 503"}
    answer = await asking.say("health")
    assert "Health: 1 part does not work" in answer
    assert "discovery: HTTP 503" in answer


async def test_what_comes_later_is_said_to_come_later() -> None:
    answer = await (await fleet()).say("chart orders 1h")
    assert "comes with a later version" in answer
    assert "Nothing was done." in answer


@pytest.mark.parametrize(
    "typed",
    ["top 0", "top x", "lag", "status", "incident", "list a b c", 'status "audit', "health now"],
)
async def test_whatever_is_typed_has_an_answer(typed: str) -> None:
    assert await (await fleet()).say(typed)


# --- refresh ---------------------------------------------------------------------------------


async def test_refresh_answers_at_once_and_follows_up_with_the_fresh_reading() -> None:
    asking = await fleet()
    turn = await asking.conversation.say("refresh payments", SOMEBODY)
    assert "Asking the cloud about payments" in plain.render(turn.answer)
    assert asking.refreshed == []
    assert turn.follow_up is not None
    await asking.watching.lag(601, 7, task="payments")
    asking.clock.time = at(602)
    answer = plain.render(await turn.follow_up())
    assert asking.refreshed == ["payments"]
    assert "7 messages" in answer
    assert "Reading 1 s old" in answer


async def test_a_refresh_that_fails_says_why_and_how_old_the_last_reading_is() -> None:
    asking = await fleet()
    turn = await asking.conversation.say("refresh payments", SOMEBODY)
    assert turn.follow_up is not None
    await asking.watching.failure(601, task="payments")
    answer = plain.render(await turn.follow_up())
    assert "No fresh reading of payments" in answer
    assert "no answer within 10 s" in answer
    assert "Last reading: 10 s ago" in answer


async def test_a_refresh_that_brings_nothing_does_not_pass_for_a_fresh_reading() -> None:
    turn = await (await fleet()).conversation.say("refresh payments", SOMEBODY)
    assert turn.follow_up is not None
    assert "No fresh reading of payments" in plain.render(await turn.follow_up())


async def test_a_refresh_of_a_mistyped_task_asks_nobody() -> None:
    turn = await (await fleet()).conversation.say("refresh paymnets", SOMEBODY)
    assert turn.follow_up is None
    assert "No task is called" in plain.render(turn.answer)


async def test_a_task_whose_connector_is_unknown_cannot_be_refreshed() -> None:
    lonely = replace(a_task("lonely"), key=TaskKey("prod", "", "id-of-lonely"))
    asking = Asking(tasks=(lonely,))
    turn = await asking.conversation.say("refresh lonely", SOMEBODY)
    assert turn.follow_up is None
    assert "discovery has not found its connector yet" in plain.render(turn.answer)


async def test_a_task_that_goes_while_it_is_refreshed_is_unknown() -> None:
    asking = await fleet()
    turn = await asking.conversation.say("refresh payments", SOMEBODY)
    assert turn.follow_up is not None
    asking.watching.watch()
    assert "Last reading: never" in plain.render(await turn.follow_up())


# --- what goes wrong -------------------------------------------------------------------------


async def test_without_the_store_what_is_in_memory_is_still_answered() -> None:
    asking = await fleet()
    asking.store.failing = AWAY
    assert "payments: critical" in await asking.say("status payments")
    assert "Open incidents: 2" in await asking.say("incidents")
    for typed in ("incidents all", "incident i-2"):
        assert "The store does not answer" in await asking.say(typed)
    assert "database is locked" in await asking.say("health")


async def test_a_fleet_of_no_tasks_has_answers_too() -> None:
    asking = Asking(tasks=())
    for typed in ("", "list", "top", "incidents", "incidents all", "health", "orders"):
        assert await asking.say(typed)
    assert "No dumping task is watched yet." in await asking.say("")


async def test_unicode_names_are_found_whatever_their_case() -> None:
    asking = Asking(tasks=(a_task("Заказы"), a_task("支付 任务")))
    await asking.read_all()
    assert "Заказы: ok" in await asking.say("заказы")
    assert "支付 任务: ok" in await asking.say('"支付 任务"')


async def test_namesakes_of_two_accounts_are_told_apart() -> None:
    here = replace(a_task("orders"), name="prod/orders")
    there = replace(a_task("orders", account="test"), name="test/orders")
    asking = Asking(tasks=(here, there), accounts=("prod", "test"))
    await asking.watching.monitor.observe(a_sample(at(590), key=there.key, status="PAUSED"))
    assert "orders names 2 tasks" in await asking.say("orders")
    assert "test/orders: paused" in await asking.say("test/orders")


async def test_status_shows_how_the_lag_moved_and_does_without_a_store() -> None:
    asking = Asking()
    for second in range(0, 600, 60):
        await asking.watching.lag(second, 1_000 + second)
    await asking.watching.behind.flush()
    assert "Trend" in await asking.say("orders")
    asking.store.failing = StoreUnavailable("disk full")
    answer = await asking.say("orders")
    assert "Trend" not in answer
    assert "RUNNING" in answer
