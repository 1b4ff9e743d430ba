"""From what came back over the wire to the error that tells the caller what to do.

An error names the call, Slack's code and, for blocks, the places Slack pointed at. It never holds
an answer's text, a URL, a header or a token, and it is never chained to the SDK's own error, whose
`response.req_args` holds the bot's token.

Whether a lost answer is ambiguous depends on the call: a message posted twice is seen twice, while
an edit or a question asked twice does no harm and is simply tried again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from bot.adapters.slack.classify import Nature, classify, code_in, pointers_in, scope_in
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
    Rejection,
)

DEFAULT_WAIT = timedelta(seconds=30)
"""Where Slack names no time, or none that can be read."""
PLAN_WAIT = timedelta(hours=1)
"""`message_limit_exceeded` is a limit of the workspace's plan and lasts for hours."""
LONGEST_WAIT = timedelta(hours=24)
SHORTEST_WAIT = timedelta(seconds=1)


RESPONSE_URL = "response_url"
"""The name of the call that answers a command at its response URL."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of Slack."""

    name: str
    """The method, or `response_url`; safe to show."""
    repeatable: bool
    """True when doing it twice is the same as doing it once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is empty when it was not a JSON object."""

    status: int
    retry_after: str | None = None
    """The Retry-After header as it came."""
    body: Mapping[str, object] = field(default_factory=dict, repr=False)
    word: str = ""
    """The answer of a webhook: plain text that is itself the code."""

    @property
    def code(self) -> str:
        """Slack's code, or empty."""
        return code_in(self.body.get("error")) or code_in(self.word)


def lost(call: Call, reason: str, *, code: str = "") -> ChatError:
    """The request went out and its answer is missing or makes no sense."""
    detail = f"{call.name}: {reason}"
    if call.repeatable:
        return ChatUnavailable(detail, code=code)
    return ChatAmbiguous(detail, code=code)


def not_sent(call: Call, reason: str) -> ChatUnavailable:
    """The request never reached Slack."""
    return ChatUnavailable(f"{call.name}: {reason}")


def refused(call: Call, answer: Answer) -> ChatError:
    """The error for an answer that is not a success."""
    code = answer.code
    if answer.status == 429:
        return _throttled(call, answer, code or "ratelimited")
    if not code:
        return _by_status(call, answer.status)
    match classify(code):
        case Nature.WAIT:
            return _throttled(call, answer, code)
        case Nature.AMBIGUOUS:
            return lost(call, code, code=code)
        case Nature.TRANSIENT:
            return ChatUnavailable(f"{call.name}: {code}", code=code)
        case Rejection() as rejection:
            return ChatRejected(
                f"{call.name}: {code}{_missing_scope(answer.body)}",
                code=code,
                rejection=rejection,
                pointers=pointers_in(answer.body),
            )
        case unreachable:
            assert_never(unreachable)


def _throttled(call: Call, answer: Answer, code: str) -> ChatThrottled:
    default = PLAN_WAIT if code == "message_limit_exceeded" else DEFAULT_WAIT
    wait = retry_after(answer.retry_after, default=default)
    detail = f"{call.name}: {code}, wait {wait.total_seconds():g} s"
    return ChatThrottled(detail, retry_after=wait, code=code)


def retry_after(value: str | None, *, default: timedelta = DEFAULT_WAIT) -> timedelta:
    """The time of a Retry-After header in seconds, whole or not.

    The default stands for an absent, negative or unreadable one (a date too: Slack sends none).
    Never below a second, never above a day.
    """
    try:
        seconds = float(value) if value is not None else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        return default
    bounded = min(seconds, LONGEST_WAIT.total_seconds())
    return max(timedelta(seconds=bounded), SHORTEST_WAIT)


def _by_status(call: Call, status: int) -> ChatError:
    """An HTTP answer without a code: a proxy, a gateway, a wrong address, or a dead webhook."""
    code = f"http_{status}"
    if status in {404, 410} and call.name == RESPONSE_URL:
        return _gone(call, code)
    if status == 413:
        return ChatRejected(f"{call.name}: {code}", code=code, rejection=Rejection.PAYLOAD)
    if 300 <= status < 500 and status != 408:
        # Somebody before Slack refused it, so it was not carried out.
        return ChatUnavailable(f"{call.name}: {code}", code=code)
    return lost(call, f"{code} without a readable answer", code=code)


def _gone(call: Call, code: str) -> ChatRejected:
    """A response URL lives 30 minutes and takes 5 answers."""
    return ChatRejected(f"{call.name}: {code}", code=code, rejection=Rejection.TARGET_GONE)


def _missing_scope(body: Mapping[str, object]) -> str:
    needed, provided = scope_in(body.get("needed")), scope_in(body.get("provided"))
    if not needed:
        return ""
    return f", needs {needed}" + (f", has {provided}" if provided else "")
