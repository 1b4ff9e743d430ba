"""SQLite: one connection in one thread of its own, and one process that writes.

Statements queue up in the thread, so transactions never mix, and each is `BEGIN IMMEDIATE`: a
lock is asked for before anything is read that the writing relies on. With a write-ahead log,
readers of other processes are not in the way.

`synchronous=NORMAL` loses nothing when the process dies, but a power cut may take the last seconds
with it. For samples that is no matter. A transition or a delivery lost that way would be told
twice, so those commits (`durable`) wait for the disk with `FULL`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from bot.adapters.store.config import Access
from bot.adapters.store.filelock import hold_file
from bot.adapters.store.migrate import bring_to_head
from bot.ports import StoreError, StoreUnavailable, StoreUnusable

T = TypeVar("T")

BUSY_SECONDS = 5
"""How long a statement waits for somebody who has the file locked, a backup for instance."""
_WAL_BYTES = 64 * 2**20


@asynccontextmanager
async def open_sqlite(path: Path, *, access: Access = Access.OWNER) -> AsyncIterator[SqliteRunner]:
    """Opens the file and brings it to this program's schema; it is made when it does not exist.

    Raises: StoreUnusable, StoreUnavailable.
    """
    path = _usable(path, access=access)
    with hold_file(path, wanted=access is Access.OWNER), ThreadPoolExecutor(1, "store") as thread:
        runner = SqliteRunner(path, thread, access=access)
        try:
            await runner.open()
            yield runner
        finally:
            await asyncio.shield(runner.close())


def _usable(path: Path, *, access: Access) -> Path:
    if path.is_dir():
        raise StoreUnusable(f"{path} is a directory; store.path must name a file")
    if path.exists() and not path.is_file():
        raise StoreUnusable(f"{path} is not a regular file; store.path must name one")
    if not path.parent.is_dir():
        raise StoreUnusable(
            f"the directory {path.parent} of {path.name} does not exist; create it or change"
            " store.path"
        )
    if access is not Access.OWNER and not path.exists():
        raise StoreUnusable(f"{path} does not exist; it is made when the bot first runs")
    # One lock for one file, by whatever link it is reached.
    return path.resolve()


class SqliteRunner:
    """Runs statements on the one connection. Made by `open_sqlite`."""

    exclusive = True

    def __init__(self, path: Path, thread: ThreadPoolExecutor, *, access: Access) -> None:
        self._path = path
        self._thread = thread
        self._access = access
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._synchronous = ""
        self._file: tuple[int, int] | None = None
        """Device and inode of what was opened."""
        self._closed = False

    @property
    def described(self) -> str:
        """What kind of store and where."""
        return f"SQLite {self._path}"

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that writes nothing. Raises: StoreError."""
        return await self._run(lambda: self._transact(work, "BEGIN"))

    async def write(self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Runs `work` in a transaction. Raises: StoreError."""
        level = "FULL" if durable else "NORMAL"
        return await self._run(lambda: self._transact(work, "BEGIN IMMEDIATE", level))

    async def compute(self, work: Callable[[], T]) -> T:
        """Runs `work` in the thread. Raises: StoreUnavailable after the end."""
        if self._closed:
            raise StoreUnavailable(f"{self._path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def open(self) -> None:
        """Connects and migrates. Raises: StoreError."""
        await self._run(self._open)

    async def close(self) -> None:
        """Closes the connection, after what is queued."""
        await self.compute(self._close)
        self._closed = True

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self.compute(work)
        except DBAPIError as error:
            raise self._failure(error) from error

    def _failure(self, error: DBAPIError) -> StoreError:
        words = failure(error.orig, self._path)
        if self._access is Access.READER and isinstance(words, StoreUnusable):
            return StoreUnusable(f"{words} (it was opened for reading only)")
        return words

    # --- in the thread ---

    def _open(self) -> None:
        # The pool would open a second connection where this one must be the only.
        self._engine = create_engine(
            "sqlite://", creator=self._connect, poolclass=NullPool, hide_parameters=True
        )
        self._connection = self._engine.connect()
        if self._access is Access.OWNER:
            self._connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            self._connection.rollback()
        owner = self._access is Access.OWNER
        begin = "BEGIN IMMEDIATE" if owner else "BEGIN"
        self._transact(
            lambda connection: bring_to_head(connection, where=str(self._path), owner=owner),
            begin,
        )
        self._file = _identity(self._path)

    def _connect(self) -> sqlite3.Connection:
        mode = _MODES[self._access]
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            # The driver must begin nothing by itself: `_transact` does.
            isolation_level=None,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        return connection

    def _transact(self, work: Callable[[Connection], T], begin: str, level: str = "") -> T:
        if self._connection is None:
            raise StoreUnavailable(f"{self._path} is closed")
        if level and self._file is not None and self._file != _identity(self._path):
            # SQLite would go on writing into a file that nobody will ever open again.
            raise StoreUnavailable(
                f"{self._path} was deleted or replaced while it is in use; put it back, or restart"
                " the bot to begin a new one"
            )
        if level and level != self._synchronous:
            self._connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
            self._connection.rollback()
            self._synchronous = level
        with self._connection.begin():
            self._connection.exec_driver_sql(begin)
            return work(self._connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path means now, None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_MODES = {Access.OWNER: "rwc", Access.GUEST: "rw", Access.READER: "ro"}

_UNUSABLE = {
    sqlite3.SQLITE_NOTADB: "is not an SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup or let the bot make a new one",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; the bot's user must be able to write the file and"
    " its directory",
    sqlite3.SQLITE_PERM: "may not be written by the bot's user",
    sqlite3.SQLITE_AUTH: "may not be used by the bot's user",
    sqlite3.SQLITE_READONLY: "cannot be written; the bot's user must be able to write the file and"
    " its directory",
}
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked",
    sqlite3.SQLITE_FULL: "cannot grow, its disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written just now",
    sqlite3.SQLITE_NOMEM: "cannot be used just now, memory is short",
    sqlite3.SQLITE_INTERRUPT: "was interrupted",
}


def failure(error: BaseException | None, path: Path) -> StoreError:
    """SQLite's error in our words. Codes: https://www.sqlite.org/rescode.html."""
    # The low byte is the primary code, the rest refines it.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _UNUSABLE:
        return StoreUnusable(f"{path} {_UNUSABLE[code]}")
    if code in _UNAVAILABLE:
        return StoreUnavailable(f"{path} {_UNAVAILABLE[code]}")
    return StoreError(f"{path}: {error}")
