"""Shared by the contract tests: a PostgreSQL server, and the store in its three shapes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import open_store
from tests.contract.postgres_cluster import Cluster, find_binaries, running_cluster
from tests.contract.store_shapes import AnyStore, Opener
from tests.fake_store import FakeStore

DATABASE = "bot"

_EMPTY_ALL_TABLES = """
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'dumptask_revision' ORDER BY tablename = 'incident'
  LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$
"""
# Faster than TRUNCATE for a handful of rows.


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A server for the whole session."""
    if find_spec("asyncpg") is None:
        pytest.skip("asyncpg is not installed (the extra postgres)")
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed (initdb is neither on PATH nor in /usr/lib)")
    with running_cluster(binaries) as cluster:
        cluster.sql(f"CREATE DATABASE {DATABASE}")
        yield cluster


@pytest.fixture
def postgres(postgres_cluster: Cluster) -> StoreConfig:
    """A database whose tables are empty, or not made yet."""
    postgres_cluster.sql(_EMPTY_ALL_TABLES, database=DATABASE)
    return StoreConfig(url=postgres_cluster.url(DATABASE), password=postgres_cluster.password)


@pytest.fixture(scope="session")
def empty_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "empty.db"

    async def make() -> None:
        async with open_store(StoreConfig(path=path), owner="nobody"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
def sqlite(tmp_path: Path, empty_sqlite_file: Path) -> StoreConfig:
    """A file with empty tables."""
    path = tmp_path / "bot.db"
    shutil.copy(empty_sqlite_file, path)
    return StoreConfig(path=path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> StoreConfig:
    """Each of the two databases."""
    config = request.getfixturevalue(request.param)
    assert isinstance(config, StoreConfig)
    return config


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens the same store again and again, as a process does that is started again."""
    if request.param == "fake":
        return _fake_opener()
    config = request.getfixturevalue(request.param)
    assert isinstance(config, StoreConfig)

    def opened(owner: str = "bot") -> AbstractAsyncContextManager[AnyStore]:
        return open_store(config, owner=owner)

    return opened


def _fake_opener() -> Opener:
    first = FakeStore()

    @asynccontextmanager
    async def opened(owner: str = "bot") -> AsyncIterator[AnyStore]:
        yield first.opened_again(owner)

    return opened


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[AnyStore]:
    """The store, opened by an owner called bot."""
    async with opener() as opened:
        yield opened
