"""The JSON addresses under /api. What each shows is named in `documents`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

from aiohttp import hdrs, web

from bot.adapters.web import documents
from bot.adapters.web.answers import answer, failure, written
from bot.adapters.web.queries import choice_in, count_in, since_in
from bot.adapters.web.sources import Sources
from bot.domain.model import TaskSample
from bot.ports import IncidentFilter

SAMPLES_MOST = 2_000
SAMPLES_SINCE = timedelta(hours=1)
INCIDENTS_MOST = 1_000


class JsonApi:
    """Answers in JSON."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def routes(self) -> list[web.RouteDef]:
        """Everything under /api."""
        return [
            web.get("/api/health", self._health),
            web.get("/api/tasks", self._tasks),
            web.get("/api/tasks/{name}", self._task),
            web.get("/api/tasks/{name}/samples", self._samples),
            web.get("/api/incidents", self._incidents),
            web.get("/api/incidents/{id}", self._incident),
        ]

    async def _health(self, _request: web.Request) -> web.Response:
        report = await self._sources.health()
        return answer(documents.health(report), status=200 if report.well else 503)

    async def _tasks(self, _request: web.Request) -> web.Response:
        now = self._sources.clock.now()
        tasks = [documents.task(view, now) for view in self._sources.reads.views()]
        return answer({"now": documents.instant(now), "tasks": tasks})

    async def _task(self, request: web.Request) -> web.Response:
        view = self._sources.reads.called(request.match_info["name"])
        if view is None:
            return _no_task()
        return answer(documents.task(view, self._sources.clock.now()))

    async def _incidents(self, request: web.Request) -> web.Response:
        now = self._sources.clock.now()
        wanted = IncidentFilter(
            open_only=choice_in(request.query, "state", "open", "all") == "open",
            since=since_in(request.query, now),
            limit=count_in(request.query, "limit", default=200, most=INCIDENTS_MOST),
        )
        name = request.query.get("task")
        if name is not None:
            view = self._sources.reads.called(name)
            if view is None:
                return _no_task()
            wanted = replace(wanted, key=view.key)
        found = await self._sources.reads.incidents(wanted)
        incidents = [documents.incident(incident) for incident in found]
        return answer({"now": documents.instant(now), "incidents": incidents})

    async def _incident(self, request: web.Request) -> web.Response:
        typed = request.match_info["id"]
        begun = await self._sources.reads.incident(typed)
        found = [incident for incident in begun if incident.id == typed] or begun
        if not found:
            return failure(404, "not_found", "There is no such incident.")
        if len(found) > 1:
            return failure(404, "ambiguous", "Several incidents begin so; give more of the id.")
        events = await self._sources.reads.events(found[0].id)
        document = documents.incident(found[0])
        return answer({**document, "events": [documents.event(event) for event in events]})

    # --- samples ---

    async def _samples(self, request: web.Request) -> web.StreamResponse:
        view = self._sources.reads.called(request.match_info["name"])
        if view is None:
            return _no_task()
        now = self._sources.clock.now()
        since = since_in(request.query, now) or now - SAMPLES_SINCE
        limit = count_in(request.query, "limit", default=SAMPLES_MOST, most=SAMPLES_MOST)
        pieces = _pieces(view.name, since, self._sources.samples(view.key, since), limit)
        async with aclosing(pieces):
            # The first is asked for before the answer begins: a store that is away is a 503.
            first = await anext(pieces)
            response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                await response.write(first)
                async for piece in pieces:
                    await response.write(piece)
            await response.write_eof()
            return response


async def _pieces(
    name: str, since: datetime, samples: AsyncIterator[TaskSample], limit: int
) -> AsyncGenerator[bytes]:
    """The document of samples, piece by piece; `next_since` is where the ones left out begin."""
    opening = written({"task": name, "since": documents.instant(since)})[:-1] + b',"samples":['
    count, left_out = 0, None
    async for sample in samples:
        if count == limit:
            left_out = sample.at
            break
        yield (b"," if count else opening) + written(documents.sample(sample))
        count += 1
    closing = b"]," + written({"next_since": documents.instant(left_out)})[1:]
    yield closing if count else opening + closing


def _no_task() -> web.Response:
    return failure(404, "not_found", "No task of that name or id is watched.")
