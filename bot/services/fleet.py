"""What the running bot holds in memory: every watched task with its history, alerts and cards.

One fleet per process, changed only in the event loop. The monitor writes it, everybody reads it.
After a restart it is filled from the store, so answers do not wait for the first poll.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.history import TaskHistory, fold
from bot.domain.incidents import AlertState, Incident, Phase
from bot.domain.model import FailureKind, Subject, TaskKey, WatchedTask
from bot.domain.notifications import Card
from bot.domain.policy import AnyRule, PollPolicy, RuleType
from bot.domain.rules import Failing, TaskRules, rules_for
from bot.domain.shelf import NO_SHELF, Shelf
from bot.domain.verdicts import Level
from bot.ports import Snapshot

RINGS_KEPT = 1_000
"""Cards whose last ring is remembered, at least, before those that are closed are sought out."""


@dataclass(slots=True)
class Alerts:
    """The alerts and cards of one task, or of an account as a whole."""

    states: dict[RuleType, AlertState] = field(default_factory=dict)
    """Not quiet ones, and quiet ones whose version the store knows."""
    cards: dict[str, Card] = field(default_factory=dict)
    """By channel, not closed."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)
    """Held from judging to the end of the transaction, so that each step sees the one before."""

    def take(self, recalled: Snapshot) -> None:
        """Takes up what the store has, where that is newer than what is here."""
        here = {state.type: state.version for state in self.states.values()}
        newer = any(state.version > here.get(state.type, 0) for state in recalled.states)
        shown = {card.id: card.version for card in self.cards.values()}
        newer |= any(card.version > shown.get(card.id, 0) for card in recalled.cards)
        # Only open cards are recalled: one that is saved and not among them was closed.
        saved = {card_id for card_id, version in shown.items() if version}
        newer |= bool(saved - {card.id for card in recalled.cards})
        if newer:
            self.states = {state.type: state for state in recalled.states}
            self.cards = {card.channel: card for card in recalled.cards}

    def tracked(self) -> Mapping[RuleType, Mapping[Subject, Level]]:
        """The subjects that vote, by rule type, with the levels they joined with."""
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
    shelf: Shelf = NO_SHELF


@dataclass(slots=True)
class AccountMemory:
    """One account as a whole: how its tasks fail, and what has been said about that."""

    key: TaskKey
    failing: dict[TaskKey, Failing] = field(default_factory=dict)
    listing: Failing | None = None
    """How the listing of its tasks fails; None while it does not."""
    alerts: Alerts = field(default_factory=Alerts)


