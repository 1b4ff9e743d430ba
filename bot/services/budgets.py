"""How often Slack may be called: one budget per channel for posts, one for everything else.

Slack allows about one chat.postMessage per second and channel and 50 chat.update a minute per
workspace (Web API rate limits, tier 3), and says 429 with a time when it thinks otherwise. Each
budget is held by its own 429 alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

POST_EVERY = timedelta(seconds=1)
UPDATE_EVERY = timedelta(seconds=1.2)
BURST = 5
"""Calls that may come at once after a pause; Slack tolerates short bursts."""


@dataclass(slots=True)
class Budget:
    """A token bucket on the loop's clock, with a hold."""

    every: timedelta
    burst: int = BURST
    _tokens: float = field(default=BURST)
    _filled_at: float = 0.0
    _held_until: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next call is allowed; 0 when it is allowed now."""
        self._fill(now)
        missing = max(0.0, 1 - self._tokens) * self.every.total_seconds()
        return max(missing, self._held_until - now, 0.0)

    def spend(self, now: float) -> None:
        """Takes the token of one call."""
        self._fill(now)
        self._tokens -= 1

    def hold(self, now: float, duration: timedelta) -> None:
        """Allows nothing for a while: Slack said so."""
        self._held_until = max(self._held_until, now + duration.total_seconds())

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) / self.every.total_seconds()
        self._tokens = min(float(self.burst), self._tokens + max(0.0, gained))
        self._filled_at = now


class Budgets:
    """The budgets of one workspace."""

    def __init__(self) -> None:
        self._channels: dict[str, Budget] = {}
        self._updates = Budget(UPDATE_EVERY)

    def of(self, channel: str, *, posts: bool) -> Budget:
        """The budget that a call draws on."""
        if not posts:
            return self._updates
        return self._channels.setdefault(channel, Budget(POST_EVERY))
