"""What a person types to what they are told: command, queries, answer.

The same for Slack and for the terminal. Answers come from what is known, never from a call to the
cloud, so that they are there in milliseconds; `refresh` answers at once and follows up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.domain import commands
from bot.domain.act_commands import (
    Acknowledge,
    History,
    Mute,
    ShowSilences,
    Unacknowledge,
    Unmute,
)
from bot.domain.commands import Command
from bot.domain.ids import short
from bot.domain.model import WatchedTask
from bot.domain.names import NotOne, resolve
from bot.domain.quoting import quoted
from bot.domain.reports import HealthReport, TaskView
from bot.domain.syntax import CommandSyntaxError
from bot.ports import Clock, IncidentFilter, RequestError, StoreError
from bot.presenters import answers
from bot.presenters.answer import Answer
from bot.services.actions import Speaker
from bot.services.deeds import Deeds
from bot.services.fleet import Fleet
from bot.services.queries import Queries

Refresh = Callable[[WatchedTask], Awaitable[None]]
"""Polls a task now and returns when it was observed."""
Health = Callable[[], Awaitable[HealthReport]]
INCIDENTS_FETCHED = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer, and for what takes longer the rest of it."""

    answer: Answer
    follow_up: Callable[[], Awaitable[Answer]] | None = None


