"""The migrations make what the schema says, on both databases, and only when there is need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    LargeBinary,
    Text,
    column,
    create_engine,
    inspect,
    select,
    table,
    text,
    update,
)

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.migrate import MIGRATIONS, bring_to_head, upgrade
from bot.adapters.store.postgres import open_postgres
from bot.adapters.store.schema import HEAD, REVISION_TABLE, metadata
from bot.adapters.store.sqlite import open_sqlite
from bot.adapters.store.store import open_store
from bot.ports import StoreUnusable
from tests.builders import an_opening
from tests.contract.postgres_cluster import Cluster

Work = Callable[[Connection], Any]

_numbers = count()

OPEN_AND_LIST_MODULES = """
import asyncio, sys
from pathlib import Path
from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import open_store

async def main():
    async with open_store(StoreConfig(path=Path(sys.argv[1])), owner="bot") as store:
        await store.load()

asyncio.run(main())
print(sorted({"alembic", "asyncpg", "mako"} & set(sys.modules)))
"""


async def run(config: StoreConfig, work: Work) -> Any:
    """Opens the database and runs something on its connection."""
    opened = open_sqlite(config.path) if config.path else open_postgres(config)
    async with opened as runner:
        return await runner.write(work)


@pytest.fixture
def fresh_postgres(postgres_cluster: Cluster) -> StoreConfig:
    """A database without any tables."""
    name = f"fresh_{next(_numbers)}"
    postgres_cluster.sql(f"CREATE DATABASE {name}")
    return StoreConfig(url=postgres_cluster.url(name), password=postgres_cluster.password)


@pytest.fixture
def fresh_sqlite(tmp_path: Path) -> StoreConfig:
    """A file that does not exist."""
    return StoreConfig(path=tmp_path / "fresh.db")


@pytest.fixture(params=["fresh_sqlite", pytest.param("fresh_postgres", marks=pytest.mark.postgres)])
def fresh(request: pytest.FixtureRequest) -> StoreConfig:
    """Each of the two databases, without any tables."""
    config = request.getfixturevalue(request.param)
    assert isinstance(config, StoreConfig)
    return config


def scripts() -> ScriptDirectory:
    """The packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def differences(connection: Connection) -> list[Any]:
    """What the schema says and the database has not, or the other way round."""
    options = {
        "version_table": REVISION_TABLE,
        "compare_type": True,
        "compare_server_default": True,
    }
    found: list[Any] = compare_metadata(
        MigrationContext.configure(connection, opts=options), metadata
    )
    return found


def test_the_revision_in_the_code_is_the_newest_migration() -> None:
    assert scripts().get_heads() == [HEAD]


def test_every_migration_follows_the_one_before_it() -> None:
    revisions = [script.revision for script in scripts().walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


def migrated(connection: Connection) -> None:
    """Makes all tables anew, by the migrations."""
    metadata.drop_all(connection)
    connection.execute(text(f"DROP TABLE {REVISION_TABLE}"))
    upgrade(connection, None, "here")


async def test_the_migrations_make_what_the_schema_says(fresh: StoreConfig) -> None:
    await run(fresh, migrated)
    assert await run(fresh, differences) == []


async def test_a_fresh_database_is_what_the_schema_says(fresh: StoreConfig) -> None:
    assert await run(fresh, differences) == []


async def test_a_migrated_database_works_like_a_fresh_one(fresh: StoreConfig) -> None:
    await run(fresh, migrated)
    async with open_store(fresh, owner="bot") as store:
        await store.commit(an_opening())
        assert [state.version for state in (await store.load()).states] == [1]


def test_sqlite_is_given_the_same_statements_either_way(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'both.db'}")
    made = []
    with engine.begin() as connection:
        bring_to_head(connection, where="here")
        made.append(_statements(connection))
        migrated(connection)
        made.append(_statements(connection))
    engine.dispose()
    assert made[0] == made[1]


def _statements(connection: Connection) -> dict[str, str]:
    """What made each table and index, whatever the spacing."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {name: " ".join(sql.split()) for name, sql in rows}


async def test_a_migration_made_by_hand_would_be_compared_in_earnest(fresh: StoreConfig) -> None:
    def changed(connection: Connection) -> list[Any]:
        connection.execute(text("ALTER TABLE card ADD COLUMN colour TEXT"))
        return differences(connection)

    (difference,) = await run(fresh, changed)
    assert difference[0] == "remove_column"


async def test_a_migration_that_fails_leaves_nothing_behind(fresh: StoreConfig) -> None:
    revision = table(REVISION_TABLE, column("version_num", Text))

    def fail(connection: Connection) -> None:
        connection.execute(update(revision).values(version_num="0000"))
        bring_to_head(connection, where="here")

    with pytest.raises(StoreUnusable):
        await run(fresh, fail)

    assert await run(fresh, lambda c: c.scalar(select(revision.c.version_num))) == HEAD


async def test_tables_of_somebody_else_are_never_taken_over(fresh: StoreConfig) -> None:
    def take(connection: Connection) -> None:
        connection.execute(text(f"DROP TABLE {REVISION_TABLE}"))

    await run(fresh, take)
    with pytest.raises(StoreUnusable, match=r"not the bot's.*outbox"):
        async with open_store(fresh, owner="bot"):
            pass


async def test_no_offset_or_lag_can_overflow_a_column(fresh: StoreConfig) -> None:
    def blobs(connection: Connection) -> set[str]:
        return {
            f"{name}.{found['name']}"
            for name in inspect(connection).get_table_names()
            for found in inspect(connection).get_columns(name)
            if isinstance(found["type"], LargeBinary)
        }

    expected = {"sample.block", "task_window.block"} | {
        f"{name}.document"
        for name in ("alert_state", "card", "event", "incident", "outbox", "silence", "task")
    }
    assert await run(fresh, blobs) == expected


def test_a_store_that_is_up_to_date_is_opened_without_alembic(sqlite: StoreConfig) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", OPEN_AND_LIST_MODULES, str(sqlite.path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.strip() == "[]"
