"""From findings to one transaction: step, decide, commit, and only then move the memory.

Whoever settles something about a task or an account holds its lock from judging to the end, so
every step sees the one before it.

When a transition cannot be saved, the alert stays where it was, and the next observation first
asks the store: it may have written the change though its answer was lost, or somebody else may
have written. What is newer there is taken up; else the same transition is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.domain.alerts import Acknowledgement
from bot.domain.history import TaskHistory
from bot.domain.incidents import (
    AlertState,
    Event,
    EventKind,
    Incident,
    Phase,
    StepContext,
    close,
    step,
)
from bot.domain.links import link_values, links_for
from bot.domain.model import DEFAULT_DELIVERY_INTERVAL, TaskKey, TaskState, WatchedTask
from bot.domain.notifications import (
    Card,
    Outcome,
    Situation,
    decide,
    lapse,
    remind,
    reminder_due,
    resting,
    tellings,
)
from bot.domain.policy import Policies
from bot.domain.reports import TaskView, view_of
from bot.domain.shelf import NO_SHELF, Shelf
from bot.domain.silences import Silence, covering
from bot.domain.verdicts import Finding
from bot.ports import (
    AlertStore,
    Change,
    Noted,
    StoreConflict,
    StoreError,
    StoreUnavailable,
    Telemetry,
)
from bot.services.fleet import Alerts, Fleet

REOPEN_LEAST, REOPEN_DELIVERIES = timedelta(minutes=30), 6
FLAP_WINDOW, FLAP_DELIVERIES = timedelta(hours=6), 24


@dataclass(frozen=True, slots=True)
class About:
    """Whom a settlement is about: a task, or an account (then `task` is None)."""

    key: TaskKey
    name: str
    task: WatchedTask | None
    context: StepContext
    history: TaskHistory | None = None
    """Saved with what comes of it; None where there is none."""
    shelf: Shelf = NO_SHELF
    leaving: bool = False
    """It is not watched any more."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did to some incidents of one task or account."""

    kind: EventKind
    ids: frozenset[str]
    by: str
    note: str = ""
    ack: Acknowledgement | None = None
    """What they get where they are acknowledged."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step of some alerts came to."""

    states: Mapping[str, AlertState]
    """Those that moved."""
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class _Company:
    """What a step finds of its task: cards by channel, open incidents and silences by incident."""

    cards: Mapping[str, Card]
    incidents: Mapping[str, Incident]
    silences: Mapping[str, Silence]


