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
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from aiohttp import web

from bot.adapters.dms.client import DmsClient, open_client
from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import SlackInbound
from bot.adapters.slack.signing import RequestVerifier
from bot.adapters.store.store import Store
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
from bot.app.slack_side import SlackConversation
from bot.app.storing import Opened, Stopped, opened_store, store_config
from bot.app.websites import Address, listening
from bot.ports import Noted, StoreError, Telemetry
from bot.settings.values import Settings, StoreSettings

CLEANING_EVERY = timedelta(hours=1)


Announce = Callable[[Address], None]


async def serve(
    settings: Settings, stop: asyncio.Event, *, announce: Announce | None = None
) -> None:
    """Runs the bot until `stop` is set.

    Raises: ConfigError; StoreUnusable; CannotListen.
    """
    clock = SystemClock()
    with _telemetry(settings, clock) as (voice, meters):
        config = store_config(settings.store)
        try:
            async with opened_store(config, settings.http, voice, stop=stop) as opened:
                await _serve(settings, opened, _Ambience(clock, voice, meters, stop), announce)
        except Stopped:
            pass
        voice.record(Noted("stopped"))


@dataclass(frozen=True, slots=True)
class _Ambience:
    """What surrounds a run."""

    clock: SystemClock
    voice: Voice
    meters: Meters
    stop: asyncio.Event


async def _serve(
    settings: Settings, opened: Opened, around: _Ambience, announce: Announce | None
) -> None:
    voice, clock, jitter, store = around.voice, around.clock, RandomJitter(), opened.store
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
            store_name=store.described,
        )
        bot = Bot(settings, outside, opened.snapshot)
        lifecycle = Lifecycle(voice, around.stop)
        routes = await stack.enter_async_context(_slack_routes(settings, bot, gateway, voice))
        sources = _web_sources(bot, store, lifecycle, around.meters)
        address = await stack.enter_async_context(listening(settings.http, sources, routes))
        await bot.start()
        voice.record(_started(settings, address, bot))
        if announce is not None:
            announce(address)
        settle_memory()
        await lifecycle.run(_eternals(bot, store, settings, voice), _steps(bot))


# --- opening ---------------------------------------------------------------------------------


@contextmanager
def _telemetry(settings: Settings, clock: SystemClock) -> Iterator[tuple[Voice, Meters]]:
    meters = Meters(version("dumptask-bot"))
    log = Log(
        sys.stderr,
        Redactor(settings.secret_values),
        clock=clock,
        level=settings.log.level,
        log_format=LogFormat(settings.log.format),
    )
    with log.adopting_stdlib():
        yield Voice(log, meters), meters


def _slack_access(settings: Settings) -> SlackAccess:
    slack = settings.slack
    return SlackAccess(
        slack.bot_token.reveal(),
        api_url=slack.api_url,
        proxy=slack.proxy.reveal() if slack.proxy else None,
        ca_file=str(slack.ca_file) if slack.ca_file else None,
    )


@asynccontextmanager
async def _slack_routes(
    settings: Settings, bot: Bot, gateway: SlackGateway, telemetry: Telemetry
) -> AsyncIterator[list[web.RouteDef]]:
    """Where Slack posts to; nowhere without a signing secret."""
    secret = settings.slack.signing_secret
    if secret is None:
        yield []
        return
    talk = SlackConversation(bot.conversation, gateway, telemetry, command=settings.slack.command)
    inbound = SlackInbound(
        RequestVerifier(secret.reveal(), bot.clock),
        talk.dispatch,
        respond=gateway.respond,
        telemetry=telemetry,
    )
    try:
        yield inbound.routes()
    finally:
        await inbound.close()
        await talk.close()


def _web_sources(bot: Bot, store: Store, lifecycle: Lifecycle, meters: Meters) -> Sources:
    async def metrics() -> bytes:
        backlog = None
        with suppress(StoreError):
            backlog = await bot.queries.backlog()
        views, incidents = bot.queries.views(), bot.queries.open_incidents()
        return meters.exposition(Scrape(bot.clock.now(), views, incidents, backlog))

    return Sources(
        reads=bot.queries,
        samples=store.samples,
        health=bot.health,
        metrics=metrics,
        alive=lambda: lifecycle.started,
        ready=lambda: lifecycle.started and not lifecycle.stopping,
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


def _eternals(bot: Bot, store: Store, settings: Settings, telemetry: Telemetry) -> list[Eternal]:
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
