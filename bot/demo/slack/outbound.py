"""What Slack sends to the app: signed slash commands and button clicks.

Both are form posts signed as `signing` says. The app has three seconds to answer; otherwise the
person who typed sees `operation_timeout`, and `dispatch_failed` when nothing could be delivered or
the answer was no success. An answer in the body is shown at once: plain text or JSON, to that
person alone unless it says `response_type: in_channel`. Fields: Slack, "Implementing slash
commands" and "Block actions payloads".
"""

import asyncio
import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

import aiohttp

from bot.demo.slack.clicks import Click, click_payload
from bot.demo.slack.identity import Credentials
from bot.demo.slack.messages import Channel, Message
from bot.demo.slack.response_urls import Occasion, ResponseUrls
from bot.demo.slack.signing import signed_headers
from bot.demo.slack.triggers import Triggers
from bot.demo.slack.wire import Call, SlackCallError, as_object, parsed
from bot.demo.slack.workspace import SLACKBOT, Workspace

ANSWER_WITHIN = timedelta(seconds=3)
_USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the app answered a command or click.

    `status` is None when no answer came; `error` is what Slack would name the failure; `body` the
    answer as sent; `shown` the message that the person sees because of it.
    """

    status: int | None
    error: str | None
    body: str
    elapsed: timedelta
    response_url: str = field(repr=False)
    trigger_id: str = field(repr=False)
    shown: Message | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What the sender works with."""

    workspace: Workspace
    credentials: Credentials
    response_urls: ResponseUrls
    triggers: Triggers
    base_url: Callable[[], str]


class Outbound:
    """Sends commands and clicks. One HTTP session, opened when first needed."""

    def __init__(self, desk: Desk, *, answer_within: timedelta = ANSWER_WITHIN) -> None:
        self._desk = desk
        self._answer_within = answer_within
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def command(
        self, url: str, text: str, *, command: str, channel: Channel, user_id: str
    ) -> Delivery:
        """Send a slash command and show the answer in the channel."""
        occasion = Occasion(channel, user_id, f"{command} {text}".strip())
        fields = {
            **self._where(occasion),
            "command": command,
            "text": self._escaped(text),
            "api_app_id": self._desk.workspace.seed.app.app_id,
            "is_enterprise_install": "false",
        }
        delivery = await self._deliver(url, occasion, form=lambda means: {**fields, **means})
        if delivery.error is not None or not delivery.body.strip():
            return self._told(delivery, occasion, what=command)
        try:
            return dataclasses.replace(delivery, shown=self._show(occasion, delivery.body))
        except SlackCallError as error:
            refused = dataclasses.replace(delivery, error=error.code)
            return self._told(refused, occasion, what=command)

    def _where(self, occasion: Occasion) -> dict[str, str]:
        seed = self._desk.workspace.seed
        channel = occasion.channel
        person = self._desk.workspace.person(occasion.user_id)
        return {
            "token": "deprecated",
            "team_id": seed.team_id,
            "team_domain": seed.team_domain,
            "channel_id": channel.id,
            "channel_name": "privategroup" if channel.private else channel.name,
            "user_id": occasion.user_id,
            "user_name": person.name if person is not None else occasion.user_id.lower(),
        }

    def _escaped(self, text: str) -> str:
        """Text as the option should_escape sends it: entities, and ids for names."""
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        workspace = self._desk.workspace
        for person in workspace.people.values():
            pattern = rf"(?<!\S)@{re.escape(person.name)}(?!\S)"
            safe = re.sub(pattern, f"<@{person.id}|{person.name}>", safe)
        for channel in workspace.channels.values():
            pattern = rf"(?<!\S)#{re.escape(channel.name)}(?!\S)"
            safe = re.sub(pattern, f"<#{channel.id}|{channel.name}>", safe)
        return safe

    async def click(self, url: str, click: Click) -> Delivery:
        """Send a block_actions payload; what the app answers in the body is not shown.

        Raises: ValueError when there is no such element.
        """
        payload = click_payload(self._desk.workspace, click)
        channel = self._desk.workspace.channels[click.channel_id]
        occasion = Occasion(channel, click.user_id, clicked_ts=click.ts)
        delivery = await self._deliver(
            url, occasion, form=lambda means: {"payload": json.dumps({**payload, **means})}
        )
        return self._told(delivery, occasion, what="That action")

    async def _deliver(
        self, url: str, occasion: Occasion, *, form: Callable[[dict[str, str]], dict[str, str]]
    ) -> Delivery:
        """Send the form, made with the means to answer: a response URL and a trigger id."""
        clock = self._desk.workspace.clock
        path = self._desk.response_urls.issue(occasion)
        response_url = self._desk.base_url().rstrip("/") + path
        trigger_id = self._desk.triggers.issue(occasion.user_id)
        fields = form({"response_url": response_url, "trigger_id": trigger_id})
        started_s = clock.monotonic_s()
        status, error, body = await self._exchange(url, urlencode(fields).encode())
        elapsed = timedelta(seconds=clock.monotonic_s() - started_s)
        return Delivery(status, error, body, elapsed, response_url, trigger_id)

    async def _exchange(self, url: str, body: bytes) -> tuple[int | None, str | None, str]:
        try:
            async with asyncio.timeout(self._answer_within.total_seconds()):
                return await self._post(url, body)
        except TimeoutError:
            return None, "operation_timeout", ""
        except aiohttp.ClientError:
            return None, "dispatch_failed", ""

    async def _post(self, url: str, body: bytes) -> tuple[int | None, str | None, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": _USER_AGENT})
        now_s = self._desk.workspace.clock.epoch_s()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            **signed_headers(self._desk.credentials.signing_secret, now_s, body),
        }
        async with self._session.post(url, data=body, headers=headers) as response:
            text = await response.text(errors="replace")
            failed = None if response.status == 200 else "dispatch_failed"
            return response.status, failed, text

    def _show(self, occasion: Occasion, body: str) -> Message:
        if not body.lstrip().startswith("{"):
            bot = self._desk.workspace.bot
            return self._desk.response_urls.tell(occasion, body, author=bot)
        fields = as_object(parsed(body, otherwise="invalid_command_response")) or {}
        return self._desk.response_urls.show(occasion, Call("command", fields))

    def _told(self, delivery: Delivery, occasion: Occasion, *, what: str) -> Delivery:
        """The delivery, and in Slack's words to the person why it failed, if it did."""
        if delivery.error is None:
            return delivery
        if delivery.status not in (None, 200):
            text = f"{what} failed because the app responded with status code {delivery.status}"
        else:
            text = f"{what} failed with the error “{delivery.error}”"
        shown = self._desk.response_urls.tell(occasion, text, author=SLACKBOT)
        return dataclasses.replace(delivery, shown=shown)
