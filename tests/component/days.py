"""The whole bot over an outside in memory, on virtual time: dumps, a cloud, a store and a Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.app.composition import Bot, Outside
from bot.domain.model import (
    Destination,
    TaskKey,
    TaskSample,
    WatchedTask,
    topic_sample,
)
from bot.ports import CloudError
from bot.presenters import plain
from tests.builders import START
from tests.component.asking import SOMEBODY
from tests.component.chatting import Chat
from tests.configurations import ACCOUNTS, settings
from tests.fake_store import FakeStore
from tests.fakes import FakeCloud, LoopClock, NoJitter, Recorder

HOUR = 3600.0
RATE = 100
"""Messages a second into a partition."""
NO_AGE = "  - {name: no-age, type: age, enabled: false}\n"
QUIET_LEVELS = f"""\
rules:
  - {{name: lag, type: partition_lag, warning: 50k, critical: 2M}}
{NO_AGE}"""
"""Above the trough of every healthy dump here, below what a stall of ten minutes leaves. Ages are
not judged, so that a stall is one incident."""


@dataclass
class Dump:
    """A dumping task in the cloud: it uploads every `every` seconds unless it is stalled."""

    name: str
    every: float = 300.0
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """From and until, in seconds after the start."""
    statuses: list[tuple[float, str]] = field(default_factory=list)
    """From when it has which status."""
    outages: Sequence[tuple[float, float, CloudError]] = ()
    """From and until, and what is answered instead."""
    account: str = "eu"
    task_id: str = ""

    @property
    def key(self) -> TaskKey:
        """Where it lives."""
        return TaskKey(self.account, "connector", self.task_id or f"id-of-{self.name}")

    def configured(self) -> str:
        """Its entry in the configuration."""
        ids = f"connector_id: {self.key.connector_id}, task_id: {self.key.task_id}"
        return f'  "{self.name}": {{account: {self.account}, {ids}}}\n'

    def answer(self, _task: WatchedTask, now: datetime) -> TaskSample:
        """What the cloud answers."""
        seconds = (now - START).total_seconds()
        for begin, end, error in self.outages:
            if begin <= seconds < end:
                raise error
        end_offset = int(RATE * (seconds + 10 * self.every))
        rows = [
            (partition, "RUNNING", self._uploaded(seconds), end_offset) for partition in range(3)
        ]
        status = "RUNNING"
        for since, word in self.statuses:
            status = word if seconds >= since else status
        return TaskSample(
            self.key,
            now,
            status,
            (topic_sample(self.name, rows),),
            task_name=self.name,
            destination=Destination(deliver_interval=timedelta(seconds=self.every)),
        )

    def _uploaded(self, seconds: float) -> int:
        """The position of the latest upload; while stalled there is none."""
        for begin, end in self.stalls:
            if begin <= seconds < end:
                seconds = begin
        return int(RATE * (seconds // self.every * self.every + 10 * self.every))


@dataclass
class Day:
    """One world, in which bots may come and go."""

    dumps: list[Dump]
    config: str = QUIET_LEVELS
    accounts: str = ACCOUNTS
    routes: str = "routes: [{channel: C0DATA}]\n"
    store: FakeStore = field(default_factory=FakeStore)
    chat: Chat = field(default_factory=Chat)
    recorder: Recorder = field(default_factory=Recorder)
    clock: LoopClock = field(default_factory=lambda: LoopClock(START))
    discovers: bool = False
    deliver_every: float = 20.0
    """Seconds between two passes of the notifier: long days need no more."""

    def __post_init__(self) -> None:
        self.clock.now()
        self.clouds = {
            name: FakeCloud(self.clock, account=name)
            for name in sorted({"eu", *(dump.account for dump in self.dumps)})
        }
        for dump in self.dumps:
            self.clouds[dump.account].answers[dump.key] = dump.answer

    async def bot(self) -> Bot:
        """A process that starts."""
        tasks = "".join(dump.configured() for dump in self.dumps)
        entries = "" if self.discovers or not tasks else f"tasks:\n{tasks}"
        given = settings(self.config + entries, accounts=self.accounts, routes=self.routes)
        outside = Outside(
            sources=self.clouds,
            alerts=self.store,
            outbox=self.store,
            reports=self.store,
            deeds=self.store,
            chat=self.chat,
            telemetry=self.recorder,
            clock=self.clock,
            jitter=NoJitter(),
            store_name="a store in memory",
        )
        await self.store.release_claims()
        bot = Bot(given, outside, await self.store.load())
        await bot.start()
        return bot

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bot]:
        """A bot that runs, and is stopped as the program stops it."""
        bot = await self.bot()
        running = [asyncio.create_task(run) for run in self._eternals(bot)]
        try:
            yield bot
            bot.stop_polling()
            await asyncio.gather(*(poller.ended() for poller in bot.pollers.values()))
            await bot.behind.flush()
            await bot.notifier.finish()
        finally:
            for each in running:
                each.cancel()
            await asyncio.wait(running)
        for each in running:
            assert each.cancelled() or each.exception() is None

    def _eternals(self, bot: Bot) -> list[Coroutine[object, object, None]]:
        return [
            *(poller.run() for poller in bot.pollers.values()),
            bot.discovery.run(),
            _again(bot.behind.flush, 60.0),
            _again(bot.notifier.deliver_due, self.deliver_every),
        ]

    async def until(self, seconds: float) -> None:
        """Lets time pass until so many seconds after the start."""
        now = (self.clock.now() - START).total_seconds()
        await asyncio.sleep(max(0.0, seconds - now))

    def threads(self, channel: str = "C0DATA") -> list[list[str]]:
        """The replies under each card of a channel."""
        return [[m.text for m in said.thread] for said in self.chat.in_channel(channel)]

    def texts(self, channel: str = "C0DATA") -> list[str]:
        """What each card of a channel says now."""
        return [said.message.text for said in self.chat.in_channel(channel)]

    async def ask(self, bot: Bot, text: str) -> str:
        """The answer to a command, with what follows."""
        turn = await bot.conversation.say(text, SOMEBODY)
        answer = plain.render(turn.answer)
        return answer if turn.follow_up is None else plain.render(await turn.follow_up())


async def _again(do: Callable[[], Coroutine[object, object, object]], every: float) -> None:
    while True:
        await do()
        await asyncio.sleep(every)
