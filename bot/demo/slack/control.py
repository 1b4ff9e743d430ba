"""The simulator's own addresses, for its page and for tests in other processes.

    GET    /_demo/state?since=N&view=page   everything that is the case, as JSON (see below)
    GET    /_demo/events                    Server-Sent Events: {"version": N} on each change
    GET    /_demo/faults                    the fault script in force
    POST   /_demo/faults                    one fault, or a list of them (form: module faults)
    DELETE /_demo/faults                    no faults any more
    POST   /_demo/command                   {"text", "channel", "user"}: type a slash command
    POST   /_demo/click                     {"channel", "ts", "action_id", "user", "value"}

The state has `version`, `team`, `app`, `people`, `user_groups`, `command`, `calls` (how often each
method was called) and `channels`; each channel has its own `version`, its `rings` with their count,
and `messages` with every version of their content, the deleted and the ephemeral included. `since`
leaves out channels that did not change; `view=page` leaves out old versions and all but the last
two hundred messages of a channel.

A browser's request from another site is refused (its Origin is not ours), so that no page on the
web can drive a simulator on this machine.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.demo.slack.faults import SlackFaults, read_fault
from bot.demo.slack.messages import Channel, Content, Message, Ring
from bot.demo.slack.wire import JsonObject, as_list, as_object
from bot.demo.slack.workspace import Workspace

PAGE_MESSAGES = 200
KEEPALIVE_S = 15.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Controls:
    """What the control addresses work with; `ready` says whether an app listens for commands."""

    workspace: Workspace
    faults: SlackFaults
    calls: Mapping[str, int]
    command: str
    ready: Callable[[], bool]


def written_state(controls: Controls, *, since: int, for_page: bool) -> JsonObject:
    """The state as the address /_demo/state answers it."""
    workspace = controls.workspace
    seed = workspace.seed
    changed = [c for c in workspace.channels.values() if c.version > since]
    return {
        "version": workspace.version,
        "team": {"id": seed.team_id, "name": seed.team_name},
        "app": {"name": seed.app.name, "user_id": seed.app.bot_user_id},
        "people": [
            {"id": p.id, "name": p.name, "real_name": p.real_name, "tz": p.time_zone}
            for p in workspace.people.values()
        ],
        "user_groups": [{"id": g.id, "handle": g.handle} for g in workspace.user_groups.values()],
        "command": controls.command,
        "ready": controls.ready(),
        "calls": dict(controls.calls),
        "channels": [_written_channel(channel, for_page=for_page) for channel in changed],
    }


def _written_channel(channel: Channel, *, for_page: bool) -> JsonObject:
    messages = list(channel.messages.values())
    if for_page:
        messages = [m for m in messages if not m.deleted][-PAGE_MESSAGES:]
    rings = channel.rings[-PAGE_MESSAGES:] if for_page else channel.rings
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": channel.bot_is_member,
        "version": channel.version,
        "ring_count": len(channel.rings),
        "rings": [_written_ring(ring) for ring in rings],
        "messages": [_written_message(message, for_page=for_page) for message in messages],
    }


def _written_ring(ring: Ring) -> JsonObject:
    return {
        "ts": ring.ts,
        "channel": ring.channel_id,
        "kind": ring.kind.value,
        "mentions": list(ring.mentions),
        "text": ring.text,
    }


def _written_message(message: Message, *, for_page: bool) -> JsonObject:
    fields: JsonObject = {
        "ts": message.ts,
        "user": message.author.user_id,
        "bot": message.author.bot_id is not None,
        "name": message.author.name,
        "icon": message.author.icon,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "client_msg_id": message.client_msg_id,
        "ephemeral_for": message.ephemeral_for,
        "prompt": message.prompt,
        "deleted": message.deleted,
        "edited_ts": message.edited_ts,
        "edits": len(message.versions) - 1,
        "reactions": {name: list(users) for name, users in message.reactions.items()},
        **_written_content(message.content),
    }
    if not for_page:
        fields["versions"] = [
            {"at_ts": v.at_ts, **_written_content(v.content)} for v in message.versions
        ]
    return fields


def _written_content(content: Content) -> JsonObject:
    return {
        "text": content.text,
        "blocks": list(content.blocks),
        "attachments": list(content.attachments),
        "metadata": content.metadata,
    }


class ControlRoutes:
    """Serves the state, its changes and the fault script."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._stopping = asyncio.Event()

    def add_routes(self, application: web.Application) -> None:
        """Serve the addresses in this application until it shuts down."""
        application.on_shutdown.append(self._stop)
        application.middlewares.append(_refuse_other_sites)
        application.router.add_get("/_demo/state", self._state)
        application.router.add_get("/_demo/events", self._events)
        application.router.add_get("/_demo/faults", self._faults)
        application.router.add_post("/_demo/faults", self._add_faults)
        application.router.add_delete("/_demo/faults", self._clear_faults)

    async def _stop(self, _application: web.Application) -> None:
        self._stopping.set()

    async def _state(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdigit():
            return web.Response(status=400, text=f"since: {since!r} is not a whole number")
        for_page = request.query.get("view") == "page"
        state = written_state(self._controls, since=int(since), for_page=for_page)
        return web.json_response(state, headers={"Cache-Control": "no-store"})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reader has gone
            await self._tell_changes(response)
        return response

    async def _tell_changes(self, response: web.StreamResponse) -> None:
        """Write the version at once and on each change, at most every twentieth of a second."""
        told = -1
        while not self._stopping.is_set():
            version = await self._next_version(told)
            line = ": still here\n\n" if version == told else f'data: {{"version": {version}}}\n\n'
            await response.write(line.encode())
            told = version
            await asyncio.sleep(_PAUSE_S)

    async def _next_version(self, told: int) -> int:
        """The version once it differs from what was told, or after the keep-alive time as it is."""
        workspace = self._controls.workspace
        waiting = (
            asyncio.ensure_future(workspace.wait_beyond(told)),
            asyncio.ensure_future(self._stopping.wait()),
        )
        try:
            await asyncio.wait(waiting, timeout=KEEPALIVE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return workspace.version

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._controls.faults.script())

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            value: object = json.loads(await request.read())
            listed = as_list(value)
            faults = [read_fault(_required_object(v)) for v in listed or [value]]
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        for fault in faults:
            self._controls.faults.add(fault)
        return web.json_response(self._controls.faults.script())

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._controls.faults.clear()
        return web.Response(status=204)


def _required_object(value: object) -> JsonObject:
    found = as_object(value)
    if found is None:
        raise ValueError("a fault is a JSON object with at least the field kind")
    return found


@web.middleware
async def _refuse_other_sites(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    origin = request.headers.get("Origin")
    own = str(request.url.origin())
    if origin is not None and origin != own and request.path.startswith("/_demo/"):
        raise web.HTTPForbidden(text="this address serves only its own page")
    return await handler(request)
