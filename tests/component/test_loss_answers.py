"""`loss`: the time to the first lost message, soonest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.model import Subject
from bot.domain.shelf import Shelf
from tests.builders import TOPIC, a_sample, a_sample_of, a_topic, at
from tests.component.asking import TASKS, Asking


async def asking() -> Asking:
    """`orders` waits for nine minutes, `orders-eu` for nothing, `payments` has lost messages."""
    fleet = Asking()
    for second in range(0, 600, 60):
        waiting = a_topic(lags=(1_000 + second,), transferred=1_000)
        for task in (TASKS[0], TASKS[2]):
            await fleet.watching.monitor.observe(
                a_sample_of(waiting, when=at(second), key=task.key)
            )
        await fleet.watching.monitor.observe(a_sample(at(second), key=TASKS[1].key))
    for memory in fleet.watching.fleet:
        if memory.task.name != "audit log":
            memory.shelf = Shelf({TOPIC: timedelta(hours=3)})
        if memory.task.name == "payments":
            memory.shelf = replace(memory.shelf, log_starts={Subject(TOPIC, 0): 1_200})
    return fleet


async def test_loss_is_told_soonest_first_with_what_is_lost_and_what_is_not_known() -> None:
    answer = await (await asking()).say("loss")
    rows = [line.split() for line in answer.splitlines() if TASKS[0].name in line or "now" in line]
    assert rows[0][:5] == ["now", "payments", "orders[0]", "3", "h"]
    assert rows[0][-1] == "200"
    assert rows[1][:7] == ["at", "most", "2", "h", "51", "min", "orders"]
    assert "nothing waits" in answer
    assert [line.split()[0] for line in answer.splitlines() if "audit log" in line][:1] == [
        "unknown"
    ]


async def test_loss_takes_the_filters_of_list_and_says_how_a_retention_gets_known() -> None:
    fleet = await asking()
    await fleet.watching.monitor.observe(a_sample(at(600), key=TASKS[3].key))
    answer = await fleet.say("loss audit*")
    assert "Time to the first loss: 1 task of 4, filter audit*" in answer
    assert "Retention unknown: audit log" in answer
    assert "retention in a rule of type data_loss" in answer
    assert "No task fits." in await fleet.say("loss critical")


async def test_what_waited_before_it_was_first_seen_is_lost_then_at_the_latest() -> None:
    fleet = Asking()
    behind = a_topic(lags=(1_000,), transferred=1_000)
    await fleet.watching.monitor.observe(a_sample_of(behind, when=at(0), key=TASKS[0].key))
    for memory in fleet.watching.fleet:
        memory.shelf = Shelf({TOPIC: timedelta(hours=3)})
    assert "at most 3 h" in await fleet.say("loss orders")
