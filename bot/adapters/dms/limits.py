"""How much one account is asked at a time, how often, and when not at all.

Three bounds, all on the loop's clock: so many requests in flight, a distance between two requests,
and a pause that the cloud imposes on the whole account when it throttles. Requests pass in the
order they came. One that is cancelled or runs out of time while it waits gives its place back and
costs nothing.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.ports import CloudError, CloudThrottled, CloudUnavailable

_OVERSHOOT_SECONDS = 0.005
"""How late a timer may fire without the rate being lowered by it."""
_ROUNDING_SECONDS = 1e-6


class Gate:
    """The door through which every request of an account goes: `enter`, send, `leave`."""

    def __init__(self, *, concurrency: int, requests_per_second: float) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._order = asyncio.Lock()
        self._spacing = 1.0 / requests_per_second
        self._next = 0.0
        self._paused_until = 0.0
        self._bounds = f"{concurrency} in flight, {requests_per_second:g} a second"

    def pause(self, seconds: float) -> None:
        """Nothing passes for so long. A shorter pause does not end a longer one."""
        now = asyncio.get_running_loop().time()
        self._paused_until = max(self._paused_until, now + seconds)

    @property
    def paused_until(self) -> float:
        """On the loop's clock; in the past when nothing is paused."""
        return self._paused_until

    async def enter(self, deadline: float) -> None:
        """Waits for a place and for a moment to send. `deadline` is on the loop's clock.

        Raises:
            CloudThrottled: the cloud's pause lasts beyond the deadline.
            CloudUnavailable: earlier requests kept the account busy until the deadline.
        """
        loop = asyncio.get_running_loop()
        if self._paused_until > deadline:
            raise self._gave_up()
        if not self._places.locked() and self._free_at(loop.time()):
            await self._places.acquire()
            self._take(loop.time())
            return
        try:
            async with asyncio.timeout_at(deadline):
                await self._wait(deadline)
        except TimeoutError as error:
            raise self._gave_up() from error

    def leave(self) -> None:
        """Gives the place back; once for every `enter` that returned."""
        self._places.release()

    async def _wait(self, deadline: float) -> None:
        await self._places.acquire()
        try:
            async with self._order:
                await self._sleep_until_free(deadline)
        except BaseException:
            self._places.release()
            raise

    async def _sleep_until_free(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        # A timer fires at its moment but for a rounding error: no reason to wait again.
        while (left := max(self._next, self._paused_until) - loop.time()) > _ROUNDING_SECONDS:
            if self._paused_until > deadline:
                raise self._gave_up()
            await asyncio.sleep(left)
        self._take(loop.time())

    def _free_at(self, now: float) -> bool:
        return not self._order.locked() and max(self._next, self._paused_until) <= now

    def _take(self, now: float) -> None:
        late = now - self._next
        self._next = (self._next if late < _OVERSHOOT_SECONDS else now) + self._spacing

    def _gave_up(self) -> CloudError:
        left = self._paused_until - asyncio.get_running_loop().time()
        if left > 0:
            return CloudThrottled(
                f"the cloud asked for a pause, {left:.1f} s of it are left",
                retry_after=timedelta(seconds=left),
            )
        return CloudUnavailable(
            f"no request could be sent in time: the account's own bounds ({self._bounds}) are used"
            " up by earlier requests"
        )
