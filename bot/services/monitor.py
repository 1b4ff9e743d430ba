"""Observation -> history -> rules -> incidents -> notifications -> one transaction.

The poller never overlaps a task with itself, so a task's memory has one writer; a lock keeps it so
while a task is taken off the fleet and comes back. What concerns an account as a whole is judged
after each observation of its tasks.

Alerts move only with their transaction (see `settlement`). History moves at once; it is written
behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.alerts import UNWATCHED
from bot.domain.history import fold
from bot.domain.incidents import StepContext
from bot.domain.model import Observation, PollFailure, TaskKey, TaskSample
from bot.domain.policy import Policies
from bot.domain.rules import Failing, Moment, account_rule, alike, evaluate, judge_account
from bot.domain.silences import Silence
from bot.ports import AlertStore, Noted, StoreUnavailable, Telemetry
from bot.services.discovery import ListingTrouble
from bot.services.fleet import AccountMemory, Fleet, TaskMemory
from bot.services.settlement import About, Act, Settlement
from bot.services.writer import WriteBehind


class Monitor:
    """Judges observations and decides what is said about them."""

    def __init__(
        self,
        fleet: Fleet,
        store: AlertStore,
        behind: WriteBehind,
        telemetry: Telemetry,
        policies: Policies,
        *,
        silences: Callable[[], Sequence[Silence]] = tuple,
    ) -> None:
        self._fleet = fleet
        self._behind = behind
        self._settlement = Settlement(fleet, store, telemetry, lambda: self.policies, silences)
        self._telemetry = telemetry
        self._leaving: list[TaskMemory] = []
        self._clock_behind = False
        self.policies = policies

    @property
    def store_down(self) -> bool:
        """Whether there is a transition of which it is not known whether it is saved."""
        return self._settlement.store_down

    async def observe(self, observation: Observation) -> None:
        """Takes one observation to its end. An observation of an unwatched task is dropped."""
        memory = self._fleet.get(observation.key)
        if memory is None:
            return
        poll = self.policies.poll
        history = fold(
            memory.history,
            observation,
            interval=memory.task.interval,
            stale_polls=poll.stale_polls,
            tolerance=poll.caught_up_tolerance,
        )
        if history is memory.history:
            self._note_clock(memory, observation)
            return
        self._clock_behind = False
        memory.history = history
        if isinstance(observation, TaskSample):
            self._behind.add(observation, history)
        else:
            self._behind.keep(observation.key, history)
        self._fleet.note_failing(memory, poll.stale_polls)
        account = self._fleet.accounts[observation.key.account]
        moment = Moment(
            observation.at,
            memory.task.interval,
            poll.stale_polls,
            account_speaks=self._account_speaks(account, observation),
            configured=memory.task.configured,
            shelf=memory.shelf,
        )
        await self._judge(memory, moment)
        await self._judge_account(account, moment)
        await self._see_off(moment.now)

    async def act(self, key: TaskKey, act: Act, now: datetime) -> None:
        """Writes what a person did to a task or account. Raises: StoreUnavailable."""
        memory = self._fleet.get(key)
        if memory is not None:
            alerts, about = memory.alerts, self._about(memory, now)
        else:
            account = self._fleet.accounts[key.account]
            context = self._context(key.account, now, self.policies.poll.interval)
            alerts, about = account.alerts, About(account.key, key.account, None, context)
        async with alerts.lock:
            for _ in range(2):  # The second after somebody else's change was taken up.
                await self._settlement.recall(alerts, key)
                if await self._settlement.act(alerts, act, about):
                    return
        raise StoreUnavailable("the store does not answer")

    async def retire(self, memories: Iterable[TaskMemory], now: datetime) -> None:
        """Ends what is open of tasks that are not watched any more.

        What cannot be saved now is tried again with the observations that follow.
        """
        self._leaving.extend(memories)
        await self._see_off(now)

    async def retire_account(self, account: str, now: datetime) -> None:
        """Ends what is open of an account as a whole, of which no task is watched."""
        memory = self._fleet.accounts[account]
        context = self._context(account, now, self.policies.poll.interval)
        async with memory.alerts.lock:
            await self._settlement.recall(memory.alerts, memory.key)
            about = About(memory.key, account, None, context)
            await self._settlement.close(memory.alerts, about, UNWATCHED)

    async def note_listing(
        self, account: str, trouble: ListingTrouble | None, now: datetime, *, every: timedelta
    ) -> None:
        """Judges an account whose tasks could not be listed, or could (None).

        An account without tasks is judged by its listings alone, and hears one `every` so often.
        """
        memory = self._fleet.accounts[account]
        poll, before = self.policies.poll, memory.listing
        memory.listing = None
        if trouble is not None:
            memory.listing = Failing(
                trouble.kind,
                before.since if before else now,
                stale=trouble.failures >= poll.stale_polls,
                detail=trouble.detail,
            )
        interval = poll.interval if self._fleet.count(account) else every
        await self._judge_account(memory, Moment(now, interval, poll.stale_polls))

    async def _judge(self, memory: TaskMemory, moment: Moment) -> None:
        alerts = memory.alerts
        async with alerts.lock:
            if self._fleet.get(memory.task.key) is not memory:
                return
            await self._settlement.recall(alerts, memory.task.key)
            findings = evaluate(memory.history, memory.rules, alerts.tracked(), moment)
            if findings or alerts.cards or self._settlement.waits(memory.task.key):
                await self._settlement.settle(alerts, findings, self._about(memory, moment.now))

    async def _see_off(self, now: datetime) -> None:
        leaving, self._leaving = self._leaving, []
        for place, memory in enumerate(leaving):
            if not await self._seen_off(memory, now):
                self._leaving.extend(leaving[place:])
                return

    async def _seen_off(self, memory: TaskMemory, now: datetime) -> bool:
        async with memory.alerts.lock:
            watched = self._fleet.get(memory.task.key)
            if watched is not None and watched.alerts is memory.alerts:
                return True  # It came back, and its alerts go on.
            await self._settlement.recall(memory.alerts, memory.task.key)
            if self._settlement.waits(memory.task.key):
                return False
            about = self._about(memory, now)
            return await self._settlement.close(memory.alerts, about, UNWATCHED)

    def _note_clock(self, memory: TaskMemory, observation: Observation) -> None:
        """Logs that time went back: nothing is judged before it has caught up again."""
        ahead = (memory.history.seen_at or observation.at) - observation.at
        if ahead > memory.task.interval and not self._clock_behind:
            self._clock_behind = True
            fields = {"behind_seconds": round(ahead.total_seconds())}
            self._telemetry.record(Noted("the clock went back", "error", fields))

    # --- the account as a whole ---

    def _account_speaks(self, account: AccountMemory, observation: Observation) -> bool:
        """Whether the failure is told of the account, so that the task keeps silent."""
        if not isinstance(observation, PollFailure):
            return False
        if account_rule(account.key, self.policies.rules) is None:
            return False
        common = alike(self._fleet.count(account.key.account), account.failing)
        return common is observation.kind

    async def _judge_account(self, account: AccountMemory, moment: Moment) -> None:
        alerts = account.alerts
        waits = self._settlement.waits(account.key)
        ails = account.failing or account.listing
        if not (ails or alerts.tracked() or alerts.cards or waits):
            return
        name = account.key.account
        async with alerts.lock:
            await self._settlement.recall(alerts, account.key)
            finding = judge_account(
                account_rule(account.key, self.policies.rules),
                self._fleet.count(name),
                account.failing,
                moment,
                listing=account.listing,
            )
            context = self._context(name, moment.now, moment.interval)
            about = About(account.key, name, None, context)
            await self._settlement.settle(alerts, (finding,), about)

    # --- views ---

    def _about(self, memory: TaskMemory, now: datetime) -> About:
        task, history = memory.task, memory.history
        seen = history.sample is not None or history.failure is not None
        context = self._context(task.name, now, task.interval)
        return About(task.key, task.name, task, context, history if seen else None, memory.shelf)

    def _context(self, name: str, now: datetime, interval: timedelta) -> StepContext:
        return StepContext(now, name, interval, self.policies.poll.stale_polls)
