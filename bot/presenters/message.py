"""A message as Slack takes it, before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Block = Mapping[str, Json]
_PLACE = re.compile(r"/blocks/([0-9]{1,3})(?:/|$)")


@dataclass(frozen=True, slots=True)
class Message:
    """Text for notifications and screen readers, and blocks for eyes. Both are within limits."""

    text: str
    """Escaped mrkdwn; what a lock screen shows."""
    blocks: tuple[Block, ...] = ()


def without(message: Message, pointers: Iterable[str]) -> Message | None:
    """The message without the blocks that JSON pointers point into; None where they point at none,
    or nothing would be left of the blocks."""
    found = [match for pointer in pointers if (match := _PLACE.match(pointer))]
    places = {int(match[1]) for match in found}
    kept = tuple(block for place, block in enumerate(message.blocks) if place not in places)
    if not kept or len(kept) == len(message.blocks):
        return None
    return replace(message, blocks=kept)
