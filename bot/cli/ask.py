"""`ask`: any `/dumptask` text from a terminal, over the store.

Whether a bot runs does not matter: what is stored is read, and an act is written as any process
over this store would write it. A bot that runs takes it up and edits its cards.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
from zoneinfo import ZoneInfo

from bot.adapters.store.config import Access
from bot.app.ambient import SystemClock
from bot.cli.stored import Stored, stored
from bot.domain.act_commands import Acknowledge, Mute, Unacknowledge, Unmute
from bot.domain.commands import parse
from bot.domain.model import WatchedTask
from bot.domain.quoting import from_arguments
from bot.domain.reports import HealthReport
from bot.domain.syntax import CommandSyntaxError
from bot.ports import Measured, RequestError
from bot.presenters import plain
from bot.presenters.answer import Answer
from bot.presenters.answer_json import as_json
from bot.services.actions import Actions, Speaker
from bot.services.conversation import Conversation
from bot.services.deeds import Deeds
from bot.services.fleet import Fleet
from bot.services.monitor import Monitor
from bot.services.queries import Queries
from bot.services.silencing import Silencing
from bot.services.writer import WriteBehind
from bot.settings import load
from bot.settings.values import Settings

_NOT_DONE = 2


def run(options: argparse.Namespace) -> int:
    """Prints the answer. 2 where what was asked was not understood, or not done.

    Raises: ConfigError; StoreUnusable, StoreUnavailable.
    """
    settings = load(options.config, os.environ, require_secrets=False)
    answer = asyncio.run(_asked(settings, from_arguments(options.text)))
    if options.json:
        print(json.dumps(as_json(answer), indent=2, ensure_ascii=False))
    else:
        print(plain.render(answer), end="")
    return _NOT_DONE if answer.refused else 0


async def _asked(settings: Settings, text: str) -> Answer:
    access = Access.GUEST if _writes(text) else Access.READER
    async with stored(settings, "ask", access=access) as opened:
        conversation = await _conversation(settings, opened)
        turn = await conversation.say(text, Speaker(getpass.getuser()))
        return turn.answer if turn.follow_up is None else await turn.follow_up()


def _writes(text: str) -> bool:
    try:
        return isinstance(parse(text), Acknowledge | Unacknowledge | Mute | Unmute)
    except CommandSyntaxError:
        return False


async def _conversation(settings: Settings, opened: Stored) -> Conversation:
    store, clock, silent = opened.store, SystemClock(), _Silent()
    fleet = Fleet(settings.accounts, opened.snapshot)
    fleet.watch(opened.tasks, settings.policies.rules, poll=settings.policies.poll)
    silencing = Silencing(store, clock=clock, telemetry=silent)
    await silencing.read()
    monitor = Monitor(
        fleet,
        store,
        WriteBehind(store, silent),
        silent,
        settings.policies,
        silences=lambda: silencing.current,
    )
    zone = ZoneInfo(settings.slack.timezone)
    actions = Actions(fleet, monitor, silencing, clock=clock, zone=zone, permit=_permit)
    return Conversation(
        fleet,
        Queries(fleet, store, store, policies=lambda: settings.policies, clock=clock),
        Deeds(fleet, actions, silencing, store, clock=clock),
        health=_health,
        refresh=_refresh,
        clock=clock,
    )


class _Silent:
    """No log and no metrics: the answer says it all."""

    def record(self, measured: Measured) -> None:
        """Nothing."""


async def _permit(_speaker: Speaker) -> str:
    # Who can read the configuration and write the store needs no leave.
    return ""


async def _health() -> HealthReport:
    raise RequestError("Health is about a bot that runs: ask in Slack, or GET /api/health.")


async def _refresh(_task: WatchedTask) -> None:
    raise RequestError("The store cannot ask the cloud: dumptask-bot query does.")
