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
from bot.demo.slack.messages import Channel, Content, Message
from bot.demo.slack.response_urls import ResponseUrls
from bot.demo.slack.signing import signed_headers
from bot.demo.slack.triggers import Triggers
from bot.demo.slack.wire import Call, SlackCallError, as_object, parsed
from bot.demo.slack.workspace import SLACKBOT, Draft, Workspace

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
        trigger_id = self._desk.triggers.issue(user_id)
        response_url = self._response_url(channel, user_id)
        fields = {
            **self._where(channel, user_id),
            "command": command,
            "text": self._escaped(text),
            "api_app_id": self._desk.workspace.seed.app.app_id,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }
        delivery = await self._deliver(url, fields, response_url, trigger_id)
        return self._show(delivery, channel, user_id, command)

    def _where(self, channel: Channel, user_id: str) -> dict[str, str]:
        seed = self._desk.workspace.seed
        person = self._desk.workspace.person(user_id)
        return {
            "token": "deprecated",
            "team_id": seed.team_id,
            "team_domain": seed.team_domain,
            "channel_id": channel.id,
            "channel_name": "privategroup" if channel.private else channel.name,
            "user_id": user_id,
            "user_name": person.name if person is not None else user_id.lower(),
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

    def _response_url(self, channel: Channel, user_id: str, clicked_ts: str | None = None) -> str:
        path = self._desk.response_urls.issue(channel.id, user_id, clicked_ts=clicked_ts)
        return self._desk.base_url().rstrip("/") + path

    async def click(self, url: str, click: Click) -> Delivery:
        """Send a block_actions payload. Raises: ValueError when there is no such element."""
        payload = click_payload(self._desk.workspace, click)
        channel = self._desk.workspace.channels[click.channel_id]
        trigger_id = self._desk.triggers.issue(click.user_id)
        response_url = self._response_url(channel, click.user_id, click.ts)
        payload.update(trigger_id=trigger_id, response_url=response_url)
        fields = {"payload": json.dumps(payload)}
        delivery = await self._deliver(url, fields, response_url, trigger_id)
        return self._show(delivery, channel, click.user_id, "That action")

    async def _deliver(
        self, url: str, fields: dict[str, str], response_url: str, trigger_id: str
    ) -> Delivery:
        clock = self._desk.workspace.clock
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

    def _show(self, delivery: Delivery, channel: Channel, user_id: str, what: str) -> Delivery:
        """Show the answer, or why there is none."""
        if delivery.error is not None:
            return self._failed(delivery, delivery.error, (channel, user_id, what))
        if not delivery.body.strip():
            return delivery
        try:
            shown = self._shown(channel, user_id, delivery.body)
        except SlackCallError as error:
            return self._failed(delivery, error.code, (channel, user_id, what))
        return dataclasses.replace(delivery, shown=shown)

    def _shown(self, channel: Channel, user_id: str, body: str) -> Message:
        if not body.lstrip().startswith("{"):
            return self._desk.response_urls.tell(channel, user_id, body)
        fields = as_object(parsed(body, otherwise="invalid_command_response")) or {}
        return self._desk.response_urls.show(channel, user_id, Call("command", fields))

    def _failed(self, delivery: Delivery, error: str, where: tuple[Channel, str, str]) -> Delivery:
        channel, user_id, what = where
        if delivery.status not in (None, 200):
            text = f"{what} failed because the app responded with status code {delivery.status}"
        else:
            text = f"{what} failed with the error “{error}”"
        draft = Draft(Content(text), SLACKBOT, ephemeral_for=user_id)
        shown = self._desk.workspace.post(channel, draft)
        return dataclasses.replace(delivery, error=error, shown=shown)
