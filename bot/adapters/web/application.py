"""The HTTP side as one aiohttp application: health, metrics, JSON, the page, and what others add.

Every address takes GET and HEAD; anything else is 405. Errors under /api are JSON. A store that is
away is 503, which is the truth and passes.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from bot.adapters.web.answers import add_headers, failure
from bot.adapters.web.api import JsonApi
from bot.adapters.web.guard import guard
from bot.adapters.web.page import status_page
from bot.adapters.web.sources import Sources
from bot.ports import StoreError

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def web_application(
    sources: Sources, *, token: str | None = None, routes: Iterable[web.RouteDef] = ()
) -> web.Application:
    """The application; `token` guards the page and /api, `routes` are added as they are."""
    guards = [guard(token)] if token else []
    application = web.Application(middlewares=[_errors, *guards])
    application.on_response_prepare.append(add_headers)
    application.add_routes([*_Site(sources).routes(), *JsonApi(sources).routes(), *routes])
    return application


def waiting_application() -> web.Application:
    """What answers while the store is away at the start: alive, not ready, and nothing to show."""

    async def healthz(_request: web.Request) -> web.Response:
        return _probe(good=True, words=("alive", ""))

    async def rest(request: web.Request) -> web.Response:
        if request.path.startswith("/api"):
            return failure(503, "store_unavailable", "The store does not answer yet; try again.")
        return _probe(good=False, words=("", "not ready: waiting for the store"))

    application = web.Application()
    application.on_response_prepare.append(add_headers)
    application.add_routes([web.get("/healthz", healthz), web.route("*", "/{path:.*}", rest)])
    return application


class _Site:
    """What is not JSON."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._page = status_page()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._status),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
        ]

    async def _status(self, _request: web.Request) -> web.Response:
        reads = self._sources.reads
        text = self._page.render(
            reads.views(),
            reads.open_incidents(),
            health=await self._sources.health(),
            now=self._sources.clock.now(),
        )
        headers = {"Content-Security-Policy": self._page.policy}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _probe(good=self._sources.alive(), words=("alive", "a loop has ended"))

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _probe(good=self._sources.ready(), words=("ready", "not ready"))

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = await self._sources.metrics()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: METRICS_TYPE})


def _probe(*, good: bool, words: tuple[str, str]) -> web.Response:
    return web.Response(text=f"{words[0] if good else words[1]}\n", status=200 if good else 503)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except StoreError:
        return failure(503, "store_unavailable", "The store does not answer; try again.")
    except web.HTTPException as error:
        if not request.path.startswith("/api") or error.content_type == "application/json":
            raise
        response = failure(error.status, _code(error), error.reason)
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response


def _code(error: web.HTTPException) -> str:
    return error.reason.lower().replace(" ", "_")
