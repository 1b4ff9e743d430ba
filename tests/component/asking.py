"""A small fleet that has been watched for a while, and everything that answers questions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.model import WatchedTask
from bot.domain.reports import HealthReport
from bot.presenters import plain
from bot.services.actions import Actions, Speaker
from bot.services.conversation import Conversation
from bot.services.deeds import Deeds
from bot.services.delivery import Delivery
from bot.services.queries import Pulse, Queries
from bot.services.vitals import Vitals
from tests.builders import a_task, at
from tests.component.watching import Watching
from tests.fakes import Recorder, SetClock

SOMEBODY, STRANGER = Speaker("U0ADA", "C0DATA"), Speaker("U0EVE", "C0DATA")
TASKS = (
    a_task("orders", team="shop"),
    a_task("orders-eu", team="shop"),
    a_task("payments", team="money"),
    a_task("audit log", team="money"),
)


@dataclass
class Asking:
    """Who is asked; the clock stands at ten minutes after the start."""

    tasks: Sequence[WatchedTask] = TASKS
    accounts: Sequence[str] = ("prod",)
    clock: SetClock = field(default_factory=lambda: SetClock(at(600)))
    delivery: Delivery = field(default_factory=Delivery)
    discovery_errors: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watching = Watching(tasks=self.tasks, accounts=self.accounts, clock=self.clock)
        self.store = self.watching.store
        self.vitals = Vitals(Recorder(), self.clock)
        self.refreshed: list[str] = []
        self.queries = Queries(
            self.watching.fleet,
            self.store,
            self.store,
            policies=lambda: self.watching.policies,
            clock=self.clock,
        )
        actions = Actions(
            self.watching.fleet,
            self.watching.monitor,
            self.watching.silencing,
            clock=self.clock,
            zone=ZoneInfo("Europe/Berlin"),
            permit=self._permit,
        )
        deeds = Deeds(
            self.watching.fleet, actions, self.watching.silencing, self.store, clock=self.clock
        )
        self.conversation = Conversation(
            self.watching.fleet,
            self.queries,
            deeds,
            health=self.health,
            refresh=self._refresh,
            clock=self.clock,
        )

    async def health(self) -> HealthReport:
        """The bot about itself."""
        pulse = Pulse(
            version="1.2.3",
            store="a store in memory",
            started_at=at(0),
            delivery=lambda: self.delivery,
            store_down=self.watching.store_down,
            discovery_errors=lambda: self.discovery_errors,
        )
        return await self.queries.health(pulse, self.vitals)

    async def ailments(self) -> list[tuple[str, str]]:
        """What does not work, and why."""
        return [(each.part, each.why) for each in (await self.health()).ailments]

    async def say(self, text: str, speaker: Speaker = SOMEBODY) -> str:
        """The answer to a text, in plain words."""
        return plain.render((await self.conversation.say(text, speaker)).answer)

    async def read_all(self, when: float = 590) -> None:
        """Every task answers, and is well."""
        for task in self.tasks:
            await self.watching.lag(when, 0, task=task.task_name)

    def now(self) -> datetime:
        """The time that stands."""
        return self.clock.now()

    async def _permit(self, speaker: Speaker) -> str:
        return "You may not." if speaker.by == STRANGER.by else ""

    async def _refresh(self, task: WatchedTask) -> None:
        self.refreshed.append(task.name)
