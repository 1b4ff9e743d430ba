"""Takes secrets out of whatever is about to be written to the log.

Two nets. The first knows the secrets of the configuration by their values and masks them wherever
they stand, percent-encoded and JSON-escaped too. The second knows what secrets look like: Slack
tokens, response URLs and Socket Mode tickets, request signatures, IAM tokens, authorization
headers, and values behind names such as `password`. Losing a harmless word to a mask is the price.

Values become what JSON can hold; nothing is written by its `repr`, which may show anything.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import quote

MASK = "***"
SECRET_LENGTH = 4
"""Shorter values are left to the second net: masking every `a` would leave nothing to read."""
TEXT_MOST = 20_000
_DEPTH_MOST = 8
_BITS_MOST = 4096

_Pattern = tuple[re.Pattern[str], str]


def _pattern(text: str, replacement: str) -> _Pattern:
    return re.compile(text, re.IGNORECASE | re.VERBOSE), replacement


_HEADERS = (
    "(?:proxy-)?authorization|x-auth-token|x-subject-token|x-security-token|x-slack-signature"
    "|(?:set-)?cookie"
)
_NAMES = (
    "access_?key|secret_?key|secret_?access_?key|security_?token|signing_?secret|client_?secret"
    "|(?:bot|app|auth|refresh|api)_?(?:token|key)|password|passwd|pwd|secret|token|ak|sk"
)

_LOOKS_SECRET: tuple[_Pattern, ...] = (
    _pattern(r"\b(xox[a-z](?:\.xox[a-z])?|xapp)-[\w-]{4,}", rf"\1-{MASK}"),
    _pattern(r"(hooks\.slack(?:-gov)?\.com)(?:/|%2F)[^\s\"'<>|\\]*", rf"\1/{MASK}"),
    _pattern(r"(/(?:commands|actions)/T\w+/)[^\s\"'<>|\\]+", rf"\1{MASK}"),
    _pattern(r"([?&]ticket=)[^&\s\"'<>\\]+", rf"\1{MASK}"),
    _pattern(r"\bv0=[0-9a-f]{16,}", f"v0={MASK}"),
    # SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…
    _pattern(r"\b(Access|Signature)=[\w+/=-]{8,}", rf"\1={MASK}"),
    # A token of IAM: base64 of a signed document, thousands of characters long.
    _pattern(r"\bMII[\w+/=-]{60,}", MASK),
    # A header with its value, to the closing quote or to the end of the line.
    _pattern(
        rf"""\b({_HEADERS}) (\\?["']?\s*[:=,]\s*)
        (?: b?(?P<quote>["']) (?:(?!(?P=quote)).)* (?P=quote) | [^\r\n]+ )""",
        rf"\1\2{MASK}",
    ),
    _pattern(r"\b(Bearer|Basic)\s+(?=[^\s\"']*[0-9=_.+/-])[\w.~+/=-]{6,}", rf"\1 {MASK}"),
    # A value behind a telling name: `name=value`, `"name": "value"`, `name='value'`.
    _pattern(
        rf"""(?<![a-z]) ({_NAMES}) (\\?["']\s*:\s*|\s*=\s*)
        (?: b?\\?(?P<quote>["']) (?:(?!(?P=quote)).)+ (?P=quote)
          | [^\s"'&,;{{}}\[\]()\\]+ )""",
        rf"\1\2{MASK}",
    ),
    _pattern(r"\b([a-z][a-z0-9+.-]{0,20}://[^/\s:@\"']*):[^@\s/\"']+@", rf"\1:{MASK}@"),
)

_SECRET_FIELDS = re.compile(
    rf"(?:{_HEADERS}|{_NAMES}|signature|response_url|credentials?)", re.IGNORECASE
)


class Redactor:
    """Masks secrets. `learn` adds values that a changed configuration brings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._known_pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds secret values to the ones that are known; none is ever forgotten."""
        for secret in secrets:
            self._known.update(form for form in _forms(secret) if len(form) >= SECRET_LENGTH)
        if self._known:
            # The longest first, so that one secret that begins another leaves no rest of it.
            longest_first = sorted(self._known, key=len, reverse=True)
            self._known_pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """The text with every secret masked, cut where it is endless."""
        if self._known_pattern is not None:
            text = self._known_pattern.sub(MASK, text)
        text = text[: 2 * TEXT_MOST]
        for pattern, replacement in _LOOKS_SECRET:
            text = pattern.sub(replacement, text)
        return text if len(text) <= TEXT_MOST else text[:TEXT_MOST] + "…"

    def field(self, name: str, value: object, depth: int = 0) -> object:
        """A named value; wholly masked where the name says that it is a secret."""
        if _SECRET_FIELDS.fullmatch(name) and value not in (None, ""):
            return MASK
        return self.value(value, depth)

    def value(self, value: object, depth: int = 0) -> object:
        """The value as JSON can hold it, with every secret masked."""
        match value:
            case None | bool():
                return value
            case Mapping() | list() | tuple() | set() | frozenset():
                return self._many(value, depth)
            case Enum():
                return self.value(value.value, depth)
            case int() | float():
                return _number(value)
            case _:
                return self._words(value)

    def _many(self, values: Mapping[object, object] | Iterable[object], depth: int) -> object:
        if depth > _DEPTH_MOST:
            return "…"
        if isinstance(values, Mapping):
            return {
                self.text(str(name)): self.field(str(name), value, depth + 1)
                for name, value in values.items()
            }
        return [self.value(value, depth + 1) for value in values]

    def _words(self, value: object) -> object:
        match value:
            case datetime():
                return value.isoformat().replace("+00:00", "Z")
            case timedelta():
                return value.total_seconds()
            case bytes():
                return self.text(value.decode("utf-8", "replace"))
            case BaseException():
                return self.text(f"{type(value).__name__}: {value}")
            case _ if type(value).__str__ is object.__str__:
                return f"<{type(value).__name__}>"
            case _:
                return self.text(str(value))


def _number(value: float) -> object:
    """The number, or words for one that JSON or Python's own digits cannot hold."""
    if isinstance(value, int):
        bits = value.bit_length()
        return value if bits <= _BITS_MOST else f"a number of {bits} bits"
    return value if math.isfinite(value) else str(value)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may appear: plain, percent-encoded, inside JSON, and each of its lines."""
    encodings: tuple[Callable[[str], str], ...] = (
        str,
        lambda plain: quote(plain, safe=""),
        lambda plain: json.dumps(plain)[1:-1],
    )
    for plain in {secret, secret.strip(), *secret.split("\n")}:
        yield from (encode(plain) for encode in encodings)
