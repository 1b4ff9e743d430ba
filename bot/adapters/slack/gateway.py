"""Messages out: the port ChatGateway over Slack's Web API. No call tries twice by itself.

Posts carry three marks against duplicates. `client_msg_id` is derived from the caller's dedupe id,
so that a repeated post has the same one (Slack names it in two error codes and documents nothing
else; it is sent, never relied upon). The metadata holds the card's fingerprint, by which a message
can be found again in the channel's history. And whatever may have arrived although its answer was
lost is raised as ChatAmbiguous, never tried again here.

Should Slack refuse either mark, the next try goes without it: a mark must not cost the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self
from uuid import UUID, uuid5

from bot.adapters.slack.access import SlackAccess
from bot.adapters.slack.classify import DUPLICATE_CODES, METADATA_CODES
from bot.adapters.slack.transport import SlackTransport
from bot.ports import ChatAmbiguous, ChatError, ChatUnavailable, MessageRef
from bot.presenters.message import Message

METADATA_EVENT = "dumptask_card"
_NAMESPACE = UUID("6f0c2c2e-5d0b-5f0e-9a53-3d1f6d2b7a41")
_BURNT_IDS_KEPT = 1000


class SlackGateway:
    """Slack as a ChatGateway. An async context manager; closed, every call is ChatUnavailable.

    Raises: ConfigError on entering when the CA file cannot be used.
    """

    def __init__(self, access: SlackAccess) -> None:
        self._transport = SlackTransport(access)
        self._metadata_refused = False
        self._burnt: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def post(
        self, channel: str, message: Message, *, dedupe_id: str, fingerprint: str
    ) -> MessageRef:
        """Posts a new root. Raises: ChatError."""
        arguments: dict[str, object] = {"channel": channel, **_content(message)}
        if fingerprint and not self._metadata_refused:
            arguments["metadata"] = {
                "event_type": METADATA_EVENT,
                "event_payload": {"fingerprint": fingerprint},
            }
        return await self._post(arguments, dedupe_id)

    async def update(self, ref: MessageRef, message: Message) -> None:
        """Replaces a message; its metadata stays as it is. Raises: ChatError."""
        arguments = {"channel": ref.channel, "ts": ref.ts, **_content(message)}
        await self._transport.call("chat.update", arguments, repeatable=True)

    async def reply(
        self, ref: MessageRef, message: Message, *, broadcast: bool, dedupe_id: str
    ) -> MessageRef:
        """Posts into the thread of a message. Raises: ChatError."""
        arguments = {"channel": ref.channel, "thread_ts": ref.ts, **_content(message)}
        if broadcast:
            arguments["reply_broadcast"] = True
        return await self._post(arguments, dedupe_id)

    async def respond(self, response_url: str, message: Message, *, in_channel: bool) -> None:
        """Answers a slash command later than its acknowledgement.

        Raises: ChatError; refused where the address is neither on https://hooks.slack.com/ nor on
            the host of the Web API.
        """
        body = {
            "response_type": "in_channel" if in_channel else "ephemeral",
            "replace_original": False,
            **_content(message),
        }
        await self._transport.respond(response_url, body)

    async def check_credentials(self) -> str:
        """Asks who we are; the bot's own user id. Raises: ChatError."""
        body = await self._transport.call("auth.test", {}, repeatable=True)
        user_id = body.get("user_id")
        if not isinstance(user_id, str) or not user_id:
            raise ChatUnavailable("auth.test: an answer without user_id")
        return user_id

    async def group_members(self) -> Mapping[str, frozenset[str]]:
        """The members of every user group by its id (scope usergroups:read). Raises: ChatError."""
        body = await self._transport.call(
            "usergroups.list", {"include_users": True}, repeatable=True
        )
        groups = body.get("usergroups")
        return {
            str(group.get("id")): frozenset(map(str, group.get("users") or ()))
            for group in (groups if isinstance(groups, list) else ())
            if isinstance(group, dict)
        }

    async def _post(self, arguments: Mapping[str, object], dedupe_id: str) -> MessageRef:
        marked = {
            **arguments,
            "unfurl_links": False,
            "unfurl_media": False,
            "client_msg_id": self._message_id(dedupe_id),
        }
        try:
            body = await self._transport.call("chat.postMessage", marked, repeatable=False)
        except ChatError as error:
            self._learn(error.code, dedupe_id)
            raise
        return _ref(body)

    def _message_id(self, dedupe_id: str) -> str:
        generation = self._burnt.get(dedupe_id, 0)
        name = f"{dedupe_id}/{generation}" if generation else dedupe_id
        return str(uuid5(_NAMESPACE, name))

    def _learn(self, code: str, dedupe_id: str) -> None:
        """Remembers a mark that Slack refused, so that the next try goes without it."""
        if code in METADATA_CODES:
            self._metadata_refused = True
        if code in DUPLICATE_CODES:
            self._burnt[dedupe_id] = self._burnt.pop(dedupe_id, 0) + 1
            if len(self._burnt) > _BURNT_IDS_KEPT:
                del self._burnt[next(iter(self._burnt))]


def _content(message: Message) -> dict[str, object]:
    """A message as arguments. Without `blocks` an edit takes earlier blocks away."""
    content: dict[str, object] = {"text": message.text}
    if message.blocks:
        content["blocks"] = list(message.blocks)
    return content


def _ref(body: Mapping[str, object]) -> MessageRef:
    channel, ts = body.get("channel"), body.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        raise ChatAmbiguous("chat.postMessage: an answer without channel and ts")
    return MessageRef(channel, ts)
