"""The HTTP side over a fleet that a test makes up, listening on loopback."""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp import web
from yarl import URL

from bot.adapters.web import Sources, web_application
from bot.demo.serving import serve
from bot.domain.ids import names_id
from bot.domain.incidents import Event, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.reports import HealthReport, TaskView
from bot.ports import IncidentFilter, StoreUnavailable
from tests.builders import START, at
from tests.fakes import SetClock

NOW = at(90)


@dataclass(slots=True)
class MadeUpFleet:
    """Every source of the site, as plain lists."""

    tasks: list[TaskView] = field(default_factory=list)
    told: list[Incident] = field(default_factory=list)
    happened: list[Event] = field(default_factory=list)
    readings: list[TaskSample] = field(default_factory=list)
    report: HealthReport = HealthReport("1.2.3", START)
    exposition: bytes = b"dumptask_outbox_depth 0\n"
    loops_alive: bool = True
    started: bool = True
    store_away: bool = False
    wanted: list[IncidentFilter] = field(default_factory=list)

    def views(self) -> list[TaskView]:
        return self.tasks

    def called(self, name: str) -> TaskView | None:
        named = [view for view in self.tasks if view.name == name]
        with_id = [v for v in self.tasks if name in (v.key.task_id, str(v.key))]
        return next(iter([*named, *with_id]), None)

    def open_incidents(self) -> list[Incident]:
        return [incident for incident in self.told if incident.open]

    async def incidents(self, wanted: IncidentFilter) -> list[Incident]:
        self._ask_the_store()
        self.wanted.append(wanted)
        return [incident for incident in self.told if incident.open or not wanted.open_only]

    async def incident(self, typed_id: str) -> list[Incident]:
        self._ask_the_store()
        return [incident for incident in self.told if names_id(typed_id, incident.id)]

    async def events(self, incident_id: str) -> list[Event]:
        return [event for event in self.happened if event.incident.id == incident_id]

    async def samples(self, key: TaskKey, since: datetime) -> AsyncIterator[TaskSample]:
        self._ask_the_store()
        for reading in self.readings:
            if reading.key == key and reading.at >= since:
                yield reading

    async def health(self) -> HealthReport:
        return self.report

    async def _metrics(self) -> bytes:
        return self.exposition

    async def metrics(self) -> bytes:
        return self.exposition

    def _ask_the_store(self) -> None:
        if self.store_away:
            raise StoreUnavailable("the database is locked")

    def sources(self) -> Sources:
        return Sources(
            reads=self,
            samples=self.samples,
            health=self.health,
            metrics=self._metrics,
            alive=lambda: self.loops_alive,
            ready=lambda: self.started,
            clock=SetClock(NOW),
        )


@dataclass(frozen=True, slots=True)
class Got:
    """An answer of the site."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.text)
        return document

    def listed(self, field: str) -> list[dict[str, object]]:
        """A field that is a list of objects."""
        found = self.json[field]
        assert isinstance(found, list)
        return found


@dataclass(frozen=True, slots=True)
class Site:
    address: str
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> Got:
        return await self.ask("GET", path, headers)

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Got:
        # The address is sent as it is written: percent-encoding is part of what is tested.
        url = URL(self.address + path, encoded=True)
        async with self.session.request(method, url, headers=headers) as response:
            return Got(response.status, response.headers, await response.text())


@asynccontextmanager
async def site_of(
    fleet: MadeUpFleet, *, token: str | None = None, routes: Iterable[web.RouteDef] = ()
) -> AsyncIterator[Site]:
    runner, port = await serve(web_application(fleet.sources(), token=token, routes=routes))
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield Site(f"http://127.0.0.1:{port}", session)
    finally:
        await runner.cleanup()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
