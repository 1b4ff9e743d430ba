"""The read side: what is known now, from memory and the store, as values.

Everything a person or a machine asks goes through here, so that Slack, the page, the JSON and the
command line say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest

from bot.domain.incidents import Event, Incident
from bot.domain.inquiry import Inquiry, inquire
from bot.domain.loss import LossView, loss_of
from bot.domain.model import TaskKey, TaskState
from bot.domain.names import called
from bot.domain.policy import Policies
from bot.domain.reports import (
    AccountHealth,
    Ailment,
    FleetSummary,
    HealthReport,
    LagRow,
    TaskView,
    TopRow,
    Trend,
    badness,
    lag_rows,
    view_of,
    worst_partitions,
)
from bot.domain.rules import Moment
from bot.domain.trends import looked_back, trend_of
from bot.ports import Clock, IncidentFilter, Outbox, ReportStore, StoreError
from bot.services.delivery import Delivery
from bot.services.fleet import Fleet, TaskMemory
from bot.services.vitals import Vitals

LATE = 0.5
"""Share of a task's interval by which polls may be late before health speaks of it."""
LATE_LEAST = timedelta(seconds=5)
"""Less than this is never worth speaking of, however short the interval."""
OUTBOX_LATE = timedelta(minutes=2)
CHANNELS_NAMED = 3
_ORDER = {state: place for place, state in enumerate(TaskState)}


@dataclass(frozen=True, slots=True)
class Pulse:
    """What health needs to know of the process."""

    version: str
    store: str
    started_at: datetime
    delivery: Callable[[], Delivery]
    store_down: Callable[[], bool]
    discovery_errors: Callable[[], Mapping[str, str]]
    config_error: Callable[[], str] = str
    """Why a changed configuration is not in force; empty while it is."""


