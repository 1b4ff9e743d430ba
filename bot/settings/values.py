"""The configuration as the program uses it: frozen, validated, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from bot.domain.discovery import DiscoveryEntry
from bot.domain.names import ConfiguredTask, LabelEntry
from bot.domain.policy import Policies
from bot.settings.secret import Secret

DEFAULT_PORT = 8080
METADATA_ENDPOINT = "http://169.254.169.254"
"""Where a cloud server asks for its own keys (ECS user guide, "Obtaining Metadata")."""


DEFAULT_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class AkSkAuth:
    """An access key; a temporary one has a security token."""

    access_key: Secret
    secret_key: Secret
    security_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A token that somebody else renews."""

    token: Secret


@dataclass(frozen=True, slots=True)
class PasswordAuth:
    """An IAM user of an account (`domain`)."""

    domain: str
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class MetadataAuth:
    """The keys of the agency of the server that the bot runs on."""

    endpoint: str = METADATA_ENDPOINT


Auth = AkSkAuth | TokenAuth | PasswordAuth | MetadataAuth


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One region and project."""

    name: str
    endpoint: str
    """Scheme, host and port of DMS."""
    iam_endpoint: str | None
    """Scheme, host and port of IAM; known where password credentials need it."""
    project_id: str
    auth: Auth
    region: str | None = None
    requests_per_second: float = 20.0
    concurrency: int = 50
    timeout: timedelta | None = None
    """The longest a request may take, where the file says it."""
    ca_file: Path | None = None
    """Trusted instead of the system's authorities."""
    proxy: Secret | None = None
    """Its address may hold a password."""
    console_url: str | None = None
    """Template, see `bot.domain.links`."""

    @property
    def request_timeout(self) -> timedelta:
        """The longest a request may take; what is left of its poll may be less."""
        return self.timeout or DEFAULT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Operators:
    """Who may change state: these users, members of these groups, anybody in these channels."""

    users: tuple[str, ...] = ()
    usergroups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class SlackMode(StrEnum):
    """How Slack reaches the bot."""

    SOCKET = "socket"
    HTTP = "http"
    ALERTS_ONLY = "alerts_only"
    """Not at all: commands and buttons do not work."""


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """The app in Slack."""

    bot_token: Secret
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    fallback_channel: str | None = None
    operators: Operators | None = None
    """None: everybody."""
    command: str = "/dumptask"
    api_url: str = "https://slack.com/api/"
    timezone: str = "UTC"
    """IANA name; for times in texts that Slack does not turn into the reader's own."""
    proxy: Secret | None = None
    ca_file: Path | None = None

    @property
    def modes(self) -> tuple[SlackMode, ...]:
        """Every way in which Slack reaches the bot; ALERTS_ONLY alone where there is none."""
        ways = []
        if self.app_token is not None:
            ways.append(SlackMode.SOCKET)
        if self.signing_secret is not None:
            ways.append(SlackMode.HTTP)
        return tuple(ways) or (SlackMode.ALERTS_ONLY,)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where state is kept: an SQLite file, or PostgreSQL when `url` is given."""

    path: str | None = "dumptask.db"
    """Relative to the working directory; None with a url."""
    url: str | None = None
    """postgresql://user@host/db, never with a password in it."""
    password: Secret | None = None
    samples: timedelta = timedelta(days=7)
    incidents: timedelta = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the bot listens."""

    host: str = "0.0.0.0"  # noqa: S104 - probes and Slack come from outside; `check` warns
    port: int = DEFAULT_PORT
    """0: any free one."""
    admin_port: int | None = None
    """Where everything but /slack/* is served when given."""
    token: Secret | None = None
    """Guards the page and the JSON."""
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: str = "info"
    """debug, info, warning or error."""
    format: str = "auto"
    """auto, console or json."""


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """Who is told, again and again, that all is well."""

    url: Secret
    interval: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration."""

    accounts: Mapping[str, AccountSettings]
    tasks: tuple[ConfiguredTask, ...]
    discovery: tuple[DiscoveryEntry, ...]
    labels: tuple[LabelEntry, ...]
    policies: Policies
    slack: SlackSettings
    store: StoreSettings = StoreSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    heartbeat: HeartbeatSettings | None = None
    files: frozenset[Path] = frozenset()
    """The configuration itself and every file it takes values from, to be watched for changes."""
    missing: tuple[str, ...] = ()
    """Secrets that were not there, each with its key; only where they were not required."""
    secret_values: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts that must never be written anywhere."""
