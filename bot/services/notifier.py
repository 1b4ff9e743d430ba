"""Claims due rows of the outbox, renders them, delivers them, and says how it went.

A row is claimed for a time, so that a process that dies gives it back; the order within a card is
the store's. What Slack answers decides what becomes of a row: see `_Fate` and the ladder below.
Nothing is dropped in secret: a row that is given up keeps its reason in the store and the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.notifications import Form
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatGateway,
    ChatRejected,
    ChatThrottled,
    DeliveryMeasured,
    MessageRef,
    Noted,
    Outbox,
    OutboxRow,
    Postponement,
    Rejection,
    StoreUnavailable,
    Surroundings,
)
from bot.presenters import slack as present
from bot.presenters.message import Message
from bot.services.budgets import Budget, Budgets

CLAIM_FOR = timedelta(seconds=45)
"""How long a claim lasts: three send timeouts of 15 s at least."""
BATCH = 20
LATE = timedelta(seconds=60)
"""A row that waited longer says so in the message."""
BACKOFF = (5, 15, 45, 120, 300)
"""Seconds before the next try, by tries so far; the last one repeats."""
SLOW_RETRY = timedelta(minutes=5)
"""For what a person has to mend: a channel, a token."""
AMBIGUOUS_TRIES = 6
"""After so many lost answers a row is given up rather than repeated for ever."""
DEAD_TOKEN_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the notifier says of itself."""

    credential_error: str | None = None
    """Slack's word while the token is dead; nothing is sent meanwhile."""
    last_error: str | None = None
    delivered_at: datetime | None = None


