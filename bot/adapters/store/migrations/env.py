"""Run by Alembic: migrates on the connection, and in the transaction, that the store gave it."""

from __future__ import annotations

from alembic import context

from bot.adapters.store.schema import REVISION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=REVISION_TABLE,
    # SQLite too takes its tables back when a transaction fails, once it was begun explicitly.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
