"""What becomes of a message that Slack did not take: from the kind of refusal to a fate.

Some mishaps are counted, because they might go on for ever: lost answers (each may leave a
duplicate behind), vanished targets (each makes a new card), refusals that nobody knows, defects of
the bot. Everything else is tried again until it works or a person has mended it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    Rejection,
)

BACKOFF = (5, 15, 45, 120, 300)
"""Seconds before the next try, by tries so far; the last one repeats."""
LOST_BACKOFF = (5, 30, 120, 600)
"""Seconds after a lost answer, likewise: together the tries outlast an outage of an hour."""
SLOW_RETRY = timedelta(minutes=5)
"""For what a person has to mend."""
DEAD_TOKEN_PAUSE = timedelta(seconds=60)


class Mishap(StrEnum):
    """What may befall one message only so often."""

    LOST = "lost"
    """A post whose answer was lost: it may stand there."""
    GONE = "gone"
    """The message to edit or to reply to is not there."""
    REFUSED = "refused"
    """Refused for a reason that nobody knows how to mend; it holds up what follows it."""
    DEFECT = "defect"
    """The bot itself stumbled over it."""


MOST = {Mishap.LOST: 12, Mishap.GONE: 4, Mishap.REFUSED: 24, Mishap.DEFECT: 6}
"""Mishaps after which a message is given up."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is as it should be."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It waits."""

    wait: timedelta
    why: str
    jittered: bool = False
    """Whether the wait is the bot's own idea, and may be a little longer or shorter."""
    counts: bool = True
    ambiguous: bool = False
    plain: bool = False
    anew: bool = False
    """The card is to be posted anew, because its message is gone."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is never sent."""

    why: str


Fate = Delivered | TryAgain | GiveUp


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known of the message that was tried."""

    attempts: int
    """Tries before this one."""
    posts: bool
    """Whether it makes a message; an edit may be repeated at will."""
    rooted: bool
    """Whether it spoke to a message that is there: an edit or a reply."""
    urgent: bool
    """Whether it must be heard; False for numbers that merely changed."""
    plain: bool


def mishap(error: ChatError, tried: Tried) -> Mishap | None:
    """Which mishap an answer is; None for what is not counted."""
    match error:
        case ChatAmbiguous() if tried.posts:
            return Mishap.LOST
        case ChatRejected(rejection=Rejection.TARGET_GONE) if tried.rooted:
            return Mishap.GONE
        case ChatRejected(rejection=Rejection.OTHER):
            return Mishap.REFUSED
        case _:
            return None


def fate_of(error: ChatError, tried: Tried, *, times: int) -> Fate:
    """What becomes of a message after this answer, its mishap being the so manieth of its kind."""
    kind = mishap(error, tried)
    if kind is not None and times >= MOST[kind]:
        return GiveUp(error.detail)
    match error:
        case ChatThrottled(retry_after=retry_after):
            return TryAgain(retry_after, error.detail, counts=False)
        case ChatAmbiguous() if tried.posts:
            wait = _step(LOST_BACKOFF, times - 1)
            return TryAgain(wait, error.detail, jittered=True, ambiguous=True)
        case ChatRejected():
            return _after_refusal(error, tried, times)
        case _:
            return TryAgain(_step(BACKOFF, tried.attempts), error.detail, jittered=True)


def after_defect(*, times: int) -> Fate:
    """What becomes of a message that the bot itself stumbled over for the so manieth time."""
    why = "a defect of the bot"
    if times >= MOST[Mishap.DEFECT]:
        return GiveUp(why)
    return TryAgain(_step(BACKOFF, times - 1), why, jittered=True)


def _after_refusal(error: ChatRejected, tried: Tried, times: int) -> Fate:
    match error.rejection:
        case Rejection.HARMLESS:
            return Delivered()
        case Rejection.TARGET_GONE if tried.rooted:
            return _without_target(error, tried, times)
        case Rejection.PAYLOAD if tried.plain:
            return GiveUp(error.detail)
        case Rejection.PAYLOAD:
            return TryAgain(timedelta(0), error.detail, plain=True)
        case Rejection.CREDENTIAL:
            return TryAgain(DEAD_TOKEN_PAUSE, error.detail)
        case Rejection.CHANNEL | Rejection.OTHER | Rejection.TARGET_GONE:
            return TryAgain(SLOW_RETRY, error.detail)
    assert_never(error.rejection)


def _without_target(error: ChatRejected, tried: Tried, times: int) -> Fate:
    # Where a workspace forbids late edits, numbers must not make a new card each time they change.
    if error.code == "edit_window_closed" and not tried.urgent:
        return Delivered()
    wait = timedelta(0) if times == 1 else _step(BACKOFF, times)
    return TryAgain(wait, error.detail, anew=True)


def _step(seconds: tuple[int, ...], tries: int) -> timedelta:
    return timedelta(seconds=seconds[min(tries, len(seconds) - 1)])
