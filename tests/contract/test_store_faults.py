"""SQLite when it cannot do what is asked: what is said, and that trying again is safe."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.sqlite import failure
from bot.adapters.store.store import Store, open_store
from bot.ports import Change, StoreError, StoreUnavailable, StoreUnusable
from tests.builders import a_key, a_sample, an_incident, an_opening, at


async def limit_pages(store: Store, pages: int | None) -> None:
    """A disk that is full once the file has so many pages; None: as many as there are."""
    await store._runner.write(
        lambda c: c.exec_driver_sql(
            f"PRAGMA max_page_count = {1 if pages is None else pages}"
        ).scalar()
    )


async def commit_until_full(store: Store, changes: Sequence[Change]) -> int:
    """How many changes found room."""
    for written, change in enumerate(changes):
        try:
            await store.commit(change)
        except StoreUnavailable:
            return written
    raise AssertionError("there was room for all")


async def test_samples_that_found_no_room_are_stored_once_when_there_is(
    sqlite: StoreConfig,
) -> None:
    taken = [
        a_sample(at(60 * i), key=a_key(f"task-{task}"), lags=range(500))
        for task in range(20)
        for i in range(13)
    ]
    async with open_store(sqlite, owner="bot") as store:
        await store.append_samples(taken[:5])
        await limit_pages(store, None)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="disk is full"):
                await store.append_samples(taken)
        await limit_pages(store, 10**6)
        await store.append_samples(taken)
        stored = [sample async for sample in store.samples(None, at(0))]
    assert sorted(stored, key=lambda s: (s.key, s.at)) == sorted(taken, key=lambda s: (s.key, s.at))


async def test_a_change_that_found_no_room_is_written_whole_when_there_is(
    sqlite: StoreConfig,
) -> None:
    openings = [an_opening(an_incident(at(i), key=a_key(f"task-{i}"))) for i in range(200)]
    async with open_store(sqlite, owner="bot") as store:
        await limit_pages(store, None)
        written = await commit_until_full(store, openings)
        loaded = await store.load()
        assert len(loaded.states) == len(loaded.cards) == len(loaded.windows) == written
        assert (await store.backlog(at(3600)))[0] == written
        await limit_pages(store, 10**6)
        await store.commit(openings[written])
        assert len((await store.load()).states) == written + 1


async def test_a_file_that_was_taken_away_takes_nothing_more_until_it_is_back(
    sqlite: StoreConfig,
) -> None:
    assert sqlite.path is not None
    aside = sqlite.path.with_suffix(".aside")
    async with open_store(sqlite, owner="bot") as store:
        sqlite.path.rename(aside)
        with pytest.raises(StoreUnavailable, match=r"deleted or replaced.*put it back, or restart"):
            await store.append_samples([a_sample(at(0))])
        sqlite.path.touch()
        with pytest.raises(StoreUnavailable, match="deleted or replaced"):
            await store.commit(an_opening(an_incident(at(0))))
        aside.rename(sqlite.path)
        await store.append_samples([a_sample(at(0))])
        assert [sample.at async for sample in store.samples(None, at(0))] == [at(0)]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_FULL", StoreUnavailable, "disk is full"),
        ("SQLITE_BUSY", StoreUnavailable, "locked by another process"),
        ("SQLITE_BUSY_SNAPSHOT", StoreUnavailable, "locked by another process"),
        ("SQLITE_IOERR_FSYNC", StoreUnavailable, "cannot be read or written"),
        ("SQLITE_READONLY_DIRECTORY", StoreUnusable, "the bot's user"),
        ("SQLITE_CANTOPEN", StoreUnusable, "the bot's user"),
        ("SQLITE_CORRUPT_VTAB", StoreUnusable, "damaged"),
        ("SQLITE_NOTADB", StoreUnusable, "not an SQLite database"),
    ],
)
def test_sqlites_errors_are_told_apart_by_code(
    name: str, kind: type[StoreError], words: str
) -> None:
    error = sqlite3.OperationalError("in SQLite's words")
    error.sqlite_errorcode = getattr(sqlite3, name)
    said = failure(error, Path("some") / "bot.db")
    assert type(said) is kind
    assert words in str(said)
    assert str(Path("some") / "bot.db") in str(said)


def test_an_error_without_a_code_keeps_sqlites_words() -> None:
    said = failure(sqlite3.ProgrammingError("in SQLite's words"), Path("bot.db"))
    assert type(said) is StoreError
    assert "in SQLite's words" in str(said)


async def test_a_lock_held_by_a_backup_is_waited_for(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as backup:
            backup.execute("BEGIN IMMEDIATE")
            commit = asyncio.create_task(store.commit(an_opening()))
            await asyncio.sleep(0.05)
            assert not commit.done()
            backup.execute("ROLLBACK")
            await commit
        assert len((await store.load()).states) == 1
