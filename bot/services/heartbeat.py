"""Tells a watchdog outside that the bot does its work: that silence means something is wrong.

A beat is sent only while tasks are read and messages arrive. Whether the watchdog took it is
logged when that changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.domain.reports import HealthReport
from bot.ports import BotError, Noted, Telemetry

HARMLESS = frozenset({"configuration"})
"""Parts of health that keep neither reading nor telling from working."""

Ping = Callable[[], Awaitable[str]]
"""Sends one beat; why it was not taken, empty when it was."""


class Heartbeat:
    """Beats until cancelled."""

    def __init__(
        self,
        health: Callable[[], Awaitable[HealthReport]],
        ping: Ping,
        *,
        every: timedelta,
        telemetry: Telemetry,
    ) -> None:
        self._health = health
        self._ping = ping
        self._every = every
        self._telemetry = telemetry
        self._last: str | None = None

    async def run(self) -> None:
        """Beats every so often."""
        while True:
            await self.beat()
            await asyncio.sleep(self._every.total_seconds())

    async def beat(self) -> bool:
        """One beat, if the bot is well enough; whether it was sent and taken."""
        try:
            ailing = _ailing(await self._health())
        except BotError as error:
            ailing = str(error)
        if ailing:
            self._note(f"held back: {ailing}")
            return False
        why = await self._ping()
        self._note(why)
        return not why

    def _note(self, why: str) -> None:
        if why == self._last:
            return
        if why:
            self._telemetry.record(Noted("heartbeat not sent", "warning", {"reason": why}))
        elif self._last is not None:
            self._telemetry.record(Noted("heartbeat sent again"))
        self._last = why


def _ailing(report: HealthReport) -> str:
    """What keeps the bot from reading or telling; empty where nothing does."""
    parts = [each.part for each in report.ailments if each.part not in HARMLESS]
    unread = sum(a.tasks for a in report.accounts) and not sum(a.fresh for a in report.accounts)
    return ", ".join(parts) or ("no task is freshly read" if unread else "")
