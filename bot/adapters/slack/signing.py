"""Whether a request is Slack's own: signature scheme v0, with a reason for every refusal.

The base string is `v0:`, the X-Slack-Request-Timestamp header, `:` and the raw bytes of the body;
its HMAC-SHA256 under the signing secret stands in X-Slack-Signature as `v0=` and 64 lower-case hex
digits. The clocks may differ by 300 s (Slack, "Verifying requests from Slack").

The SDK's verifier computes and compares. What it would raise on (a timestamp that is no whole
number, a body that is not UTF-8, a signature that is not ASCII) is refused before it is asked: a
stranger must not be able to cause an error.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from multidict import CIMultiDictProxy
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock, ConfigError

TIMESTAMP = "X-Slack-Request-Timestamp"
SIGNATURE = "X-Slack-Signature"
TOLERANCE = timedelta(minutes=5)

_SECONDS = re.compile(r"[0-9]{1,15}")
_HEX = re.compile(r"v0=[0-9a-f]{64}")


class Refusal(StrEnum):
    """Why a request is not taken for Slack's; a field of the log line."""

    NO_TIMESTAMP = "no timestamp header"
    NO_SIGNATURE = "no signature header"
    REPEATED_HEADER = "a signature header is given twice"
    BAD_TIMESTAMP = "the timestamp is not a whole number of seconds"
    STALE_TIMESTAMP = "the timestamp is more than 5 minutes away"
    BAD_SIGNATURE = "the signature is not spelled like one"
    NOT_UTF8 = "the body is not UTF-8"
    WRONG_SIGNATURE = "the signature is another secret's or another body's"
    ENCODED = "the body is compressed, as Slack's never is"
    BROKEN = "the body breaks off"
    TOO_LARGE = "the body is too large"
    TOO_SLOW = "the body does not arrive"


class _SdkClock(SdkClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class RequestVerifier:
    """Checks requests against the app's signing secret.

    Raises: ConfigError when the secret is blank.
    """

    def __init__(self, signing_secret: str, clock: Clock) -> None:
        if not signing_secret.strip():
            raise ConfigError(["slack.signing_secret: is blank; copy it from the app's page"])
        self._clock = clock
        self._verifier = SignatureVerifier(signing_secret, _SdkClock(clock))

    def refusal(self, headers: CIMultiDictProxy[str], body: bytes) -> Refusal | None:
        """Why the request is refused; None when it is Slack's."""
        timestamps, signatures = headers.getall(TIMESTAMP, []), headers.getall(SIGNATURE, [])
        if not timestamps:
            return Refusal.NO_TIMESTAMP
        if not signatures:
            return Refusal.NO_SIGNATURE
        if len(timestamps) > 1 or len(signatures) > 1:
            return Refusal.REPEATED_HEADER
        return self._misspelled(timestamps[0], signatures[0], body) or self._wrong(
            timestamps[0], signatures[0], body
        )

    def _misspelled(self, timestamp: str, signature: str, body: bytes) -> Refusal | None:
        if not _SECONDS.fullmatch(timestamp):
            return Refusal.BAD_TIMESTAMP
        if abs(self._clock.now().timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
            return Refusal.STALE_TIMESTAMP
        if not _HEX.fullmatch(signature):
            return Refusal.BAD_SIGNATURE
        return None if _is_utf8(body) else Refusal.NOT_UTF8

    def _wrong(self, timestamp: str, signature: str, body: bytes) -> Refusal | None:
        try:
            valid = self._verifier.is_valid(body, timestamp, signature)
        except (ValueError, TypeError, ArithmeticError):
            valid = False
        return None if valid else Refusal.WRONG_SIGNATURE


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