class Conversation:
    """Answers commands, and has carried out what they ask for."""

    def __init__(
        self,
        fleet: Fleet,
        queries: Queries,
        deeds: Deeds,
        *,
        health: Health,
        refresh: Refresh,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._queries = queries
        self._deeds = deeds
        self._health = health
        self._refresh = refresh
        self._clock = clock

    async def say(self, text: str, speaker: Speaker) -> Turn:
        """The answer to a text as typed. Never raises for what a person typed."""
        try:
            return await self._carry_out(commands.parse(text), speaker)
        except CommandSyntaxError as error:
            return Turn(answers.syntax_error(error))
        except RequestError as error:
            return Turn(answers.refused(str(error)))
        except StoreError:
            why = "The store does not answer; what is in memory can be asked with list and status."
            return Turn(answers.refused(why))

    async def _carry_out(  # noqa: C901, PLR0911, PLR0912 - one arm for each command
        self, command: Command, speaker: Speaker
    ) -> Turn:
        now = self._clock.now()
        match command:
            case commands.Overview():
                return Turn(answers.overview(self._queries.summary(), now))
            case commands.Help(word):
                return Turn(answers.usage(word))
            case commands.ListTasks():
                return Turn(self._list(command))
            case commands.Loss():
                return Turn(self._losses(command))
            case commands.Status(task):
                found = self._find(task)
                return Turn(found) if isinstance(found, Answer) else await self._status(found)
            case commands.LagOf(task, topic):
                return self._of_task(task, lambda found: self._lag(found, topic))
            case commands.Top(count):
                return Turn(answers.top(self._queries.top(count), now))
            case commands.ShowIncidents(open_only, task):
                return await self._incidents(task, open_only=open_only)
            case commands.ShowIncident(typed):
                return Turn(await self._incident(typed))
            case commands.Health():
                return Turn(answers.health(await self._health(), now))
            case commands.Refresh(task):
                return self._of_task(task, self._refreshing)
            case commands.Why(task):
                return self._of_task(task, self._why)
            case Acknowledge() | Unacknowledge() | Mute() | ShowSilences() | Unmute() | History():
                return Turn(await self._deeds.carry_out(command, speaker, self._find))
            case commands.NotYet(word):
                return Turn(answers.not_yet(word))
            case _:
                assert_never(command)

    # --- one task ---

    def _find(self, typed: str) -> WatchedTask | Answer:
        tasks = [memory.task for memory in self._fleet]
        topics = {
            memory.task.key: [topic.topic for topic in memory.history.sample.topics or ()]
            for memory in self._fleet
            if memory.history.sample is not None
        }
        found = resolve(typed, tasks, topics)
        if not isinstance(found, NotOne):
            return found
        if found.ambiguous:
            return answers.several(typed, found.candidates)
        near = commands.near_commands(typed)
        named = {command.removeprefix("status ") for command in near}
        names = [name for name in found.candidates if quoted(name) not in named]
        return answers.suggestions(typed, tasks=names, commands=near)

    def _of_task(self, typed: str, then: Callable[[WatchedTask], Turn]) -> Turn:
        found = self._find(typed)
        return Turn(found) if isinstance(found, Answer) else then(found)

    async def _status(self, task: WatchedTask) -> Turn:
        incidents = self._queries.incidents_of(task.key)
        view, trend = self._view(task), await self._queries.trend(task.key)
        return Turn(answers.task_status(view, incidents, self._clock.now(), trend=trend))

    def _lag(self, task: WatchedTask, topic: str | None) -> Turn:
        rows = self._queries.lag_rows(task.key)
        if topic is not None:
            named = {row.reading.topic for row in rows}
            if topic not in named:
                return Turn(answers.refused(_no_such_topic(task, topic, sorted(named))))
            rows = [row for row in rows if row.reading.topic == topic]
        return Turn(answers.lag_table(self._view(task), rows, self._clock.now(), topic=topic))

    def _why(self, task: WatchedTask) -> Turn:
        inquiries = self._queries.why(task.key)
        return Turn(answers.why(self._view(task), inquiries, self._clock.now()))

    def _refreshing(self, task: WatchedTask) -> Turn:
        if not task.key.connector_id:
            why = f"{task.name} cannot be asked about: discovery has not found its connector yet."
            return Turn(answers.refused(why))
        asked_at = self._clock.now()

        async def follow_up() -> Answer:
            await self._refresh(task)
            view, now = self._view(task), self._clock.now()
            fresh = view.read_at is not None and view.read_at >= asked_at
            if view.failure is None and fresh:
                return (await self._status(task)).answer
            why = view.failure or "No answer could be taken up; the log says more."
            return answers.refresh_failed(task.name, why, read_at=view.read_at, now=now)

        return Turn(answers.refreshing(task.name), follow_up)

    def _view(self, task: WatchedTask) -> TaskView:
        return self._queries.view(task.key) or TaskView(task.key, task.name)

    # --- many ---

    def _list(self, command: commands.ListTasks) -> Answer:
        every = self._queries.views()
        fitting = [
            view for view in every if all(commands.fits(each, view) for each in command.filters)
        ]
        now = self._clock.now()
        return answers.task_list(fitting, now, watched=len(every), typed=command.typed)

    def _losses(self, command: commands.Loss) -> Answer:
        every = self._queries.losses()
        fitting = [
            (view, loss)
            for view, loss in every
            if all(commands.fits(each, view) for each in command.filters)
        ]
        now = self._clock.now()
        return answers.losses(fitting, now, watched=len(every), typed=command.typed)

    async def _incidents(self, typed: str | None, *, open_only: bool) -> Turn:
        task = self._find(typed) if typed is not None else None
        if isinstance(task, Answer):
            return Turn(task)
        if open_only:
            found = (
                self._queries.open_incidents()
                if task is None
                else (self._queries.incidents_of(task.key))
            )
        else:
            key = task.key if task is not None else None
            wanted = IncidentFilter(open_only=False, key=key, limit=INCIDENTS_FETCHED)
            found = list(await self._queries.incidents(wanted))
        name = task.name if task is not None else None
        now = self._clock.now()
        return Turn(answers.incident_list(found, now, open_only=open_only, task=name))

    async def _incident(self, typed: str) -> Answer:
        if not typed.lower().removeprefix("i-"):
            return answers.refused(f'"{typed}" begins the id of every incident: see incidents.')
        found = await self._queries.incident(typed)
        if not found:
            return answers.refused(f'No incident has an id that begins with "{typed}".')
        if len(found) > 1:
            ids = ", ".join(short(incident.id) for incident in found)
            return answers.refused(f'More than one incident begins with "{typed}": {ids}.')
        events = await self._queries.events(found[0].id)
        return answers.incident_detail(found[0], events, self._clock.now())


def _no_such_topic(task: WatchedTask, topic: str, known: Sequence[str]) -> str:
    if not known:
        return f"{task.name} has no known topics: there is no reading with topics yet."
    return f'{task.name} does not dump a topic "{topic}"; it dumps {", ".join(known[:10])}.'
