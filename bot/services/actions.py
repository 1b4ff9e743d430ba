"""The write side for people: acknowledge, silence, and take back.

An act changes who hears, never what is true. It is written like every other transition: with its
event, the cards it concerns and what is to be said, in one transaction per task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeVar

from bot.domain.act_commands import Mute
from bot.domain.alerts import Acknowledgement, EventKind, Incident
from bot.domain.ids import derived_id
from bot.domain.model import TaskKey
from bot.domain.policy import Policies
from bot.domain.silences import Cover, Silence
from bot.ports import Clock, RequestError, StoreUnavailable
from bot.services.fleet import Fleet
from bot.services.monitor import Monitor
from bot.services.settlement import Act
from bot.services.silencing import Silencing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who types a command, and where."""

    by: str
    """A Slack user's id, or a name at a terminal."""
    channel: str = ""
    """Where it was typed; empty at a terminal."""


Permit = Callable[[Speaker], Awaitable[str]]
"""Why somebody may not change anything, in words for them; empty where they may."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a silence would cover now."""

    tasks: tuple[str, ...]
    """Names, in order."""
    incidents: tuple[Incident, ...]
    """Open ones that would be quiet."""


class Actions:
    """Carries out what people ask for. Raises: RequestError with words for them."""

    def __init__(
        self,
        fleet: Fleet,
        monitor: Monitor,
        silencing: Silencing,
        *,
        clock: Clock,
        zone: tzinfo,
        permit: Permit,
    ) -> None:
        self._fleet = fleet
        self._monitor = monitor
        self._silencing = silencing
        self._clock = clock
        self._permit = permit
        self.zone = zone

    @property
    def _policies(self) -> Policies:
        return self._monitor.policies

    async def acknowledge(
        self, key: TaskKey, ids: Collection[str], speaker: Speaker, note: str
    ) -> Acknowledgement:
        """Says that somebody has these incidents of a task or account."""
        await self._permitted(speaker)
        now = self._clock.now()
        ack = Acknowledgement(speaker.by, now, now + self._policies.alerts.ack_expires, note)
        await self._act(key, Act(EventKind.ACKNOWLEDGED, frozenset(ids), speaker.by, note, ack))
        return ack

    async def unacknowledge(self, key: TaskKey, ids: Collection[str], speaker: Speaker) -> None:
        """Takes the acknowledgements of these incidents back."""
        await self._permitted(speaker)
        await self._act(key, Act(EventKind.UNACKNOWLEDGED, frozenset(ids), speaker.by))

    def reach(self, cover: Cover) -> Reach:
        """What a cover means now."""
        tasks = [memory.task for memory in self._fleet]
        covered = [task.name for task in tasks if cover.covers_task(task.key, task)]
        return Reach(tuple(sorted(covered)), tuple(i for _, i in self._covered(cover)))

    def drafted(self, cover: Cover, named: str, wanted: Mute, speaker: Speaker) -> Silence:
        """The silence that a command asks for; nothing is done yet."""
        now = self._clock.now()
        try:
            begins_at, ends_at = wanted.period.instants(now, self.zone)
        except ValueError as error:
            raise RequestError(str(error)) from error
        return Silence(
            id=derived_id("s", speaker.by, named, now.isoformat()),
            cover=cover,
            named=named,
            begins_at=begins_at,
            ends_at=ends_at,
            by=speaker.by,
            made_at=now,
            reason=wanted.reason,
        )

    async def silence(self, silence: Silence, speaker: Speaker) -> None:
        """Begins a silence."""
        await self._permitted(speaker)
        await self._written(self._silencing.begin(silence))
        if silence.active(self._clock.now()):
            await self._told(silence, EventKind.SILENCED, speaker, silence.reason)

    async def unsilence(self, silence: Silence, speaker: Speaker) -> Silence:
        """Ends a silence now. What is still bad speaks with its next reading."""
        await self._permitted(speaker)
        held = silence.active(self._clock.now())
        ended = await self._written(self._silencing.end(silence, by=speaker.by))
        if held:
            await self._told(silence, EventKind.UNSILENCED, speaker, "")
        return ended

    # --- in common ---

    async def _permitted(self, speaker: Speaker) -> None:
        why = await self._permit(speaker)
        if why:
            raise RequestError(why)

    async def _told(self, silence: Silence, kind: EventKind, speaker: Speaker, note: str) -> None:
        concerned: dict[TaskKey, set[str]] = {}
        for key, incident in self._covered(silence.cover):
            concerned.setdefault(key, set()).add(incident.id)
        for key, ids in concerned.items():
            await self._act(key, Act(kind, frozenset(ids), speaker.by, note))

    async def _act(self, key: TaskKey, act: Act) -> None:
        await self._written(self._monitor.act(key, act, self._clock.now()))

    async def _written(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except StoreUnavailable as error:
            raise RequestError(f"That could not be saved ({error}); please try again.") from error

    def _covered(self, cover: Cover) -> Iterator[tuple[TaskKey, Incident]]:
        for memory in self._fleet:
            for incident in memory.alerts.incidents():
                if cover.covers(incident, memory.task):
                    yield memory.task.key, incident
        for account in self._fleet.accounts.values():
            for incident in account.alerts.incidents():
                if cover.covers(incident, None):
                    yield account.key, incident
