"""PostgreSQL through asyncpg, as the extra `postgres`: for several processes on one state.

The same synchronous functions run here inside `AsyncConnection.run_sync`, each in a transaction
of its own on a connection of a small pool. Every commit is as durable as the server makes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.migrate import bring_to_head
from bot.ports import StoreError, StoreUnavailable, StoreUnusable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30
POOL = 4
"""Connections; one more may be opened for a moment."""


@asynccontextmanager
async def open_postgres(
    config: StoreConfig, *, access: Access = Access.OWNER
) -> AsyncIterator[PostgresRunner]:
    """Connects and brings the database to this program's schema.

    Raises: StoreUnusable, StoreUnavailable.
    """
    url = _address(config)
    engine = _engine(url, access=access)
    with ThreadPoolExecutor(1, "store") as thread:
        runner = PostgresRunner(engine, thread, where=_where(url))
        try:
            await runner.write(
                lambda connection: bring_to_head(
                    connection, where=runner.described, owner=access is Access.OWNER
                )
            )
            yield runner
        finally:
            await asyncio.shield(engine.dispose())


def _address(config: StoreConfig) -> URL:
    try:
        url = make_url(config.url or "")
    except ArgumentError as error:
        raise StoreUnusable(
            "store.url is not an address such as postgresql://user@host:5432/database"
        ) from error
    if url.drivername not in ("postgresql", "postgres"):
        raise StoreUnusable(
            f"store.url begins with {url.drivername}:// and should begin with postgresql://"
        )
    if config.password is not None:
        url = url.set(password=config.password)
    query = dict(url.query)
    if "sslmode" in query:
        # libpq's name for it; asyncpg calls it ssl and takes the same words.
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _where(url: URL) -> str:
    host = url.host or "local socket"
    return f"PostgreSQL {host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _engine(url: URL, *, access: Access) -> AsyncEngine:
    # Compiling statements as small as ours takes the server longer than running them.
    settings = {"application_name": "dumptask-bot", "timezone": "UTC", "jit": "off"}
    if access is Access.READER:
        settings["default_transaction_read_only"] = "on"
    try:
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - an extra

        return create_async_engine(
            url,
            pool_size=POOL,
            max_overflow=1,
            pool_timeout=STATEMENT_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": settings,
            },
        )
    except ImportError as error:
        raise StoreUnusable(
            "store.url needs the extra `postgres`: pip install 'dumptask-bot[postgres]'"
        ) from error


class PostgresRunner:
    """Runs statements on pooled connections. Made by `open_postgres`."""

    exclusive = False

    def __init__(self, engine: AsyncEngine, thread: ThreadPoolExecutor, *, where: str) -> None:
        self._engine = engine
        self._thread = thread
        self.described = where

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that writes nothing. Raises: StoreError."""
        return await self._transact(work)

    async def write(self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Runs `work` in a transaction. Raises: StoreError.

        A durable one is tried twice when the connection breaks: the answer to its commit may have
        been what was lost, and writing it again then finds everything done.
        """
        try:
            return await self._transact(work)
        except StoreUnavailable:
            if not durable:
                raise
        return await self._transact(work)

    async def compute(self, work: Callable[[], T]) -> T:
        """Runs `work` in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        except DBAPIError as error:
            raise failure(error, self.described) from error
        except (OSError, PoolTimeout) as error:
            # Before there is a connection, and when time is up, the driver's errors come bare.
            raise StoreUnavailable(f"{self.described} does not answer") from error


_TRY_AGAIN = ("08", "23505", "25006", "40", "53", "55", "57", "58", "XX")
"""Beginnings of SQLSTATE: connection, a clash of two writers, a standby that takes no writes,
deadlock, resources (disk, memory, connections), locks, an operator's hand, the server's system."""
_UNUSABLE = {
    "28": "does not accept the user or password of store.url",
    "3D000": "does not exist; create the database first",
    "42501": "does not allow the user of store.url to read and write its tables",
}


def failure(error: DBAPIError, where: str) -> StoreError:
    """PostgreSQL's error in our words. Codes: PostgreSQL documentation, appendix A."""
    code = getattr(error.orig, "sqlstate", None)
    if code is None or error.connection_invalidated or code.startswith(_TRY_AGAIN):
        return StoreUnavailable(f"{where}: {_words(error)}")
    for beginning, sentence in _UNUSABLE.items():
        if code.startswith(beginning):
            return StoreUnusable(f"{where} {sentence}")
    return StoreError(f"{where}: {_words(error)}")


def _words(error: DBAPIError) -> str:
    # Of the driver's own message the first line: no statement, no parameters.
    said = [str(word) for word in getattr(error.orig, "args", ()) if word]
    return said[0].splitlines()[0] if said else type(error.orig).__name__
