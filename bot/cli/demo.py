"""`demo`: the real bot against a simulated cloud and a simulated Slack, on loopback.

Needs no credentials and leaves nothing behind. Speed divides the durations of its configuration
and of its scenario, so that minutes pass in seconds; clocks stay real.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from bot.app.lifecycle import stopped_by_signals
from bot.app.websites import Address
from bot.demo.cloud import CLOUD, SimulatedCloud, make_cloud
from bot.demo.scenario import SCENARIOS
from bot.demo.serving import serve as listen
from bot.demo.slack.identity import ChannelSeed, WorkspaceSeed
from bot.demo.slack.rates import RateTable
from bot.demo.slack.simulator import SimulatedSlack, SlackOptions
from bot.ports import ConfigError
from bot.settings import Settings, Source, parse
from bot.settings.scalars import Wrong, duration
from bot.settings.speed import sped_up

PORT = 8321
CONFIG = "demo.yaml"
SHOWN = {
    "default": "A task stalls in a few seconds.",
    "healthy": "All tasks are well and stay so.",
    "storm": "Fourteen of twenty-four tasks fail at once and come back together.",
    "outage": "The cloud's API is away for a while; the dumps go on.",
    "throttled": "The cloud refuses too many requests, twice for a while.",
    "slow": "The cloud answers slowly for a while.",
    "denied": "The credentials are refused for a while.",
    "vendor": "One task, with the answer of the vendor's own page.",
    "everything": "One task for each way in which a dump behaves.",
}
"""What a scenario will show."""
WORKSPACE = WorkspaceSeed(
    channels=(
        ChannelSeed("C0ORDERS", "team-orders", topic="Alerts of the orders team"),
        ChannelSeed("C0DATA", "data-alerts", topic="Everybody else's dumping tasks"),
    )
)
"""The first channel is the one the page opens: there the tour's task stalls."""


@dataclass(frozen=True, slots=True)
class World:
    """The simulated outside, listening."""

    cloud: SimulatedCloud
    cloud_url: str
    slack: SimulatedSlack
    page_url: str


def run(options: argparse.Namespace) -> int:
    """Runs until a signal, or for `--duration`; then prints what happened.

    Raises: ConfigError for an unknown scenario.
    """
    if options.scenario not in SCENARIOS:
        known = ", ".join(sorted(SCENARIOS))
        raise ConfigError([f"demo: no scenario {options.scenario!r}; there are {known}"])
    asyncio.run(_demo(options, _seconds(options.duration)))
    return 0


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else duration(text).total_seconds()
    except Wrong as wrong:
        raise ConfigError(
            [f"demo: --duration: found {text!r}, {wrong.right} would be right"]
        ) from None


async def _demo(options: argparse.Namespace, duration_s: float | None) -> None:
    with tempfile.TemporaryDirectory(prefix="dumptask-demo-") as folder:
        async with _world(options) as world:
            # Said before the bot is even imported: the page can be opened meanwhile.
            print(f"Slack, simulated:  {world.page_url}", flush=True)
            from bot.app.serving import serve  # noqa: PLC0415

            settings = _settings(world, Path(folder), options.speed)
            stop = asyncio.Event()
            with stopped_by_signals(stop):
                ending = asyncio.create_task(_end_after(duration_s, stop))
                await serve(settings, stop, announce=partial(_welcome, world, options.scenario))
                ending.cancel()
            print(_summary(world))


async def _end_after(seconds: float | None, stop: asyncio.Event) -> None:
    if seconds is not None:
        await asyncio.sleep(seconds)
        stop.set()


# --- the simulated outside -------------------------------------------------------------------


@asynccontextmanager
async def _world(options: argparse.Namespace) -> AsyncIterator[World]:
    application = make_cloud(SCENARIOS[options.scenario](1), speed=options.speed)
    cloud_runner, cloud_port = await listen(application)
    slack = SimulatedSlack(WORKSPACE, options=SlackOptions(rate_limits=RateTable()))
    try:
        slack_runner, page_port = await _listen_near(slack, options.port)
        try:
            slack.base_url = f"http://127.0.0.1:{page_port}"
            cloud_url = f"http://127.0.0.1:{cloud_port}"
            yield World(application[CLOUD], cloud_url, slack, f"{slack.base_url}/")
        finally:
            await slack_runner.cleanup()
    finally:
        await cloud_runner.cleanup()


async def _listen_near(slack: SimulatedSlack, port: int) -> tuple[web.AppRunner, int]:
    try:
        return await listen(slack.application(), port=port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or port != PORT:
            raise ConfigError([f"demo: port {port} cannot be had: {error.strerror}"]) from error
        return await listen(slack.application(), port=0)


def _settings(world: World, folder: Path, speed: float) -> Settings:
    """The demo's configuration, with the addresses and keys of the world in its environment."""
    tenant, credentials = world.cloud.tenant, world.slack.options.credentials
    environ = {
        "DEMO_CLOUD_URL": world.cloud_url,
        "DEMO_PROJECT_ID": world.cloud.scenario.project_id,
        "DEMO_AK": tenant.access_key,
        "DEMO_SK": tenant.secret_key,
        "DEMO_SLACK_URL": f"{world.slack.base_url}/api/",
        "DEMO_BOT_TOKEN": credentials.bot_token,
        "DEMO_SIGNING_SECRET": credentials.signing_secret,
    }
    path = Path(str(files("bot.demo"))) / CONFIG  # in a checkout a link to config/
    settings = parse(Source(path.read_text(encoding="utf-8"), str(path), environ))
    store = replace(settings.store, path=str(folder / "dumptask.db"))
    return sped_up(replace(settings, store=store), speed)


# --- what is printed -------------------------------------------------------------------------


def _welcome(world: World, scenario: str, address: Address) -> None:
    world.slack.command_url = f"{address.public}/slack/commands"
    world.slack.interaction_url = f"{address.public}/slack/interactions"
    print(f"The bot's status:  {address.public}/")
    print(f"{SHOWN[scenario]} Ctrl-C ends the demo.", flush=True)


def _summary(world: World) -> str:
    calls = world.slack.calls
    polls = world.cloud.journal.total
    posts = calls.get("chat.postMessage", 0)
    edits = calls.get("chat.update", 0)
    return f"{polls} requests to the cloud, {posts} messages posted, {edits} edits"
