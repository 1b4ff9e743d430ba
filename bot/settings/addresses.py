"""Texts to addresses and secrets, read as the other scalars are.

Plain http is only accepted where nobody can listen: on loopback, and for the metadata service of a
cloud server. What may hold a password is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from bot.domain.links import PLACEHOLDERS
from bot.settings.problems import did_you_mean, listed
from bot.settings.scalars import Wrong

MAX_LINK = 2000
"""Slack takes 3000 characters in a button's address (Block Kit reference), once it is filled in."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# --- addresses ---------------------------------------------------------------------------------


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_near(host: str) -> bool:
    """Whether it is this machine, or an address that no router passes on."""
    try:
        return is_loopback(host) or ip_address(host).is_link_local
    except ValueError:
        return False


def origin(text: str) -> str:
    """`https://host[:port]`; http only for loopback, where the demo and tests are."""
    parts = _split(text, "https://dms.eu-west-101.myhuaweicloud.eu")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Wrong("https:// (http only for loopback)")
    return _bare(parts, "https://host:port")


def metadata_origin(text: str) -> str:
    """Where a cloud server asks for its own keys: plain http, on an address nobody routes."""
    parts = _split(text, "http://169.254.169.254")
    if parts.scheme == "http" and not _is_near(parts.hostname or ""):
        raise Wrong("http://169.254.169.254, or https://")
    return _bare(parts, "http://169.254.169.254")


def secure_url(text: str) -> str:
    """An https address with any path; http only for loopback."""
    parts = _split(text, "https://example.org/path")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Wrong("https:// (http only for loopback)")
    return text


def web_url(text: str) -> str:
    """An http or https address."""
    _split(text, "https://example.org/path")
    return text


def slack_api_url(text: str) -> str:
    """Where Slack's methods are, with the slash at the end that the client needs."""
    return secure_url(text).rstrip("/") + "/"


def link_template(text: str) -> str:
    """An http or https address with placeholders in braces."""
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            known = listed([f"{{{known}}}" for known in PLACEHOLDERS])
            raise Wrong(f"{known} instead of {{{name}}}", did_you_mean(name, PLACEHOLDERS))
    bare = _PLACEHOLDER.sub("x", text)
    if "{" in bare or "}" in bare:
        raise Wrong("braces only around a placeholder such as {task}")
    _split(bare, "https://wiki.example/{rule}")
    if len(text) > MAX_LINK:
        raise Wrong(f"an address of at most {MAX_LINK} characters")
    return text


def proxy_url(text: str) -> str:
    """An http or https address, which may hold a user and a password."""
    example = "http://proxy.example:3128"
    return _bare(_split(text, example, with_user=True), example)


def database_url(text: str) -> str:
    """`postgresql://user@host/db`, which may hold a password too."""
    example = "postgresql://user@host/db"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Wrong(f"an address such as {example}") from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise Wrong(f"an address such as {example} (SQLite goes by path, not by url)")
    return text


def _split(text: str, example: str, *, with_user: bool = False) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Wrong(f"an address such as {example}") from None
    sound = parts.scheme in ("http", "https") and parts.hostname
    if not sound or not text.isprintable() or " " in text:
        raise Wrong(f"an address such as {example}")
    if "@" in parts.netloc and not with_user:
        raise Wrong("an address without a user and password")
    return parts


def _bare(parts: SplitResult, example: str) -> str:
    """Scheme, host and port; anything behind them is a fault."""
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Wrong(f"the address without a path, such as {example},")
    return f"{parts.scheme}://{parts.netloc}"


# --- secrets -----------------------------------------------------------------------------------

_TOKEN_KINDS = ("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxc-", "xoxd-", "xapp-", "http")


def secret(text: str) -> str:
    """A key, token or password: not empty, no line breaks or spaces around it.

    What has a line break cannot be sent in a header; mostly a file ends in one too many.
    """
    if not text or text != text.strip() or not text.isprintable():
        raise Wrong("a secret on one line, without spaces around it,")
    return text


def token_of(prefix: str, right: str) -> Callable[[str], str]:
    """A reader of Slack tokens that knows when one of another kind was given."""
    others = tuple(kind for kind in _TOKEN_KINDS if kind != prefix)

    def read(text: str) -> str:
        if not text or text.startswith(others) or " " in text.strip():
            raise Wrong(right)
        return secret(text)

    return read
