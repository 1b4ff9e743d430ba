"""`run`: the bot, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import os

from bot.app.lifecycle import stopped_by_signals
from bot.app.reloading import Reloading
from bot.app.serving import serve
from bot.settings import Settings, load


def run(options: argparse.Namespace) -> int:
    """Runs until told to stop.

    Raises: ConfigError; StoreUnusable when the SQLite file cannot be used.
    """
    settings = load(options.config, os.environ)
    asyncio.run(_until_signal(settings, Reloading(options.config, dict(os.environ))))
    return 0


async def _until_signal(settings: Settings, reloading: Reloading) -> None:
    stop = asyncio.Event()
    with stopped_by_signals(stop, hangup=reloading.ask):
        await serve(settings, stop, reloading=reloading)