class Fleet:
    """Every watched task, and the accounts they belong to."""

    def __init__(self, accounts: Iterable[str], snapshot: Snapshot | None = None) -> None:
        snapshot = snapshot or Snapshot()
        self._tasks: dict[TaskKey, TaskMemory] = {}
        self._counts: Counter[str] = Counter()
        self._windows = snapshot.windows
        self._newer = snapshot.newer
        self._unwatched = _alerts_by_key(snapshot)
        self._rang_at: dict[str, datetime] = {
            card.id: card.rang_at for card in snapshot.cards if card.rang_at is not None
        }
        self._rings_bearable = RINGS_KEPT
        self.accounts = {
            key.account: AccountMemory(key, alerts=self._unwatched.pop(key, Alerts()))
            for key in map(TaskKey, accounts)
        }

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

    def missing(self, key: TaskKey) -> bool:
        """Whether the latest poll of a task said that it does not exist."""
        memory = self._tasks.get(key)
        failure = memory.history.failure if memory is not None else None
        return failure is not None and failure.kind is FailureKind.MISSING

    def readable(self, key: TaskKey) -> bool:
        """Whether the latest poll of a task gave a reading."""
        memory = self._tasks.get(key)
        return (
            memory is not None
            and memory.history.sample is not None
            and (memory.history.failure is None)
        )

    def accepted(self, key: TaskKey) -> bool:
        """Whether somebody has acknowledged that a task is missing."""
        memory = self._tasks.get(key)
        state = memory.alerts.states.get(RuleType.MISSING) if memory is not None else None
        incident = state.incident if state is not None else None
        return incident is not None and incident.acknowledged is not None

    def of_account(self, account: str) -> list[TaskMemory]:
        """The tasks of one account."""
        return [memory for key, memory in self._tasks.items() if key.account == account]

    def count(self, account: str) -> int:
        """How many tasks of an account are watched."""
        return self._counts[account]

    def watch(
        self,
        tasks: Iterable[WatchedTask],
        rules: Iterable[AnyRule],
        *,
        poll: PollPolicy = PollPolicy(),  # noqa: B008 - frozen
    ) -> list[TaskMemory]:
        """Watches exactly these tasks from now on; what is kept of the others is returned.

        A task that stays keeps its memory; one that is new, or comes back, takes up what the
        store knew of it.
        """
        rules = tuple(rules)
        wanted = {task.key: task for task in tasks}
        removed = [memory for key, memory in self._tasks.items() if key not in wanted]
        before = self._tasks
        self._tasks = {
            key: self._memory(task, rules_for(task, rules), poll) for key, task in wanted.items()
        }
        for memory in removed:
            if memory.alerts.states:
                self._unwatched[memory.task.key] = memory.alerts
        self._counts = Counter(key.account for key in wanted)
        for account in self.accounts.values():
            account.failing = {k: f for k, f in account.failing.items() if k in wanted}
        for key in wanted.keys() - before.keys():
            self.note_failing(self._tasks[key], poll.stale_polls)
        return removed

    def note_failing(self, memory: TaskMemory, stale_polls: int) -> None:
        """Tells the account of a task how the task fails at present."""
        history, key = memory.history, memory.task.key
        account = self.accounts[key.account]
        failure, since = history.failure, history.failing_since
        if failure is None or since is None:
            account.failing.pop(key, None)
            return
        account.failing[key] = Failing(
            failure.kind, since, stale=history.failures >= stale_polls, detail=failure.detail
        )

    def orphans(self) -> list[TaskMemory]:
        """What the store knew of tasks and accounts that are not watched; asked once at start."""
        return [_orphan(key, alerts) for key, alerts in self._unwatched.items()]

    def forget_stored(self) -> None:
        """Lets go of the windows loaded at the start; every task has taken up its own."""
        self._windows, self._newer = {}, {}

    def ring_time(self, card: Card) -> Card:
        """The card with its last successful ring."""
        return replace(card, rang_at=self._rang_at.get(card.id, card.rang_at))

    def rang(self, card_id: str, at: datetime) -> None:
        """Notes that a message about a card rang."""
        self._rang_at[card_id] = at

    def forget_ring(self, card_id: str) -> None:
        """Lets go of a card that is closed; its last reply may still ring."""
        self._rang_at.pop(card_id, None)
        if len(self._rang_at) > self._rings_bearable:
            going_on = {card.id for alerts in self._alerts() for card in alerts.cards.values()}
            self._rang_at = {i: at for i, at in self._rang_at.items() if i in going_on}
            self._rings_bearable = max(RINGS_KEPT, 2 * len(self._rang_at))

    def _alerts(self) -> Iterator[Alerts]:
        yield from (memory.alerts for memory in self._tasks.values())
        yield from (account.alerts for account in self.accounts.values())
        yield from self._unwatched.values()

    def _memory(self, task: WatchedTask, rules: TaskRules, poll: PollPolicy) -> TaskMemory:
        memory = self._tasks.get(task.key)
        if memory is not None:
            memory.task, memory.rules = task, rules
            return memory
        history = self._windows.get(task.key, TaskHistory())
        for sample in self._newer.get(task.key, ()):
            history = fold(
                history,
                sample,
                interval=task.interval,
                stale_polls=poll.stale_polls,
                tolerance=poll.caught_up_tolerance,
            )
        return TaskMemory(task, rules, history, self._unwatched.pop(task.key, Alerts()))


def _alerts_by_key(snapshot: Snapshot) -> dict[TaskKey, Alerts]:
    found: dict[TaskKey, Alerts] = {}
    for state in snapshot.states:
        found.setdefault(state.key, Alerts()).states[state.type] = state
    for card in snapshot.cards:
        found.setdefault(card.key, Alerts()).cards[card.channel] = card
    return found


def _orphan(key: TaskKey, alerts: Alerts) -> TaskMemory:
    name = next((incident.name for incident in alerts.incidents()), str(key))
    task = WatchedTask(key, name=name, task_name=name)
    return TaskMemory(task, TaskRules({}), alerts=alerts)
