"""From whatever schema is stored to the one this program knows.

A fresh database gets the tables of `schema` as they are. Only an older one is migrated, and only
then Alembic is imported; a test proves that both ways lead to the same. Everything happens in the
transaction of the caller, so a migration that fails, or a process that dies in it, leaves the old
schema whole.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    column,
    insert,
    inspect,
    select,
    table,
)

from bot.adapters.store.schema import HEAD, REVISION_TABLE, metadata
from bot.ports import StoreUnusable

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x6475_6D70
"""PostgreSQL: replicas that start together migrate one after another."""


def bring_to_head(connection: Connection, *, where: str, owner: bool = True) -> None:
    """Migrates when needed; a fresh database gets all tables.

    Raises: StoreUnusable when what is stored is newer, somebody else's, or, where that is another
    process's to mend, old.
    """
    stored = _revision(connection)
    if stored == HEAD:
        return
    if not owner:
        raise StoreUnusable(_not_readable(where, stored))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        stored = _revision(connection)
    if stored is None:
        _make(connection, where)
    elif stored != HEAD:
        upgrade(connection, stored, where)


def _not_readable(where: str, stored: str | None) -> str:
    if stored is None:
        return f"{where} holds no state of the bot yet; it is made when the bot first runs"
    return (
        f"{where} has the schema {stored} and this program reads {HEAD}; use the version of the"
        " bot that runs, or start this one once to migrate"
    )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(REVISION_TABLE):
        return None
    version = select(column("version_num", Text)).select_from(table(REVISION_TABLE))
    return connection.scalar(version)


def _make(connection: Connection, where: str) -> None:
    _refuse_strangers(connection, where)
    metadata.create_all(connection, checkfirst=False)
    # As Alembic makes it.
    version = Column("version_num", String(32), nullable=False)
    only = PrimaryKeyConstraint("version_num", name=f"{REVISION_TABLE}_pkc")
    revision = Table(REVISION_TABLE, MetaData(), version, only)
    revision.create(connection)
    connection.execute(insert(revision).values(version_num=HEAD))


def upgrade(connection: Connection, stored: str | None, where: str) -> None:
    """Runs the migrations after `stored`; None: all of them. Raises: StoreUnusable."""
    from alembic import command  # noqa: PLC0415 - costs more than all else at start
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if stored is not None and stored not in known:
        raise StoreUnusable(
            f"{where} was written by a newer version of the bot (schema {stored}, this one knows"
            f" {HEAD}); run that version, or restore a backup from before it"
        )
    command.upgrade(config, HEAD)


def _refuse_strangers(connection: Connection, where: str) -> None:
    taken = set(inspect(connection).get_table_names())
    if connection.dialect.name == "postgresql":
        # A database may be shared as long as no name is taken twice.
        taken &= set(metadata.tables)
    if taken:
        raise StoreUnusable(
            f"{where} holds tables that are not the bot's ({', '.join(sorted(taken))}); give the"
            " bot a database of its own"
        )
