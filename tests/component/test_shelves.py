"""What is asked of topics, of whom, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts import AlertState, SubjectState
from bot.domain.incidents import Phase
from bot.domain.model import Subject
from bot.domain.policy import BUILT_IN, RuleType
from bot.domain.shelf import Shelf
from bot.domain.verdicts import Level
from bot.ports import CloudError, CloudUnavailable
from bot.services.fleet import Fleet
from bot.services.shelves import AGAIN_AFTER, ASKED_EVERY, Shelves
from tests.builders import TOPIC, a_history, a_sample_of, a_task, a_topic, at
from tests.fakes import Recorder, SetClock

TASKS = (
    replace(a_task("orders"), instance_id="i1"),
    replace(a_task("clicks"), instance_id="i1"),
    replace(a_task("lonely"), instance_id=None),
)


class Topics:
    """An account whose topics a test writes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: CloudError | None = None

    async def retentions(self, instance_id: str) -> Mapping[str, timedelta]:
        """Three days for every topic."""
        self.asked.append(instance_id)
        if self.error is not None:
            raise self.error
        return {TOPIC: timedelta(hours=72)}

    async def log_starts(self, instance_id: str, topic: str) -> Mapping[int, int]:
        """Partition 0 begins at 40."""
        self.asked.append(f"{instance_id}/{topic}")
        if self.error is not None:
            raise self.error
        return {0: 40}


class Room:
    """A fleet, its shelves, and who is asked."""

    def __init__(self) -> None:
        self.fleet = Fleet(("prod",))
        self.fleet.watch(TASKS, BUILT_IN)
        self.topics, self.clock, self.recorder = Topics(), SetClock(at(0)), Recorder()
        self.shelves = Shelves(
            self.fleet, {"prod": self.topics}, clock=self.clock, telemetry=self.recorder
        )

    def shelf_of(self, name: str) -> Mapping[str, timedelta]:
        """What is known of a task's topics."""
        (memory,) = [memory for memory in self.fleet if memory.task.name == name]
        return memory.shelf.retention


async def test_each_instance_is_asked_once_in_a_while_for_all_its_tasks() -> None:
    room = Room()
    for _ in range(3):
        await room.shelves.look()
    assert room.topics.asked == ["i1"]
    assert room.shelf_of("orders") == room.shelf_of("clicks") == {TOPIC: timedelta(hours=72)}
    assert room.shelf_of("lonely") == {}
    room.clock.time = at(ASKED_EVERY.total_seconds())
    await room.shelves.look()
    assert room.topics.asked == ["i1", "i1"]


async def test_who_failed_is_asked_again_sooner_and_what_was_known_stays() -> None:
    room = Room()
    await room.shelves.look()
    room.topics.error = CloudUnavailable("HTTP 503")
    for number in range(3):
        seconds = ASKED_EVERY.total_seconds() + number * AGAIN_AFTER.total_seconds()
        room.clock.time = at(seconds)
        await room.shelves.look()
    assert room.topics.asked == ["i1"] * 4
    assert room.shelf_of("orders")
    assert room.recorder.events() == ["retentions unknown"]


async def test_where_a_log_begins_is_asked_only_near_a_loss() -> None:
    room = Room()
    (memory,) = [memory for memory in room.fleet if memory.task.name == "orders"]
    memory.history = a_history()
    await room.shelves.look()
    state = SubjectState(Level(), at(0), at(0))
    memory.alerts.states[RuleType.DATA_LOSS] = AlertState(
        memory.task.key, RuleType.DATA_LOSS, Phase.OPEN, {Subject(TOPIC, 0): state}
    )
    for _ in range(3):
        await room.shelves.look()
    assert room.topics.asked == ["i1", f"i1/{TOPIC}"]
    assert memory.shelf.log_starts == {Subject(TOPIC, 0): 40}
    assert memory.shelf.retention


async def test_where_a_log_begins_is_asked_of_what_was_late_at_first_sight() -> None:
    room = Room()
    (memory,) = [memory for memory in room.fleet if memory.task.name == "orders"]
    behind = a_topic(lags=(900,), transferred=10)
    memory.history = a_history(*(a_sample_of(behind, when=at(60 * poll)) for poll in range(40)))
    await room.shelves.look()
    assert room.topics.asked == ["i1"]
    state = SubjectState(Level(), at(0), at(0))
    memory.alerts.states[RuleType.AGE] = AlertState(
        memory.task.key, RuleType.AGE, Phase.OPEN, {Subject(TOPIC, 0): state}
    )
    await room.shelves.look()
    assert memory.shelf.log_starts == {Subject(TOPIC, 0): 40}


async def test_log_starts_are_let_go_with_the_alert_that_asked_for_them() -> None:
    room = Room()
    (memory,) = [memory for memory in room.fleet if memory.task.name == "orders"]
    memory.history = a_history()
    memory.shelf = Shelf(log_starts={Subject(TOPIC, 0): 40})
    await room.shelves.look()
    assert memory.shelf.log_starts == {}
    assert memory.shelf.retention


async def test_an_account_without_a_source_is_left_alone() -> None:
    room = Room()
    shelves = Shelves(room.fleet, {}, clock=room.clock, telemetry=room.recorder)
    await shelves.look()
    assert room.shelf_of("orders") == {}
