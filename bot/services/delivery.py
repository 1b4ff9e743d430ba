"""What the notifier says of itself, and what it knows of a row it delivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.notifications import Form, Reason
from bot.ports import OutboxRow
from bot.services.ladder import Tried


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a channel has failed since something last arrived there."""

    why: str
    """Of the latest failure."""
    since: datetime
    """When the first try failed."""
    lost: bool = False
    """A message was given up, so that somebody was not told."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the notifier says of itself."""

    credential_error: str | None = None
    """Slack's word while the token is dead; nothing is sent meanwhile."""
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    """By channel; a channel where the latest message arrived is not in it."""
    delivered_at: datetime | None = None


def place_of(row: OutboxRow) -> str:
    """The channel where it goes: that of its card, once there is one."""
    return row.root.channel if row.root is not None else row.intent.channel


def posts(row: OutboxRow) -> bool:
    """Whether it draws on the channel's budget of posts; an edit does not."""
    return row.intent.form is Form.REPLY or row.root is None


def urgent(row: OutboxRow) -> bool:
    """Whether it must be heard, other than an edit for numbers that merely changed."""
    return posts(row) or row.intent.notice.reason is not Reason.EVIDENCE_CHANGED


def tried(row: OutboxRow) -> Tried:
    """What the ladder needs to know of it."""
    return Tried(
        attempts=row.attempts,
        posts=posts(row),
        rooted=row.root is not None,
        urgent=urgent(row),
        plain=row.plain,
    )
