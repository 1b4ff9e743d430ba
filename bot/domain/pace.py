"""How often a task really delivers: its effective delivery interval D.

A task may deliver more rarely than it is configured to, because positions are committed on a tick
of their own. Levels in delivery intervals are then measured in what it really does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bot.domain.climbs import COMMIT_WITHIN
from bot.domain.deliveries import Deliveries
from bot.domain.turns import Poll

GAPS_KEPT = 21
GAPS_NEEDED = 11
MOST_TIMES = 3
"""A task that delivers more rarely than so many times its configured interval is not excused by
doing it always."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The latest gaps between deliveries in which something waited to be delivered."""

    configured: timedelta = timedelta(0)
    gaps_s: tuple[int, ...] = ()
    """In seconds, oldest first, at most GAPS_KEPT."""
    learned: timedelta | None = None
    """The effective D where it is longer than the configured one."""


def paced(
    pace: Pace,
    gap: timedelta | None,
    *,
    configured: timedelta,
    interval: timedelta,
) -> Pace:
    """The pace after one more poll; `gap` is None when nothing was delivered.

    `interval` is P: of a D below 2P a gap is seen too long by up to P.
    """
    if pace.configured != configured:
        pace = Pace(configured)
    if gap is None:
        return pace
    gaps = (*pace.gaps_s, round(gap.total_seconds()))[-GAPS_KEPT:]
    if len(gaps) < GAPS_NEEDED:
        return Pace(configured, gaps)
    typical = timedelta(seconds=median(gaps))
    if configured < 2 * interval:
        typical -= interval
    # What the tick of commits adds, every level bears already.
    longer = typical > configured + COMMIT_WITHIN
    return Pace(configured, gaps, min(typical, MOST_TIMES * configured) if longer else None)


def gap_between(
    before: Mapping[str, Deliveries], after: Mapping[str, Deliveries], poll: Poll
) -> timedelta | None:
    """The longest gap over all topics that ended with a poll.

    None when nothing was delivered, or when a poll came late in it.
    """
    longest: timedelta | None = None
    for name, deliveries in after.items():
        known = before.get(name)
        if known is not None and deliveries.moved_at is not known.moved_at:
            gap = _gap(known, deliveries, poll)
            if gap is not None and (longest is None or gap > longest):
                longest = gap
    return longest


def _gap(before: Deliveries, after: Deliveries, poll: Poll) -> timedelta | None:
    if poll.at not in after.moved_at:
        return None
    previous = max((moved for moved in before.moved_at if moved is not None), default=None)
    if previous is None or (poll.gap_at is not None and poll.gap_at > previous):
        return None
    caught_up = before.caught_up_at()
    if caught_up is not None and caught_up > previous:
        return None  # What came late in the cycle did not wait for all of it.
    return poll.at - previous
