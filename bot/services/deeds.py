"""What a person asks to be done, to what they are told: finds what is meant, then acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, assert_never

from bot.domain.act_commands import (
    YES,
    Acknowledge,
    History,
    Mute,
    ShowSilences,
    Unacknowledge,
    Unmute,
)
from bot.domain.alerts import EventKind, Incident
from bot.domain.ids import names_id, short
from bot.domain.model import TaskKey, WatchedTask
from bot.domain.quoting import quoted
from bot.domain.silences import Cover, Silence
from bot.ports import Clock, HappenedFilter, ReportStore, SilenceStore
from bot.presenters import answers
from bot.presenters.answer import Answer
from bot.services.actions import Actions, Speaker
from bot.services.fleet import Fleet
from bot.services.silencing import Silencing

Deed = Acknowledge | Unacknowledge | Mute | ShowSilences | Unmute | History
Find = Callable[[str], WatchedTask | Answer]
"""The one task that is meant, or an answer that says why there is none."""
_SILENCE_KINDS = frozenset({EventKind.SILENCED, EventKind.UNSILENCED})


class DeedStore(SilenceStore, ReportStore, Protocol):
    """What deeds are looked up in."""


class Deeds:
    """Carries out the commands that change something, and tells what was done. Raises:
    RequestError, StoreError."""

    def __init__(
        self,
        fleet: Fleet,
        actions: Actions,
        silencing: Silencing,
        store: DeedStore,
        *,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._actions = actions
        self._silencing = silencing
        self._store = store
        self._clock = clock

    async def carry_out(self, deed: Deed, speaker: Speaker, find: Find) -> Answer:
        """What came of it, in words."""
        match deed:
            case Acknowledge(what, note):
                return await self._acknowledge(what, note, speaker, find)
            case Unacknowledge(what):
                return await self._unacknowledge(what, speaker, find)
            case Mute():
                return await self._mute(deed, speaker, find)
            case ShowSilences(every):
                return await self._silences(every=every)
            case Unmute(typed):
                return await self._unmute(typed, speaker)
            case History():
                return await self._history(deed, find)
        assert_never(deed)

    # --- acknowledgements ---

    async def _acknowledge(self, what: str, note: str, speaker: Speaker, find: Find) -> Answer:
        found = self._open(what, find)
        if isinstance(found, Answer):
            return found
        key, name, incidents = found
        ids = [incident.id for incident in incidents]
        ack = await self._actions.acknowledge(key, ids, speaker, note)
        return answers.acknowledged(name, incidents, ack)

    async def _unacknowledge(self, what: str, speaker: Speaker, find: Find) -> Answer:
        found = self._open(what, find)
        if isinstance(found, Answer):
            return found
        key, name, incidents = found
        held = [i for i in incidents if i.holder(self._clock.now()) is not None]
        if not held:
            return answers.refused(f"Nobody has acknowledged {name}.")
        await self._actions.unacknowledge(key, [incident.id for incident in held], speaker)
        return answers.unacknowledged(name, held)

    def _open(self, what: str, find: Find) -> tuple[TaskKey, str, list[Incident]] | Answer:
        """The open incidents that are meant, all of one task or account."""
        by_id = self._called(what)
        if len(by_id) > 1:
            ids = ", ".join(short(incident.id) for incident in by_id)
            return answers.refused(f'More than one open incident begins with "{what}": {ids}.')
        if by_id:
            return by_id[0].key, by_id[0].name, by_id
        if what.lower().startswith("i-"):
            return answers.refused(f'No open incident has an id that begins with "{what}".')
        task = find(what)
        if isinstance(task, Answer):
            return task
        memory = self._fleet.get(task.key)
        incidents = memory.alerts.incidents() if memory is not None else []
        if not incidents:
            return answers.refused(f"Nothing is open of {task.name}.")
        return task.key, task.name, incidents

    def _called(self, typed: str) -> list[Incident]:
        if not typed.lower().startswith("i-"):
            return []
        alerts = [memory.alerts for memory in self._fleet]
        alerts += [account.alerts for account in self._fleet.accounts.values()]
        return [i for each in alerts for i in each.incidents() if names_id(typed, i.id)]

    # --- silences ---

    async def _mute(self, wanted: Mute, speaker: Speaker, find: Find) -> Answer:
        meant = self._meant(wanted, find)
        if isinstance(meant, Answer):
            return meant
        cover, named = meant
        silence = self._actions.drafted(cover, named, wanted, speaker)
        reach, now = self._actions.reach(cover), self._clock.now()
        if len(reach.tasks) != 1 and not wanted.confirmed:
            line = f"{wanted.typed} {YES}"
            return answers.would_silence(silence, reach.tasks, reach.incidents, line=line, now=now)
        await self._actions.silence(silence, speaker)
        return answers.silenced(silence, reach.incidents, now)

    def _meant(self, wanted: Mute, find: Find) -> tuple[Cover, str] | Answer:
        if wanted.cover is not None:
            return wanted.cover, _named(wanted.cover)
        task = find(wanted.task)
        if isinstance(task, Answer):
            return task
        return Cover(key=task.key), quoted(task.name)

    async def _silences(self, *, every: bool) -> Answer:
        now = self._clock.now()
        if not every:
            return answers.silence_list(self._silencing.current, now, every=False)
        stored = await self._store.silences(datetime.min.replace(tzinfo=now.tzinfo))
        return answers.silence_list(stored[::-1], now, every=True)

    async def _unmute(self, typed: str, speaker: Speaker) -> Answer:
        found = [s for s in self._silencing.current if names_id(typed, s.id)]
        if len(found) > 1:
            ids = ", ".join(short(silence.id) for silence in found)
            return answers.refused(f'More than one silence begins with "{typed}": {ids}.')
        if not found:
            return answers.refused(
                f'No silence that goes on has an id that begins with "{typed}": see silences.'
            )
        return answers.unsilenced(await self._actions.unsilence(found[0], speaker))

    # --- history ---

    async def _history(self, asked: History, find: Find) -> Answer:
        since = self._clock.now() - asked.back
        person = asked.person
        if asked.what.lower().startswith("i-"):
            return await self._history_of_incident(asked.what, since)
        task = find(asked.what) if asked.what else None
        if isinstance(task, Answer):
            return task
        key = task.key if task is not None else None
        wanted = HappenedFilter(since, key, person)
        # Silences speak for themselves, once and not for each incident they cover.
        events = [e for e in await self._store.happened(wanted) if e.kind not in _SILENCE_KINDS]
        silences = [s for s in await self._store.silences(since) if _concerns(s, task)]
        name = task.name if task is not None else ""
        return answers.history(events, silences, answers.Looked(since, name, person))

    async def _history_of_incident(self, typed: str, since: datetime) -> Answer:
        found = await self._store.incident(typed)
        if len(found) != 1:
            return answers.refused(f'No one incident has an id that begins with "{typed}".')
        events = await self._store.events(found[0].id)
        told = [e for e in events if e.at >= since and e.kind is not EventKind.EVIDENCE_CHANGED]
        return answers.history(told, (), answers.Looked(since, short(found[0].id)))


def _concerns(silence: Silence, task: WatchedTask | None) -> bool:
    return task is None or silence.cover.covers_task(task.key, task)


def _named(cover: Cover) -> str:
    """A cover as a person would type it."""
    pairs: Sequence[tuple[str, str]] = (
        ("task", cover.task),
        ("rule", cover.rule),
        ("topic", cover.topic),
        ("account", cover.account),
        *cover.labels,
    )
    return " ".join(f"{name}={quoted(value)}" for name, value in pairs if value)
