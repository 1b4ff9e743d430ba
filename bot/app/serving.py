"""Opens every real thing, runs the bot over them, and closes them in reverse.

The listener comes up before the cloud or Slack is asked anything, so that probes and people are
answered while either is down, and a bare one while the store is (see `storing`). Stopping, on
SIGTERM or SIGINT: not ready any more, polls in hand finish, samples are written, one last delivery
pass; whatever is left stays in the outbox.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from bot.adapters.dms.client import DmsClient, open_client
from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import SlackInbound
from bot.adapters.slack.signing import RequestVerifier
from bot.adapters.store.store import Store
from bot.adapters.telemetry.heartbeat import pinging
from bot.adapters.telemetry.logs import Log, LogFormat
from bot.adapters.telemetry.metrics import Meters, Scrape
from bot.adapters.telemetry.redaction import Redactor
from bot.adapters.telemetry.voice import Voice
from bot.adapters.web.sources import Sources
from bot.app.accounts import account_config
from bot.app.ambient import RandomJitter, SystemClock
from bot.app.composition import Bot, Outside
from bot.app.lifecycle import Eternal, Lifecycle, Step
from bot.app.memory import settle_memory
from bot.app.reloading import Reloading
from bot.app.slack_side import SlackConversation, SlackDoor
from bot.app.storing import Opened, Stopped, loaded, opened_store, store_config
from bot.app.websites import Address, listening
from bot.ports import Noted, StoreError, Telemetry
from bot.services.heartbeat import Heartbeat
from bot.settings.values import Settings, StoreSettings

CLEANING_EVERY = timedelta(hours=1)


Announce = Callable[[Address], None]


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    announce: Announce | None = None,
    reloading: Reloading | None = None,
) -> None:
    """Runs the bot until `stop` is set; with `reloading`, anew for each changed configuration.

    Raises: ConfigError; StoreUnusable; CannotListen.
    """
    clock = SystemClock()
    with _telemetry(settings, clock) as heard:
        config = store_config(settings.store)
        voice = heard.voice
        try:
            async with opened_store(config, settings.http, voice, stop=stop) as opened:
                around = _Ambience(clock, heard, stop, reloading)
                await _serve(settings, opened, around, announce)
        except Stopped:
            pass
        voice.record(Noted("stopped"))


@dataclass(frozen=True, slots=True)
class _Heard:
    """Log and metrics of a process."""

    voice: Voice
    meters: Meters
    log: Log
    redactor: Redactor

    def follow(self, settings: Settings) -> None:
        """Takes up what other settings say of the log, and which values are secret."""
        self.redactor.learn(settings.secret_values)
        self.log.set_level(settings.log.level)


@dataclass(frozen=True, slots=True)
class _Ambience:
    """What surrounds a run."""

    clock: SystemClock
    heard: _Heard
    stop: asyncio.Event
    reloading: Reloading | None

    def config_error(self) -> str:
        """Why the configuration as it stands is not in force; empty while it is."""
        return self.reloading.error if self.reloading is not None else ""


async def _serve(
    settings: Settings, opened: Opened, around: _Ambience, announce: Announce | None
) -> None:
    """One bot after the other over the same store and address, until the stop.

    A changed configuration ends one as a stop would and begins the next as a start would: what was
    said stands in the store, so nothing is said again.
    """
    store, snapshot, door = opened.store, opened.snapshot, SlackDoor()
    async with AsyncExitStack() as outermost:
        shown: _Shown | None = None
        following: Settings | None = settings
        while following is not None:
            settings = following
            async with _bot(settings, Opened(store, snapshot), around, door) as running:
                if shown is None:
                    sources = running.sources
                    site = listening(settings.http, sources, door.routes())
                    shown = _Shown(sources, await outermost.enter_async_context(site))
                    await _begin(running, settings, shown.address, around)
                    if announce is not None:
                        announce(shown.address)
                    settle_memory()
                else:
                    await _begin(running, settings, shown.address, around)
                    shown.take(running.sources)
                    around.heard.voice.record(Noted("configuration reloaded"))
                following = await _run(running, settings, around)
            if following is not None:
                around.heard.follow(following)
                snapshot = await loaded(store, around.heard.voice, stop=around.stop)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is listening, for the life of the process."""

    sources: Sources
    address: Address

    def take(self, sources: Sources) -> None:
        """Shows another bot from now on."""
        for field in fields(Sources):
            setattr(self.sources, field.name, getattr(sources, field.name))


