"""Verifies the request signature SDK-HMAC-SHA256 the way the cloud's gateway does.

    CanonicalRequest = METHOD, CanonicalURI, CanonicalQuery, CanonicalHeaders, SignedHeaders,
                       HashedBody, joined by newlines
    StringToSign     = "SDK-HMAC-SHA256", X-Sdk-Date, hex(sha256(CanonicalRequest)), joined likewise
    Signature        = hex(hmac_sha256(secret key, StringToSign))

Everything is computed anew from the request as it arrived, so a request whose bytes on the wire are
not those that were signed is refused. In particular a plus sign in the query is a plus sign, never
a space. The rules, the clock's fifteen minutes and the sub-messages of APIGW.0301 are those of the
vendor's signing guide and of its public signer.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
CLOCK_TOLERANCE = timedelta(minutes=15)

_DATE_FORM = "%Y%m%dT%H%M%SZ"
_CREDENTIAL = re.compile(
    rf"{ALGORITHM} Access=(?P<access_key>[^,\s]+), "
    r"SignedHeaders=(?P<signed>[^,\s]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_EMPTY_BODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A request as it arrived: path and query still percent-encoded, header values as they came."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name in any case; None when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class SignatureRefused(Exception):
    """The signature is not accepted; the text is the gateway's sub-message."""


def verified_access_key(
    request: RawRequest, *, now: datetime, secret_of: Callable[[str], str | None]
) -> str:
    """The access key that signed the request.

    Raises:
        SignatureRefused: the key is unknown, the date too far from `now`, or the signature wrong.
    """
    claim = _CREDENTIAL.fullmatch(request.header("Authorization") or "")
    if claim is None:
        raise SignatureRefused("verify aksk signature fail")
    access_key = claim["access_key"]
    secret = secret_of(access_key)
    if secret is None:
        raise SignatureRefused(f"ak {access_key} not exist")
    date = request.header("X-Sdk-Date") or ""
    _check_date(date, now)
    expected = sign(string_to_sign(canonical_request(request, claim["signed"]), date), secret)
    if not hmac.compare_digest(expected, claim["signature"]):
        raise SignatureRefused("verify aksk signature fail")
    return access_key


def _check_date(date: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(date, _DATE_FORM).replace(tzinfo=UTC)
    except ValueError:
        raise SignatureRefused("verify aksk signature fail") from None
    if abs(now - signed_at) > CLOCK_TOLERANCE:
        raise SignatureRefused(
            f"calc aksk signature fail:signature expired, signature time:{date},"
            f"server time:{now.strftime(_DATE_FORM)}"
        )


def sign(text: str, secret: str) -> str:
    """The signature of a string to sign, in hexadecimal."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def string_to_sign(canonical: str, date: str) -> str:
    """The text that is signed, from the canonical request and the value of X-Sdk-Date."""
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{date}\n{digest}"


def canonical_request(request: RawRequest, signed_headers: str) -> str:
    """The canonical request over the headers named in `signed_headers`, joined by semicolons."""
    return "\n".join(
        (
            request.method.upper(),
            _canonical_uri(request.path),
            _canonical_query(request.query),
            "".join(_canonical_headers(request, signed_headers.split(";"))),
            signed_headers,
            _hashed_body(request),
        )
    )


def _canonical_uri(path: str) -> str:
    """Decoded, split at slashes (%2F is one too), encoded again, with a slash at the end."""
    encoded = "/".join(quote(segment, safe="~") for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_query(query: str) -> str:
    pairs = sorted(_decoded(part) for part in query.split("&") if part)
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)


def _decoded(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote(name), unquote(value)


def _canonical_headers(request: RawRequest, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield f"{name}:{(request.header(name) or '').strip()}\n"


def _hashed_body(request: RawRequest) -> str:
    """A declared hash (UNSIGNED-PAYLOAD) stands in for a body's own, never for that of no body."""
    if not request.body:
        return _EMPTY_BODY
    declared = request.header("X-Sdk-Content-Sha256")
    return declared or hashlib.sha256(request.body).hexdigest()