class Settlement:
    """Takes findings to their end."""

    def __init__(
        self,
        fleet: Fleet,
        store: AlertStore,
        telemetry: Telemetry,
        policies: Callable[[], Policies],
        silences: Callable[[], Sequence[Silence]],
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._telemetry = telemetry
        self._policies = policies
        self._silences = silences
        self._unsaved: set[TaskKey] = set()
        self._complained = False

    @property
    def store_down(self) -> bool:
        """Whether there is a transition of which it is not known whether it is saved."""
        return bool(self._unsaved)

    def waits(self, key: TaskKey) -> bool:
        """Whether the latest transition of this task or account is one of these."""
        return key in self._unsaved

    async def recall(self, alerts: Alerts, key: TaskKey) -> None:
        """Takes up what the store has, after a transition of which it is not known whether it
        was written. To be called before the next judgement."""
        if key in self._unsaved:
            with suppress(StoreUnavailable):
                alerts.take(await self._store.recall(key))
                self._unsaved.discard(key)

    async def settle(self, alerts: Alerts, findings: Sequence[Finding], about: About) -> None:
        """Moves the alerts by what was found, and says what is to be said."""
        await self._apply(alerts, _stepped(alerts, findings, about), about)

    async def act(self, alerts: Alerts, act: Act, about: About) -> bool:
        """Writes what a person did; False when that could not be saved."""
        return await self._apply(alerts, _acted(alerts, act, about.context.now), about)

    async def close(self, alerts: Alerts, about: About, resolution: str) -> bool:
        """Ends whatever is open; False when that could not be saved and must be asked again."""
        moved = _closed(alerts, about.context.now, resolution)
        return await self._apply(alerts, moved, replace(about, leaving=True))

    async def _apply(self, alerts: Alerts, moved: _Step, about: About) -> bool:
        now = about.context.now
        cards = {channel: self._fleet.ring_time(card) for channel, card in alerts.cards.items()}
        after = {**alerts.states, **{state.type: state for state in moved.states.values()}}
        incidents = {s.incident.id: s.incident for s in after.values() if s.incident is not None}
        # What ends now was covered, too, while it was there.
        there = {**{event.incident.id: event.incident for event in moved.events}, **incidents}
        silences = covering(self._silences(), there.values(), about.task, now)
        at_rest = resting(incidents.values(), silences, now)
        wait = self._reopen_within(about)
        due = any(
            _due(card, now, at_rest) or about.leaving or _lapsed(card, now, wait)
            for card in cards.values()
        )
        if not moved.states and not moved.events and not due:
            return True
        company = _Company(cards, incidents, silences)
        outcome = self._decide(moved, about, company)
        change = _change(alerts, moved, outcome, about)
        written = await self._write(change, about.key)
        if written is _Written.NOT_YET:
            return False
        gained = int(written is _Written.YES)
        for state in moved.states.values():
            alerts.states[state.type] = replace(state, version=state.version + gained)
        for card in outcome.cards:
            self._keep(alerts, replace(card, version=card.version + gained))
        self._log(moved.events)
        return True

    def _decide(self, moved: _Step, about: About, company: _Company) -> Outcome:
        policies, incidents, cards = self._policies(), company.incidents, company.cards
        concerned = [event.incident for event in moved.events]
        opened = [event.incident for event in moved.events if event.kind is EventKind.OPENED]
        view = self._view(about, tuple(incidents.values()))
        situation = Situation(
            now=about.context.now,
            view=view,
            incidents=incidents,
            tellings={i.id: tellings(policies.routes, i, about.task) for i in opened},
            policy=policies.alerts,
            links=self._links(about, [*concerned, *incidents.values()]),
            silences=company.silences,
            settling=2 * _delivery_interval(about) + about.context.interval,
            reopen_within=self._reopen_within(about),
            flap_window=max(FLAP_WINDOW, FLAP_DELIVERIES * _delivery_interval(about)),
            leaving=about.leaving,
        )
        # What is over makes room first: a card of its own for what opens now.
        ended = _joined([lapse(card, situation) for card in cards.values()])
        left = {card.id for card in ended.cards}
        there = {channel: card for channel, card in cards.items() if card.id not in left}
        told = decide(there.values(), moved.events, situation)
        ringing = {intent.card_id for intent in told.intents if intent.rings}
        current = {**there, **{card.channel: card for card in told.cards}}
        # What rings now reminds well enough.
        waiting = [card for card in current.values() if card.id not in ringing]
        return _joined([ended, told, *(remind(card, situation) for card in waiting)])

    def _reopen_within(self, about: About) -> timedelta:
        """How long a card that is over waits for what comes back."""
        given = self._policies().alerts.reopen_within
        if given is not None:
            return given
        cycles = REOPEN_DELIVERIES * _delivery_interval(about) + 2 * about.context.interval
        return max(REOPEN_LEAST, cycles)

    # --- the transaction ---

    async def _write(self, change: Change | None, key: TaskKey) -> _Written:
        if change is None:
            return _Written.NEED_NOT
        try:
            await self._store.commit(change)
        except StoreUnavailable as error:
            # Of a mere wait to open nobody hears: it may go on in memory.
            silent = not (change.events or change.cards or change.intents)
            self._note_unsaved(key, "store unavailable, transitions wait", error)
            return _Written.NEED_NOT if silent else _Written.NOT_YET
        except StoreConflict as error:
            self._note_unsaved(key, "change refused, the store knows better", error)
            return _Written.NOT_YET
        self._unsaved.discard(key)
        if self._complained:
            self._complained = False
            self._telemetry.record(Noted("transitions are saved again"))
        return _Written.YES

    def _note_unsaved(self, key: TaskKey, event: str, error: StoreError) -> None:
        self._unsaved.add(key)
        if not self._complained:
            self._telemetry.record(Noted(event, "error", {"reason": str(error)}))
        self._complained = True

    def _keep(self, alerts: Alerts, card: Card) -> None:
        if card.closed_at is None:
            alerts.cards[card.channel] = card
        else:
            alerts.cards.pop(card.channel, None)
            self._fleet.forget_ring(card.id)

    def _log(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind is not EventKind.EVIDENCE_CHANGED:
                self._telemetry.record(_noted(event))

    # --- views ---

    def _view(self, about: About, incidents: Sequence[Incident]) -> TaskView:
        if about.task is None or about.history is None:
            worst = max((incident.severity for incident in incidents), default=None)
            state = TaskState(worst.word) if worst else TaskState.UNKNOWN
            return TaskView(about.key, about.name, state=state)
        stale_after = about.context.interval * about.context.stale_polls
        return view_of(
            about.task,
            about.history,
            incidents,
            now=about.context.now,
            stale_after=stale_after,
            shelf=about.shelf,
        )

    def _links(self, about: About, incidents: Sequence[Incident]) -> tuple[tuple[str, str], ...]:
        policies = self._policies()
        values = link_values(
            about.key,
            name=about.name,
            rule=incidents[0].rule if incidents else "",
            instance_id=about.task.instance_id if about.task else None,
        )
        console = policies.consoles.get(about.key.account)
        return links_for(policies.alerts.links, console, values)


class _Written(Enum):
    """What became of a change."""

    YES = auto()
    NEED_NOT = auto()
    """There was nothing to write, or nothing that could not wait."""
    NOT_YET = auto()
    """The store is away, or has something newer than what the change came from."""


def _stepped(alerts: Alerts, findings: Sequence[Finding], about: About) -> _Step:
    states: dict[str, AlertState] = {}
    events: list[Event] = []
    for finding in findings:
        before = alerts.states.get(finding.type) or AlertState(about.key, finding.type)
        after, happened = step(before, finding, about.context)
        if after != before:
            states[finding.type] = after
        events.extend(happened)
    return _Step(states, events)


def _acted(alerts: Alerts, act: Act, now: datetime) -> _Step:
    states: dict[str, AlertState] = {}
    events: list[Event] = []
    for rule_type, state in alerts.states.items():
        incident = state.incident
        if incident is None or incident.id not in act.ids:
            continue
        if act.kind in (EventKind.ACKNOWLEDGED, EventKind.UNACKNOWLEDGED):
            incident = replace(incident, acknowledged=act.ack)
            states[rule_type] = replace(state, incident=incident)
        events.append(Event(act.kind, now, incident, act.by, act.note))
    return _Step(states, events)


def _closed(alerts: Alerts, now: datetime, resolution: str) -> _Step:
    states: dict[str, AlertState] = {}
    events: list[Event] = []
    for rule_type, state in alerts.states.items():
        if state.phase is not Phase.QUIET:
            states[rule_type], happened = close(state, now, resolution)
            events.extend(happened)
    return _Step(states, events)


def _change(alerts: Alerts, moved: _Step, outcome: Outcome, about: About) -> Change | None:
    """What must be written now. New evidence that nobody is told of can wait for the next."""
    turned = any(
        (alerts.states.get(state.type) or AlertState(state.key, state.type)).phase != state.phase
        for state in moved.states.values()
    )
    news = any(event.kind is not EventKind.EVIDENCE_CHANGED for event in moved.events)
    if not (turned or news or outcome.intents or outcome.cards):
        return None
    return Change(
        key=about.key,
        at=about.context.now,
        states=tuple(moved.states.values()),
        events=tuple(moved.events),
        cards=outcome.cards,
        intents=outcome.intents,
        decisions=tuple(d for d in outcome.decisions if d.said),
        window=about.history,
    )


def _delivery_interval(about: About) -> timedelta:
    return about.history.delivery_interval if about.history else DEFAULT_DELIVERY_INTERVAL


def _lapsed(card: Card, now: datetime, wait: timedelta) -> bool:
    since = card.over_since
    return since is not None and now >= since + wait


def _due(card: Card, now: datetime, at_rest: Collection[str]) -> bool:
    at = reminder_due(card, at_rest)
    return at is not None and now >= at


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Several outcomes as one; of a card that changed twice the later state counts."""
    cards = {card.id: card for outcome in outcomes for card in outcome.cards}
    return Outcome(
        tuple(cards.values()),
        tuple(intent for outcome in outcomes for intent in outcome.intents),
        tuple(decision for outcome in outcomes for decision in outcome.decisions),
    )


def _noted(event: Event) -> Noted:
    incident = event.incident
    whom = "account" if incident.key.is_account else "task"
    return Noted(
        f"incident {event.kind.value}",
        fields={
            "incident": incident.id,
            whom: incident.name,
            "rule": incident.rule,
            "severity": incident.severity.word,
        },
    )
