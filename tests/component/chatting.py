"""A Slack in memory that takes time, refuses what a test says, and notes when it was called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.ports import MessageRef
from bot.presenters.message import Message
from tests.fakes import FakeChat

Refusal = Callable[[str, str], Exception | None]
"""Method and channel, to what is raised."""


@dataclass
class Sent:
    """A call as the chat saw it."""

    at: float
    method: str
    channel: str
    message: Message
    dedupe_id: str = ""


class Chat(FakeChat):
    """A chat that takes time, and refuses what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.takes = timedelta(0)
        self.refuse: Refusal = lambda _method, _channel: None
        self.sent: list[Sent] = []

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        await self._note("post", channel, message, dedupe_id)
        return await super().post(channel, message, dedupe_id=dedupe_id, fingerprint=fingerprint)

    async def update(self, ref: MessageRef, message: Message) -> None:
        await self._note("update", ref.channel, message)
        await super().update(ref, message)

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        await self._note("reply", ref.channel, message, dedupe_id)
        return await super().reply(ref, message, broadcast=broadcast, dedupe_id=dedupe_id)

    async def _note(self, method: str, channel: str, message: Message, dedupe_id: str = "") -> None:
        now = asyncio.get_running_loop().time()
        self.sent.append(Sent(now, method, channel, message, dedupe_id))
        await asyncio.sleep(self.takes.total_seconds())
        error = self.refuse(method, channel)
        if error is not None:
            raise error

    def methods(self) -> list[str]:
        """What was called, in order."""
        return [sent.method for sent in self.sent]

    def times(self, method: str = "", channel: str = "") -> list[float]:
        """When it was called."""
        return [s.at for s in self.sent if method in ("", s.method) and channel in ("", s.channel)]
