"""A message as Slack takes it, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Block = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Message:
    """Text for notifications and screen readers, and blocks for eyes. Both are within limits."""

    text: str
    """Escaped mrkdwn; what a lock screen shows."""
    blocks: tuple[Block, ...] = ()
