"""Who and what is in the simulated workspace before anything happens."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

BOT_SCOPES = (
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "reactions:write",
    "channels:read",
    "channels:join",
    "channels:history",
    "groups:read",
    "groups:history",
    "usergroups:read",
    "users:read",
)
"""What the bot's token may do unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the workspace; `time_zone` is an IANA name."""

    id: str
    name: str
    real_name: str
    time_zone: str = "UTC"

    def utc_offset_s(self, at: datetime) -> int:
        """Seconds east of Greenwich at that instant."""
        offset = at.astimezone(ZoneInfo(self.time_zone)).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A group that can be mentioned as one, such as the people on call."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelSeed:
    """A channel as it stands at the start; `members` None: everybody."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    bot_is_member: bool = True
    members: tuple[str, ...] | None = None
    topic: str = ""


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The app whose bot speaks here."""

    app_id: str = "A0DUMPTASK"
    bot_id: str = "B0DUMPTASK"
    bot_user_id: str = "U0DUMPTASK"
    name: str = "dumptask"


@dataclass(frozen=True, slots=True)
class WorkspaceSeed:
    """Everything the workspace starts with. The first person is the one who looks and types."""

    team_id: str = "T0DUMPTASK"
    team_name: str = "Dumping Tasks"
    team_domain: str = "dumping-tasks"
    app: AppIdentity = field(default_factory=AppIdentity)
    people: tuple[Person, ...] = (
        Person("U0OPERATOR", "operator", "Operator", "Europe/Berlin"),
        Person("U0DEVELOPER", "developer", "Developer", "America/New_York"),
        Person("U0NIGHT", "night-shift", "Night Shift", "Asia/Shanghai"),
    )
    user_groups: tuple[UserGroup, ...] = (
        UserGroup("S0ONCALL", "oncall", "On call", ("U0OPERATOR", "U0NIGHT")),
    )
    channels: tuple[ChannelSeed, ...] = (
        ChannelSeed("C0DATA", "data-alerts", topic="Dumping tasks that need a look"),
        ChannelSeed("C0ORDERS", "team-orders"),
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tokens and the secret the app holds. They open nothing but this simulator."""

    bot_token: str = field(default="xoxb-simulated", repr=False)
    app_token: str = field(default="xapp-simulated", repr=False)
    signing_secret: str = field(default="0123456789abcdef0123456789abcdef", repr=False)
    scopes: tuple[str, ...] = BOT_SCOPES
