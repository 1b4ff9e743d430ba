"""The process itself: time, luck, and what the bot says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.notifications import Reason


class Clock(Protocol):
    """Wall time. Waiting and measuring use the event loop's monotonic clock instead."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class Jitter(Protocol):
    """Randomness, only ever for spreading retries."""

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        ...


@dataclass(frozen=True, slots=True)
class PollMeasured:
    """One poll ended. `result` is "ok" or a FailureKind."""

    account: str
    result: str
    took: timedelta
    late: timedelta


@dataclass(frozen=True, slots=True)
class DeliveryMeasured:
    """One delivery was tried. `result`: delivered, postponed, given_up."""

    reason: Reason
    result: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth a log line. `event` is a fixed phrase; fields are safe to write."""

    event: str
    level: str = "info"
    """debug, info, warning or error."""
    fields: Mapping[str, object] = field(default_factory=dict)
    error: BaseException | None = None
    """Written with its trace; only for defects of the bot itself."""


Measured = PollMeasured | DeliveryMeasured | Noted


class Telemetry(Protocol):
    """What the bot says of itself. Never raises, never blocks."""

    def record(self, measured: Measured) -> None:
        """Counts or logs one thing."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every service is given of the process it runs in."""

    clock: Clock
    jitter: Jitter
    telemetry: Telemetry
