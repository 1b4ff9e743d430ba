"""One writing process per SQLite file: a lock that the system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.ports import StoreUnusable


@contextmanager
def hold_file(path: Path, *, wanted: bool = True) -> Iterator[None]:
    """Holds `path`.lock, with our process id in it, until the block ends.

    The lock file stays: removing it would let two processes hold two files of one name.

    Raises: StoreUnusable when another process holds it, naming that process.
    """
    if not wanted:
        yield
        return
    lock = path.with_name(f"{path.name}.lock")
    try:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreUnusable(f"{lock} cannot be written: {error.strerror}") from error
    try:
        _take(file, path)
        yield
    finally:
        os.close(file)


def _take(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreUnusable(
            f"{path} is in use by process {holder}; stop that bot, or give this one a store of"
            " its own"
        ) from error
    except OSError as error:
        raise StoreUnusable(f"{path}.lock cannot be locked: {error.strerror}") from error
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
