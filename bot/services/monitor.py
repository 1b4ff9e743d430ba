"""Observation -> history -> rules -> incidents -> notifications -> one transaction.

The poller never overlaps a task with itself, so a task's memory has one writer. What concerns an
account as a whole is judged after each observation of its tasks, under a lock per account.

Memory moves only after the store has taken the change: when the store is away, the alert stays
where it was and the next observation finds the same transition again. History moves at once; it
is written behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.history import fold
from bot.domain.incidents import AlertState, Event, EventKind, Incident, StepContext, close, step
from bot.domain.links import link_values, links_for
from bot.domain.model import Observation, PollFailure, TaskKey, TaskSample, TaskState, WatchedTask
from bot.domain.notifications import (
    Card,
    Outcome,
    Situation,
    decide,
    remind,
    reminder_due,
    tellings,
)
from bot.domain.policy import Policies
from bot.domain.reports import TaskView, view_of
from bot.domain.rules import (
    Failing,
    Moment,
    account_rule,
    alike,
    evaluate,
    judge_account,
)
from bot.domain.verdicts import Finding
from bot.ports import AlertStore, Change, Noted, StoreConflict, StoreUnavailable, Telemetry
from bot.services.fleet import AccountMemory, Alerts, Fleet, TaskMemory
from bot.services.writer import WriteBehind


@dataclass(frozen=True, slots=True)
class _About:
    """Whom a settlement is about: a task, or an account (then `task` is None)."""

    key: TaskKey
    name: str
    task: WatchedTask | None
    context: StepContext
    view: TaskView | None = None
    """Filled in when something is to be said."""


class Monitor:
    """Judges observations and decides what is said about them."""

    def __init__(
        self,
        fleet: Fleet,
        store: AlertStore,
        behind: WriteBehind,
        telemetry: Telemetry,
        policies: Policies,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._behind = behind
        self._telemetry = telemetry
        self.policies = policies
        self._account_locks: dict[str, asyncio.Lock] = {}
        self._store_down = False

    async def observe(self, observation: Observation) -> None:
        """Takes one observation to its end. An observation of an unwatched task is dropped."""
        memory = self._fleet.get(observation.key)
        if memory is None:
            return
        poll = self.policies.poll
        history = fold(
            memory.history,
            observation,
            interval=memory.task.interval,
            stale_polls=poll.stale_polls,
        )
        if history is memory.history:
            return
        memory.history = history
        if isinstance(observation, TaskSample):
            self._behind.add(observation, history)
        account = self._fleet.accounts[observation.key.account]
        self._note_failing(account, memory, observation)
        moment = Moment(
            observation.at,
            memory.task.interval,
            poll.stale_polls,
            account_speaks=self._account_speaks(account, observation),
        )
        findings = evaluate(history, memory.rules, memory.alerts.tracked(), moment)
        await self._settle(memory.alerts, findings, self._about_task(memory, observation.at))
        await self._judge_account(account, moment)

    async def retire(self, memories: Iterable[TaskMemory], now: datetime) -> None:
        """Ends what is open of tasks that are not watched any more."""
        for memory in memories:
            about = self._about_task(memory, now)
            await self._apply(
                memory.alerts,
                *_closed(memory.alerts, now, "no longer watched"),
                about=about,
            )

    # --- the account as a whole ---

    def _note_failing(
        self, account: AccountMemory, memory: TaskMemory, observation: Observation
    ) -> None:
        history = memory.history
        if isinstance(observation, PollFailure) and history.failing_since is not None:
            account.failing[observation.key] = Failing(
                observation.kind,
                history.failing_since,
                stale=history.failures >= self.policies.poll.stale_polls,
                detail=observation.detail,
            )
        else:
            account.failing.pop(observation.key, None)

    def _account_speaks(self, account: AccountMemory, observation: Observation) -> bool:
        if not isinstance(observation, PollFailure):
            return False
        common = alike(self._fleet.count(account.key.account), account.failing)
        return common is observation.kind

    async def _judge_account(self, account: AccountMemory, moment: Moment) -> None:
        if not account.failing and not account.alerts.tracked() and not account.alerts.cards:
            return
        name = account.key.account
        async with self._account_locks.setdefault(name, asyncio.Lock()):
            finding = judge_account(
                account_rule(account.key, self.policies.rules),
                self._fleet.count(name),
                account.failing,
                moment,
            )
            about = _About(
                account.key, name, None, self._context(name, moment.now, moment.interval)
            )
            await self._settle(account.alerts, (finding,), about)

    # --- from findings to one transaction ---

    async def _settle(self, alerts: Alerts, findings: Sequence[Finding], about: _About) -> None:
        states, events = _stepped(alerts, findings, about)
        await self._apply(alerts, states, events, about=about)

    async def _apply(
        self,
        alerts: Alerts,
        states: Mapping[str, AlertState],
        events: Sequence[Event],
        *,
        about: _About,
    ) -> None:
        now = about.context.now
        cards = {channel: self._fleet.ring_time(card) for channel, card in alerts.cards.items()}
        due = [card for card in cards.values() if _due(card, now)]
        if not states and not events and not due:
            return
        outcome = self._decide(alerts, states, events, about=about, cards=cards)
        change = _change(alerts, states, events, outcome, about)
        if change is not None and not await self._commit(change):
            return
        saved = change is not None
        for state in states.values():
            alerts.states[state.type] = replace(state, version=state.version + saved)
        for card in outcome.cards:
            self._keep(alerts, replace(card, version=card.version + saved))
        self._log(events)

    def _decide(
        self,
        alerts: Alerts,
        states: Mapping[str, AlertState],
        events: Sequence[Event],
        *,
        about: _About,
        cards: Mapping[str, Card],
    ) -> Outcome:
        after = {**alerts.states, **{state.type: state for state in states.values()}}
        incidents = {s.incident.id: s.incident for s in after.values() if s.incident is not None}
        opened = [event.incident for event in events if event.kind is EventKind.OPENED]
        situation = Situation(
            now=about.context.now,
            view=self._view(about, tuple(incidents.values())),
            incidents=incidents,
            tellings={i.id: tellings(self.policies.routes, i, about.task) for i in opened},
            policy=self.policies.alerts,
            links=self._links(about, [*opened, *incidents.values()]),
        )
        told = decide(cards.values(), events, situation)
        current = {**cards, **{card.channel: card for card in told.cards}}
        reminders = [remind(card, situation) for card in current.values()]
        return _joined([told, *reminders])

    async def _commit(self, change: Change) -> bool:
        try:
            await self._store.commit(change)
        except StoreUnavailable as error:
            if not self._store_down:
                self._telemetry.record(
                    Noted("store unavailable, transitions wait", "error", {"reason": str(error)})
                )
            self._store_down = True
            return False
        except StoreConflict as error:
            self._telemetry.record(
                Noted("change refused, somebody else wrote", "error", {"reason": str(error)})
            )
            return False
        if self._store_down:
            self._store_down = False
            self._telemetry.record(Noted("store available again"))
        return True

    @property
    def store_down(self) -> bool:
        """Whether the latest transition could not be saved."""
        return self._store_down

    def _keep(self, alerts: Alerts, card: Card) -> None:
        if card.closed_at is None:
            alerts.cards[card.channel] = card
        else:
            alerts.cards.pop(card.channel, None)
            self._fleet.rang_at.pop(card.id, None)

    def _log(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind is not EventKind.EVIDENCE_CHANGED:
                incident = event.incident
                self._telemetry.record(
                    Noted(
                        f"incident {event.kind.value}",
                        fields={
                            "incident": incident.id,
                            "task": incident.name,
                            "rule": incident.rule,
                            "severity": incident.severity.word,
                        },
                    )
                )

    # --- views ---

    def _about_task(self, memory: TaskMemory, now: datetime) -> _About:
        task = memory.task
        return _About(task.key, task.name, task, self._context(task.name, now, task.interval))

    def _context(self, name: str, now: datetime, interval: timedelta) -> StepContext:
        return StepContext(now, name, interval, self.policies.poll.stale_polls)

    def _view(self, about: _About, incidents: Sequence[Incident]) -> TaskView:
        memory = self._fleet.get(about.key)
        if memory is None:
            worst = max((incident.severity for incident in incidents), default=None)
            state = TaskState(worst.word) if worst else TaskState.UNKNOWN
            return TaskView(about.key, about.name, state=state)
        stale_after = memory.task.interval * self.policies.poll.stale_polls
        return view_of(
            memory.task, memory.history, incidents, now=about.context.now, stale_after=stale_after
        )

    def _links(self, about: _About, incidents: Sequence[Incident]) -> tuple[tuple[str, str], ...]:
        values = link_values(
            about.key,
            name=about.name,
            rule=incidents[0].rule if incidents else "",
            instance_id=about.task.instance_id if about.task else None,
        )
        console = self.policies.consoles.get(about.key.account)
        return links_for(self.policies.alerts.links, console, values)


def _stepped(
    alerts: Alerts, findings: Sequence[Finding], about: _About
) -> tuple[dict[str, AlertState], list[Event]]:
    """The states that moved, and what happened."""
    states: dict[str, AlertState] = {}
    events: list[Event] = []
    for finding in findings:
        before = alerts.states.get(finding.type) or AlertState(about.key, finding.type)
        after, happened = step(before, finding, about.context)
        if after != before:
            states[finding.type] = after
        events.extend(happened)
    return states, events


def _closed(
    alerts: Alerts, now: datetime, resolution: str
) -> tuple[dict[str, AlertState], list[Event]]:
    states: dict[str, AlertState] = {}
    events: list[Event] = []
    for rule_type, state in alerts.states.items():
        states[rule_type], happened = close(state, now, resolution)
        events.extend(happened)
    return states, events


def _change(
    alerts: Alerts,
    states: Mapping[str, AlertState],
    events: Sequence[Event],
    outcome: Outcome,
    about: _About,
) -> Change | None:
    """What must be written now. New evidence that nobody is told of can wait for the next."""
    moved = any(
        (alerts.states.get(state.type) or AlertState(state.key, state.type)).phase != state.phase
        for state in states.values()
    )
    news = any(event.kind is not EventKind.EVIDENCE_CHANGED for event in events)
    if not (moved or news or outcome.intents or outcome.cards):
        return None
    return Change(
        key=about.key,
        at=about.context.now,
        states=tuple(states.values()),
        events=tuple(events),
        cards=outcome.cards,
        intents=outcome.intents,
        decisions=tuple(d for d in outcome.decisions if d.said),
    )


def _due(card: Card, now: datetime) -> bool:
    at = reminder_due(card)
    return at is not None and now >= at


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Several outcomes as one; of a card that changed twice the later state counts."""
    cards = {card.id: card for outcome in outcomes for card in outcome.cards}
    return Outcome(
        tuple(cards.values()),
        tuple(intent for outcome in outcomes for intent in outcome.intents),
        tuple(decision for outcome in outcomes for decision in outcome.decisions),
    )
