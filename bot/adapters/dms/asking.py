"""Asks one account, in its name and within its bounds, until there is an answer or no time left.

A request goes through the account's gate (places in flight, distance, pauses), is given headers by
the credentials, and must be answered within the request time-out and within what is left of the
caller's time. What follows:

- no answer, 5xx: tried again after a growing, jittered delay, four times at most in all;
- throttled: the gate is shut for the time the cloud names, or 2 to 5 seconds as the vendor advises,
  for the whole account; then tried again if there is time;
- 401: the credentials are renewed once, where they can be, and the request is repeated once;
- everything else is for the caller.

Errors leave with the account's name and, where there is one, the request's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from bot.adapters.dms.account import AccountConfig
from bot.adapters.dms.auth import Credentials
from bot.adapters.dms.calls import Call
from bot.adapters.dms.errors import Refusal, complaint_of, error_of, request_id_of
from bot.adapters.dms.limits import Gate
from bot.adapters.dms.transport import Answer, Request, Transport
from bot.ports import Clock, CloudError, CloudThrottled, CloudUnavailable, Jitter

Read = TypeVar("Read")

_ATTEMPTS = 4
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 8.0
_UNNAMED_PAUSE_SECONDS = (2.0, 5.0)
"""What the vendor's FAQ on code 0308 advises, as the cloud seldom names a time."""


class Asker:
    """The one way to ask an account anything."""

    def __init__(
        self,
        config: AccountConfig,
        credentials: Credentials,
        *,
        transport: Transport,
        clock: Clock,
        jitter: Jitter,
    ) -> None:
        self._account = config.name
        self._timeout = config.timeout.total_seconds()
        self._credentials = credentials
        self._transport = transport
        self._clock = clock
        self._jitter = jitter
        self._gate = Gate(
            concurrency=config.concurrency, requests_per_second=config.requests_per_second
        )

    async def ask(self, call: Call, deadline: float, read: Callable[[bytes], Read]) -> Read:
        """What `read` makes of the body of a success. `deadline` is on the loop's clock.

        Raises: CloudError.
        """
        loop = asyncio.get_running_loop()
        for attempt in range(_ATTEMPTS - 1):
            try:
                return await self._once(call, deadline, read)
            except (CloudUnavailable, CloudThrottled) as error:
                delay = self._delay(attempt, error)
                if loop.time() + delay >= deadline:
                    raise
            await asyncio.sleep(delay)
        return await self._once(call, deadline, read)

    async def _once(self, call: Call, deadline: float, read: Callable[[bytes], Read]) -> Read:
        answer: Answer | None = None
        try:
            answer = await self._answer(call, deadline)
            return read(answer.body)
        except CloudError as error:
            error.account = self._account
            if error.request_id is None and answer is not None:
                error.request_id = request_id_of(answer.headers)
            raise

    async def _answer(self, call: Call, deadline: float) -> Answer:
        headers, answer = await self._send(call, deadline)
        if answer.status == 401 and await self._renewed(headers, answer, deadline):
            headers, answer = await self._send(call, deadline)
        if answer.status != 200:
            raise self._refused(answer)
        return answer

    async def _send(self, call: Call, deadline: float) -> tuple[dict[str, str], Answer]:
        await self._gate.enter(deadline)
        try:
            until = min(deadline, asyncio.get_running_loop().time() + self._timeout)
            headers = self._credentials.headers(call) or await self._fetched(call, until)
            return headers, await self._transport.exchange(Request("GET", call.url, headers), until)
        finally:
            self._gate.leave()

    async def _fetched(self, call: Call, until: float) -> dict[str, str]:
        try:
            async with asyncio.timeout_at(until):
                await self._credentials.fetch()
        except TimeoutError as error:
            raise CloudUnavailable("the credentials did not arrive in time") from error
        headers = self._credentials.headers(call)
        if headers is None:
            raise CloudUnavailable("the credentials were refused again before they were used")
        return headers

    async def _renewed(self, refused: dict[str, str], answer: Answer, deadline: float) -> bool:
        if complaint_of(answer.body).clock_is_off:
            return False
        try:
            async with asyncio.timeout_at(deadline):
                return await self._credentials.renewed(refused)
        except TimeoutError as error:
            raise CloudUnavailable("other credentials did not arrive in time") from error

    def _refused(self, answer: Answer) -> CloudError:
        refusal = Refusal(answer.status, answer.headers, answer.body, self._clock.now())
        error = error_of(refusal, hidden=self._credentials.secrets())
        if isinstance(error, CloudThrottled):
            asked = error.retry_after
            self._gate.pause(
                self._jitter.between(*_UNNAMED_PAUSE_SECONDS)
                if asked is None
                else asked.total_seconds()
            )
        return error

    def _delay(self, attempt: int, error: CloudUnavailable | CloudThrottled) -> float:
        if isinstance(error, CloudThrottled):
            asked = error.retry_after or timedelta(0)
            paused = self._gate.paused_until - asyncio.get_running_loop().time()
            return max(paused, asked.total_seconds())
        longest = min(_FIRST_DELAY_SECONDS * 2**attempt, _LONGEST_DELAY_SECONDS)
        return self._jitter.between(longest / 2, longest)
