"""Response URLs: where an app answers a command or click later, without a token.

Each address is a secret, good for five posts within thirty minutes; after that, as for an address
that never was, the answer is HTTP 404 and a word of plain text. A command's address only adds
messages; a click's may also replace or delete the message that was clicked. Without
`response_type` the answer is seen by one person only. Sources: Slack, "Handling user interaction";
bolt-python issue 1268 for what replace_original does after a command.
"""

import dataclasses
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from bot.demo.slack.content import read_content
from bot.demo.slack.messages import Author, Channel, Content, Message
from bot.demo.slack.wire import Call, SlackCallError, as_object, parsed
from bot.demo.slack.workspace import Draft, Workspace

USES_MOST = 5
LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a person did that an app may answer: typed `prompt`, or clicked the message given."""

    channel: Channel
    user_id: str
    prompt: str = ""
    clicked_ts: str | None = None


@dataclass(slots=True)
class _Ticket:
    occasion: Occasion
    issued_s: float
    uses: int = 0


class ResponseUrls:
    """The addresses given out, and what is posted to them."""

    def __init__(self, workspace: Workspace, monotonic_s: Callable[[], float]) -> None:
        self._workspace = workspace
        self._monotonic_s = monotonic_s
        self._numbers = itertools.count(1)
        self._tickets: dict[str, _Ticket] = {}

    def issue(self, occasion: Occasion) -> str:
        """A new address, as a path of this application."""
        kind = "commands" if occasion.clicked_ts is None else "actions"
        team_id = self._workspace.seed.team_id
        path = f"/{kind}/{team_id}/{next(self._numbers)}/{secrets.token_urlsafe(12)}"
        self._tickets[path] = _Ticket(occasion, self._monotonic_s())
        return path

    def add_routes(self, application: web.Application) -> None:
        """Take posts to the addresses."""
        application.router.add_post(
            "/{kind:commands|actions}/{team}/{number}/{secret}", self._serve
        )

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            ticket = self._use(request.path)
            self._post(ticket.occasion, await _read(request))
        except SlackCallError as error:
            status = 404 if error.code in ("no_service", "expired_url", "used_url") else 400
            return web.Response(status=status, text=error.code)
        return web.Response(text="ok")

    def _use(self, path: str) -> _Ticket:
        ticket = self._tickets.get(path)
        if ticket is None:
            raise SlackCallError("no_service")
        if self._monotonic_s() - ticket.issued_s > LIFETIME.total_seconds():
            raise SlackCallError("expired_url")
        if ticket.uses >= USES_MOST:
            raise SlackCallError("used_url")
        ticket.uses += 1
        return ticket

    def _post(self, occasion: Occasion, call: Call) -> None:
        channel = occasion.channel
        clicked = channel.messages.get(occasion.clicked_ts or "")
        if clicked is not None and call.flag("delete_original"):
            self._workspace.delete(channel, clicked)
        elif clicked is not None and _replaces(call, clicked):
            self._workspace.edit(channel, clicked, content=read_content(call))
        else:
            self.show(occasion, call)

    def show(self, occasion: Occasion, call: Call) -> Message:
        """Post an answer as a new message: for everybody, or for this person alone."""
        draft = Draft(
            content=read_content(call),
            author=self._workspace.bot,
            thread_ts=call.text("thread_ts") or None,
            prompt=occasion.prompt,
        )
        if call.text("response_type") == "in_channel":
            return self._workspace.post(occasion.channel, draft)
        return self._workspace.post(
            occasion.channel, dataclasses.replace(draft, ephemeral_for=occasion.user_id)
        )

    def tell(self, occasion: Occasion, text: str, *, author: Author) -> Message:
        """Show the person a plain sentence."""
        draft = Draft(Content(text), author, ephemeral_for=occasion.user_id, prompt=occasion.prompt)
        return self._workspace.post(occasion.channel, draft)


def _replaces(call: Call, clicked: Message) -> bool:
    """Slack replaces by default only what the same person alone sees."""
    if "replace_original" in call.arguments:
        return call.flag("replace_original")
    return clicked.ephemeral_for is not None and "response_type" not in call.arguments


async def _read(request: web.Request) -> Call:
    try:
        text = (await request.read()).decode()
    except UnicodeDecodeError as error:
        raise SlackCallError("invalid_payload") from error
    fields = as_object(parsed(text, otherwise="invalid_payload"))
    if fields is None:
        raise SlackCallError("invalid_payload")
    return Call("response_url", fields)
