"""Where the bot listens: one site for everything, or two when an admin port is configured."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http import HttpProcessingError

from bot.adapters.web.application import waiting_application, web_application
from bot.adapters.web.sources import Sources
from bot.ports import CannotListen
from bot.settings.values import HttpSettings


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bot listens."""

    public: str
    admin: str
    """The same as `public` unless an admin port is configured."""


@asynccontextmanager
async def listening(
    http: HttpSettings, sources: Sources, slack_routes: Iterable[web.RouteDef]
) -> AsyncIterator[Address]:
    """Listens until the block ends. With an admin port only Slack's routes are on the public one.

    Raises: CannotListen.
    """
    token = http.token.reveal() if http.token else None
    async with AsyncExitStack() as stack:
        if http.admin_port is None:
            everything = web_application(sources, token=token, routes=slack_routes)
            public = await stack.enter_async_context(_site(everything, http.host, http.port))
            yield Address(public, public)
            return
        slack_only = web.Application()
        slack_only.add_routes(slack_routes)
        public = await stack.enter_async_context(_site(slack_only, http.host, http.port))
        rest = web_application(sources, token=token)
        admin = await stack.enter_async_context(_site(rest, http.host, http.admin_port))
        yield Address(public, admin)


@asynccontextmanager
async def standing_by(http: HttpSettings) -> AsyncIterator[Address]:
    """Answers probes and says 503 to everybody else, until the block ends: nothing is ready yet.

    Raises: CannotListen.
    """
    async with AsyncExitStack() as stack:
        public = await stack.enter_async_context(_site(waiting_application(), http.host, http.port))
        admin = public
        if http.admin_port is not None:
            site = _site(waiting_application(), http.host, http.admin_port)
            admin = await stack.enter_async_context(site)
        yield Address(public, admin)


@asynccontextmanager
async def _site(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    # Access logs would hold what people type; requests are counted, not logged.
    runner = web.AppRunner(application, access_log=None, logger=_listener_log(), shutdown_timeout=3)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        bound = runner.addresses[0][1]
        yield f"http://{_reachable(host)}:{bound}"
    finally:
        await runner.cleanup()


def _listener_log() -> logging.Logger:
    log = logging.getLogger("bot.listener")
    log.addFilter(_ours)  # Adding it again changes nothing.
    return log


def _ours(record: logging.LogRecord) -> bool:
    """Whether a fault may be the bot's. One who sends what is no HTTP is answered 400; logging
    each with its traceback would let anybody fill the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    where = f"cannot listen on {host} port {port}"
    match error:
        case socket.gaierror():
            right = "an address such as 127.0.0.1 or 0.0.0.0 would be right"
            return CannotListen(f"http.host: {where}: the name cannot be resolved; {right}")
        case OSError(errno=errno.EADDRINUSE):
            right = "end the other program, or give http.port (or admin_port) a free one"
            return CannotListen(f"http.port: {where}: it is taken; {right}")
        case OSError(errno=errno.EADDRNOTAVAIL):
            right = "127.0.0.1, 0.0.0.0 or an address of this machine would be right"
            return CannotListen(f"http.host: {where}: it is no address of this machine; {right}")
        case OSError(errno=errno.EACCES):
            right = "a port above 1023 would be right"
            return CannotListen(f"http.port: {where}: it needs rights this user lacks; {right}")
        case _:
            return CannotListen(f"http.host: {where}: {error.strerror or type(error).__name__}")


def _reachable(host: str) -> str:
    """A host that a person on this machine can open."""
    if host in ("0.0.0.0", "", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
