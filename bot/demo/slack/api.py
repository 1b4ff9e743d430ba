"""The HTTP side of the Web API: /api/METHOD, with tokens, scopes, rate limits and faults.

A call is read, struck by the fault script if a line fits, then checked in Slack's order: does the
method exist, is there a token, is it the right one, is the rate limit kept, does the token have a
scope, are the required arguments there. Errors are HTTP 200 with {"ok": false, "error": code}; only
a rate limit is HTTP 429. Every answer carries X-OAuth-Scopes, as a start-up check relies on.

Socket Mode is not simulated: apps.connections.open refuses every token. Its place is one entry in
`_special`, and a WebSocket route beside this one.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from bot.demo.slack.faults import Fault, FaultKind, SlackFaults
from bot.demo.slack.identity import Credentials
from bot.demo.slack.methods import Method, MethodTable
from bot.demo.slack.rates import RateLimiter
from bot.demo.slack.wire import Call, JsonObject, SlackCallError, missing_argument, read_call
from bot.demo.slack.workspace import Workspace

HANG_MOST_S = 300.0
_HTML = (
    "<!DOCTYPE html><html><head><title>503</title></head><body>Service Unavailable</body></html>"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands before the methods: who may call, how often, and what goes wrong on purpose."""

    credentials: Credentials
    limiter: RateLimiter
    faults: SlackFaults


class WebApi:
    """Answers the calls of the Web API."""

    def __init__(self, workspace: Workspace, methods: MethodTable, *, gate: Gate) -> None:
        self._workspace = workspace
        self._methods = methods
        self._gate = gate
        self._stopping = asyncio.Event()
        self.calls: Counter[str] = Counter()
        """How often each method was called, refused calls included."""

    def add_routes(self, application: web.Application) -> None:
        """Serve the methods in this application until it shuts down."""
        application.router.add_route("*", "/api/{method}", self._serve)
        application.on_shutdown.append(self._stop)

    async def _stop(self, _application: web.Application) -> None:
        self._stopping.set()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls[method] += 1
        try:
            call = await read_call(request, method)
        except SlackCallError as error:
            return self._respond(error.body())
        fault = self._gate.faults.take(method, self._channel_id(call))
        if fault is None:
            return self._carry_out(call)
        done = self._carry_out(call) if fault.accepted else None
        return await self._misbehave(request, call, fault=fault, done=done)

    def _channel_id(self, call: Call) -> str:
        """The channel by id even when the caller named it; as given when unknown."""
        given = call.text("channel")
        by_name = (c.id for c in self._workspace.channels.values() if f"#{c.name}" == given)
        return next(by_name, given)

    def _carry_out(self, call: Call) -> web.Response:
        try:
            method = self._admitted(call)
            return self._respond(method.run(call))
        except SlackCallError as error:
            return self._refuse(error)

    def _admitted(self, call: Call) -> Method:
        method = self._methods.get(call.method)
        if method is None:
            raise self._special(call)
        if not method.public:
            self._check_token(call)
        wait_s = self._gate.limiter.take(
            call.method, method.tier, channel_id=self._channel_id(call)
        )
        if wait_s is not None:
            raise SlackCallError("ratelimited", {"retry_after": wait_s})
        self._check_scope(method)
        for name in method.required:
            if not call.has(name):
                raise missing_argument(name)
        return method

    def _special(self, call: Call) -> SlackCallError:
        if call.method == "apps.connections.open":
            return SlackCallError("not_allowed_token_type")
        return SlackCallError("unknown_method", {"req_method": call.method})

    def _check_token(self, call: Call) -> None:
        if call.token is None:
            raise SlackCallError("not_authed")
        if call.token == self._gate.credentials.app_token:
            raise SlackCallError("not_allowed_token_type")
        if call.token != self._gate.credentials.bot_token:
            raise SlackCallError("invalid_auth")

    def _check_scope(self, method: Method) -> None:
        held = self._gate.credentials.scopes
        if method.scopes and not set(method.scopes) & set(held):
            raise SlackCallError("missing_scope", self._scope_fields(method.scopes))

    def _scope_fields(self, needed: tuple[str, ...]) -> JsonObject:
        provided = ",".join(self._gate.credentials.scopes)
        return {"needed": ",".join(needed), "provided": provided}

    def _refuse(self, error: SlackCallError) -> web.Response:
        if error.code != "ratelimited":
            return self._respond(error.body())
        retry_after_s = str(error.extra["retry_after"])
        body: JsonObject = {"ok": False, "error": error.code}
        return self._respond(body, status=429, headers={"Retry-After": retry_after_s})

    def _respond(
        self, body: JsonObject, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        scopes = {"X-OAuth-Scopes": ",".join(self._gate.credentials.scopes)}
        return web.json_response(body, status=status, headers={**scopes, **(headers or {})})

    async def _misbehave(
        self, request: web.Request, call: Call, *, fault: Fault, done: web.Response | None
    ) -> web.StreamResponse:
        match fault.kind:
            case FaultKind.DROP:
                return self._drop(request)
            case FaultKind.SLOW:
                await self._wait(fault.delay_s)
                return done or self._carry_out(call)
            case FaultKind.HANG:
                await self._wait(HANG_MOST_S)
                return self._drop(request)
            case _:
                return self._wrong_answer(call, fault)

    def _drop(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _wait(self, seconds: float) -> None:
        """Wait that long, or until the simulator stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _wrong_answer(self, call: Call, fault: Fault) -> web.Response:
        match fault.kind:
            case FaultKind.RATE_LIMITED:
                return self._refuse(self._scripted("ratelimited", call, fault=fault))
            case FaultKind.RATE_LIMITED_IN_200:
                return self._respond({"ok": False, "error": "rate_limited"})
            case FaultKind.HTML_503:
                return web.Response(status=503, text=_HTML, content_type="text/html")
            case FaultKind.PLAIN_TEXT:
                return web.Response(text="upstream said nothing", content_type="text/plain")
            case FaultKind.BROKEN_JSON:
                return web.Response(text='{"ok": true, "ch', content_type="application/json")
            case _:
                return self._refuse(self._scripted(fault.error, call, fault=fault))

    def _scripted(self, code: str, call: Call, *, fault: Fault) -> SlackCallError:
        """A refusal with this code and the fields that Slack sends with it."""
        match code:
            case "ratelimited":
                return SlackCallError(code, {"retry_after": fault.retry_after_s})
            case "missing_scope":
                method = self._methods.get(call.method)
                return SlackCallError(code, self._scope_fields(method.scopes if method else ()))
            case "invalid_blocks":
                sentence = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
                metadata = {"messages": [f"[ERROR] {sentence}"]}
                return SlackCallError(code, {"errors": [sentence], "response_metadata": metadata})
            case _:
                return SlackCallError(code)
