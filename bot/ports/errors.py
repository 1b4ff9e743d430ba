"""What goes wrong outside, by what can be done about it.

An adapter lets only its own family out, chained; whether to retry is in the type. No error carries
a token, a signature, a response URL or a body.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from bot.domain.model import FailureKind


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


class CloudForbidden(CloudDenied):
    """The credentials are accepted, and lack the right to this one thing, perhaps to all."""

    kind = FailureKind.FORBIDDEN


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


class CannotListen(BotError):
    """An address to listen on cannot be had; says which key names it, and what would be right."""


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
