"""How answers are written: JSON with integers of any size, errors in one shape, headers for all."""

from __future__ import annotations

import json

import orjson
from aiohttp import hdrs, web

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer; the page brings its own Content-Security-Policy."""


def written(document: object) -> bytes:
    """JSON text. What exceeds 64 bits, or is not Unicode, takes the slower writer."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return json.dumps(document, separators=(",", ":")).encode()


def answer(document: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=written(document), status=status, content_type="application/json")


def failure(status: int, error: str, message: str) -> web.Response:
    """An error: a word for programs and a sentence for people."""
    return answer({"error": error, "message": message}, status=status)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: what every answer carries unless it says otherwise."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "dumptask-bot"
