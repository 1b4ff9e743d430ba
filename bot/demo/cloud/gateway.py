"""What every request passes before the API itself: the journal, faults, weather, rate, credentials.

The order is that of a gateway: what is broken or too much is refused before anybody looks at the
credentials, an unknown URL likewise. Every answer carries X-Request-Id.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never
from urllib.parse import urlsplit

from aiohttp import web

from bot.demo.cloud.errors import (
    NO_API,
    TOKEN_INVALID,
    TOKEN_OF_OTHER_PROJECT,
    Refused,
    Shape,
    denied,
    throttled,
)
from bot.demo.cloud.faults import Drop, Misdeed, Reply, Slow, Throttle
from bot.demo.cloud.journal import Asked
from bot.demo.cloud.misdeeds import Offender, error_response
from bot.demo.cloud.signature import RawRequest, SignatureRefused, verified_access_key
from bot.demo.cloud.simulated import SimulatedCloud
from bot.demo.scenario.seed import hex_for
from bot.demo.scenario.weather import Breakdown, Outage, Slowness, Throttling

CLOUD: web.AppKey[SimulatedCloud] = web.AppKey("cloud", SimulatedCloud)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ASKED = web.RequestKey("asked", Asked)
_CONTROL = "/_demo/"


@web.middleware
async def gateway(request: web.Request, handler: Answer) -> web.StreamResponse:
    """The middleware around the whole application."""
    if request.path.startswith(_CONTROL):
        return await handler(request)
    cloud = request.app[CLOUD]
    asked = _asked(cloud, request)
    request[_ASKED] = asked
    cloud.journal.add(asked)
    honest = partial(_honest, cloud, request, answer=handler)
    misdeed = cloud.faults.take(request.method, asked.path) or _weather(cloud, asked.path)
    if misdeed is None:
        response: web.StreamResponse = await honest()
    else:
        offender = Offender(cloud.closing)
        response = await offender.commit(
            misdeed, request, request_id=asked.request_id, honest=honest
        )
    asked.status = response.status
    return response


async def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """The signal that gives every answer its request id."""
    asked = request.get(_ASKED)
    if asked is not None:
        response.headers["X-Request-Id"] = asked.request_id


def _asked(cloud: SimulatedCloud, request: web.Request) -> Asked:
    path, query = _raw_target(request)
    return Asked(
        method=request.method,
        path=path,
        query=query,
        at=cloud.clock(),
        request_id=hex_for(cloud.scenario.seed, "request", cloud.journal.total),
    )


def _raw_target(request: web.Request) -> tuple[str, str]:
    """Path and query as they came, also from a client that sends the absolute form to a proxy."""
    target = request.raw_path
    if not target.startswith("/"):
        parts = urlsplit(target)
        return parts.path or "/", parts.query
    path, _, query = target.partition("?")
    return path, query


async def _honest(cloud: SimulatedCloud, request: web.Request, *, answer: Answer) -> web.Response:
    asked = request[_ASKED]
    try:
        await _admit(cloud, request, asked)
        response = await answer(request)
    except Refused as refused:
        return error_response(refused.error, asked.request_id)
    if not isinstance(response, web.Response):
        raise TypeError("an honest answer has its whole body")
    return response


async def _admit(cloud: SimulatedCloud, request: web.Request, asked: Asked) -> None:
    if request.match_info.http_exception is not None:
        raise Refused(NO_API)
    if not asked.path.startswith("/v2/"):
        return
    if not cloud.admit():
        raise Refused(throttled(cloud.requests_per_second or 0))
    raw = RawRequest(
        method=request.method,
        path=asked.path,
        query=asked.query,
        headers=tuple(request.headers.items()),
        body=await request.read(),
    )
    asked.authenticated_as = authenticated(cloud, raw, request.match_info["project_id"])


def authenticated(cloud: SimulatedCloud, request: RawRequest, project_id: str) -> str:
    """Who asks: "aksk" and the access key, or "token" and the user.

    Raises:
        Refused: by the gateway (signature) or by the service (token, project).
    """
    if request.header("Authorization") is None:
        token = request.header("X-Auth-Token")
        if token and cloud.revoked():
            raise Refused(TOKEN_INVALID)
        return f"token {cloud.iam.check(token, project_id)}"
    access_key = _signer(cloud, request)
    claimed = {project_id, request.header("X-Project-Id") or project_id}
    if claimed != {cloud.scenario.project_id}:
        raise Refused(TOKEN_OF_OTHER_PROJECT)
    return f"aksk {access_key}"


def _signer(cloud: SimulatedCloud, request: RawRequest) -> str:
    try:
        access_key = verified_access_key(
            request, now=cloud.clock(), secret_of=partial(_secret_of, cloud)
        )
    except SignatureRefused as refused:
        raise Refused(denied(str(refused))) from refused
    temporary = cloud.metadata.find(access_key)
    if temporary is not None and request.header("X-Security-Token") != temporary.security_token:
        raise Refused(denied("verify aksk signature fail"))
    return access_key


def _secret_of(cloud: SimulatedCloud, access_key: str) -> str | None:
    if cloud.revoked():
        return None
    if access_key == cloud.tenant.access_key:
        return cloud.tenant.secret_key
    temporary = cloud.metadata.find(access_key)
    return None if temporary is None else temporary.secret_key


def _weather(cloud: SimulatedCloud, path: str) -> Misdeed | None:
    """What the scenario's weather does to this request; the metadata address has a roof."""
    if not path.startswith(("/v2/", "/v3/")):
        return None
    for each in cloud.weather():
        match each:
            case Outage(_, breakdown):
                return _broken_down(breakdown)
            case Throttling(_, restraint) if path.startswith("/v2/"):
                return Throttle(restraint)
            case Slowness(_, delay):
                return Slow(cloud.simulation.real(delay).total_seconds())
            case _:
                pass
    return None


def _broken_down(breakdown: Breakdown) -> Misdeed:
    match breakdown:
        case Breakdown.UNAVAILABLE:
            return Reply(500)
        case Breakdown.BAD_GATEWAY:
            return Reply(502, "", "502 Bad Gateway", Shape.HTML)
        case Breakdown.DROPPED:
            return Drop()
        case _:
            assert_never(breakdown)
