"""Who may look: a token in front of the page and the JSON.

Programs send it as `Authorization: Bearer TOKEN`. Browsers, which ask people for a name and a
password, send it as the password of HTTP basic authentication, under any name. Health, readiness,
metrics and Slack's addresses have their own rules and are not guarded.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from bot.adapters.web.answers import failure

_CHALLENGE = 'Basic realm="dumptask-bot", charset="UTF-8"'


def guarded(path: str) -> bool:
    """Whether an address needs the token."""
    return path in {"/", "/api"} or path.startswith("/api/")


def guard(token: str) -> Middleware:
    """Lets nobody past without the token."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if guarded(request.path) and not _knows(request.headers.get(hdrs.AUTHORIZATION), token):
            response = failure(401, "unauthorized", "A token is needed: Authorization: Bearer …")
            response.headers[hdrs.WWW_AUTHENTICATE] = _CHALLENGE
            return response
        return await handler(request)

    return middleware


def _knows(authorization: str | None, token: str) -> bool:
    given = _given(authorization or "")
    return given is not None and hmac.compare_digest(given, token.encode())


def _given(authorization: str) -> bytes | None:
    """The token as it was given, in bytes because a stranger may send anything."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "bearer":
            return rest.encode("utf-8", "surrogateescape")
        case "basic":
            return _password(rest)
        case _:
            return None


def _password(credentials: str) -> bytes | None:
    try:
        decoded = base64.b64decode(credentials.encode("utf-8", "surrogateescape"), validate=True)
    except (binascii.Error, ValueError):
        return None
    _, colon, password = decoded.partition(b":")
    return password if colon else None
