"""Request signatures of Slack, version v0.

The base string is `v0:`, the X-Slack-Request-Timestamp header, `:` and the raw bytes of the body;
its HMAC-SHA256 under the signing secret, in lower-case hex after `v0=`, is the X-Slack-Signature
header. A receiver refuses a timestamp more than 300 s away from its own clock.
Source: Slack, "Verifying requests from Slack"; the samples in tests/data/slack-signatures.json.
"""

import hashlib
import hmac
from datetime import timedelta

TIMESTAMP_HEADER = "X-Slack-Request-Timestamp"
SIGNATURE_HEADER = "X-Slack-Signature"
TOLERANCE = timedelta(minutes=5)


def signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """The value of X-Slack-Signature for a body sent at `timestamp_s` (seconds since 1970)."""
    base = f"v0:{timestamp_s}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def signed_headers(secret: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The two headers by which a receiver knows that the request is Slack's."""
    return {
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: signature(secret, timestamp_s, body),
    }
