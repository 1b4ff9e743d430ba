"""Small stand-ins for the ports: each does what its port says and records what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.domain.model import Observation, TaskKey, TaskSample, WatchedTask
from bot.ports import (
    ChatError,
    CloudError,
    Listing,
    Measured,
    MessageRef,
    Noted,
    Scope,
    Surroundings,
)
from bot.presenters.message import Message

_T = TypeVar("_T")

EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class LoopClock:
    """Wall time that follows the event loop's clock, so that virtual time moves both."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._start = start
        self._origin: float | None = None

    def now(self) -> datetime:
        """The start, plus what the loop's clock has moved since the first call."""
        time = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = time
        return self._start + timedelta(seconds=time - self._origin)


class SetClock:
    """Wall time that a test sets."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.time = now

    def now(self) -> datetime:
        """What was set."""
        return self.time


class NoJitter:
    """Always the middle."""

    def between(self, low: float, high: float) -> float:
        """The mean of the bounds."""
        return (low + high) / 2


@dataclass
class Recorder:
    """A telemetry that remembers."""

    records: list[Measured] = field(default_factory=list)

    def record(self, measured: Measured) -> None:
        """Remembers."""
        self.records.append(measured)

    def events(self) -> list[str]:
        """The phrases noted, in order."""
        return [record.event for record in self.records if isinstance(record, Noted)]

    def of(self, kind: type[_T]) -> list[_T]:
        """The records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]


def surroundings(telemetry: Recorder | None = None) -> Surroundings:
    """Virtual clock, no jitter, a recorder."""
    return Surroundings(LoopClock(), NoJitter(), telemetry or Recorder())


Answer = Callable[[WatchedTask, datetime], TaskSample]


class FakeCloud:
    """An account whose answers a test writes. An answer may raise a CloudError."""

    def __init__(self, clock: LoopClock, *, account: str = "prod") -> None:
        self.account = account
        self.answers: dict[TaskKey, Answer] = {}
        self.takes = timedelta(0)
        self.asked: list[tuple[datetime, TaskKey]] = []
        self.budgets: list[timedelta] = []
        self.most_at_once = 0
        self.listing: Listing | CloudError = Listing(account, (), 0, 0)
        self._clock = clock
        self._now_at_once: dict[TaskKey, int] = {}

    async def observe(self, task: WatchedTask, *, budget: timedelta) -> TaskSample:
        """Answers as the test wrote."""
        self.asked.append((self._clock.now(), task.key))
        self.budgets.append(budget)
        self._now_at_once[task.key] = self._now_at_once.get(task.key, 0) + 1
        self.most_at_once = max(self.most_at_once, self._now_at_once[task.key])
        try:
            await asyncio.sleep(self.takes.total_seconds())
            return self.answers[task.key](task, self._clock.now())
        finally:
            self._now_at_once[task.key] -= 1

    async def list_tasks(self, scope: Scope, *, smart_connect: bool = False) -> Listing:
        """The listing the test wrote."""
        del scope, smart_connect
        if isinstance(self.listing, CloudError):
            raise self.listing
        return self.listing


@dataclass
class Said:
    """A message as it stands in the channel."""

    ref: MessageRef
    message: Message
    thread: list[Message] = field(default_factory=list)
    edits: int = 0


class FakeChat:
    """A Slack that holds messages; `errors` are raised by the next calls, in order."""

    def __init__(self) -> None:
        self.roots: list[Said] = []
        self.rings: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.errors: list[ChatError | None] = []
        self.responses: list[tuple[str, Message]] = []
        self._ts = 0

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        """A new root."""
        del fingerprint
        self._call("post", dedupe_id)
        ref = self._ref(channel)
        self.roots.append(Said(ref, message))
        self.rings.append(message.text)
        return ref

    async def update(self, ref: MessageRef, message: Message) -> None:
        """Edits in place."""
        self._call("update", ref.ts)
        said = self._find(ref)
        said.message = message
        said.edits += 1

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        """A line in the thread."""
        self._call("reply", dedupe_id)
        self._find(ref).thread.append(message)
        if broadcast:
            self.rings.append(message.text)
        return self._ref(ref.channel)

    async def respond(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        """A late answer."""
        del in_channel
        self._call("respond", response_url)
        self.responses.append((response_url, message))

    async def check_credentials(self) -> str:
        """Who we are."""
        self._call("auth", "")
        return "UBOT"

    def in_channel(self, channel: str) -> list[Said]:
        """The roots of one channel."""
        return [said for said in self.roots if said.ref.channel == channel]

    def _call(self, method: str, what: str) -> None:
        self.calls.append((method, what))
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error

    def _ref(self, channel: str) -> MessageRef:
        self._ts += 1
        return MessageRef(channel, f"{self._ts}.000000")

    def _find(self, ref: MessageRef) -> Said:
        return next(said for said in self.roots if said.ref == ref)


class Observed:
    """Collects observations where a monitor would stand."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []

    async def __call__(self, observation: Observation) -> None:
        self.observations.append(observation)
