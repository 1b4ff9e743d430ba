"""Keeps strangers from filling the log: a refusal is noted when its reason is new, then counted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.adapters.slack.signing import Refusal
from bot.ports import Noted, Telemetry

QUIET_FOR = timedelta(minutes=1)


class Knocks:
    """Notes refused requests. Runs inside an event loop, whose clock it measures with."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._noted_s: dict[Refusal, float] = {}
        self._since: dict[Refusal, int] = {}

    def refused(self, refusal: Refusal, path: str) -> None:
        """Notes the refusal, with how many alike went unsaid before it."""
        now_s = asyncio.get_running_loop().time()
        last_s = self._noted_s.get(refusal)
        if last_s is not None and now_s - last_s < QUIET_FOR.total_seconds():
            self._since[refusal] = self._since.get(refusal, 0) + 1
            return
        self._noted_s[refusal] = now_s
        fields = {"reason": refusal.value, "path": path, "unsaid": self._since.pop(refusal, 0)}
        self._telemetry.record(Noted("slack request refused", "warning", fields))
