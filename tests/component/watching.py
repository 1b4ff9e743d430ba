"""A monitor over a store in memory, to which a test shows observations one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.domain.cards import Card, Form, Intent
from bot.domain.incidents import Incident
from bot.domain.model import FailureKind, Severity, WatchedTask
from bot.domain.policy import (
    BUILT_IN,
    AlertPolicy,
    AnyRule,
    LagRule,
    Policies,
    Route,
    RuleType,
    View,
)
from bot.ports import Clock, Snapshot
from bot.services.fleet import Fleet, TaskMemory
from bot.services.monitor import Monitor
from bot.services.silencing import Silencing
from bot.services.writer import WriteBehind
from tests.builders import a_failure, a_key, a_sample, a_task, at
from tests.fake_store import FakeStore
from tests.fakes import Recorder, SetClock

LAG = LagRule(
    name="lag",
    type=RuleType.PARTITION_LAG,
    warning=100_000,
    critical=1_000_000,
    view=View.INSTANT,
)
RULES: tuple[AnyRule, ...] = (*BUILT_IN, LAG)
ROUTE = Route("C0DATA")


def policies(
    *routes: Route, rules: Sequence[AnyRule] = RULES, alerts: AlertPolicy | None = None
) -> Policies:
    """Lag by its latest reading, the built-in rules, and one channel if no other is given."""
    return Policies(tuple(rules), routes or (ROUTE,), alerts or AlertPolicy())


@dataclass
class Watching:
    """One process: a fleet from the store, and a monitor."""

    tasks: Sequence[WatchedTask] = (a_task(),)
    store: FakeStore = field(default_factory=FakeStore)
    policies: Policies = field(default_factory=policies)
    accounts: Sequence[str] = ("prod",)
    snapshot: Snapshot | None = None
    recorder: Recorder = field(default_factory=Recorder)
    clock: Clock = field(default_factory=lambda: SetClock(at(0)))
    """Only silences look at it."""

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.accounts, self.snapshot)
        self.watch(*self.tasks)
        self.behind = WriteBehind(self.store, self.recorder)
        self.silencing = Silencing(self.store, clock=self.clock, telemetry=self.recorder)
        self.monitor = Monitor(
            self.fleet,
            self.store,
            self.behind,
            self.recorder,
            self.policies,
            silences=lambda: self.silencing.current,
        )

    def watch(self, *tasks: WatchedTask) -> list[TaskMemory]:
        """Watches exactly these tasks; the others are returned."""
        return self.fleet.watch(tasks, self.policies.rules, poll=self.policies.poll)

    async def restarted(
        self, *, tasks: Sequence[WatchedTask] | None = None, policies: Policies | None = None
    ) -> Watching:
        """The same after a restart, with what was written behind; or with other settings."""
        await self.behind.flush()
        store = self.store.opened_again()
        return Watching(
            tasks=self.tasks if tasks is None else tasks,
            store=store,
            policies=policies or self.policies,
            accounts=self.accounts,
            snapshot=await store.load(),
        )

    # --- what is seen ---

    async def lag(self, seconds: float, lag: int | None, *, task: str = "orders") -> None:
        """An answer in which the first partition has this lag."""
        await self.monitor.observe(a_sample(at(seconds), key=a_key(task), lags=(lag, 0, 0)))

    async def status(self, seconds: float, status: str, *, task: str = "orders") -> None:
        """An answer in which the task has this cloud status."""
        await self.monitor.observe(a_sample(at(seconds), key=a_key(task), status=status))

    async def failure(
        self,
        seconds: float,
        kind: FailureKind = FailureKind.UNAVAILABLE,
        *,
        task: str = "orders",
        account: str = "prod",
    ) -> None:
        """A poll without an answer."""
        await self.monitor.observe(
            a_failure(at(seconds), key=a_key(task, account=account), kind=kind)
        )

    # --- what came of it ---

    def intents(self) -> list[Intent]:
        """What was put into the outbox by this process, in order."""
        return [intent for change in self.store.changes for intent in change.intents]

    def said(self) -> list[str]:
        """The same in short: "card opened", "reply resolved"."""
        return [f"{intent.form.value} {intent.notice.reason.value}" for intent in self.intents()]

    def replies(self) -> list[str]:
        """The reasons of the replies."""
        replies = [intent for intent in self.intents() if intent.form is Form.REPLY]
        return [intent.notice.reason.value for intent in replies]

    def roots(self) -> set[str]:
        """The cards that anything was said of."""
        return {intent.card_id for intent in self.intents()}

    def store_down(self) -> bool:
        """Whether the monitor has something that it could not save."""
        return self.monitor.store_down

    def open_in_store(self) -> list[Incident]:
        """The open incidents as the store has them."""
        return [i for _, i in self.store.kept.incidents.values() if i.open]

    def cards_in_store(self) -> list[Card]:
        """The cards as the store has them."""
        return list(self.store.kept.cards.values())

    def open_here(self, task: str = "orders") -> list[Incident]:
        """The open incidents of a task as the process knows them."""
        memory = self.fleet.get(a_key(task))
        assert memory is not None
        return memory.alerts.incidents()


def severities(incidents: Iterable[Incident]) -> list[Severity]:
    """Their severities."""
    return [incident.severity for incident in incidents]
