"""Commands in: the three addresses Slack posts to, over HTTP.

Slack waits three seconds for an answer and shows the person an error after that. So a command is
verified, handed to `dispatch`, and answered with what comes back. What takes longer than `patience`
is answered "still working", and its answer goes to the command's response URL when it is there.

A command that arrives twice (its trigger id says so) is carried out once and answered alike.

Whatever is not provably Slack's gets 401 and one line in the log, with its reason; the same reason
is then counted for a minute instead of repeated, because strangers knock often. What is Slack's and
means nothing to the bot (buttons that only open a link, events not asked for) is taken with 200:
anything else shows the person who clicked an error.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from aiohttp import hdrs, web
from pydantic import ValidationError

from bot.adapters.slack.knocks import Knocks
from bot.adapters.slack.payloads import SlashCommand, challenge_in, form_in
from bot.adapters.slack.signing import Refusal, RequestVerifier
from bot.ports import BotError, ChatError, Noted, RequestError, Telemetry
from bot.presenters.escape import escape
from bot.presenters.message import Message

PATIENCE = timedelta(seconds=2.5)
"""Slack gives up after 3 s; the rest is for the network."""
ADDRESSES = ("/slack/commands", "/slack/interactions", "/slack/events")
BODY_BYTES = 1024 * 1024
READ_WITHIN = timedelta(seconds=1)
_TRIGGERS_KEPT = 512

STILL_WORKING = Message("Still working on it; the answer follows here.")
UNREADABLE = Message("That command arrived incomplete. Please type it again.")
DEFECT = Message("The bot itself failed at this; its log has the details.")
CANNOT_NOW = Message("That cannot be answered now. Please try again in a minute.")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command: for the person who typed alone, or for the channel."""

    message: Message
    in_channel: bool = False


Dispatch = Callable[[SlashCommand], Awaitable[Reply]]
"""Carries out a command. A RequestError's text is the answer."""


