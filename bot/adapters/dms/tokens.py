"""Credentials that run out: fetched once for everybody, renewed before their end, never hammered.

`Renewing` holds one such thing, a token or a set of temporary keys.

- One fetch at a time serves all who wait; it runs on its own, so that a poll whose time is up
  neither stops it nor leaves its outcome unknown.
- Shortly before the end the next one is fetched in the background while the old one still serves;
  when that fails, the old one serves until its end.
- A failed fetch is remembered: until its pause is over everybody gets that same failure. The pause
  grows from 2 seconds to 5 minutes; after a refusal (`CloudDenied`) it is as long as the caller of
  the constructor says, because repeated wrong passwords lock an IAM user.
- What the API refuses although it should still be good may be replaced once in ten minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.ports import CloudDenied, CloudError, CloudProtocolError, CloudThrottled, CloudUnavailable

Value = TypeVar("Value")

_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_REPLACEMENT_SECONDS = 600.0
_SHORTEST_LIFE = timedelta(minutes=1)
_ASSUMED_LIFE = timedelta(hours=1)
"""Where the end is not readable. IAM's tokens and the keys of a server live for 24 hours."""


@dataclass(frozen=True, slots=True)
class Lent(Generic[Value]):
    """A credential and how long it is good from now on."""

    value: Value
    life: timedelta


def life_until(expires_at: str | None, now: datetime) -> timedelta:
    """The time left until an instant such as 2019-02-13T06:52:13.855000Z.

    An hour when it is absent or unreadable; at least a minute, as a clock may be wrong.
    """
    try:
        end = datetime.fromisoformat(expires_at or "")
    except ValueError:
        return _ASSUMED_LIFE
    if end.tzinfo is None:
        end = end.replace(tzinfo=now.tzinfo)
    return max(end - now, _SHORTEST_LIFE)


class Renewing(Generic[Value]):
    """One renewable credential of one account. Times are the loop's."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Lent[Value]]],
        *,
        margin: timedelta,
        after_refusal: timedelta,
    ) -> None:
        """`margin` is how long before the end a new one is fetched, at most half the life.

        `after_refusal` is how long nothing is asked after a refusal.
        """
        self._fetch = fetch
        self._margin = margin.total_seconds()
        self._after_refusal = after_refusal.total_seconds()
        self._value: Value | None = None
        self._renew_at = self._good_until = 0.0
        self._failure: CloudError | None = None
        self._failures = 0
        self._ask_again_at = 0.0
        self._replace_again_at = 0.0
        self._fetching: asyncio.Task[None] | None = None

    @property
    def held(self) -> Value | None:
        """The one in hand, good or not."""
        return self._value

    def ready(self) -> Value | None:
        """A good one at once, or None when `current` must be awaited."""
        now = asyncio.get_running_loop().time()
        if self._value is None or now >= self._good_until:
            return None
        if now >= self._renew_at and now >= self._ask_again_at:
            self._fetching = self._the_fetch()
        return self._value

    async def current(self) -> Value:
        """A good one. Raises: CloudError, as the fetch did."""
        value = self.ready()
        return await self._fetched() if value is None else value

    async def replace(self, is_refused: Callable[[Value], bool]) -> bool:
        """Whether there is now another one than the refused. Raises: CloudError, as the fetch did.

        False when the fetch gave the same again, or when it is too early for another replacement.
        """
        value, now = self._value, asyncio.get_running_loop().time()
        if value is not None and is_refused(value):
            if now < self._replace_again_at:
                return False
            self._replace_again_at = now + _REPLACEMENT_SECONDS
            self._value = None
        return not is_refused(await self.current())

    async def close(self) -> None:
        """Ends a fetch that is still running."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _fetched(self) -> Value:
        now = asyncio.get_running_loop().time()
        if self._failure is None or now >= self._ask_again_at:
            self._fetching = self._the_fetch()
            await asyncio.shield(self._fetching)
        if self._failure is not None:
            raise _again(self._failure, self._ask_again_at)
        if self._value is None:  # replaced by another poll while this one woke up
            raise CloudUnavailable("the credentials were replaced at this moment")
        return self._value

    def _the_fetch(self) -> asyncio.Task[None]:
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        return asyncio.create_task(self._renew(), name="renew cloud credentials")

    async def _renew(self) -> None:
        try:
            lent = await self._fetch()
        except CloudError as error:
            self._remember(error)
            return
        now, life = asyncio.get_running_loop().time(), lent.life.total_seconds()
        self._value = lent.value
        self._good_until = now + life
        self._renew_at = now + max(life - self._margin, life / 2)
        self._failure, self._failures, self._ask_again_at = None, 0, 0.0

    def _remember(self, error: CloudError) -> None:
        pause = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        if isinstance(error, CloudDenied):
            pause = self._after_refusal
        if isinstance(error, CloudThrottled) and error.retry_after is not None:
            pause = max(pause, error.retry_after.total_seconds())
        self._failure = error
        self._failures = min(self._failures + 1, 16)
        self._ask_again_at = asyncio.get_running_loop().time() + pause


def _again(error: CloudError, at: float) -> CloudError:
    """The same failure for somebody else, who may be told how long it stands."""
    left = max(at - asyncio.get_running_loop().time(), 0.0)
    text = f"{error.detail} (asked again in {_words(left)})"
    request_id = error.request_id
    match error:
        case CloudThrottled():
            return CloudThrottled(text, retry_after=timedelta(seconds=left), request_id=request_id)
        case CloudDenied():
            return CloudDenied(text, request_id=request_id)
        case CloudProtocolError():
            return CloudProtocolError(text, request_id=request_id)
        case _:
            return CloudUnavailable(text, request_id=request_id)


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
