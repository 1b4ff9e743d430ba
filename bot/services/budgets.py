"""How often Slack may be called: one budget per channel for posts, one for everything else.

Slack allows about one chat.postMessage per second and channel and 50 chat.update a minute per
workspace (Web API rate limits, tier 3), and says 429 with a time when it thinks otherwise. Each
budget is held by its own 429 alone.

Who finds a budget empty is told when its turn comes, one after the other, so that hundreds of
messages for one channel do not all ask again each second. Numbers that merely change leave a few
calls to what must be heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

POST_EVERY = timedelta(seconds=1)
UPDATE_EVERY = timedelta(seconds=1.2)
BURST = 5
"""Calls that may come at once after a pause; Slack tolerates short bursts."""
LEFT_FREE = 2
"""Calls that are left to what is urgent."""
SHORTEST_WAIT = 0.01
"""Seconds; a shorter wait would be over before it is noted."""
LONGEST_WAIT = 10.0
"""Seconds after which numbers ask again: what must be heard may have taken their place."""


@dataclass(slots=True)
class Budget:
    """A token bucket on the loop's clock, with a hold, and a line of those who wait."""

    every: timedelta
    burst: int = BURST
    _tokens: float = field(default=BURST)
    _filled_at: float = 0.0
    _held_until: float = 0.0
    _urgent_waiting: int = 0
    _others_waiting: int = 0

    def turn(self, now: float, *, urgent: bool) -> float:
        """Takes the token of one call and returns 0; or the seconds until its turn may come."""
        wait = self._wait(now, left_free=0 if urgent else LEFT_FREE)
        if wait <= 0:
            self._tokens -= 1
            return 0.0
        every = self.every.total_seconds()
        if urgent:
            self._urgent_waiting += 1
            return max(wait + (self._urgent_waiting - 1) * every, SHORTEST_WAIT)
        self._others_waiting += 1
        wait += (self._urgent_waiting + self._others_waiting - 1) * every
        return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)

    def hold(self, now: float, duration: timedelta) -> None:
        """Allows nothing for a while: Slack said so."""
        self._held_until = max(self._held_until, now + duration.total_seconds())

    def line_up_anew(self) -> None:
        """Forgets who waits: they ask again when their turn has come."""
        self._urgent_waiting = self._others_waiting = 0

    def _wait(self, now: float, *, left_free: int) -> float:
        self._fill(now)
        missing = max(0.0, 1 + left_free - self._tokens) * self.every.total_seconds()
        return max(missing, self._held_until - now, 0.0)

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

    def line_up_anew(self) -> None:
        """Forgets who waits."""
        for budget in self._all():
            budget.line_up_anew()

    def _all(self) -> Iterator[Budget]:
        yield self._updates
        yield from self._channels.values()
