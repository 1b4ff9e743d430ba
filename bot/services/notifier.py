"""Claims due rows of the outbox, renders them, delivers them, and says how it went.

A row is claimed for a time, so that a process that dies gives it back; the order within a card is
the store's. What Slack answers decides what becomes of a row (see `ladder`). Nothing is dropped in
secret: a row that is given up keeps its reason in the store and the log.

When the store is away after a message was sent, what became of it is written before anything else
is claimed, so that nothing is sent twice because of the store.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.domain.notifications import Form
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatGateway,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
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
from bot.presenters.message import Message, without
from bot.services.budgets import Budget, Budgets
from bot.services.delivery import Delivery, Trouble, place_of, posts, tried, urgent
from bot.services.ladder import (
    DEAD_TOKEN_PAUSE,
    Delivered,
    Fate,
    GiveUp,
    Mishap,
    TryAgain,
    after_defect,
    fate_of,
    mishap,
)

CLAIM_FOR = timedelta(seconds=45)
"""How long a claim lasts: three send timeouts of 15 s at least."""
BATCH = 50
LATE = timedelta(seconds=60)
"""A row that waited longer says so in the message."""


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
        fallback: str | None = None,
    ) -> None:
        self._outbox = outbox
        self._gateway = gateway
        self._clock = around.clock
        self._jitter = around.jitter
        self._telemetry = around.telemetry
        self._rang = rang
        self._every = every
        self.fallback = fallback
        """Where messages go whose own channel refuses them; None: they wait for it."""
        self._budgets = Budgets()
        self._paused_until: datetime | None = None
        self._passing = asyncio.Lock()
        self._finishing = False
        self._unwritten: list[Callable[[], Awaitable[None]]] = []
        self._store_error = ""
        self._mishaps: Counter[tuple[str, Mishap]] = Counter()
        self.delivery = Delivery()

    async def run(self) -> None:
        """Delivers until cancelled or finished. A store that is away is waited for."""
        while not self._finishing:
            await self.deliver_due()
            await asyncio.sleep(self._every.total_seconds())

    async def finish(self) -> None:
        """The last pass: lets what is being sent end, and sends what is due."""
        self._finishing = True
        await self.deliver_due()

    async def deliver_due(self) -> int:
        """One pass: everything that is due and allowed now; the number of rows tried.

        Passes do not overlap: one that begins during another first lets its sendings end.
        """
        async with self._passing:
            return await self._pass()

    async def _pass(self) -> int:
        tried = 0
        self._budgets.line_up_anew()
        try:
            await self._write_the_rest()
            while not self._paused() and not self._unwritten and (rows := await self._claim()):
                tried += await self._deliver_all(rows)
        except StoreUnavailable as error:
            self._note_store(str(error))
        else:
            self._store_error = self._store_error if self._unwritten else ""
        return tried

    def _paused(self) -> bool:
        return self._paused_until is not None and self._clock.now() < self._paused_until

    async def _claim(self) -> Sequence[OutboxRow]:
        # A token that was refused is tried with one message at a time.
        limit = BATCH if self.delivery.credential_error is None else 1
        return await self._outbox.claim(self._clock.now(), lease=CLAIM_FOR, limit=limit)

    async def _deliver_all(self, rows: Sequence[OutboxRow]) -> int:
        now = asyncio.get_running_loop().time()
        sending, waiting = [], []
        for row in sorted(rows, key=lambda row: (not urgent(row), row.seq)):
            budget = self._budgets.of(place_of(row), posts=posts(row))
            wait = budget.turn(now, urgent=urgent(row))
            if wait > 0:
                waiting.append(self._wait_for_turn(row, wait))
            else:
                sending.append(self._deliver(row, budget))
        await asyncio.gather(*sending, *waiting)
        return len(sending)

    async def _wait_for_turn(self, row: OutboxRow, wait: float) -> None:
        until = self._clock.now() + timedelta(seconds=wait)
        await self._postpone(row, Postponement(until, "waits for its turn", counts=False))

    async def _deliver(self, row: OutboxRow, budget: Budget) -> None:
        try:
            ref = await self._sent_or_repaired(row)
        except ChatError as error:
            if self._may_divert(row, error):
                await self._divert(row, error)
            else:
                await self._refused(row, error, budget)
        except Exception as error:  # noqa: BLE001 - a defect in one delivery must not end the others
            self._telemetry.record(
                Noted("delivery defect", "error", {"row": row.intent.id}, error=error)
            )
            fate = after_defect(times=self._count(row, Mishap.DEFECT))
            await self._meet(row, row.root, fate)
        else:
            self._note_arrival(place_of(row))
            await self._meet(row, ref, Delivered())

    async def _refused(self, row: OutboxRow, error: ChatError, budget: Budget) -> None:
        self._note_refusal(error, budget)
        times = self._count(row, mishap(error, tried(row)))
        fate = fate_of(error, tried(row), times=times)
        await self._meet(row, row.root, fate)

    # --- a channel that is wrong ---

    def _may_divert(self, row: OutboxRow, error: ChatError) -> bool:
        wrong = isinstance(error, ChatRejected) and error.rejection is Rejection.CHANNEL
        return wrong and self.fallback not in (None, place_of(row))

    async def _divert(self, row: OutboxRow, error: ChatError) -> None:
        """Posts a message into the fallback channel; the card goes on there."""
        self._note_trouble(row.intent.channel, error.detail)
        if row.root is not None:
            # Its card has to be there first.
            await self._meet(row, row.root, TryAgain(timedelta(0), error.detail, anew=True))
            return
        channel = self.fallback or ""
        budget = self._budgets.of(channel, posts=True)
        wait = budget.turn(asyncio.get_running_loop().time(), urgent=True)
        if wait > 0:
            await self._wait_for_turn(row, wait)
            return
        message, intent = self._rendered(row, diverted=True), row.intent
        try:
            ref = await self._gateway.post(
                channel, message, dedupe_id=f"{intent.id}/fallback", fingerprint=intent.card_id
            )
        except ChatError as refusal:
            await self._refused(row, refusal, budget)
        else:
            self._note_arrival(channel)
            await self._meet(row, ref, Delivered())

    # --- sending ---

    async def _sent_or_repaired(self, row: OutboxRow) -> MessageRef | None:
        """Sends a row; once more without the blocks that Slack points at, where it refuses them."""
        message = self._rendered(row)
        try:
            return await self._send(row, message)
        except ChatRejected as error:
            repaired = without(message, error.pointers)
            if error.rejection is not Rejection.PAYLOAD or repaired is None:
                raise
            fields = {"row": row.intent.id, "reason": error.detail}
            self._telemetry.record(Noted("blocks left out", "warning", fields))
            return await self._send(row, repaired)

    async def _send(self, row: OutboxRow, message: Message) -> MessageRef | None:
        intent = row.intent
        if row.root is None:
            # A reply whose card was never posted stands on its own.
            return await self._gateway.post(
                intent.channel, message, dedupe_id=intent.id, fingerprint=intent.card_id
            )
        if intent.form is Form.CARD:
            await self._gateway.update(row.root, message)
            return row.root
        return await self._gateway.reply(
            row.root, message, broadcast=intent.rings, dedupe_id=intent.id
        )

    def _rendered(self, row: OutboxRow, *, diverted: bool = False) -> Message:
        queued = self._clock.now() - row.intent.due_at
        render = present.card if row.intent.form is Form.CARD else present.reply
        message = render(
            row.intent.notice,
            queued_for=queued if queued > LATE else None,
            maybe_duplicate=row.ambiguous,
            meant_for=row.intent.channel if diverted or place_of(row) != row.intent.channel else "",
        )
        return Message(message.text) if row.plain else message

    # --- what becomes of a row ---

    async def _meet(self, row: OutboxRow, ref: MessageRef | None, fate: Fate) -> None:
        match fate:
            case Delivered():
                await self._delivered(row, ref)
            case TryAgain():
                await self._try_again(row, fate)
            case GiveUp(why):
                await self._give_up(row, why)
            case _:
                assert_never(fate)

    async def _delivered(self, row: OutboxRow, ref: MessageRef | None) -> None:
        now = self._clock.now()
        self._forget_mishaps(row)
        if row.intent.rings:
            self._rang(row.intent.card_id, now)
        self._measure(row, "delivered")
        await self._write(lambda: self._outbox.delivered(row, ref, now))

    async def _try_again(self, row: OutboxRow, fate: TryAgain) -> None:
        share = self._jitter.between(0.8, 1.2) if fate.jittered else 1
        until = self._clock.now() + fate.wait * share
        if fate.counts:
            self._note_trouble(row.intent.channel, fate.why)
        self._measure(row, "postponed")
        postponement = Postponement(
            until, fate.why, counts=fate.counts, ambiguous=fate.ambiguous, plain=fate.plain
        )
        await self._postpone(row, postponement, anew=fate.anew)

    async def _postpone(
        self, row: OutboxRow, postponement: Postponement, *, anew: bool = False
    ) -> None:
        async def write() -> None:
            if anew:
                await self._outbox.drop_root(row.intent.card_id)
            await self._outbox.postpone(row, postponement)

        await self._write(write)

    async def _give_up(self, row: OutboxRow, why: str) -> None:
        now = self._clock.now()
        self._forget_mishaps(row)
        self._note_trouble(row.intent.channel, why, lost=True)
        self._telemetry.record(
            Noted("message given up", "error", {"row": row.intent.id, "reason": why})
        )
        if row.intent.rings:
            # The next reminder is what is left to tell of it.
            self._rang(row.intent.card_id, now)
        self._measure(row, "given_up")
        await self._write(lambda: self._outbox.give_up(row, why, now))

    async def _write(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except StoreUnavailable as error:
            self._unwritten.append(write)
            self._note_store(str(error))

    async def _write_the_rest(self) -> None:
        while self._unwritten:
            await self._unwritten[0]()
            del self._unwritten[0]

    # --- what it says of itself ---

    def _count(self, row: OutboxRow, kind: Mishap | None) -> int:
        if kind is None:
            return 0
        self._mishaps[row.intent.id, kind] += 1
        return self._mishaps[row.intent.id, kind]

    def _forget_mishaps(self, row: OutboxRow) -> None:
        for kind in Mishap:
            self._mishaps.pop((row.intent.id, kind), None)

    def _note_refusal(self, error: ChatError, budget: Budget) -> None:
        match error:
            case ChatThrottled(retry_after=retry_after):
                budget.hold(asyncio.get_running_loop().time(), retry_after)
            case ChatRejected(rejection=Rejection.CREDENTIAL):
                self._stop_sending(error)
            case ChatUnavailable() | ChatAmbiguous():
                pass  # Nobody looked at the token.
            case _:
                self.delivery = replace(self.delivery, credential_error=None)

    def _stop_sending(self, error: ChatRejected) -> None:
        if self.delivery.credential_error is None:
            self._telemetry.record(
                Noted("Slack refuses the bot's token", "error", {"code": error.code})
            )
        self._paused_until = self._clock.now() + DEAD_TOKEN_PAUSE
        self.delivery = replace(self.delivery, credential_error=error.code)

    def _note_arrival(self, channel: str) -> None:
        troubles = {c: each for c, each in self.delivery.troubles.items() if c != channel}
        self.delivery = Delivery(troubles=troubles, delivered_at=self._clock.now())

    def _note_trouble(self, channel: str, why: str, *, lost: bool = False) -> None:
        troubles = self.delivery.troubles
        # An outage of Slack is logged once, not once per channel.
        if not lost and why not in {each.why for each in troubles.values()}:
            self._telemetry.record(Noted("delivery postponed", "warning", {"reason": why}))
        before = troubles.get(channel)
        since = before.since if before else self._clock.now()
        trouble = Trouble(why, since, lost=lost or (before is not None and before.lost))
        self.delivery = replace(self.delivery, troubles={**troubles, channel: trouble})

    def _note_store(self, why: str) -> None:
        if self._store_error != why:
            reason = {"reason": why}
            self._telemetry.record(Noted("store unavailable, messages wait", "error", reason))
        self._store_error = why

    def _measure(self, row: OutboxRow, result: str) -> None:
        self._telemetry.record(DeliveryMeasured(row.intent.notice.reason, result))