class Queries:
    """Answers questions; changes nothing."""

    def __init__(
        self,
        fleet: Fleet,
        reports: ReportStore,
        outbox: Outbox,
        *,
        policies: Callable[[], Policies],
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._reports = reports
        self._outbox = outbox
        self._policies = policies
        self._clock = clock

    def views(self) -> list[TaskView]:
        """Every task, worst first: by state, then lag, then name."""
        now = self._clock.now()
        return sorted((self._view(memory, now) for memory in self._fleet), key=_worst_first)

    def view(self, key: TaskKey) -> TaskView | None:
        """One task; None when it is not watched."""
        memory = self._fleet.get(key)
        return None if memory is None else self._view(memory, self._clock.now())

    def called(self, name: str) -> TaskView | None:
        """The task that is called exactly so; None where none is, or several are."""
        task = called(name, [memory.task for memory in self._fleet])
        return None if task is None else self.view(task.key)

    def incidents_of(self, key: TaskKey) -> list[Incident]:
        """The open incidents of a task, from memory, worst first."""
        memory = self._fleet.get(key)
        incidents = memory.alerts.incidents() if memory is not None else []
        return sorted(incidents, key=lambda i: (-i.severity, i.opened_at))

    def lag_rows(self, key: TaskKey) -> list[LagRow]:
        """Every partition of a task; empty before the first reading."""
        memory = self._fleet.get(key)
        return list(lag_rows(memory.history, memory.shelf)) if memory is not None else []

    async def trend(self, key: TaskKey) -> Trend | None:
        """How the lag of a task moved; None where too little is stored, or the store is away."""
        memory = self._fleet.get(key)
        if memory is None:
            return None
        since = self._clock.now() - looked_back(memory.history.delivery_interval)
        try:
            return trend_of([sample async for sample in self._reports.samples(key, since)])
        except StoreError:
            return None

    def losses(self) -> list[tuple[TaskView, LossView]]:
        """Every task with what retention means for it."""
        now = self._clock.now()
        return [(self._view(memory, now), self._loss(memory)) for memory in self._fleet]

    def why(self, key: TaskKey) -> tuple[Inquiry, ...]:
        """Every rule of a task with what it says now; empty when it is not watched."""
        memory = self._fleet.get(key)
        if memory is None:
            return ()
        policies = self._policies()
        moment = Moment(
            memory.history.seen_at or self._clock.now(),
            memory.task.interval,
            policies.poll.stale_polls,
            configured=memory.task.configured,
            shelf=memory.shelf,
        )
        return inquire(
            memory.task,
            memory.history,
            memory.rules,
            states=memory.alerts.states,
            routes=policies.routes,
            moment=moment,
        )

    def top(self, count: int) -> list[TopRow]:
        """The worst partitions of all tasks, by age, then lag."""
        rows = (
            TopRow(memory.task.name, row, sample.at)
            for memory in self._fleet
            if (sample := memory.history.sample) is not None
            for row in worst_partitions(lag_rows(memory.history, memory.shelf), count)
        )
        return nlargest(count, rows, key=lambda top: badness(top.row))

    def summary(self) -> FleetSummary:
        """All tasks in one line."""
        views = self.views()
        incidents = [i for memory in self._fleet for i in memory.alerts.incidents()]
        incidents += [i for a in self._fleet.accounts.values() for i in a.alerts.incidents()]
        return FleetSummary(
            states=Counter(view.state for view in views),
            open_incidents=Counter(incident.severity for incident in incidents),
            oldest_read_at=min((v.read_at for v in views if v.read_at is not None), default=None),
            never_read=sum(1 for view in views if view.read_at is None),
        )

    def open_incidents(self) -> list[Incident]:
        """Every open incident, from memory, worst first."""
        found = [i for memory in self._fleet for i in memory.alerts.incidents()]
        found += [i for a in self._fleet.accounts.values() for i in a.alerts.incidents()]
        return sorted(found, key=lambda i: (-i.severity, i.opened_at))

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        """Incidents from the store, newest first. Raises: StoreError."""
        return await self._reports.incidents(wanted)

    async def incident(self, typed_id: str) -> Sequence[Incident]:
        """Incidents whose id begins so. Raises: StoreError."""
        return await self._reports.incident(typed_id)

    async def events(self, incident_id: str) -> Sequence[Event]:
        """What happened to an incident, oldest first. Raises: StoreError."""
        return await self._reports.events(incident_id)

    async def backlog(self) -> tuple[int, timedelta]:
        """Messages that wait, and the age of the oldest that is due. Raises: StoreError."""
        return await self._outbox.backlog(self._clock.now())

    async def health(self, pulse: Pulse, vitals: Vitals) -> HealthReport:
        """The bot about itself; asks the store, and says so when that fails."""
        waiting, oldest, store_error = 0, timedelta(0), None
        try:
            waiting, oldest = await self._outbox.backlog(self._clock.now())
        except StoreError as error:
            store_error = str(error)
        lateness = vitals.lateness()
        accounts = tuple(self._account_health(name) for name in self._fleet.accounts)
        ailments = [
            *_of_accounts(accounts, pulse),
            *_of_delivery(pulse.delivery(), oldest, self._clock.now()),
            *self._of_lateness(lateness),
        ]
        if config_error := pulse.config_error():
            ailments.append(Ailment("configuration", f"the old one holds: {config_error}"))
        if store_error or pulse.store_down():
            ailments.append(Ailment("store", store_error or "transitions cannot be saved"))
        return HealthReport(
            version=pulse.version,
            started_at=pulse.started_at,
            accounts=accounts,
            lateness=lateness,
            outbox_waiting=waiting,
            outbox_oldest=oldest,
            given_up=vitals.given_up,
            store=pulse.store,
            ailments=tuple(ailments),
        )

    def _view(self, memory: TaskMemory, now: datetime) -> TaskView:
        view = view_of(
            memory.task,
            memory.history,
            memory.alerts.incidents(),
            now=now,
            stale_after=self._stale_after(memory),
            shelf=memory.shelf,
        )
        if not memory.shelf.retention:
            return view
        return replace(view, loss=self._loss(memory).left)

    def _loss(self, memory: TaskMemory) -> LossView:
        return loss_of(memory.history, memory.rules, memory.shelf)

    def _stale_after(self, memory: TaskMemory) -> timedelta:
        return memory.task.interval * self._policies().poll.stale_polls

    def _account_health(self, account: str) -> AccountHealth:
        now = self._clock.now()
        memories = self._fleet.of_account(account)
        fresh = sum(
            1
            for memory in memories
            if memory.history.sample is not None
            and now - memory.history.sample.at <= self._stale_after(memory)
        )
        return AccountHealth(account, len(memories), fresh, self._failure(account, fresh) or None)

    def _failure(self, account: str, fresh: int) -> str:
        """Why the account as a whole cannot be read; empty while it can."""
        memory = self._fleet.accounts[account]
        for incident in memory.alerts.incidents():
            if incident.evidence:
                return incident.evidence[0].detail
        # Whatever the rules say, nothing that is read is a fault.
        failing = list(memory.failing.values())
        return failing[0].detail if failing and not fresh else ""

    def _of_lateness(self, lateness: timedelta) -> Iterable[Ailment]:
        intervals = [memory.task.interval for memory in self._fleet]
        if intervals and lateness > LATE * min(intervals):
            seconds = lateness.total_seconds()
            yield Ailment("lateness", f"polls are up to {seconds:.0f} s late")
        ahead = self._ahead()
        if intervals and ahead > max(intervals):
            seconds = ahead.total_seconds()
            why = f"the clock went back: nothing is judged before {seconds:.0f} s have passed"
            yield Ailment("lateness", why)

    def _ahead(self) -> timedelta:
        """How far the readings are ahead of the clock; zero where they are not."""
        now = self._clock.now()
        seen = (memory.history.seen_at for memory in self._fleet)
        return max((at - now for at in seen if at is not None), default=timedelta(0))


def _worst_first(view: TaskView) -> tuple[int, int, str]:
    return _ORDER[view.state], -(view.lag or 0), view.name


def _of_accounts(accounts: Iterable[AccountHealth], pulse: Pulse) -> Iterable[Ailment]:
    for account in accounts:
        if account.failure is not None:
            yield Ailment(f"cloud {account.account}", account.failure)
    for account_name, why in pulse.discovery_errors().items():
        yield Ailment(f"cloud {account_name}", f"discovery: {why}")


def _named(channels: Sequence[str]) -> str:
    """`C0DATA, C0OPS and 3 more`."""
    more = len(channels) - CHANNELS_NAMED
    named = ", ".join(channels[:CHANNELS_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _of_delivery(delivery: Delivery, oldest: timedelta, now: datetime) -> Iterable[Ailment]:
    if delivery.credential_error is not None:
        yield Ailment("slack", f"the token is refused: {delivery.credential_error}")
    lasting = {
        channel: trouble
        for channel, trouble in delivery.troubles.items()
        if trouble.lost or now - trouble.since > OUTBOX_LATE
    }
    for why in sorted({trouble.why for trouble in lasting.values()}):
        channels = sorted(channel for channel, trouble in lasting.items() if trouble.why == why)
        since = min(lasting[channel].since for channel in channels)
        yield Ailment("slack", f"{_named(channels)}: {why}", since)
    if oldest > OUTBOX_LATE:
        yield Ailment("outbox", f"the oldest message has waited {oldest.total_seconds():.0f} s")
