"""What people do: who did it in the events, and silences.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision: str | None = "0001"

INSTANT = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Adds the columns and the table."""
    op.add_column("event", sa.Column("by_whom", sa.Text, nullable=True))
    op.add_column("event", sa.Column("note", sa.Text, nullable=True))
    op.create_index("event_at", "event", ["at"])
    op.create_table(
        "silence",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        comment="What people do not want to hear of for a while",
    )
    op.create_index("silence_ends_at", "silence", ["ends_at"])
