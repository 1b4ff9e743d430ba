"""The tables. `migrations/` leads older ones here; a test proves that both say the same.

- A value of the domain is a *document*: one column of versioned JSON (see `codec`). Beside it
  stand only the columns that a statement filters or sorts by, so a new field of a value needs no
  migration.
- Offsets and lag are of any size, so they are only ever inside documents and blobs.
- Versions of `alert_state` and `card` only rise: the row of a quiet alert stays.
- Where a card is (`root_*`) and when it last rang belong to the notifier and are never written by
  a transition, which therefore needs no version for them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

if TYPE_CHECKING:
    InstantType = TypeDecorator[datetime]
else:
    InstantType = TypeDecorator

HEAD = "0002"
"""The revision this program reads and writes; the newest file of `migrations/versions`."""
REVISION_TABLE = "dumptask_revision"


class Instant(InstantType):
    """A moment in UTC to the microsecond.

    PostgreSQL has a type for it. SQLite has none, so there it is text of one fixed width, which
    sorts as time does and can be read in any SQLite shell.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """The column's type in this database."""
        if dialect.name == "postgresql":
            return TIMESTAMP(timezone=True)
        return Text()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """From the moment to what the database takes."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(
        self,
        value: datetime | str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy gives it
    ) -> datetime | None:
        """From what the database gives to the moment."""
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value


metadata = MetaData()

_SEQ = BigInteger().with_variant(Integer(), "sqlite")


def _key_columns() -> list[Column[str]]:
    """A TaskKey; without connector and task it names an account."""
    return [Column(name, Text, primary_key=True) for name in KEY]


KEY = ("account", "connector_id", "task_id")

task = Table(
    "task",
    metadata,
    *_key_columns(),
    Column("document", LargeBinary, nullable=False),
    comment="What the last good discovery found",
)

sample = Table(
    "sample",
    metadata,
    *_key_columns(),
    Column("first_at", Instant, primary_key=True),
    Column("last_at", Instant, nullable=False),
    Column("polls", SmallInteger, nullable=False),
    Column("block", LargeBinary, nullable=False),
    Index("sample_last_at", "last_at"),
    comment="Up to ten polls of a task in one block",
)

window = Table(
    "task_window",
    metadata,
    *_key_columns(),
    Column("seen_at", Instant, nullable=False),
    Column("block", LargeBinary, nullable=False),
    comment="What judgement remembers of a task",
)

alert_state = Table(
    "alert_state",
    metadata,
    *_key_columns(),
    Column("type", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in KEY),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("incident_resolved_at", "resolved_at", "opened_at"),
    Index("incident_key", *KEY, "opened_at"),
)

event = Table(
    "event",
    metadata,
    Column("incident_id", Text, ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("place", SmallInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("by_whom", Text),
    Column("note", Text),
    Index("event_at", "at"),
    comment="What happened to an incident; place orders the events of one moment",
)

silence = Table(
    "silence",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("silence_ends_at", "ends_at"),
    comment="What people do not want to hear of for a while",
)

decision = Table(
    "decision",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("said", Boolean, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    comment="Why something was said or not: like decisions are counted, not repeated",
)

card = Table(
    "card",
    metadata,
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in KEY),
    Column("version", Integer, nullable=False),
    Column("closed_at", Instant),
    Column("document", LargeBinary, nullable=False),
    Column("root_channel", Text),
    Column("root_ts", Text),
    Column("rang_at", Instant),
    Index("card_closed_at", "closed_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("card_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("rings", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("wanted_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ambiguous", Boolean, nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_until", Instant),
    Column("error", Text),
    Column("done_at", Instant),
    Column("document", LargeBinary, nullable=False),
    Index("outbox_state", "state", "due_at"),
    Index("outbox_card", "card_id", "seq"),
    Index(
        "outbox_one_claim_per_card",
        "card_id",
        unique=True,
        sqlite_where=text("state = 'claimed'"),
        postgresql_where=text("state = 'claimed'"),
    ),
    comment="What is to be said: wanted_at is when, due_at when the next try is made",
    sqlite_autoincrement=True,
)
