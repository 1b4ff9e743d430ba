"""Keeps what is known of topics up to date: retentions from time to time, log starts on demand.

Retentions change seldom, so an instance is asked a few times a day; one that failed is asked again
sooner. Where a log begins is only asked of topics that are near a loss, because it costs a request
per topic. None of it is kept in the store: it is asked again after a start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.model import Subject
from bot.domain.policy import RuleType
from bot.ports import Clock, CloudError, Noted, Telemetry, TopicSource
from bot.services.fleet import Fleet, TaskMemory

ASKED_EVERY = timedelta(hours=6)
AGAIN_AFTER = timedelta(minutes=10)
"""After a failure, and for the log starts of topics near a loss."""
LOOKED_EVERY = timedelta(seconds=5)


class Shelves:
    """Fills the shelves of the fleet's tasks."""

    def __init__(
        self,
        fleet: Fleet,
        sources: Mapping[str, TopicSource],
        *,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._fleet = fleet
        self._sources = sources
        self._clock = clock
        self._telemetry = telemetry
        self._retentions: dict[tuple[str, str], Mapping[str, timedelta]] = {}
        self._due: dict[tuple[str, ...], datetime] = {}
        self._complained: set[tuple[str, ...]] = set()

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOKED_EVERY.total_seconds())

    async def look(self) -> None:
        """Asks what is due."""
        tasks = [memory for memory in self._fleet if memory.task.instance_id]
        for place in dict.fromkeys(map(_place, tasks)):
            if self._is_due(place):
                await self._ask_retentions(place)
        for memory in tasks:
            known = self._retentions.get(_place(memory))
            if known is not None and memory.shelf.retention is not known:
                memory.shelf = replace(memory.shelf, retention=known)
            near = _near_a_loss(memory)
            _forget_the_rest(memory, near)
            for topic in sorted(near):
                if self._is_due((*_place(memory), topic)):
                    await self._ask_log_starts(memory, topic)

    def _is_due(self, what: tuple[str, ...]) -> bool:
        due = self._due.get(what)
        return what[0] in self._sources and (due is None or self._clock.now() >= due)

    async def _ask_retentions(self, place: tuple[str, str]) -> None:
        account, instance_id = place
        try:
            self._retentions[place] = await self._sources[account].retentions(instance_id)
        except CloudError as error:
            self._failed(place, "retentions", error)
        else:
            self._asked(place, ASKED_EVERY)

    async def _ask_log_starts(self, memory: TaskMemory, topic: str) -> None:
        account, instance_id = _place(memory)
        what = (account, instance_id, topic)
        try:
            starts = await self._sources[account].log_starts(instance_id, topic)
        except CloudError as error:
            self._failed(what, "log starts", error)
            return
        self._asked(what, AGAIN_AFTER)
        fresh = {Subject(topic, partition): start for partition, start in starts.items()}
        for other in self._fleet.of_account(account):
            if _place(other) == (account, instance_id) and topic in other.history.deliveries:
                known = {**other.shelf.log_starts, **fresh}
                other.shelf = replace(other.shelf, log_starts=known)

    def _asked(self, what: tuple[str, ...], again: timedelta) -> None:
        self._due[what] = self._clock.now() + again
        self._complained.discard(what)

    def _failed(self, what: tuple[str, ...], of: str, error: CloudError) -> None:
        self._due[what] = self._clock.now() + AGAIN_AFTER
        if what not in self._complained:
            self._complained.add(what)
            fields = {"account": what[0], "instance": what[1], "reason": error.detail}
            self._telemetry.record(Noted(f"{of} unknown", "warning", fields))


def _place(memory: TaskMemory) -> tuple[str, str]:
    return memory.task.key.account, memory.task.instance_id or ""


def _near_a_loss(memory: TaskMemory) -> set[str]:
    """Topics of which `data_loss` is breached, and late ones that were behind at first sight: what
    they lost before, no age can tell."""
    near = _alerting(memory, RuleType.DATA_LOSS)
    for topic in _alerting(memory, RuleType.AGE):
        deliveries = memory.history.deliveries.get(topic)
        if deliveries is not None and deliveries.oldest_age().at_most is None:
            near.add(topic)
    return near


def _alerting(memory: TaskMemory, rule_type: RuleType) -> set[str]:
    state = memory.alerts.states.get(rule_type)
    return {subject.topic for subject in state.subjects} if state is not None else set()


def _forget_the_rest(memory: TaskMemory, near: set[str]) -> None:
    """Lets go of log starts that nobody asks for any more: a topic may be made anew."""
    starts = memory.shelf.log_starts
    kept = {subject: start for subject, start in starts.items() if subject.topic in near}
    if len(kept) < len(starts):
        memory.shelf = replace(memory.shelf, log_starts=kept)
