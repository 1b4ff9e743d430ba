"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None

INSTANT = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, key: bool = False, absent: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=absent)


def _instant(name: str, *, key: bool = False, absent: bool = False) -> sa.Column[str]:
    return sa.Column(name, INSTANT, primary_key=key, nullable=absent)


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _flag(name: str, *, key: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, primary_key=key, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _task_key(*, key: bool) -> list[sa.Column[str]]:
    return [_text(name, key=key) for name in ("account", "connector_id", "task_id")]


def upgrade() -> None:
    """Makes all tables."""
    _make_seen()
    _make_incidents()
    _make_told()


def _make_seen() -> None:
    op.create_table(
        "task",
        *_task_key(key=True),
        _blob("document"),
        comment="What the last good discovery found",
    )
    op.create_table(
        "sample",
        *_task_key(key=True),
        _instant("first_at", key=True),
        _instant("last_at"),
        sa.Column("polls", sa.SmallInteger, nullable=False),
        _blob("block"),
        comment="Up to ten polls of a task in one block",
    )
    op.create_index("sample_last_at", "sample", ["last_at"])
    op.create_table(
        "task_window",
        *_task_key(key=True),
        _instant("seen_at"),
        _blob("block"),
        comment="What judgement remembers of a task",
    )


def _make_incidents() -> None:
    op.create_table(
        "alert_state",
        *_task_key(key=True),
        _text("type", key=True),
        _count("version"),
        _instant("changed_at"),
        _blob("document"),
    )
    op.create_table(
        "incident",
        _text("id", key=True),
        *_task_key(key=False),
        _instant("opened_at"),
        _instant("resolved_at", absent=True),
        _instant("changed_at"),
        _blob("document"),
    )
    op.create_index("incident_resolved_at", "incident", ["resolved_at", "opened_at"])
    op.create_index("incident_key", "incident", ["account", "connector_id", "task_id", "opened_at"])
    op.create_table(
        "event",
        sa.Column(
            "incident_id",
            sa.Text,
            sa.ForeignKey("incident.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        _instant("at", key=True),
        _text("kind", key=True),
        sa.Column("place", sa.SmallInteger, nullable=False),
        _blob("document"),
        comment="What happened to an incident; place orders the events of one moment",
    )
    op.create_table(
        "decision",
        _text("incident_id", key=True),
        _text("channel", key=True),
        _text("reason", key=True),
        _flag("said", key=True),
        _count("times"),
        _instant("first_at"),
        _instant("last_at"),
        comment="Why something was said or not: like decisions are counted, not repeated",
    )


def _make_told() -> None:
    op.create_table(
        "card",
        _text("id", key=True),
        *_task_key(key=False),
        _count("version"),
        _instant("closed_at", absent=True),
        _blob("document"),
        _text("root_channel", absent=True),
        _text("root_ts", absent=True),
        _instant("rang_at", absent=True),
    )
    op.create_index("card_closed_at", "card", ["closed_at"])
    op.create_table(
        "outbox",
        sa.Column("seq", SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        _text("card_id"),
        _text("channel"),
        _text("form"),
        _flag("rings"),
        _instant("created_at"),
        _instant("wanted_at"),
        _instant("due_at"),
        _text("state"),
        _count("attempts"),
        _flag("ambiguous"),
        _flag("plain"),
        _text("claimed_by", absent=True),
        _instant("claimed_until", absent=True),
        _text("error", absent=True),
        _instant("done_at", absent=True),
        _blob("document"),
        comment="What is to be said: wanted_at is when, due_at when the next try is made",
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_state", "outbox", ["state", "due_at"])
    op.create_index("outbox_card", "outbox", ["card_id", "seq"])
    claimed = sa.text("state = 'claimed'")
    op.create_index(
        "outbox_one_claim_per_card",
        "outbox",
        ["card_id"],
        unique=True,
        sqlite_where=claimed,
        postgresql_where=claimed,
    )