@dataclass(frozen=True, slots=True)
class _Running:
    """One bot, with what it runs over."""

    bot: Bot
    store: Store
    lifecycle: Lifecycle
    sources: Sources
    heart: Heartbeat | None


@asynccontextmanager
async def _bot(
    settings: Settings, opened: Opened, around: _Ambience, door: SlackDoor
) -> AsyncIterator[_Running]:
    voice, clock, jitter, store = around.heard.voice, around.clock, RandomJitter(), opened.store
    async with AsyncExitStack() as stack:
        clients: dict[str, DmsClient] = {}
        for name, account in settings.accounts.items():
            client = open_client(account_config(account), clock=clock, jitter=jitter)
            clients[name] = await stack.enter_async_context(client)
        gateway = await stack.enter_async_context(SlackGateway(_slack_access(settings)))
        outside = Outside(
            sources=clients,
            topics=clients,
            alerts=store,
            outbox=store,
            reports=store,
            deeds=store,
            groups=gateway.group_members,
            chat=gateway,
            telemetry=voice,
            clock=clock,
            jitter=jitter,
            config_error=around.config_error,
            store_name=store.described,
        )
        bot = Bot(settings, outside, opened.snapshot)
        heart = await _heart(settings, bot, voice, stack)
        lifecycle = Lifecycle(voice)
        await stack.enter_async_context(_slack_side(settings, bot, gateway, voice, door))
        yield _Running(bot, store, lifecycle, _web_sources(bot, store, lifecycle, around), heart)


async def _begin(
    running: _Running, settings: Settings, address: Address, around: _Ambience
) -> None:
    await running.bot.start()
    around.heard.voice.record(_started(settings, address, running.bot))


async def _run(running: _Running, settings: Settings, around: _Ambience) -> Settings | None:
    """Runs a bot to its end; the settings of the next one, None where the process stops."""
    voice = around.heard.voice
    waiting = asyncio.create_task(_reason_to_end(settings, around), name="stop or reload")
    waiting.add_done_callback(lambda _done: running.lifecycle.stop.set())
    try:
        eternals = _eternals(running, settings, voice)
        await running.lifecycle.run(eternals, _steps(running.bot))
        return await waiting
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})


async def _reason_to_end(settings: Settings, around: _Ambience) -> Settings | None:
    """Waits for the stop (None), or for other settings."""
    stopping = asyncio.create_task(around.stop.wait())
    waiting: set[asyncio.Task[Any]] = {stopping}
    changed: asyncio.Task[Settings] | None = None
    if around.reloading is not None:
        changed = asyncio.create_task(around.reloading.next(settings, around.heard.voice))
        waiting.add(changed)
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done() or changed is None:
            return None
        return changed.result()
    finally:
        for task in waiting:
            task.cancel()


# --- opening ---------------------------------------------------------------------------------


@contextmanager
def _telemetry(settings: Settings, clock: SystemClock) -> Iterator[_Heard]:
    meters = Meters(version("dumptask-bot"))
    redactor = Redactor(settings.secret_values)
    log = Log(
        sys.stderr,
        redactor,
        clock=clock,
        level=settings.log.level,
        log_format=LogFormat(settings.log.format),
    )
    with log.adopting_stdlib():
        yield _Heard(Voice(log, meters), meters, log, redactor)


def _slack_access(settings: Settings) -> SlackAccess:
    slack = settings.slack
    return SlackAccess(
        slack.bot_token.reveal(),
        api_url=slack.api_url,
        proxy=slack.proxy.reveal() if slack.proxy else None,
        ca_file=str(slack.ca_file) if slack.ca_file else None,
    )


