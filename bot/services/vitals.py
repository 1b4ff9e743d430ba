"""How the bot itself is doing, gathered from what it records on the way.

Stands in front of the real telemetry and passes everything on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports import Clock, DeliveryMeasured, Measured, PollMeasured, Telemetry

RECENT = timedelta(minutes=2)
"""Lateness is the worst of the polls of this time."""


@dataclass(frozen=True, slots=True)
class _Late:
    at: datetime
    late: timedelta


class Vitals:
    """A Telemetry that remembers what `health` asks for."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._polls: deque[_Late] = deque()
        self.given_up = 0
        """Messages that could not be delivered at all, since the start."""

    def record(self, measured: Measured) -> None:
        """Remembers what matters for health and passes it on."""
        match measured:
            case PollMeasured():
                self._note_lateness(measured.late)
            case DeliveryMeasured(result="given_up"):
                self.given_up += 1
            case _:
                pass
        self._telemetry.record(measured)

    def lateness(self) -> timedelta:
        """How late the latest polls were, at worst."""
        self._forget()
        return max((poll.late for poll in self._polls), default=timedelta(0))

    def _note_lateness(self, late: timedelta) -> None:
        now = self._clock.now()
        # Only maxima matter: what is older and less late than the newest can never be the worst.
        while self._polls and self._polls[-1].late <= late:
            self._polls.pop()
        self._polls.append(_Late(now, late))
        self._forget()

    def _forget(self) -> None:
        now = self._clock.now()
        while self._polls and now - self._polls[0].at > RECENT:
            self._polls.popleft()
