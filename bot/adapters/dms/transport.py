"""HTTP for one account: one session, kept-alive connections, bounded answers, errors of our own.

The session is tuned for many small GETs to one host: no cookies, no connection limit of its own
(`limits.Gate` bounds what is in flight), connections kept for two minutes, header fields up to
64 KiB because a token of IAM has 9,120 characters and more, redirects refused. Compressed answers
are neither asked for nor accepted, so an answer's size is what was read. TLS is always verified.

The caller of `exchange` gives the moment by which the whole answer must have arrived. aiohttp's own
timer watches over it: in place it costs a quarter of what asyncio.timeout does.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from bot.adapters.dms.account import AccountConfig
from bot.ports import CloudError, CloudProtocolError, CloudUnavailable, ConfigError

LARGEST_ANSWER = 16 * 1024 * 1024
_LARGEST_COMPLAINT = 64 * 1024
"""Of an error's body so much is read; the rest is left with its connection."""
_LARGEST_FIELD = 64 * 1024
_KEEPALIVE_SECONDS = 120.0
_SHORTEST_WAIT_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `accept` is the status of success; `direct` goes round the proxy."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    accept: int = 200
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The body of an answer that is no success may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests of one account and reads their answers."""

    def __init__(self, session: aiohttp.ClientSession, proxy: str | None = None) -> None:
        self._session = session
        self._proxy = proxy

    async def exchange(self, request: Request, deadline: float) -> Answer:
        """Sends a request once. `deadline` is on the loop's clock.

        Raises:
            CloudUnavailable: no connection, or no whole answer by the deadline.
            CloudProtocolError: the answer is too large, compressed, or not HTTP.
        """
        seconds = deadline - asyncio.get_running_loop().time()
        trouble: CloudError
        cause: BaseException | None
        try:
            return await self._exchange(request, seconds)
        except TimeoutError as error:
            trouble, cause = _too_late(request.url, seconds), error
        except aiohttp.ClientResponseError as error:
            trouble, cause = _malformed(error, request.url), None
        except (aiohttp.ClientError, OSError) as error:
            trouble, cause = _unreachable(error, request.url), _harmless(error)
        # Raised out here, so that what aiohttp raised is not even the context: some of its errors
        # hold the request with its credentials, or the proxy's password.
        raise trouble from cause

    async def _exchange(self, request: Request, seconds: float) -> Answer:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            timeout=_within(seconds),
            proxy=None if request.direct else self._proxy,
        ) as response:
            if response.status == request.accept:
                body = await _whole_body(response)
            else:
                body = await _start_of_body(response)
            return Answer(response.status, response.headers, body)


def _within(seconds: float) -> aiohttp.ClientTimeout:
    # To aiohttp 0 means for ever, and what is longer than the threshold is rounded up to a second.
    total = max(seconds, _SHORTEST_WAIT_SECONDS)
    return aiohttp.ClientTimeout(total=total, ceil_threshold=math.inf)


async def _whole_body(response: aiohttp.ClientResponse) -> bytes:
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        response.close()
        raise CloudProtocolError("the answer is compressed although that was not asked for")
    size = response.content_length
    if size is not None and size <= LARGEST_ANSWER:
        return await response.read()
    if size is None:
        body = await _at_most(response, LARGEST_ANSWER)
        if len(body) <= LARGEST_ANSWER:
            return body
    response.close()
    raise CloudProtocolError(f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB")


async def _start_of_body(response: aiohttp.ClientResponse) -> bytes:
    body = await _at_most(response, _LARGEST_COMPLAINT)
    if len(body) > _LARGEST_COMPLAINT:
        response.close()
    return body


async def _at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or somewhat more than `limit` bytes of a larger one."""
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _place(url: URL) -> str:
    return url.host_port_subcomponent or "?"


def _too_late(url: URL, seconds: float) -> CloudUnavailable:
    return CloudUnavailable(f"no whole answer from {_place(url)} within {max(seconds, 0):.3g} s")


def _harmless(error: aiohttp.ClientError | OSError) -> BaseException:
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error


def _malformed(error: aiohttp.ClientResponseError, url: URL) -> CloudError:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return CloudUnavailable(f"the proxy refused to connect: HTTP {error.status}")
    return CloudProtocolError(f"{_place(url)} does not answer in HTTP as it should")


def _unreachable(error: aiohttp.ClientError | OSError, url: URL) -> CloudUnavailable:
    place = _place(url)
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return CloudUnavailable(
                f"the certificate or TLS of {place} is not accepted"
                " (an own authority goes into the account's ca_file)"
            )
        case aiohttp.ClientProxyConnectionError():
            return CloudUnavailable(f"cannot connect to the proxy on the way to {place}")
        case aiohttp.ClientConnectorDNSError():
            return CloudUnavailable(f"the name of {place} cannot be resolved")
        case aiohttp.ClientConnectorError():
            reason = error.os_error.strerror or type(error.os_error).__name__
            return CloudUnavailable(f"cannot connect to {place}: {reason}")
        case aiohttp.InvalidURL():
            return CloudUnavailable(f"{place} is not an address that can be asked")
        case _:
            return CloudUnavailable(f"the connection to {place} ended before the answer did")


@asynccontextmanager
async def open_transport(config: AccountConfig) -> AsyncIterator[Transport]:
    """A transport, closed with its connections at the end.

    Raises: ConfigError when the CA file cannot be used.
    """
    connector = aiohttp.TCPConnector(
        limit=0, ssl=_trust(config), keepalive_timeout=_KEEPALIVE_SECONDS
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers=_every_header(),
        max_field_size=_LARGEST_FIELD,
        max_line_size=_LARGEST_FIELD,
    ) as session:
        yield Transport(session, config.proxy)


def _every_header() -> CIMultiDict[str]:
    # identity is said aloud: without the header a server may choose any coding (RFC 9110, 12.5.3).
    return CIMultiDict(
        {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"dumptask-bot/{_version()}",
        }
    )


def _version() -> str:
    try:
        return version("dumptask-bot")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


def _trust(config: AccountConfig) -> ssl.SSLContext | bool:
    if config.ca_file is None:
        return True
    return _authorities(config.name, config.ca_file)


def _authorities(account: str, ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:  # ssl.SSLError is one too
        reason = (
            "not a PEM file of certificates"
            if isinstance(error, ssl.SSLError)
            else (error.strerror or "not readable")
        )
        problem = f"accounts.{account}.ca_file: {ca_file}: {reason}"
        raise ConfigError([problem]) from error