class Respond(Protocol):
    """ChatGateway.respond."""

    async def __call__(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        """Sends a late answer. Raises: ChatError."""
        ...


class SlackInbound:
    """The routes of one app. `close` before the process ends.

    Raises: ConfigError when the signing secret is blank.
    """

    def __init__(
        self,
        verifier: RequestVerifier,
        dispatch: Dispatch,
        *,
        respond: Respond,
        telemetry: Telemetry,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._verifier = verifier
        self._dispatch = dispatch
        self._respond = respond
        self._telemetry = telemetry
        self._patience_s = patience.total_seconds()
        self._knocks = Knocks(telemetry)
        self._answers: OrderedDict[str, asyncio.Task[Reply]] = OrderedDict()
        self._late: dict[asyncio.Task[Reply], asyncio.Task[None]] = {}

    def routes(self) -> list[web.RouteDef]:
        """POST /slack/commands, /slack/interactions and /slack/events."""
        handlers = (self._command, self._interaction, self._event)
        return [web.post(path, handle) for path, handle in zip(ADDRESSES, handlers, strict=True)]

    async def close(self, *, within: timedelta = timedelta(seconds=5)) -> None:
        """Lets late answers finish for a while, then drops them."""
        waiting = {
            *self._late.values(),
            *(task for task in self._answers.values() if not task.done()),
        }
        if not waiting:
            return
        _, unfinished = await asyncio.wait(waiting, timeout=within.total_seconds())
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    # --- the three addresses ---

    async def _command(self, request: web.Request) -> web.Response:
        fields = form_in(await self._verified(request))
        if fields.get("ssl_check") == "1":
            return web.Response()
        try:
            command = SlashCommand.model_validate(fields)
        except ValidationError as error:
            self._note_unreadable(error)
            return _answer(Reply(UNREADABLE))
        return _answer(await self._answered(command))

    async def _interaction(self, request: web.Request) -> web.Response:
        await self._verified(request)
        return web.Response()

    async def _event(self, request: web.Request) -> web.Response:
        challenge = challenge_in(await self._verified(request))
        return web.Response() if challenge is None else web.json_response({"challenge": challenge})

    # --- the door ---

    async def _verified(self, request: web.Request) -> bytes:
        """The body of a request that is Slack's. Raises: web.HTTPException for any other."""
        body = await self._body(request)
        if isinstance(body, bytes):
            refusal = self._verifier.refusal(request.headers, body)
            if refusal is None:
                return body
        else:
            refusal = body
        self._knocks.refused(refusal, request.path)
        raise _refused(refusal)

    async def _body(self, request: web.Request) -> bytes | Refusal:
        if (request.content_length or 0) > BODY_BYTES:
            return Refusal.TOO_LARGE
        if hdrs.CONTENT_ENCODING in request.headers:
            return Refusal.ENCODED
        body = bytearray()
        try:
            async with asyncio.timeout(READ_WITHIN.total_seconds()):
                async for chunk in request.content.iter_chunked(64 * 1024):
                    body += chunk
                    if len(body) > BODY_BYTES:
                        return Refusal.TOO_LARGE
        except TimeoutError:
            return Refusal.TOO_SLOW
        except (web.RequestPayloadError, OSError):
            return Refusal.BROKEN
        return bytes(body)

    def _note_unreadable(self, error: ValidationError) -> None:
        # The names of the fields only: the error's text repeats what was in them.
        names = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        self._note("slack command incomplete", fields={"missing": ", ".join(names)})

    # --- the answer ---

    async def _answered(self, command: SlashCommand) -> Reply:
        task = self._task(command)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        except asyncio.CancelledError:
            # Slack hung up; the person still waits for an answer.
            self._answer_later(command, task)
            raise
        if done:
            return self._outcome(task)
        self._answer_later(command, task)
        return Reply(STILL_WORKING)

    def _task(self, command: SlashCommand) -> asyncio.Task[Reply]:
        """The work on a command: begun, or already going on for the same trigger."""
        known = self._answers.get(command.trigger_id)
        if known is not None:
            return known
        task = asyncio.ensure_future(self._carry_out(command))
        if command.trigger_id:
            self._answers[command.trigger_id] = task
            if len(self._answers) > _TRIGGERS_KEPT:
                self._answers.popitem(last=False)
        return task

    async def _carry_out(self, command: SlashCommand) -> Reply:
        try:
            return await self._dispatch(command)
        except RequestError as error:
            return Reply(Message(escape(str(error))))
        except BotError as error:
            why = {"error": type(error).__name__, "why": str(error)}
            self._note("slack command failed", fields=why)
            return Reply(CANNOT_NOW)

    def _outcome(self, task: asyncio.Task[Reply]) -> Reply:
        if task.cancelled():
            return Reply(CANNOT_NOW)
        defect = task.exception()
        if defect is None:
            return task.result()
        self._note("slack command met a defect", level="error", error=defect)
        return Reply(DEFECT)

    def _answer_later(self, command: SlashCommand, task: asyncio.Task[Reply]) -> None:
        if task in self._late:
            return
        later = asyncio.ensure_future(self._deliver_late(command, task))
        self._late[task] = later
        later.add_done_callback(lambda ended: self._late_ended(task, ended))

    async def _deliver_late(self, command: SlashCommand, task: asyncio.Task[Reply]) -> None:
        await asyncio.wait({task})
        reply = self._outcome(task)
        try:
            await self._respond(command.response_url, reply.message, in_channel=reply.in_channel)
        except ChatError as error:
            self._note("late answer not delivered", fields={"why": error.detail})

    def _late_ended(self, task: asyncio.Task[Reply], later: asyncio.Task[None]) -> None:
        del self._late[task]
        if not later.cancelled() and later.exception() is not None:
            self._note("late answer met a defect", level="error", error=later.exception())

    def _note(
        self,
        event: str,
        *,
        level: str = "warning",
        fields: Mapping[str, object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        self._telemetry.record(Noted(event, level, fields or {}, error))


def _refused(refusal: Refusal) -> web.HTTPException:
    """One answer for all that is not Slack's: whoever knocks learns nothing from it."""
    refused = web.HTTPUnauthorized(text="This address takes requests signed by Slack.\n")
    if refusal in (Refusal.TOO_LARGE, Refusal.TOO_SLOW):
        refused.force_close()  # The rest of the body is not waited for.
    return refused


def _answer(reply: Reply) -> web.Response:
    """An answer in the body of the acknowledgement."""
    answer: dict[str, object] = {
        "response_type": "in_channel" if reply.in_channel else "ephemeral",
        "text": reply.message.text,
    }
    if reply.message.blocks:
        answer["blocks"] = list(reply.message.blocks)
    return web.json_response(answer)
