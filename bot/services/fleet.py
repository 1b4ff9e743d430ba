"""What the running bot holds in memory: every watched task with its history, alerts and cards.

One fleet per process, changed only in the event loop. The monitor writes it, everybody reads it.
After a restart it is filled from the store, so answers do not wait for the first poll.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Incident, Phase
from bot.domain.model import Subject, TaskKey, WatchedTask
from bot.domain.notifications import Card
from bot.domain.policy import AnyRule, RuleType
from bot.domain.rules import Failing, TaskRules, rules_for
from bot.domain.verdicts import Level
from bot.ports import Snapshot


@dataclass(slots=True)
class Alerts:
    """The alerts and cards of one task, or of an account as a whole."""

    states: dict[RuleType, AlertState] = field(default_factory=dict)
    """Not quiet ones, and quiet ones whose version the store knows."""
    cards: dict[str, Card] = field(default_factory=dict)
    """By channel, not closed."""

    def tracked(self) -> Mapping[RuleType, Mapping[Subject, Level]]:
        """The subjects that vote, by rule type, with their frozen levels."""
        return {
            rule_type: state.levels
            for rule_type, state in self.states.items()
            if state.phase is not Phase.QUIET
        }

    def incidents(self) -> list[Incident]:
        """The open incidents."""
        return [state.incident for state in self.states.values() if state.incident is not None]


@dataclass(slots=True)
class TaskMemory:
    """One watched task."""

    task: WatchedTask
    rules: TaskRules
    history: TaskHistory = field(default_factory=TaskHistory)
    alerts: Alerts = field(default_factory=Alerts)


@dataclass(slots=True)
class AccountMemory:
    """One account as a whole: how its tasks fail, and what has been said about that."""

    key: TaskKey
    failing: dict[TaskKey, Failing] = field(default_factory=dict)
    alerts: Alerts = field(default_factory=Alerts)


class Fleet:
    """Every watched task, and the accounts they belong to."""

    def __init__(self, accounts: Iterable[str], snapshot: Snapshot | None = None) -> None:
        self._tasks: dict[TaskKey, TaskMemory] = {}
        self._counts: Counter[str] = Counter()
        self._stored = _Stored(snapshot or Snapshot())
        self.accounts = {name: AccountMemory(TaskKey(name)) for name in accounts}
        self.rang_at: dict[str, datetime] = {
            card.id: card.rang_at for card in self._stored.cards() if card.rang_at is not None
        }
        """Last successful ring by card id; written by the notifier, read by the monitor."""
        for account in self.accounts.values():
            account.alerts = self._stored.alerts(account.key)

    def __iter__(self) -> Iterator[TaskMemory]:
        return iter(self._tasks.values())

    def __len__(self) -> int:
        return len(self._tasks)

    def get(self, key: TaskKey) -> TaskMemory | None:
        """The memory of a task; None when it is not watched."""
        return self._tasks.get(key)

    def troubled(self, key: TaskKey) -> bool:
        """Whether a task has open incidents."""
        memory = self._tasks.get(key)
        return memory is not None and bool(memory.alerts.incidents())

    def of_account(self, account: str) -> list[TaskMemory]:
        """The tasks of one account."""
        return [memory for key, memory in self._tasks.items() if key.account == account]

    def count(self, account: str) -> int:
        """How many tasks of an account are watched."""
        return self._counts[account]

    def watch(self, tasks: Iterable[WatchedTask], rules: Iterable[AnyRule]) -> list[TaskMemory]:
        """Watches exactly these tasks from now on; what is kept of the others is returned.

        A task that stays keeps its memory; one that is new, or was watched before a restart,
        takes up what the store knew of it.
        """
        rules = tuple(rules)
        wanted = {task.key: task for task in tasks}
        removed = [memory for key, memory in self._tasks.items() if key not in wanted]
        self._tasks = {
            key: self._memory(task, rules_for(task, rules)) for key, task in wanted.items()
        }
        self._counts = Counter(key.account for key in wanted)
        for account in self.accounts.values():
            account.failing = {k: f for k, f in account.failing.items() if k in wanted}
        return removed

    def orphans(self) -> list[TaskMemory]:
        """What the store knew of tasks and accounts that are not watched; asked once at start."""
        watched = {*self._tasks, *(account.key for account in self.accounts.values())}
        return [self._stored.orphan(key) for key in self._stored if key not in watched]

    def forget_stored(self) -> None:
        """Lets go of what was loaded at the start; every task has taken up its part."""
        self._stored = _Stored(Snapshot())

    def ring_time(self, card: Card) -> Card:
        """The card with its last successful ring."""
        return replace(card, rang_at=self.rang_at.get(card.id, card.rang_at))

    def _memory(self, task: WatchedTask, rules: TaskRules) -> TaskMemory:
        memory = self._tasks.get(task.key)
        if memory is not None:
            memory.task, memory.rules = task, rules
            return memory
        return TaskMemory(
            task, rules, self._stored.history(task.key), self._stored.alerts(task.key)
        )


class _Stored:
    """What the store knew at the start, by task."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._windows = snapshot.windows
        self._alerts: dict[TaskKey, Alerts] = {}
        for state in snapshot.states:
            self._alerts.setdefault(state.key, Alerts()).states[state.type] = state
        for card in snapshot.cards:
            self._alerts.setdefault(card.key, Alerts()).cards[card.channel] = card

    def __iter__(self) -> Iterator[TaskKey]:
        return iter(self._alerts)

    def cards(self) -> Iterator[Card]:
        return (card for alerts in self._alerts.values() for card in alerts.cards.values())

    def history(self, key: TaskKey) -> TaskHistory:
        return self._windows.get(key, TaskHistory())

    def alerts(self, key: TaskKey) -> Alerts:
        return self._alerts.get(key, Alerts())

    def orphan(self, key: TaskKey) -> TaskMemory:
        alerts = self.alerts(key)
        name = next((incident.name for incident in alerts.incidents()), str(key))
        task = WatchedTask(key, name=name, task_name=name)
        return TaskMemory(task, TaskRules({}), self.history(key), alerts)
