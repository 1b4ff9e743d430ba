"""The SQLite file: who may open it, what is said when it cannot be used, and what a kill leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.store import open_store
from bot.ports import IncidentFilter, StoreError, StoreUnavailable, StoreUnusable
from tests.builders import a_history, a_key, a_listed_task, a_sample, an_opening, at
from tests.contract.store_shapes import LATER

OPEN_AND_SAY_SO = """
import asyncio, sys
from pathlib import Path
from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.store import open_store

async def main():
    async with open_store(StoreConfig(path=Path(sys.argv[1])), owner="other"):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def opening_fails(config: StoreConfig, *, access: Access = Access.OWNER) -> str:
    """What is said when the store cannot be used."""
    with pytest.raises(StoreUnusable) as caught:
        async with open_store(config, owner="bot", access=access):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def another_process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that the process writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def execute(path: Path, *statements: str) -> None:
    """Does something to the file that the bot would not do."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


# --- opening ---------------------------------------------------------------------------------


async def test_a_file_that_does_not_exist_is_made(tmp_path: Path) -> None:
    config = StoreConfig(path=tmp_path / "new, with % and ? in its name.db")
    async with open_store(config, owner="bot") as store:
        await store.commit(an_opening())
    async with open_store(config, owner="bot") as store:
        assert store.described == f"SQLite {config.path}"
        assert len((await store.load()).states) == 1


async def test_an_empty_file_is_taken_as_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.touch()
    async with open_store(StoreConfig(path=path), owner="bot") as store:
        assert (await store.load()).states == ()


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    said = await opening_fails(StoreConfig(path=tmp_path / "nowhere" / "bot.db"))
    assert str(tmp_path / "nowhere") in said
    assert "does not exist" in said
    assert "store.path" in said


async def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert "is a directory" in await opening_fails(StoreConfig(path=tmp_path))
    assert "is not a regular file" in await opening_fails(StoreConfig(path=Path("/dev/null")))


async def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(b"These are not the bytes of a database. " * 50)
    assert "is not an SQLite database" in await opening_fails(StoreConfig(path=path))
    assert path.read_bytes().startswith(b"These are not")


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    execute(path, "CREATE TABLE wp_posts (id INTEGER)")
    said = await opening_fails(StoreConfig(path=path))
    assert "wp_posts" in said
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("wp_posts",)]


async def test_a_damaged_file_is_said_to_be(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    pages = bytearray(sqlite.path.read_bytes())
    pages[4096:] = b"\xa5" * (len(pages) - 4096)
    sqlite.path.write_bytes(pages)
    said = ""
    try:
        async with open_store(sqlite, owner="bot") as store:
            await store.load()
    except StoreUnusable as error:
        said = str(error)
    assert "is damaged" in said


async def test_a_newer_schema_is_refused_and_left_alone(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    execute(sqlite.path, "UPDATE dumptask_revision SET version_num = '9999'")
    said = await opening_fails(sqlite)
    assert "newer version" in said
    assert "9999" in said
    assert "9999" in await opening_fails(sqlite, access=Access.READER)


async def test_a_document_of_a_newer_version_is_refused_at_loading(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        await store.commit(an_opening())
    execute(sqlite.path, "UPDATE alert_state SET document = CAST('2j{}' AS BLOB)")
    async with open_store(sqlite, owner="bot") as store:
        with pytest.raises(StoreUnusable, match="unknown version"):
            await store.load()


async def test_an_incident_that_cannot_be_read_is_an_error_of_the_store(
    sqlite: StoreConfig,
) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        await store.commit(an_opening())
    execute(sqlite.path, "UPDATE incident SET document = x'00'")
    async with open_store(sqlite, owner="bot") as store:
        with pytest.raises(StoreError, match="Incident"):
            await store.incidents(IncidentFilter())


async def test_windows_that_cannot_be_read_are_missing_and_counted(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        await store.save_windows({a_key("a"): a_history(), a_key("b"): a_history()})
    execute(
        sqlite.path, "UPDATE task_window SET block = x'07' WHERE connector_id = 'connector-of-a'"
    )
    async with open_store(sqlite, owner="bot") as store:
        loaded = await store.load()
    assert list(loaded.windows) == [a_key("b")]
    assert loaded.unreadable_windows == 1


async def test_samples_that_cannot_be_read_are_missing_and_counted(sqlite: StoreConfig) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        await store.append_samples([a_sample(at(60 * i)) for i in range(25)])
    execute(sqlite.path, "UPDATE sample SET block = x'07' WHERE polls < 10")
    async with open_store(sqlite, owner="bot") as store:
        assert len([sample async for sample in store.samples(None, at(0))]) == 20
        assert store.unreadable_blocks == 1


async def test_a_row_that_nobody_can_read_is_given_up_and_holds_up_no_other(
    sqlite: StoreConfig,
) -> None:
    assert sqlite.path is not None
    async with open_store(sqlite, owner="bot") as store:
        await store.commit(an_opening())
    execute(sqlite.path, "UPDATE outbox SET document = x'00'")
    async with open_store(sqlite, owner="bot") as store:
        assert not await store.claim(LATER, lease=timedelta(seconds=45), limit=5)
        assert await store.backlog(LATER) == (0, timedelta(0))


# --- one process that writes -----------------------------------------------------------------


async def test_a_second_process_is_refused_and_told_who_has_the_file(sqlite: StoreConfig) -> None:
    with another_process(OPEN_AND_SAY_SO, str(sqlite.path)) as holder:
        assert line_of(holder) == "open"
        said = await opening_fails(sqlite)
        assert f"process {holder.pid}" in said
        assert str(sqlite.path) in said
    async with open_store(sqlite, owner="bot"):
        pass  # the lock went with its holder


async def test_the_same_file_by_another_name_is_the_same_file(
    sqlite: StoreConfig, tmp_path: Path
) -> None:
    assert sqlite.path is not None
    link = tmp_path / "link.db"
    link.symlink_to(sqlite.path)
    async with open_store(sqlite, owner="bot"):
        assert f"process {os.getpid()}" in await opening_fails(StoreConfig(path=link))


async def test_a_reader_works_beside_the_bot_and_writes_nothing(sqlite: StoreConfig) -> None:
    async with (
        open_store(sqlite, owner="bot") as store,
        open_store(sqlite, owner="reader", access=Access.READER) as reader,
    ):
        assert (await reader.load()).states == ()
        await store.commit(an_opening())
        await store.save_discovered("prod", [a_listed_task()])
        await store.append_samples([a_sample()])
        assert await reader.load() == await store.load()
        assert len(await reader.incidents(IncidentFilter())) == 1
        assert len([sample async for sample in reader.samples(None, at(0))]) == 1
        with pytest.raises(StoreUnusable, match="reading only"):
            await reader.commit(an_opening())


async def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    config = StoreConfig(path=tmp_path / "bot.db")
    assert "does not exist" in await opening_fails(config, access=Access.READER)
    assert "does not exist" in await opening_fails(config, access=Access.READER), "still"


async def test_a_reader_of_a_file_without_tables_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.touch()
    assert "no state" in await opening_fails(StoreConfig(path=path), access=Access.READER)


async def test_a_store_that_was_closed_is_unavailable(sqlite: StoreConfig) -> None:
    async with open_store(sqlite, owner="bot") as store:
        pass
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.load()


async def test_many_calls_at_once_are_each_a_transaction(sqlite: StoreConfig) -> None:
    async with open_store(sqlite, owner="bot") as store:
        batches = [[a_sample(at(60 * i), key=a_key(f"t{i}"))] for i in range(40)]
        await asyncio.gather(
            *(store.append_samples(batch) for batch in batches),
            *(store.save_windows({a_key(f"t{i}"): a_history()}) for i in range(40)),
            *(store.load() for _ in range(5)),
        )
        assert len([sample async for sample in store.samples(None, at(0))]) == 40
        assert len((await store.load()).windows) == 40


# --- configuration ---------------------------------------------------------------------------


def test_a_store_is_a_file_or_an_address_and_not_both() -> None:
    with pytest.raises(ValueError, match="path or a url"):
        StoreConfig()
    with pytest.raises(ValueError, match="path or a url"):
        StoreConfig(path=Path("bot.db"), url="postgresql://host/db")


def test_a_configuration_shows_no_password() -> None:
    config = StoreConfig(url="postgresql://user:hunter2@host/db", password="hunter3")
    assert "hunter" not in repr(config)


# --- kill -9 ---------------------------------------------------------------------------------

COMMIT_WITHOUT_END = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.store import open_store
from bot.domain.incidents import EventKind
from bot.domain.notifications import Form
from bot.ports import Change
from tests.builders import *

async def main():
    async with open_store(StoreConfig(path=Path(sys.argv[1])), owner="bot") as store:
        incident = an_incident()
        await store.commit(an_opening(incident))
        for n in range(1, 100_000):
            worse = replace(incident, peak=n)
            card = replace(a_card(worse), version=n, shown=str(n))
            await store.commit(Change(
                incident.key, at(n),
                states=(replace(a_state(worse), version=n),),
                events=(an_event(worse, kind=EventKind.ESCALATED, when=at(n)),),
                cards=(card,),
                intents=(an_intent(card, form=Form.REPLY, when=at(n)),),
                window=a_history(a_sample(at(n))),
            ))
            await store.append_samples([a_sample(at(n))])
            print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 20])
async def test_a_killed_process_leaves_every_acknowledged_change_whole(
    tmp_path: Path, lines: int
) -> None:
    config = StoreConfig(path=tmp_path / "bot.db")
    with another_process(COMMIT_WITHOUT_END, str(config.path)) as writer:
        acknowledged = [int(line_of(writer)) for _ in range(lines)][-1]
        writer.send_signal(signal.SIGKILL)
        writer.wait(30)
    async with open_store(config, owner="bot") as store:
        loaded = await store.load()
        last = loaded.states[0].version - 1
        assert last >= acknowledged
        incident = loaded.states[0].incident
        assert incident is not None
        assert incident.peak == last
        assert loaded.cards[0].version - 1 == last
        assert loaded.cards[0].shown == str(last)
        assert loaded.windows[a_key()].sample == a_sample(at(last))
        events = await store.events(incident.id)
        assert [event.at for event in events] == [at(n) for n in range(last + 1)]
        assert (await store.backlog(LATER))[0] == last + 1
        samples = [sample.at async for sample in store.samples(None, at(0))]
        assert samples[:acknowledged] == [at(n) for n in range(1, acknowledged + 1)]
    with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
