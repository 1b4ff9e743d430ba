"""The lines between services and the outside: protocols, what crosses them, and the errors.

Each protocol is cut by its consumer: the notifier cannot open incidents, a reader cannot claim
rows. An adapter lets only its own family of errors out, chained; whether to retry is in the type.
No error carries a token, a signature, a response URL or a body.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Event, Incident
from bot.domain.model import FailureKind, TaskKey, TaskSample, WatchedTask
from bot.domain.notifications import Card, Decision, Intent, Reason
from bot.presenters.message import Message

# --- errors ----------------------------------------------------------------------------------


class BotError(Exception):
    """The root: everything the bot itself raises to say what went wrong outside or at its door."""


class ConfigError(BotError):
    """A configuration cannot be used. Each line: where, what is wrong, what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class CloudError(BotError):
    """The cloud gave no usable answer. `detail` is safe to show."""

    kind: FailureKind = FailureKind.UNAVAILABLE

    def __init__(self, detail: str, *, account: str = "", request_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.account = account
        self.request_id = request_id


class CloudUnavailable(CloudError):
    """Timeout, connection, 5xx: worth another try."""


class CloudThrottled(CloudError):
    """Too many requests. `retry_after` is None where the cloud named no time."""

    kind = FailureKind.THROTTLED

    def __init__(
        self,
        detail: str,
        *,
        retry_after: timedelta | None = None,
        account: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail, account=account, request_id=request_id)
        self.retry_after = retry_after


class CloudDenied(CloudError):
    """Credentials or permission refused: never hammered, because IAM locks users out."""

    kind = FailureKind.DENIED


class CloudTaskMissing(CloudError):
    """The documented code for a task, connector or instance that does not exist."""

    kind = FailureKind.MISSING


class CloudProtocolError(CloudError):
    """An answer we do not understand; names the place in it, never its content."""

    kind = FailureKind.PROTOCOL


class ChatError(BotError):
    """Slack did not do what was asked. `code` is Slack's own word where it gave one."""

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class ChatUnavailable(ChatError):
    """Known not to have been done: refused connection, DNS, transient refusal. Try again."""


class ChatThrottled(ChatError):
    """Slack asks to wait `retry_after`."""

    def __init__(self, detail: str, *, retry_after: timedelta, code: str = "ratelimited") -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class ChatAmbiguous(ChatError):
    """It may have been done: the answer was lost. Repeat with the same id, bounded."""


class Rejection(StrEnum):
    """Why Slack refused for good, by what would have to change."""

    TARGET_GONE = "target_gone"
    """The message or thread no longer exists: make a new one."""
    CHANNEL = "channel"
    """The channel does not exist, is archived, or the bot is not in it."""
    CREDENTIAL = "credential"
    """The token is dead or lacks a scope: stop calling."""
    PAYLOAD = "payload"
    """The message itself is wrong: never send it unchanged again."""
    HARMLESS = "harmless"
    """What was asked is already so."""
    OTHER = "other"


class ChatRejected(ChatError):
    """Refused for good; repeating it unchanged is useless."""

    def __init__(
        self, detail: str, *, code: str, rejection: Rejection, pointers: tuple[str, ...] = ()
    ) -> None:
        super().__init__(detail, code=code)
        self.rejection = rejection
        self.pointers = pointers
        """JSON pointers into the payload that Slack named."""


class StoreError(BotError):
    """The store failed."""


class StoreUnavailable(StoreError):
    """Not now: locked, unreachable, disk full. Try again."""


class StoreConflict(StoreError):
    """Somebody else changed what was to be saved; nothing was written."""


class StoreUnusable(StoreError):
    """Cannot be used at all: held by another process, newer than the program, not a database."""


class RequestError(BotError):
    """What a person asked cannot be done; the text is the answer."""


# --- the cloud -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A dumping task as a listing shows it."""

    key: TaskKey
    task_name: str
    status: str | None
    topics_text: str | None
    connector_id: str
    instance_id: str
    instance_name: str
    instance_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything an account shows of its dumping tasks."""

    account: str
    tasks: tuple[ListedTask, ...]
    instances: int
    connectors: int
    smart_connect_tasks: int | None = None
    """Tasks of the newer kind, which this API does not show; None when not asked."""
    refused: tuple[str, ...] = ()
    """Connectors or instances that answered with an error, each with the reason."""
    refused_ids: frozenset[str] = frozenset()
    """Their ids: what they hold is unknown, not absent."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of an account a listing looks at. Globs on instance names, or exact ids."""

    instances: tuple[str, ...] = ("*",)
    connectors: tuple[str, ...] = ()
    """Connector ids; when given, instances are not asked."""


class DumpingTaskSource(Protocol):
    """One account of the cloud."""

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        ...

    async def observe(self, task: WatchedTask, *, budget: timedelta) -> TaskSample:
        """Queries one task, retrying inside `budget`.

        Raises: CloudError.
        """
        ...

    async def list_tasks(self, scope: Scope, *, smart_connect: bool = False) -> Listing:
        """Lists the dumping tasks in the scope; asks for Smart Connect tasks when told to.

        Raises: CloudError when nothing can be listed; a connector that fails is in `refused`.
        """
        ...


# --- the store -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What one observation, or one act of a person, changes: written in one transaction."""

    key: TaskKey
    at: datetime
    states: tuple[AlertState, ...] = ()
    """Each with the version it was loaded or last saved with."""
    events: tuple[Event, ...] = ()
    """Incident rows are written from these."""
    cards: tuple[Card, ...] = ()
    intents: tuple[Intent, ...] = ()
    decisions: tuple[Decision, ...] = ()
    window: TaskHistory | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the core needs after a restart."""

    states: tuple[AlertState, ...] = ()
    """Those that were ever anything but quiet: a quiet one has a version to go on from."""
    cards: tuple[Card, ...] = ()
    """Those that are not closed."""
    windows: Mapping[TaskKey, TaskHistory] = field(default_factory=dict)
    discovered: tuple[ListedTask, ...] = ()
    """Tasks of the last good discovery."""
    unreadable_windows: int = 0
    """Windows that are damaged or of another version, and are missing above."""


class AlertStore(Protocol):
    """The write side of the monitor."""

    async def load(self) -> Snapshot:
        """Everything that was going on. Raises: StoreError."""
        ...

    async def commit(self, change: Change) -> None:
        """Writes a change whole or not at all; afterwards every saved version is one higher.

        Committing the very same change again writes nothing new and is no conflict. Of an
        incident's evidence changes only the latest event is kept. A card's rang_at is the
        notifier's: it is taken over from a new card and never written afterwards.

        Raises: StoreConflict when a state or card was saved by somebody else meanwhile;
            StoreUnavailable.
        """
        ...

    async def save_windows(self, windows: Mapping[TaskKey, TaskHistory]) -> None:
        """Saves windows in one batch, written behind. Raises: StoreUnavailable."""
        ...

    async def append_samples(self, samples: Sequence[TaskSample]) -> None:
        """Appends samples of any tasks in one batch, written behind. Raises: StoreUnavailable."""
        ...

    async def save_discovered(self, account: str, tasks: Sequence[ListedTask]) -> None:
        """Replaces what is known of an account by discovery. Raises: StoreUnavailable."""
        ...

    async def forget_older(self, *, samples: datetime, incidents: datetime) -> None:
        """Deletes samples and ended incidents (with their events and cards) from before."""
        ...


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a delivered card is."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A claimed row, with what its delivery needs to know."""

    intent: Intent
    seq: int
    """Rows of a card are delivered in this order."""
    attempts: int
    """Deliveries tried before this claim."""
    created_at: datetime
    root: MessageRef | None
    """The card's message; None until it is posted."""
    ambiguous: bool = False
    """An earlier try may have arrived; said in the message if it is sent again."""
    plain: bool = False
    """Slack refused its blocks; only the text is sent."""


@dataclass(frozen=True, slots=True)
class Postponement:
    """Why and until when a row waits."""

    until: datetime
    error: str
    counts: bool = True
    """Whether a try was made; waiting for one's turn is none."""
    ambiguous: bool = False
    """The try may have arrived. Once set on a row it stays."""
    plain: bool = False
    """The next try sends text only. Once set on a row it stays."""


class Outbox(Protocol):
    """The write side of the notifier."""

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[OutboxRow]:
        """Claims due rows, at most one per card and the oldest of it, until now + lease.

        Waiting CARD rows of one card coalesce: the newest is claimed in the oldest one's place
        and rings if any would. A card without a message is posted before its replies; a reply
        without a root is claimed only when no CARD row of its card waits.
        Raises: StoreUnavailable.
        """
        ...

    async def delivered(self, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
        """Marks a row done. A CARD's ref becomes the root; a row that rang sets rang_at."""
        ...

    async def postpone(self, row: OutboxRow, postponement: Postponement) -> None:
        """Gives a claimed row back."""
        ...

    async def give_up(self, row: OutboxRow, error: str, at: datetime) -> None:
        """Marks a row as never to be sent, with the reason."""
        ...

    async def drop_root(self, card_id: str) -> None:
        """Forgets where a card is, so that its next look is posted anew.

        When no look waits, the last delivered one waits again, because replies need a root.
        """
        ...

    async def release_claims(self) -> None:
        """At start: gives back whatever this process claimed before it died."""
        ...

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        """Rows that wait and the age of the oldest that is due (zero when none is)."""
        ...


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents a reader wants."""

    open_only: bool = True
    key: TaskKey | None = None
    since: datetime | None = None
    """Without those that ended before."""
    limit: int = 200


class ReportStore(Protocol):
    """The read side."""

    async def incidents(self, wanted: IncidentFilter) -> Sequence[Incident]:
        """Incidents, newest first."""
        ...

    async def incident(self, id_prefix: str) -> Sequence[Incident]:
        """Incidents whose id begins so, whatever the case; at most 10."""
        ...

    async def events(self, incident_id: str) -> Sequence[Event]:
        """What happened to an incident, oldest first."""
        ...

    def samples(self, key: TaskKey | None, since: datetime) -> AsyncIterator[TaskSample]:
        """Stored samples, oldest first per task."""
        ...


class Lease(Protocol):
    """The right of one process to poll, judge and tell an account."""

    async def held(self, account: str) -> bool:
        """Whether this process still holds the account."""
        ...


# --- Slack -----------------------------------------------------------------------------------


class ChatGateway(Protocol):
    """Messages out. No call retries by itself."""

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        """Posts a new root. Raises: ChatError."""
        ...

    async def update(self, ref: MessageRef, message: Message) -> None:
        """Replaces a message. Raises: ChatError."""
        ...

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        """Posts into the thread of a message. Raises: ChatError."""
        ...

    async def respond(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        """Answers a slash command later than its acknowledgement. Raises: ChatError."""
        ...

    async def check_credentials(self) -> str:
        """Asks who we are; the bot's own user id. Raises: ChatError."""
        ...


# --- the process itself ----------------------------------------------------------------------


class Clock(Protocol):
    """Wall time. Waiting and measuring use the event loop's monotonic clock instead."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class Jitter(Protocol):
    """Randomness, only ever for spreading retries."""

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        ...


@dataclass(frozen=True, slots=True)
class PollMeasured:
    """One poll ended. `result` is "ok" or a FailureKind."""

    account: str
    result: str
    took: timedelta
    late: timedelta


@dataclass(frozen=True, slots=True)
class DeliveryMeasured:
    """One delivery was tried. `result`: delivered, postponed, given_up."""

    reason: Reason
    result: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth a log line. `event` is a fixed phrase; fields are safe to write."""

    event: str
    level: str = "info"
    """debug, info, warning or error."""
    fields: Mapping[str, object] = field(default_factory=dict)
    error: BaseException | None = None
    """Written with its trace; only for defects of the bot itself."""


Measured = PollMeasured | DeliveryMeasured | Noted


class Telemetry(Protocol):
    """What the bot says of itself. Never raises, never blocks."""

    def record(self, measured: Measured) -> None:
        """Counts or logs one thing."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every service is given of the process it runs in."""

    clock: Clock
    jitter: Jitter
    telemetry: Telemetry
