"""The request signature SDK-HMAC-SHA256 (Huawei Cloud API request signing guide).

    CanonicalRequest = METHOD \\n path \\n query \\n headers \\n signed names \\n sha256(body)
    StringToSign     = "SDK-HMAC-SHA256" \\n X-Sdk-Date \\n sha256(CanonicalRequest)
    Signature        = hmac_sha256(secret key, StringToSign)

`canonical_request` and `authorization` are the general form. `Seal` is the one in use: the requests
of a monitor are the same minute after minute but for their date, so everything before the date is
hashed once per request and copied, and so is the key by its `Signer` (four times as fast in a
trial). Both forms give the same signature.

Body signing covers JSON only; other content types are signed as UNSIGNED-PAYLOAD by the vendor's
signer, and no call of ours sends them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from bot.adapters.dms.account import AkSk

ALGORITHM = "SDK-HMAC-SHA256"
CONTENT_TYPE = "application/json"
"""Sent and signed with every GET, as the vendor's SDK does."""
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_DATE_HEADER = "x-sdk-date"

QueryValue = str | bool | Sequence[str]


def encode(text: str) -> str:
    """Percent-encodes all but letters, digits and `-_.~`; a space is %20."""
    return quote(text, safe="~")


def encode_path(path: str) -> str:
    """The path as it is sent and signed: decoded once, then every segment encoded.

    An encoded slash thus becomes a separator, as it does in the vendor's signer.
    """
    return "/".join(encode(segment) for segment in unquote(path).split("/"))


def canonical_query(pairs: Iterable[tuple[str, QueryValue]]) -> str:
    """The query as it is sent and signed: sorted by raw name, then value."""
    texts = [(name, value) for name, raw in pairs for value in _texts(raw)]
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(texts))


def _texts(value: QueryValue) -> Sequence[str]:
    match value:
        case bool():
            return (str(value).lower(),)
        case str():
            return (value,)
        case _:
            return value


def request_target(path: str, query: Iterable[tuple[str, QueryValue]]) -> str:
    """Path and query for the request line."""
    text = canonical_query(query)
    return f"{encode_path(path)}?{text}" if text else encode_path(path)


def signed_names(headers: Mapping[str, str]) -> list[str]:
    """The names of the headers that take part, sorted; one with an underscore does not."""
    return sorted(name.lower() for name in headers if "_" not in name)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request before it is signed. `headers` hold Host and X-Sdk-Date already."""

    method: str
    path: str
    query: Sequence[tuple[str, QueryValue]]
    headers: Mapping[str, str]
    body: bytes = b""


def canonical_request(request: Unsigned) -> str:
    """The text whose hash is signed."""
    names = signed_names(request.headers)
    values = {name.lower(): value.strip() for name, value in request.headers.items()}
    path = encode_path(request.path)
    return "\n".join(
        (
            request.method.upper(),
            path if path.endswith("/") else f"{path}/",
            canonical_query(request.query),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def string_to_sign(date: str, canonical_hash: str) -> str:
    """The text that goes into the HMAC. `date` is the value of X-Sdk-Date."""
    return f"{ALGORITHM}\n{date}\n{canonical_hash}"


def signature(secret_key: str, text: str) -> str:
    """The HMAC in hexadecimal; the secret key itself is the key."""
    return hmac.digest(secret_key.encode(), text.encode(), "sha256").hex()


def authorization(request: Unsigned, keys: AkSk, date: str) -> str:
    """The value of the Authorization header."""
    canonical_hash = hashlib.sha256(canonical_request(request).encode()).hexdigest()
    made = signature(keys.secret_key, string_to_sign(date, canonical_hash))
    return _authorization(keys, ";".join(signed_names(request.headers)), made)


def _authorization(keys: AkSk, names: str, made: str) -> str:
    return f"{ALGORITHM} Access={keys.access_key}, SignedHeaders={names}, Signature={made}"


def fits_header(value: str) -> bool:
    """Whether a key or token can be sent at all: printable ASCII without blanks, not empty."""
    return bool(value) and value.isascii() and value.isprintable() and " " not in value


class Signer:
    """Keys, made ready to sign one sealed request after the other."""

    __slots__ = ("_after_date", "_authorization", "_inner", "_outer", "keys")

    def __init__(self, keys: AkSk) -> None:
        self.keys = keys
        names = f"content-type;host;x-project-id;{_DATE_HEADER}"
        token_line = ""
        if keys.security_token:
            names = f"{names};x-security-token"
            token_line = f"x-security-token:{keys.security_token}\n"
        self._after_date = f"\n{token_line}\n{names}\n{_EMPTY_HASH}"
        self._authorization = _authorization(keys, names, "")
        self._inner, self._outer = _hmac_halves(keys.secret_key.encode())

    def headers(self, seal: Seal, date: str) -> dict[str, str]:
        """The headers to send, all signed but Authorization itself; Host is the client's to add.

        `date` is UTC as YYYYMMDDTHHMMSSZ; the gateway refuses one more than 15 minutes off its own
        clock.
        """
        whole = seal.before_date.copy()
        whole.update(f"{date}{self._after_date}".encode())
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(string_to_sign(date, whole.hexdigest()).encode())
        outer.update(inner.digest())
        sent = {
            "Content-Type": CONTENT_TYPE,
            "X-Project-Id": seal.project_id,
            "X-Sdk-Date": date,
            "Authorization": self._authorization + outer.hexdigest(),
        }
        if self.keys.security_token:
            sent["X-Security-Token"] = self.keys.security_token
        return sent


def _hmac_halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes of HMAC (RFC 2104) up to where the message begins, to be copied.

    hmac itself takes 7 microseconds a message, four times as long as the copies.
    """
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    return inner, outer


class Seal:
    """A GET of the API, hashed up to its date."""

    __slots__ = ("before_date", "project_id")

    def __init__(self, host: str, target: str, project_id: str) -> None:
        """`target` is what `request_target` gave."""
        path, _, query = target.partition("?")
        self.project_id = project_id
        self.before_date = hashlib.sha256(
            f"GET\n{path.removesuffix('/')}/\n{query}\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n"
            f"x-project-id:{project_id}\n{_DATE_HEADER}:".encode()
        )


class DateStamp:
    """X-Sdk-Date of an instant, written out once a second."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second: datetime | None = None
        self._text = ""

    def of(self, now: datetime) -> str:
        """`now` is aware and in UTC."""
        second = now.replace(microsecond=0)
        if second != self._second:
            self._second = second
            self._text = second.strftime("%Y%m%dT%H%M%SZ")
        return self._text
