"""Slack's rate limits: a budget per method, and one per channel for posting.

Each budget is a bucket that holds a minute's worth of calls and refills evenly, so a burst passes
and a lasting excess is refused with the whole seconds until the next call may succeed
(Retry-After). Figures: Slack's "Rate limits" page and the method table of the Java SDK; a tier is
counted per method, workspace and app.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Tier(Enum):
    """The rate class of a method; the value is the number of calls a minute Slack promises."""

    TIER_1 = 1
    TIER_2 = 20
    TIER_3 = 50
    TIER_4 = 100
    SPECIAL = 600
    POSTING = 300


@dataclass(frozen=True, slots=True)
class Allowance:
    """`burst` calls at once, refilled at `per_minute`."""

    per_minute: float
    burst: float


def _per_method() -> dict[Tier, Allowance]:
    return {tier: Allowance(tier.value, tier.value) for tier in Tier}


@dataclass(frozen=True, slots=True)
class RateTable:
    """What is allowed: per method by tier, and per channel for chat.postMessage."""

    per_method: Mapping[Tier, Allowance] = field(default_factory=_per_method)
    posts_per_channel: Allowance = field(default=Allowance(per_minute=60, burst=5))


class _Bucket:
    def __init__(self, allowance: Allowance, now_s: float) -> None:
        self._allowance = allowance
        self._tokens = allowance.burst
        self._at_s = now_s

    def missing_s(self, now_s: float) -> float:
        """Seconds until a call fits; 0 when one fits now."""
        per_s = self._allowance.per_minute / 60
        gained = (now_s - self._at_s) * per_s
        self._tokens = min(self._allowance.burst, self._tokens + gained)
        self._at_s = now_s
        return max(0.0, (1 - self._tokens) / per_s)

    def take(self) -> None:
        self._tokens -= 1


class RateLimiter:
    """The buckets of one workspace and app. A refused call costs nothing."""

    def __init__(self, table: RateTable | None, monotonic_s: Callable[[], float]) -> None:
        self._table = table
        self._monotonic_s = monotonic_s
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, method: str, tier: Tier, *, channel_id: str) -> int | None:
        """Count one call. None when it may pass, else the seconds of Retry-After (at least 1)."""
        if self._table is None:
            return None
        now_s = self._monotonic_s()
        buckets = self._buckets_of(self._table, method, tier=tier, channel_id=channel_id)
        wait_s = max(bucket.missing_s(now_s) for bucket in buckets)
        if wait_s > 0:
            return math.ceil(wait_s)
        for bucket in buckets:
            bucket.take()
        return None

    def _buckets_of(
        self, table: RateTable, method: str, *, tier: Tier, channel_id: str
    ) -> list[_Bucket]:
        found = [self._bucket((method, ""), table.per_method[tier])]
        if tier is Tier.POSTING:
            found.append(self._bucket((method, channel_id), table.posts_per_channel))
        return found

    def _bucket(self, key: tuple[str, str], allowance: Allowance) -> _Bucket:
        if key not in self._buckets:
            self._buckets[key] = _Bucket(allowance, self._monotonic_s())
        return self._buckets[key]
