"""Statements that every part needs, made once per table and database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Row, Table, and_, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from bot.adapters.store.schema import KEY
from bot.domain.model import TaskKey

Values = Mapping[str, object]
Insert = sqlite.Insert | postgresql.Insert

DELETED_AT_ONCE = 1_000
"""Rows of one deleting transaction, so that nobody waits long behind it."""


def insert_into(dialect: str, table: Table) -> Insert:
    """An insert that can say what happens to a row that is there already."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def insert_new(dialect: str, table: Table) -> Insert:
    """Leaves rows that are there already as they are."""
    return insert_into(dialect, table).on_conflict_do_nothing()


@cache
def upsert(dialect: str, table: Table, moment: str | None = None) -> Insert:
    """Replaces the row with the same key, unless that one is newer by its column `moment`."""
    insert = insert_into(dialect, table)
    keys = [column.name for column in table.primary_key]
    others = {
        column.name: insert.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    newer = None if moment is None else insert.excluded[moment] >= table.c[moment]
    return insert.on_conflict_do_update(index_elements=keys, set_=others, where=newer)


def put(
    connection: Connection, table: Table, rows: Sequence[Values], *, moment: str | None = None
) -> None:
    """Upserts all rows in one batch."""
    if rows:
        connection.execute(upsert(connection.dialect.name, table, moment), rows)


def key_values(key: TaskKey) -> dict[str, object]:
    """The key as columns."""
    return {"account": key.account, "connector_id": key.connector_id, "task_id": key.task_id}


def key_of(row: Row[Any]) -> TaskKey:
    """The key of a row."""
    columns = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return TaskKey(*(str(columns[name]) for name in KEY))


def is_key(table: Table, key: TaskKey) -> ColumnElement[bool]:
    """Rows of this task."""
    return and_(*(table.c[name] == value for name, value in key_values(key).items()))


def some(table: Table, which: ColumnElement[bool]) -> Delete:
    """Deletes at most DELETED_AT_ONCE of the rows that fit."""
    keys = list(table.primary_key)
    chosen = select(*keys).where(which).limit(DELETED_AT_ONCE)
    return delete(table).where(tuple_(*keys).in_(chosen))
