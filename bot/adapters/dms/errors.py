"""From an answer that is no success to one of the family of `CloudError`.

The cloud complains in several shapes, tried in the order of the vendor's own SDK: error_code with
error_msg, errorCode with errorMsg, code with message, then the same inside a nested object (IAM
nests under `error`, with a number as its code). Proxies send HTML or nothing.

What a code means (Kafka API reference, "Error Codes"; API Gateway user guide, "Error Codes"):

- 404 has five meanings. Only three codes say that something does not exist. DMS.10240407 is flow
  control. DMS.00404001, DMS.10240406 and the gateway's 0101 say that the address is unknown, which
  is a wrong configuration or an API that has been retired, so `CloudProtocolError`, with advice. A
  404 without a code proves nothing about the task.
- The gateway's numbers come with the prefix APIGW or, in older texts, APIG: the digits count.
- Two codes of the 00500 series and a frozen tenant are matters for a person: `CloudDenied`.

Texts that leave here are safe: no token, key or signature, no control characters, 200 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson

from bot.ports import (
    CloudDenied,
    CloudError,
    CloudForbidden,
    CloudProtocolError,
    CloudTaskMissing,
    CloudThrottled,
    CloudUnavailable,
)

_FLOW_CONTROL = "DMS.10240407"
_ADDRESS_CODES = frozenset({"DMS.00404001", "DMS.10240406"})
_GATEWAY_CODE = re.compile(r"API(?:GW|G)\.(\d{4})")
_GATEWAY_THROTTLED = "0308"
_GATEWAY_UNKNOWN = "0101"

_LONGEST_TEXT = 200
_LONGEST_PAUSE = timedelta(hours=1)
"""A longer wish is obeyed so far: after it, one request asks again."""
_WINDOW = re.compile(r"time:\s*(\d{1,6})\s*(second|minute|hour|day)", re.IGNORECASE)
_WINDOW_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_SECRET_LOOKING = (
    re.compile(r"(?i)\b(?:access|signature|signedheaders|credential)\s*=\s*[^\s,]+"),
    re.compile(r"[A-Za-z0-9+/=*_-]{40,}"),
    re.compile(r"\b[A-Z0-9]{16,}\b"),
)
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))

_CLOCK_ADVICE = "set this machine's clock: a signature may differ by 15 minutes at most"
_ADDRESS_ADVICE = (
    "the endpoint or the project may be wrong for this region, or the cloud no longer offers the"
    " dumping task API there"
)
_RIGHTS_ADVICE = (
    "the user needs dms:instance:list, dms:instance:get, dms:instance:listConnectorSinkTask and"
    " dms:instance:getConnectorSinkTask"
)
_KEYS_ADVICE = "check the account's keys or token, and that they belong to its project"
_REDIRECT = "; redirects are not followed"
_REMARKS = {
    301: _REDIRECT,
    302: _REDIRECT,
    303: _REDIRECT,
    307: _REDIRECT,
    308: _REDIRECT,
    404: "; that is none of the codes for something that is gone",
}


class EndOfPages(CloudProtocolError):
    """What the API says to an offset at or beyond the total, instead of giving an empty page."""


_KINDS: dict[str, type[CloudError]] = {
    "DMS.00404022": CloudTaskMissing,  # the instance does not exist
    "DMS.00404024": CloudTaskMissing,  # the connector
    "DMS.00404026": CloudTaskMissing,  # the dumping task
    "DMS.00400026": CloudUnavailable,  # a 400, yet the instance is only busy with something
    "DMS.00400975": CloudUnavailable,  # a 400, yet topics could only not be read just now
    "DMS.00500986": CloudDenied,  # a 400: the account is restricted
    "DMS.00500987": CloudDenied,  # a 400: its balance is too low
    "DMS.10240306": CloudDenied,  # a 403: the tenant is frozen
    "DMS.10240312": CloudDenied,  # a 403: the tenant is restricted
    "DMS.40050010": EndOfPages,
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error's body says; empty where it says nothing."""

    code: str = ""
    message: str = ""
    request_id: str | None = None

    @property
    def gateway_code(self) -> str:
        """The four digits of a code of the gateway, else empty."""
        match = _GATEWAY_CODE.fullmatch(self.code)
        return match[1] if match else ""

    @property
    def clock_is_off(self) -> bool:
        """The signature was refused for its age, so other keys would not help."""
        return "signature expired" in self.message.lower()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than the wanted one."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime


def complaint_of(body: bytes) -> Complaint:
    """What the body complains of, in whatever shape."""
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint()
    code, message = _pair_in(document, depth=4)
    request_id = document.get("request_id") if isinstance(document, dict) else None
    return Complaint(code, message, _clean_id(request_id))


def _pair_in(document: object, *, depth: int) -> tuple[str, str]:
    if not isinstance(document, dict) or depth == 0:
        return "", ""
    for code_name, message_name in _PAIRS:
        if code_name in document or message_name in document:
            return _code(document.get(code_name)), _text(document.get(message_name))
    found = (_pair_in(value, depth=depth - 1) for value in document.values())
    return next((pair for pair in found if any(pair)), ("", ""))


def _code(value: object) -> str:
    text = str(value).strip() if isinstance(value, str | int) else ""
    return text if _CODE.fullmatch(text) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clean_id(value: object) -> str | None:
    return value if isinstance(value, str) and _REQUEST_ID.fullmatch(value) else None


def request_id_of(headers: Mapping[str, str], complaint: Complaint | None = None) -> str | None:
    """The id by which the cloud's support finds a request."""
    named = _clean_id(headers.get("X-Request-Id")) or _clean_id(headers.get("X-IAM-Trace-Id"))
    return named or (complaint.request_id if complaint else None)


def safe_text(text: str, hidden: Iterable[str] = ()) -> str:
    """A text from outside, fit to be shown and logged. `hidden` are secrets known by value."""
    text = text[:4096]
    for secret in filter(None, hidden):
        text = text.replace(secret, "…")
    for pattern in _SECRET_LOOKING:
        text = pattern.sub("…", text)
    # split() also removes line breaks; what is left of the unprintable would confuse a terminal.
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def pause_asked(refusal: Refusal, complaint: Complaint) -> timedelta | None:
    """How long the cloud wants us to wait: Retry-After, or the window in its message.

    The gateway writes "... over ratelimit,limit:200,time:1 second". None where it names no time.
    """
    asked = _retry_after(refusal.headers.get("Retry-After", ""), refusal.at)
    if asked is None and (window := _WINDOW.search(complaint.message)):
        asked = int(window[1]) * _WINDOW_UNITS[window[2].lower()]
    return None if asked is None else min(asked, _LONGEST_PAUSE)


def _retry_after(text: str, now: datetime) -> timedelta | None:
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:  # RFC 5322's "-0000": the time is UTC, its zone unsaid
        until = until.replace(tzinfo=now.tzinfo)
    return max(until - now, timedelta(0))


def error_of(refusal: Refusal, *, hidden: Iterable[str] = ()) -> CloudError:
    """The error to raise for an answer that is no success."""
    complaint = complaint_of(refusal.body)
    said = _said(refusal, complaint, hidden)
    error = _by_code(refusal, complaint, said) or _by_status(refusal, complaint, said)
    error.request_id = request_id_of(refusal.headers, complaint)
    return error


def _said(refusal: Refusal, complaint: Complaint, hidden: Iterable[str]) -> str:
    head = " ".join(part for part in (f"HTTP {refusal.status}", complaint.code) if part)
    if message := safe_text(complaint.message, hidden):
        return f"{head}: {message}"
    if complaint.code:
        return head
    return f"{head} with {_kind_of_body(refusal)}"


def _kind_of_body(refusal: Refusal) -> str:
    if not refusal.body:
        return "an empty body"
    if refusal.body.lstrip()[:1] == b"<":
        return "an HTML page, perhaps of a proxy"
    return "a body that is not the API's"


def _by_code(refusal: Refusal, complaint: Complaint, said: str) -> CloudError | None:
    code, gateway = complaint.code, complaint.gateway_code
    if refusal.status == 429 or code == _FLOW_CONTROL or gateway == _GATEWAY_THROTTLED:
        return CloudThrottled(said, retry_after=pause_asked(refusal, complaint))
    if code in _ADDRESS_CODES or gateway == _GATEWAY_UNKNOWN:
        return CloudProtocolError(f"{said} ({_ADDRESS_ADVICE})")
    kind = _KINDS.get(code)
    return kind(said) if kind else None


def _by_status(refusal: Refusal, complaint: Complaint, said: str) -> CloudError:
    status = refusal.status
    if status == 401:
        advice = _CLOCK_ADVICE if complaint.clock_is_off else _KEYS_ADVICE
        return CloudDenied(f"{said} ({advice})")
    if status == 403:
        return CloudForbidden(f"{said} ({_RIGHTS_ADVICE})")
    if status == 408 or status >= 500:
        return CloudUnavailable(said)
    return CloudProtocolError(said + _REMARKS.get(status, ""))
