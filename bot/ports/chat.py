"""Slack, as the notifier sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.presenters.message import Message


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a delivered card is."""

    channel: str
    ts: str


class ChatGateway(Protocol):
    """Messages out. No call retries by itself."""

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        """Posts a new root. Raises: ChatError."""
        ...

    async def update(self, ref: MessageRef, message: Message) -> None:
        """Replaces a message. Raises: ChatError."""
        ...

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        """Posts into the thread of a message. Raises: ChatError."""
        ...

    async def respond(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        """Answers a slash command later than its acknowledgement. Raises: ChatError."""
        ...

    async def check_credentials(self) -> str:
        """Asks who we are; the bot's own user id. Raises: ChatError."""
        ...
