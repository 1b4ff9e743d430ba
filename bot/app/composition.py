"""From the ports and the settings to the services that run over them.

Nothing is opened here: who gives real adapters gets the real bot, who gives others gets the same
bot over those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from bot.app.operators import Doorkeeper, Groups, nobody
from bot.domain.model import WatchedTask
from bot.domain.reports import HealthReport
from bot.ports import (
    AlertStore,
    ChatGateway,
    Clock,
    DumpingTaskSource,
    Jitter,
    Outbox,
    ReportStore,
    Snapshot,
    Surroundings,
    Telemetry,
    TopicSource,
)
from bot.services.actions import Actions
from bot.services.conversation import Conversation
from bot.services.deeds import Deeds, DeedStore
from bot.services.discovery import Around, Discovery, ListingTrouble, Wanted
from bot.services.fleet import Fleet
from bot.services.monitor import Monitor
from bot.services.notifier import Notifier
from bot.services.poller import Poller
from bot.services.queries import Pulse, Queries
from bot.services.roster import Roll, Roster
from bot.services.shelves import Shelves
from bot.services.silencing import Silencing
from bot.services.vitals import Vitals
from bot.services.writer import WriteBehind
from bot.settings.values import AccountSettings, Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything the bot reaches through a port."""

    sources: Mapping[str, DumpingTaskSource]
    alerts: AlertStore
    outbox: Outbox
    reports: ReportStore
    deeds: DeedStore
    chat: ChatGateway
    telemetry: Telemetry
    clock: Clock
    jitter: Jitter
    topics: Mapping[str, TopicSource] = field(default_factory=dict)
    """By account: who is asked how long topics keep messages."""
    groups: Groups = nobody
    """Who is in which user group."""
    config_error: Callable[[], str] = str
    """Why the configuration as it stands is not in force; empty while it is."""
    store_name: str = ""
    """What kind of store it is, for `health`; never an address with a password."""


class Bot:
    """The services, made and joined."""

    def __init__(self, settings: Settings, outside: Outside, snapshot: Snapshot) -> None:
        self.settings = settings
        self._config_error = outside.config_error
        self.vitals = Vitals(outside.telemetry, outside.clock)
        around = Surroundings(outside.clock, outside.jitter, self.vitals)
        self.clock = outside.clock
        self.fleet = Fleet(settings.accounts, snapshot)
        self.behind = WriteBehind(outside.alerts, self.vitals)
        self.silencing = Silencing(outside.deeds, clock=outside.clock, telemetry=self.vitals)
        self.monitor = Monitor(
            self.fleet,
            outside.alerts,
            self.behind,
            self.vitals,
            settings.policies,
            silences=lambda: self.silencing.current,
        )
        self.notifier = Notifier(
            outside.outbox,
            outside.chat,
            around,
            rang=self.fleet.rang,
            fallback=settings.slack.fallback_channel,
        )
        self.pollers = {
            name: self._poller(settings.accounts[name], source, around)
            for name, source in outside.sources.items()
        }
        wanted = Wanted(settings.discovery, settings.tasks)
        self.discovery = self._discovery(outside, wanted)
        self.discovery.start_with(snapshot.discovered)
        self.roster = Roster(
            Roll(wanted, settings.labels),
            self.fleet,
            self.monitor,
            pollers=self.pollers,
            clock=outside.clock,
        )
        self.shelves = Shelves(
            self.fleet, outside.topics, clock=outside.clock, telemetry=self.vitals
        )
        self.queries = Queries(
            self.fleet,
            outside.reports,
            outside.outbox,
            policies=lambda: self.monitor.policies,
            clock=outside.clock,
        )
        self.conversation = self._conversation(outside)
        self._pulse = self._taken_pulse(outside, started_at=outside.clock.now())

    async def health(self) -> HealthReport:
        """The bot about itself."""
        return await self.queries.health(self._pulse, self.vitals)

    async def start(self) -> None:
        """Takes up the silences, and calls the roll for the first time."""
        await self.silencing.read()
        await self.roster.call(self.discovery)

    def stop_polling(self) -> None:
        """Starts no further polls."""
        for poller in self.pollers.values():
            poller.stop()

    def _discovery(self, outside: Outside, wanted: Wanted) -> Discovery:
        return Discovery(
            outside.sources,
            wanted,
            outside.alerts,
            self.vitals,
            Around(
                changed=self._rolled,
                listed=self._listed,
                missing=self.fleet.missing,
                readable=self.fleet.readable,
                accepted=self.fleet.accepted,
                clock=outside.clock,
            ),
        )

    def _conversation(self, outside: Outside) -> Conversation:
        slack, clock = self.settings.slack, outside.clock
        actions = Actions(
            self.fleet,
            self.monitor,
            self.silencing,
            clock=clock,
            zone=ZoneInfo(slack.timezone),
            permit=Doorkeeper(slack.operators, outside.groups, clock),
        )
        return Conversation(
            self.fleet,
            self.queries,
            Deeds(self.fleet, actions, self.silencing, outside.deeds, clock=clock),
            health=self.health,
            refresh=self._refresh,
            clock=clock,
        )

    def _poller(
        self, account: AccountSettings, source: DumpingTaskSource, around: Surroundings
    ) -> Poller:
        return Poller(
            source,
            self.monitor.observe,
            around,
            urgent=self.fleet.troubled,
            workers=account.concurrency,
            requests_per_second=account.requests_per_second,
        )

    def _taken_pulse(self, outside: Outside, *, started_at: datetime) -> Pulse:
        return Pulse(
            version=version("dumptask-bot"),
            store=outside.store_name,
            started_at=started_at,
            delivery=lambda: self.notifier.delivery,
            store_down=lambda: self.monitor.store_down,
            discovery_errors=self.discovery.errors,
            config_error=self._config_error,
        )

    async def _rolled(self, _account: str) -> None:
        await self.roster.call(self.discovery)

    async def _listed(self, account: str, trouble: ListingTrouble | None) -> None:
        every = self.discovery.interval(account)
        await self.monitor.note_listing(account, trouble, self.clock.now(), every=every)

    async def _refresh(self, task: WatchedTask) -> None:
        await self.pollers[task.key.account].refresh(task.key)
