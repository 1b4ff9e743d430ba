"""Offsets that contradict those before: a topic made anew, a sink that begins again.

A single contradiction may be a bad reading, so it is a suspicion that a second poll confirms. No
lag or age reaches across a reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ResetKind(StrEnum):
    """How offsets contradicted themselves."""

    LOG_END_FELL = "log end fell"
    TRANSFERRED_FELL = "transferred offset fell"
    RAN_AHEAD = "transferred offset ahead of the log end"


@dataclass(frozen=True, slots=True)
class Reset:
    """Offsets that contradict those before; first a suspicion, then confirmed by a second poll."""

    kind: ResetKind
    at: datetime
    """The first poll that showed it."""
    end: int | None
    """The log end before."""
    transferred: int | None
    """The position before."""
    new_end: int | None = None
    new_transferred: int | None = None
    confirmed: bool = False


def contradiction(
    before: tuple[int | None, int | None], now: tuple[int | None, int | None], tolerance: int
) -> ResetKind | None:
    """Why (position, log end) cannot follow upon those before; None when they can.

    A position may be ahead of its log end by `tolerance`: the two are not read at one moment.
    """
    (position_before, end_before), (position, end) = before, now
    if end is not None and end_before is not None and end < end_before:
        return ResetKind.LOG_END_FELL
    if position is not None and position_before is not None and position < position_before:
        return ResetKind.TRANSFERRED_FELL
    if position is not None and end is not None and position > end + tolerance:
        return ResetKind.RAN_AHEAD
    return None
