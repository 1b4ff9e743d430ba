"""The page that shows the workspace as a person would see it, and what a person does there.

The page is plain files (`bot/demo/page`); all it shows comes from /_demo/state, all it does goes to
/_demo/command and /_demo/click. It may load nothing from elsewhere, which its policy header states.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from aiohttp import web

from bot.demo.slack.clicks import Click
from bot.demo.slack.wire import JsonObject, as_object

_FILES = Path(__file__).parent.parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class TypeCommand(Protocol):
    """Types a slash command for a person in a channel."""

    def __call__(self, text: str, *, channel_id: str, user_id: str) -> Awaitable[None]:
        """Send it. Raises: ValueError with a sentence for the person."""
        ...


PressElement: TypeAlias = Callable[[Click], Awaitable[None]]


class PageRoutes:
    """Serves the page and passes on what is typed and pressed there.

    Both raise ValueError with a sentence for the person when it cannot be done.
    """

    def __init__(self, type_command: TypeCommand, press: PressElement) -> None:
        self._type_command = type_command
        self._press = press

    def add_routes(self, application: web.Application) -> None:
        """Serve the page at the root, its files below /static/, and message links."""
        application.router.add_get("/", self._page)
        application.router.add_get("/static/{name:[a-z]+\\.(?:css|js|svg)}", self._file)
        application.router.add_get("/archives/{channel:\\w+}/p{ts:\\d+}", self._permalink)
        application.router.add_post("/_demo/command", self._command)
        application.router.add_post("/_demo/click", self._click)

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_FILES / "index.html", headers=_HEADERS)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = _FILES / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=_HEADERS)

    async def _permalink(self, request: web.Request) -> web.StreamResponse:
        place = f"/#{request.match_info['channel']}/p{request.match_info['ts']}"
        raise web.HTTPFound(place)

    async def _command(self, request: web.Request) -> web.Response:
        return await _done(request, self._run_command)

    async def _run_command(self, fields: JsonObject) -> None:
        text, channel, user = (str(fields.get(k, "")) for k in ("text", "channel", "user"))
        await self._type_command(text, channel_id=channel, user_id=user)

    async def _click(self, request: web.Request) -> web.Response:
        return await _done(request, self._run_click)

    async def _run_click(self, fields: JsonObject) -> None:
        value = fields.get("value")
        await self._press(
            Click(
                channel_id=str(fields.get("channel", "")),
                ts=str(fields.get("ts", "")),
                action_id=str(fields.get("action_id", "")),
                user_id=str(fields.get("user", "")),
                value=None if value is None else str(value),
            )
        )


async def _done(request: web.Request, run: Callable[[JsonObject], Awaitable[None]]) -> web.Response:
    try:
        fields = as_object(json.loads(await request.read()))
        if fields is None:
            raise ValueError("a JSON object is expected")  # noqa: TRY301 - one way out for both
        await run(fields)
    except ValueError as error:
        return web.json_response({"ok": False, "error": str(error)}, status=400)
    return web.json_response({"ok": True})
