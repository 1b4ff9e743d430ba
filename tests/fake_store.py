"""A store in memory that keeps the promises of the real one: the same suite runs over both.

It has no threads, so it may be used on virtual time. `failing` makes every call raise, as a store
does that is away; `opened_again` is the same state after a restart of the process, or in another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.history import TaskHistory
from bot.domain.ids import names_id
from bot.domain.incidents import AlertState, Event, EventKind, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.notifications import Card
from bot.domain.silences import Silence
from bot.ports import Change, HappenedFilter, IncidentFilter, ListedTask, Snapshot, StoreConflict
from tests.fake_outbox import FakeOutbox, Kept


class FakeStore(FakeOutbox):
    """AlertStore, Outbox and ReportStore in memory."""

    def __init__(self, owner: str = "bot", *, kept: Kept | None = None) -> None:
        super().__init__(owner, kept or Kept())
        self.described = "a store in memory"
        self.changes: list[Change] = []
        """What was committed through this object, in order."""

    def opened_again(self, owner: str | None = None) -> FakeStore:
        """The same state as another process sees it."""
        return FakeStore(owner or self.owner, kept=self.kept)

    # --- AlertStore ---

    async def load(self) -> Snapshot:
        self._available()
        kept = self.kept
        return Snapshot(
            states=tuple(kept.states.values()),
            cards=tuple(
                replace(card, rang_at=kept.rang_at.get(card.id))
                for card in kept.cards.values()
                if card.closed_at is None
            ),
            windows=dict(kept.windows),
            newer={
                key: newer
                for key, window in kept.windows.items()
                if (newer := self._newer(key, window))
            },
            discovered=tuple(kept.discovered[key] for key in sorted(kept.discovered)),
        )

    async def recall(self, key: TaskKey) -> Snapshot:
        everything = await self.load()
        return Snapshot(
            states=tuple(state for state in everything.states if state.key == key),
            cards=tuple(card for card in everything.cards if card.key == key),
        )

    async def commit(self, change: Change) -> None:
        self._available()
        if self._written_before(change):
            return
        self._put_versioned(change)
        self._put_incidents(change)
        self._put_events(change.events)
        self.kept.decisions += change.decisions
        self._enqueue(change.intents, change.at)
        if change.window is not None:
            self._put_window(change.key, change.window)
        self.changes.append(change)

    async def save_windows(self, windows: Mapping[TaskKey, TaskHistory]) -> None:
        self._available()
        for key, window in windows.items():
            self._put_window(key, window)

    async def append_samples(self, samples: Sequence[TaskSample]) -> None:
        self._available()
        for sample in samples:
            of_task = self.kept.samples.setdefault(sample.key, {})
            if not of_task or sample.at > max(of_task):
                of_task[sample.at] = sample

    async def save_discovered(self, account: str, tasks: Sequence[ListedTask]) -> None:
        self._available()
        others = {k: t for k, t in self.kept.discovered.items() if k.account != account}
        self.kept.discovered = {**others, **{task.key: task for task in tasks}}

    async def forget_older(self, *, samples: datetime, incidents: datetime) -> None:
        self._available()
        kept = self.kept
        for key, of_task in kept.samples.items():
            kept.samples[key] = {at: s for at, s in of_task.items() if at >= samples}
        kept.windows = {k: w for k, w in kept.windows.items() if not _before(_seen_at(w), samples)}
        old = {
            i for i, (_, found) in kept.incidents.items() if _before(found.resolved_at, incidents)
        }
        kept.incidents = {i: pair for i, pair in kept.incidents.items() if i not in old}
        kept.events = [event for event in kept.events if event.incident.id not in old]
        kept.decisions = [d for d in kept.decisions if d.incident_id not in old]
        closed = {i for i, card in kept.cards.items() if _before(card.closed_at, incidents)}
        kept.cards = {i: card for i, card in kept.cards.items() if i not in closed}
        kept.outbox = [row for row in kept.outbox if row.intent.card_id not in closed]
        kept.silences = {
            i: s
            for i, s in kept.silences.items()
            if not _before(s.ended_at or s.ends_at, incidents)
        }

    def _written_before(self, change: Change) -> bool:
        """True when all of it was; raises when a part was written by somebody else."""
        kept = self.kept
        there = [_found(state, kept.states.get((state.key, state.type))) for state in change.states]
        there += [_found(card, kept.cards.get(card.id)) for card in change.cards]
        if any(there) and not all(there):
            raise StoreConflict("a part of this change was written before")
        return any(there)

    def _put_versioned(self, change: Change) -> None:
        for state in change.states:
            after = replace(state, version=state.version + 1)
            self.kept.states[state.key, state.type] = after
        for card in change.cards:
            if card.version == 0 and card.rang_at is not None:
                self.kept.rang_at[card.id] = card.rang_at
            self.kept.cards[card.id] = replace(card, version=card.version + 1, rang_at=None)

    def _put_incidents(self, change: Change) -> None:
        latest = {event.incident.id: event.incident for event in change.events}
        held = [state.incident for state in change.states if state.incident is not None]
        latest |= {incident.id: incident for incident in held}
        for incident in latest.values():
            stored = self.kept.incidents.get(incident.id)
            if stored is None or stored[0] <= change.at:
                self.kept.incidents[incident.id] = (change.at, incident)

    def _put_events(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.kind is EventKind.EVIDENCE_CHANGED:
                self.kept.events = [e for e in self.kept.events if not _older_evidence(e, event)]
            if not any(_same_event(event, other) for other in self.kept.events):
                self.kept.events.append(event)

    def _put_window(self, key: TaskKey, window: TaskHistory) -> None:
        stored = _seen_at(self.kept.windows.get(key, TaskHistory()))
        seen = _seen_at(window)
        if stored is None or (seen is not None and seen >= stored):
            self.kept.windows[key] = window

    def _newer(self, key: TaskKey, window: TaskHistory) -> list[TaskSample]:
        seen = _seen_at(window)
        of_task = self.kept.samples.get(key, {})
        return [sample for at, sample in of_task.items() if seen is not None and at > seen]

    # --- SilenceStore ---

    async def save_silence(self, silence: Silence) -> None:
        self._available()
        self.kept.silences[silence.id] = silence

    async def silences(self, since: datetime) -> Sequence[Silence]:
        self._available()
        found = [(s.ended_at or s.ends_at, s.id, s) for s in self.kept.silences.values()]
        return [silence for end, _, silence in sorted(found) if end >= since]

    # --- ReportStore ---

    async def happened(self, wanted: HappenedFilter) -> Sequence[Event]:
        self._available()
        found = [
            event
            for event in reversed(self.kept.events)
            if event.at >= wanted.since
            and event.kind is not EventKind.EVIDENCE_CHANGED
            and wanted.key in (None, event.incident.key)
            and wanted.by in ("", event.by)
        ]
        return sorted(found, key=lambda event: event.at, reverse=True)[: wanted.limit]

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        self._available()
        found = [incident for _, incident in self.kept.incidents.values()]
        kept = [incident for incident in found if _is_wanted(incident, wanted)]
        return _newest_first(kept)[: wanted.limit]

    async def incident(self, id_prefix: str) -> Sequence[Incident]:
        self._available()
        found = [incident for _, incident in self.kept.incidents.values()]
        return _newest_first([i for i in found if names_id(id_prefix, i.id)])[:10]

    async def events(self, incident_id: str) -> Sequence[Event]:
        self._available()
        return sorted(
            (event for event in self.kept.events if event.incident.id == incident_id),
            key=lambda event: event.at,
        )

    async def samples(self, key: TaskKey | None, since: datetime) -> AsyncIterator[TaskSample]:
        self._available()
        for task in sorted(self.kept.samples):
            if key in (None, task):
                for at, sample in self.kept.samples[task].items():
                    if at >= since:
                        yield sample


def _found(wanted: AlertState | Card, stored: AlertState | Card | None) -> bool:
    """False when it may be written, True when it is there already."""
    if (stored.version if stored else 0) == wanted.version:
        return False
    after = replace(wanted, version=wanted.version + 1)
    if isinstance(after, Card):
        after = replace(after, rang_at=None)
    if stored == after:
        return True
    raise StoreConflict("saved by somebody else meanwhile")


def _before(moment: datetime | None, limit: datetime) -> bool:
    return moment is not None and moment < limit


def _seen_at(window: TaskHistory) -> datetime | None:
    latest = window.failure or window.sample
    return None if latest is None else latest.at


def _older_evidence(event: Event, newer: Event) -> bool:
    return (
        event.kind is newer.kind and event.incident.id == newer.incident.id and event.at < newer.at
    )


def _same_event(one: Event, other: Event) -> bool:
    return (one.incident.id, one.kind, one.at) == (other.incident.id, other.kind, other.at)


def _is_wanted(incident: Incident, wanted: IncidentFilter) -> bool:
    return (
        (incident.open or not wanted.open_only)
        and wanted.key in (None, incident.key)
        and (wanted.since is None or not _before(incident.resolved_at, wanted.since))
    )


def _newest_first(incidents: Iterable[Incident]) -> list[Incident]:
    by_id = sorted(incidents, key=lambda incident: incident.id)
    return sorted(by_id, key=lambda incident: incident.opened_at, reverse=True)