class Notifier:
    """Delivers the outbox until cancelled."""

    def __init__(
        self,
        outbox: Outbox,
        gateway: ChatGateway,
        around: Surroundings,
        *,
        rang: Callable[[str, datetime], None],
        every: timedelta = timedelta(seconds=1),
    ) -> None:
        self._outbox = outbox
        self._gateway = gateway
        self._clock = around.clock
        self._jitter = around.jitter
        self._telemetry = around.telemetry
        self._rang = rang
        self._every = every
        self._budgets = Budgets()
        self._paused_until: datetime | None = None
        self._passing = asyncio.Lock()
        self.delivery = Delivery()

    async def run(self) -> None:
        """Delivers until cancelled. A store that is away is waited for."""
        while True:
            await self.deliver_due()
            await asyncio.sleep(self._every.total_seconds())

    async def deliver_due(self) -> int:
        """One pass: everything that is due and allowed now; the number of rows tried.

        Passes do not overlap: one that begins during another first lets its sendings end.
        """
        async with self._passing:
            return await self._pass()

    async def _pass(self) -> int:
        tried = 0
        try:
            while not self._paused() and (rows := await self._claim()):
                await asyncio.gather(*(self._deliver(row) for row in rows))
                tried += len(rows)
        except StoreUnavailable as error:
            self._note_error(f"store: {error}")
        return tried

    def _paused(self) -> bool:
        return self._paused_until is not None and self._clock.now() < self._paused_until

    async def _claim(self) -> Sequence[OutboxRow]:
        return await self._outbox.claim(self._clock.now(), lease=CLAIM_FOR, limit=BATCH)

    async def _deliver(self, row: OutboxRow) -> None:
        loop = asyncio.get_running_loop()
        budget = self._budgets.of(row.intent.channel, posts=_posts(row))
        wait = budget.wait(loop.time())
        if wait > 0:
            await self._wait_for_budget(row, wait)
            return
        budget.spend(loop.time())
        try:
            ref = await self._send(row)
        except ChatError as error:
            await self._failed(row, error, budget)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a defect in one delivery must not end the others
            self._telemetry.record(
                Noted("delivery defect", "error", {"row": row.intent.id}, error=error)
            )
            await self._postpone(row, self._backoff(row), "a defect of the bot")
        else:
            await self._succeeded(row, ref)

    async def _wait_for_budget(self, row: OutboxRow, wait: float) -> None:
        until = self._clock.now() + timedelta(seconds=wait)
        await self._outbox.postpone(row, Postponement(until, "waits for its turn", counts=False))

    # --- sending ---

    async def _send(self, row: OutboxRow) -> MessageRef | None:
        intent, message = row.intent, self._rendered(row)
        if intent.form is Form.CARD:
            if row.root is None:
                return await self._gateway.post(
                    intent.channel, message, dedupe_id=intent.id, fingerprint=intent.card_id
                )
            await self._gateway.update(row.root, message)
            return row.root
        if row.root is None:
            # A reply whose card was never posted stands on its own.
            return await self._gateway.post(
                intent.channel, message, dedupe_id=intent.id, fingerprint=intent.card_id
            )
        return await self._gateway.reply(
            row.root, message, broadcast=intent.rings, dedupe_id=intent.id
        )

    def _rendered(self, row: OutboxRow) -> Message:
        queued = self._clock.now() - row.intent.due_at
        render = present.card if row.intent.form is Form.CARD else present.reply
        message = render(
            row.intent.notice,
            queued_for=queued if queued > LATE else None,
            maybe_duplicate=row.ambiguous,
        )
        return Message(message.text) if row.plain else message

    # --- the ladder ---

    async def _succeeded(self, row: OutboxRow, ref: MessageRef | None) -> None:
        now = self._clock.now()
        await self._outbox.delivered(row, ref, now)
        if row.intent.rings:
            self._rang(row.intent.card_id, now)
        self.delivery = Delivery(delivered_at=now)
        self._measure(row, "delivered")

    async def _failed(self, row: OutboxRow, error: ChatError, budget: Budget) -> None:
        match error:
            case ChatThrottled(retry_after=retry_after):
                budget.hold(asyncio.get_running_loop().time(), retry_after)
                until = self._clock.now() + retry_after
                await self._outbox.postpone(row, Postponement(until, error.detail, counts=False))
                self._measure(row, "postponed")
            case ChatAmbiguous() if row.attempts + 1 >= AMBIGUOUS_TRIES:
                await self._give_up(row, error.detail)
            case ChatAmbiguous():
                posts = _posts(row)
                await self._postpone(row, self._backoff(row), error.detail, ambiguous=posts)
            case ChatRejected():
                await self._rejected(row, error)
            case _:
                await self._postpone(row, self._backoff(row), error.detail)

    async def _rejected(self, row: OutboxRow, error: ChatRejected) -> None:
        match error.rejection:
            case Rejection.HARMLESS:
                await self._succeeded(row, row.root)
            case Rejection.TARGET_GONE:
                await self._outbox.drop_root(row.intent.card_id)
                await self._postpone(row, timedelta(0), error.detail)
            case Rejection.PAYLOAD if not row.plain:
                await self._outbox.postpone(
                    row, Postponement(self._clock.now(), error.detail, plain=True)
                )
            case Rejection.PAYLOAD:
                await self._give_up(row, error.detail)
            case Rejection.CREDENTIAL:
                self._stop_sending(error)
                await self._postpone(row, DEAD_TOKEN_PAUSE, error.detail)
            case Rejection.CHANNEL | Rejection.OTHER:
                await self._postpone(row, SLOW_RETRY, error.detail)

    def _stop_sending(self, error: ChatRejected) -> None:
        now = self._clock.now()
        if self.delivery.credential_error is None:
            self._telemetry.record(
                Noted("Slack refuses the bot's token", "error", {"code": error.code})
            )
        self._paused_until = now + DEAD_TOKEN_PAUSE
        self.delivery = Delivery(error.code, error.detail, delivered_at=self.delivery.delivered_at)

    async def _postpone(
        self, row: OutboxRow, wait: timedelta, why: str, *, ambiguous: bool = False
    ) -> None:
        until = self._clock.now() + wait
        await self._outbox.postpone(row, Postponement(until, why, ambiguous=ambiguous))
        self._note_error(why)
        self._measure(row, "postponed")

    async def _give_up(self, row: OutboxRow, why: str) -> None:
        await self._outbox.give_up(row, why, self._clock.now())
        self._telemetry.record(
            Noted("message given up", "error", {"row": row.intent.id, "reason": why})
        )
        self._measure(row, "given_up")

    def _backoff(self, row: OutboxRow) -> timedelta:
        seconds = BACKOFF[min(row.attempts, len(BACKOFF) - 1)]
        return timedelta(seconds=seconds * self._jitter.between(0.8, 1.2))

    def _note_error(self, why: str) -> None:
        if self.delivery.last_error != why:
            self._telemetry.record(Noted("delivery postponed", "warning", {"reason": why}))
        self.delivery = Delivery(
            self.delivery.credential_error, why, delivered_at=self.delivery.delivered_at
        )

    def _measure(self, row: OutboxRow, result: str) -> None:
        self._telemetry.record(DeliveryMeasured(row.intent.notice.reason, result))


def _posts(row: OutboxRow) -> bool:
    """Whether it draws on the channel's budget of posts; an edit does not."""
    return row.intent.form is Form.REPLY or row.root is None
