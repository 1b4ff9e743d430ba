"""Wall time and randomness: read and made here, and nowhere else."""

from __future__ import annotations

import random
from datetime import UTC, datetime


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)


class RandomJitter:
    """Real randomness."""

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return random.uniform(low, high)  # noqa: S311 - spreads retries, protects nothing
