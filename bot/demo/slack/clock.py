"""The simulator's two clocks and the timestamps that name its messages.

The wall clock stamps messages and signatures; the monotonic one measures what has a length: rate
limits, the life of a trigger and of a response URL. Tests give their own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SlackClock:
    """Where the simulator takes the time from."""

    now: Callable[[], datetime] = _wall
    monotonic_s: Callable[[], float] = time.monotonic

    def epoch_s(self) -> int:
        """Whole seconds since 1970, as signatures and dates carry them."""
        return int(self.now().timestamp())


class TimestampSource:
    """Message timestamps: seconds and six decimals, unique and rising whatever the clock does."""

    def __init__(self, clock: SlackClock) -> None:
        self._clock = clock
        self._last_us = 0

    def next(self) -> str:
        """The next timestamp, such as 1700000000.000100."""
        now_us = round(self._clock.now().timestamp() * 1_000_000)
        self._last_us = max(now_us, self._last_us + 1)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"
