"""The file as it is written: every section and key there is.

Only shapes and what a section can say by itself. What connects sections is in `references`; what
they mean is in `policies`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from bot.settings.accounts import AccountSection, DiscoverySection, LabelsSection, TaskSection
from bot.settings.fields import (
    AppToken,
    ASeverity,
    AtLeastOne,
    AtLeastTwo,
    AutoOrDuration,
    BotToken,
    Channel,
    Channels,
    Count,
    DatabaseUrl,
    Duration,
    Flag,
    Interval,
    LinkTemplate,
    LinkTitle,
    Mention,
    Name,
    Port,
    PositiveDuration,
    ProxyUrl,
    PublicUrl,
    Repeat,
    SecretText,
    SecretUrl,
    SlackApiUrl,
    SlashCommand,
    Text,
    Timezone,
    Usergroups,
    Users,
    word,
)
from bot.settings.matches import RouteMatch
from bot.settings.rules import AnyRuleSection
from bot.settings.section import Conflict, Section
from bot.settings.values import DEFAULT_PORT


class PollSection(Section):
    """How tasks are polled."""

    interval: Interval | None = None
    stale_polls: AtLeastOne | None = None
    caught_up_tolerance: Count | None = None


class RouteSection(Section):
    """Where alerts go."""

    match: RouteMatch = RouteMatch()
    channel: Channel
    min_severity: ASeverity | None = None
    mention: Mention | None = None
    repeat: Repeat | None = None
    continues: Flag | None = Field(default=None, alias="continue")


class AlertsSection(Section):
    """How alerts are grouped, edited and repeated."""

    group_wait: Duration | None = None
    storm_tasks: AtLeastTwo | None = None
    storm_window: AutoOrDuration = None
    edit_every: Duration | None = None
    reopen_within: AutoOrDuration = None
    ack_expires: PositiveDuration | None = None
    links: dict[LinkTitle, LinkTemplate] | None = None


class OperatorsSection(Section):
    """Who may change state."""

    users: Users | None = None
    usergroups: Usergroups | None = None
    channels: Channels | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Nobody at all."""
        if not self.model_fields_set:
            yield "", "found nobody, users, usergroups or channels would be right (or no operators)"


class SlackSection(Section):
    """The app in Slack."""

    bot_token: BotToken
    app_token: AppToken | None = None
    signing_secret: SecretText | None = None
    fallback_channel: Channel | None = None
    operators: OperatorsSection | None = None
    command: SlashCommand | None = None
    api_url: SlackApiUrl | None = None
    timezone: Timezone | None = None
    proxy: ProxyUrl | None = None
    ca_file: Text | None = None


class StoreSection(Section):
    """Where state is kept, and for how long."""

    path: Text | None = None
    url: DatabaseUrl | None = None
    password: SecretText | None = None
    samples: PositiveDuration | None = None
    incidents: PositiveDuration | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Two stores, or a password that is given twice or for nothing."""
        if self.path is not None and self.url is not None:
            yield "url", "given beside path, one of the two would be right"
        if self.password is None:
            return
        if self.url is None:
            yield "password", "given without url, a password is only for PostgreSQL"
        elif urlsplit(self.url.reveal()).password is not None:
            yield "password", "given beside a password in url, one of the two would be right"


class HttpSection(Section):
    """Where the bot listens."""

    host: Text | None = None
    port: Port | None = None
    admin_port: Port | None = None
    token: SecretText | None = None
    public_url: PublicUrl | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """One port for two things."""
        if self.admin_port and self.admin_port == (
            DEFAULT_PORT if self.port is None else self.port
        ):
            yield "admin_port", f"found {self.admin_port} as for port, another would be right"


class LogSection(Section):
    """What is logged, and how."""

    level: Annotated[str, word("debug", "info", "warning", "error")] | None = None
    format: Annotated[str, word("auto", "console", "json")] | None = None


class HeartbeatSection(Section):
    """Who is told, again and again, that all is well."""

    url: SecretUrl
    interval: Interval | None = None


class File(Section):
    """A whole file."""

    accounts: dict[Name, AccountSection] = Field(
        min_length=1, description="a mapping such as {eu: {region: eu-west-101, project_id: …}}"
    )
    tasks: dict[Name, TaskSection] | None = None
    discovery: list[DiscoverySection] | None = None
    labels: list[LabelsSection] | None = None
    poll: PollSection = PollSection()
    rules: list[AnyRuleSection] | None = None
    routes: list[RouteSection] = Field(
        min_length=1, description="a list such as [{channel: C0DATA12345}]"
    )
    alerts: AlertsSection = AlertsSection()
    slack: SlackSection = Field(description="a mapping with bot_token")
    store: StoreSection = StoreSection()
    http: HttpSection = HttpSection()
    log: LogSection = LogSection()
    heartbeat: HeartbeatSection | None = None
