"""Keeps the fleet and the pollers in step with the configuration and what discovery finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.names import LabelEntry, watched_tasks
from bot.ports import Clock
from bot.services.discovery import Discovery, Wanted
from bot.services.fleet import Fleet, TaskMemory
from bot.services.monitor import Monitor
from bot.services.poller import Poller


@dataclass(frozen=True, slots=True)
class Roll:
    """What the configuration says of which tasks there are."""

    wanted: Wanted
    labels: Sequence[LabelEntry] = ()


class Roster:
    """Calls the roll whenever it may have changed."""

    def __init__(
        self,
        roll: Roll,
        fleet: Fleet,
        monitor: Monitor,
        *,
        pollers: Mapping[str, Poller],
        clock: Clock,
    ) -> None:
        self._roll = roll
        self._fleet = fleet
        self._monitor = monitor
        self._pollers = pollers
        self._clock = clock
        self._orphans: list[TaskMemory] | None = None

    async def call(self, discovery: Discovery) -> None:
        """Watches what is to be watched now, and ends what is open of everything else.

        What the store knew of tasks that are not watched is ended too, but not before a listing
        has shown that they are gone.
        """
        policies = self._monitor.policies
        tasks = watched_tasks(
            self._roll.wanted.configured,
            self._roll.wanted.tasks(discovery.tasks),
            labels=self._roll.labels,
            interval=policies.poll.interval,
        )
        removed = self._fleet.watch(tasks, policies.rules, poll=policies.poll)
        for account, poller in self._pollers.items():
            mine = self._fleet.of_account(account)
            poller.watch(memory.task for memory in mine if memory.task.key.connector_id)
        await self._monitor.retire([*removed, *self._lost(discovery)], self._clock.now())
        for account in self._pollers:
            if not self._fleet.count(account) and discovery.settled(account):
                await self._monitor.retire_account(account, self._clock.now())

    def _lost(self, discovery: Discovery) -> list[TaskMemory]:
        if self._orphans is None:
            self._orphans = self._fleet.orphans()
        waiting: list[TaskMemory] = []
        lost: list[TaskMemory] = []
        for memory in self._orphans:
            key = memory.task.key
            if self._fleet.get(key) is not None:
                continue
            known = key.account in self._pollers
            (waiting if known and not discovery.settled(key.account) else lost).append(memory)
        self._orphans = waiting
        if not waiting and all(map(discovery.settled, self._pollers)):
            self._fleet.forget_stored()
        return lost