@asynccontextmanager
async def _slack_side(
    settings: Settings, bot: Bot, gateway: SlackGateway, telemetry: Telemetry, door: SlackDoor
) -> AsyncIterator[None]:
    """What Slack posts is answered by this bot until the block ends; by nobody without a secret."""
    secret = settings.slack.signing_secret
    if secret is None:
        door.opened(None)
        yield
        door.closed()
        return
    talk = SlackConversation(bot.conversation, gateway, telemetry, command=settings.slack.command)
    inbound = SlackInbound(
        RequestVerifier(secret.reveal(), bot.clock),
        talk.dispatch,
        respond=gateway.respond,
        telemetry=telemetry,
    )
    door.opened(inbound)
    try:
        yield
    finally:
        door.closed()
        await inbound.close()
        await talk.close()


async def _heart(
    settings: Settings, bot: Bot, telemetry: Telemetry, stack: AsyncExitStack
) -> Heartbeat | None:
    """What tells a watchdog of the bot; None where none is configured."""
    wanted = settings.heartbeat
    if wanted is None:
        return None
    ping = await stack.enter_async_context(pinging(wanted.url.reveal()))
    return Heartbeat(bot.health, ping, every=wanted.interval, telemetry=telemetry)


def _web_sources(bot: Bot, store: Store, lifecycle: Lifecycle, around: _Ambience) -> Sources:
    async def metrics() -> bytes:
        backlog = None
        with suppress(StoreError):
            backlog = await bot.queries.backlog()
        views, incidents = bot.queries.views(), bot.queries.open_incidents()
        scrape = Scrape(
            bot.clock.now(),
            views,
            incidents,
            backlog,
            config_reloaded=not around.config_error(),
        )
        return around.heard.meters.exposition(scrape)

    return Sources(
        reads=bot.queries,
        samples=store.samples,
        health=bot.health,
        metrics=metrics,
        alive=lambda: lifecycle.started,
        ready=lambda: lifecycle.started and not around.stop.is_set(),
        clock=bot.clock,
    )


def _started(settings: Settings, address: Address, bot: Bot) -> Noted:
    fields = {
        "listening": address.public,
        "accounts": len(settings.accounts),
        "tasks": len(bot.fleet),
        "slack": "http" if settings.slack.signing_secret is not None else "alerts only",
        "version": version("dumptask-bot"),
    }
    if settings.slack.signing_secret is not None:
        return Noted("started", fields=fields)
    hint = "no way in from Slack is configured: alerts only, no commands"
    return Noted("started", "warning", {**fields, "hint": hint})


# --- running and stopping --------------------------------------------------------------------


def _eternals(running: _Running, settings: Settings, telemetry: Telemetry) -> list[Eternal]:
    bot, store, heart = running.bot, running.store, running.heart
    pollers = [Eternal(f"poller {name}", each.run) for name, each in bot.pollers.items()]
    cleaner = _Cleaner(store, settings.store, bot, telemetry)
    return [
        *pollers,
        Eternal("discovery", bot.discovery.run),
        Eternal("topics", bot.shelves.run),
        Eternal("silences", bot.silencing.run),
        Eternal("writer", bot.behind.run),
        Eternal("notifier", bot.notifier.run),
        Eternal("cleaner", cleaner.run),
        *([Eternal("heartbeat", heart.run)] if heart is not None else []),
    ]


def _steps(bot: Bot) -> list[Step]:
    async def stop_polling() -> None:
        bot.stop_polling()
        await asyncio.gather(*(poller.ended() for poller in bot.pollers.values()))

    return [
        Step("polls in hand", stop_polling),
        Step("samples", bot.behind.flush),
        Step("last delivery", bot.notifier.finish),
    ]


@dataclass(frozen=True, slots=True)
class _Cleaner:
    """Forgets what is older than the configuration keeps."""

    store: Store
    settings: StoreSettings
    bot: Bot
    telemetry: Telemetry

    async def run(self) -> None:
        while True:
            now = self.bot.clock.now()
            try:
                await self.store.forget_older(
                    samples=now - self.settings.samples, incidents=now - self.settings.incidents
                )
            except StoreError as error:
                reason = {"reason": str(error)}
                self.telemetry.record(Noted("old rows not deleted", "warning", reason))
            await asyncio.sleep(CLEANING_EVERY.total_seconds())
