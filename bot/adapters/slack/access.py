"""Where Slack is and how it is reached: address, proxy, trust, and which addresses are Slack's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Literal
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from bot.ports import ConfigError

PUBLIC_API = "https://slack.com/api/"
_HOOKS_HOST = "hooks.slack.com"


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """How Slack is reached.

    `timeout` bounds one call from connecting to the last byte. Without `proxy` the one of the
    environment is used, never for loopback. `ca_file` replaces the system's trusted certificates.
    """

    bot_token: str = field(repr=False)
    api_url: str = PUBLIC_API
    timeout: timedelta = timedelta(seconds=10)
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None


def trust(ca_file: str | None) -> ssl.SSLContext | Literal[True]:
    """The certificates that are trusted: the file's, or True for the system's.

    Verification is always on.

    Raises: ConfigError naming the file when it cannot be read or holds no certificate.
    """
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = f"slack.ca_file: {ca_file}: {reason}; a file of PEM certificates is needed"
        raise ConfigError([problem]) from error


def proxy_for(access: SlackAccess, url: URL) -> str | None:
    """The proxy for an address: the configured one, else what http(s)_proxy and no_proxy say."""
    host = url.host or ""
    if _is_loopback(host):
        return None
    if access.proxy:
        return access.proxy
    if proxy_bypass(host):
        return None
    found = getproxies().get(url.scheme)
    if not found:
        return None
    return found if "://" in found else f"http://{found}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def allowed_response_url(response_url: str, api_url: str) -> URL | None:
    """The address when it is Slack's own or on the host of the Web API, else None.

    Only https reaches Slack; a simulator's http address does where its API is http as well.
    """
    try:
        url = URL(response_url)
        port_is_default = url.is_default_port()
    except (TypeError, ValueError):
        return None
    if url.user is not None or url.password is not None or not url.absolute:
        return None
    if url.scheme == "https" and url.host == _HOOKS_HOST and port_is_default:
        return url
    api = URL(api_url)
    on_api_host = url.host is not None and url.host == api.host and url.scheme == api.scheme
    return url if on_api_host else None
