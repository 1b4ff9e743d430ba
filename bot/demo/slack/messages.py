"""Messages of the simulated workspace, with all they ever said.

A message keeps every version of its content, so that a test can see how an alert grew and a person
that it was edited in place. An ephemeral message is one that a single person sees; Slack forgets
it, we keep it marked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from bot.demo.slack.wire import JsonObject

_MENTION = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|!everyone)[|>]")


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says. `text` is what notifications and screen readers get."""

    text: str = ""
    blocks: tuple[JsonObject, ...] = ()
    attachments: tuple[JsonObject, ...] = ()
    metadata: JsonObject | None = None

    def mentions(self) -> tuple[str, ...]:
        """Who is called by name: ids of people and groups; the words here, channel, everyone."""
        found = [*_mentions_in(self.text), *_block_mentions([*self.blocks, *self.attachments])]
        return tuple(dict.fromkeys(found))


def _mentions_in(text: str) -> Iterator[str]:
    for match in _MENTION.finditer(text):
        yield match.group(1).removeprefix("!subteam^").lstrip("@!")


_LITERAL_TYPES = frozenset({"plain_text", "raw_text", "raw_number"})
_MENTION_KEYS = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}


def _block_mentions(value: object) -> Iterator[str]:
    """Mentions in mrkdwn texts and rich_text elements; literal texts mention nobody."""
    match value:
        case list():
            for item in value:
                yield from _block_mentions(item)
        case dict() if value.get("type") in _MENTION_KEYS:
            yield str(value.get(_MENTION_KEYS[str(value["type"])], ""))
        case dict() if value.get("type") == "mrkdwn":
            yield from _mentions_in(str(value.get("text", "")))
        case dict() if value.get("type") not in _LITERAL_TYPES:
            yield from _block_mentions(list(value.values()))
        case _:
            return


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote: the bot (`bot_id` given), Slack itself (`user_id` USLACKBOT) or a person."""

    user_id: str
    name: str
    bot_id: str | None = None
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a message and the timestamp from which it stood."""

    at_ts: str
    content: Content


@dataclass(slots=True)
class Message:
    """One message; its content is that of the last version."""

    ts: str
    channel_id: str
    author: Author
    versions: list[Version]
    thread_ts: str | None = None
    broadcast: bool = False
    client_msg_id: str | None = None
    ephemeral_for: str | None = None
    prompt: str = ""
    """For an answer: the command it answers, as it was typed."""
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def content(self) -> Content:
        """What it says now."""
        return self.versions[-1].content

    @property
    def edited_ts(self) -> str | None:
        """When it was last edited; None when never."""
        return self.versions[-1].at_ts if len(self.versions) > 1 else None

    @property
    def is_reply(self) -> bool:
        """Whether it stands in the thread of another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts


class RingKind(Enum):
    """Why a message notified people."""

    ROOT = "root"
    BROADCAST = "broadcast"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Ring:
    """One notification: a message that made phones ring, and what the lock screen showed."""

    ts: str
    channel_id: str
    kind: RingKind
    mentions: tuple[str, ...]
    text: str


def ring_of(message: Message) -> Ring | None:
    """The notification a newly posted message causes; None for a quiet thread reply.

    Edits never ring and ephemeral answers ring nobody, so neither is asked here.
    """
    mentions = message.content.mentions()
    kind = _ring_kind(message, mentions)
    if kind is None:
        return None
    return Ring(message.ts, message.channel_id, kind, mentions, message.content.text)


def _ring_kind(message: Message, mentions: tuple[str, ...]) -> RingKind | None:
    if not message.is_reply:
        return RingKind.ROOT
    if message.broadcast:
        return RingKind.BROADCAST
    return RingKind.MENTION if mentions else None


@dataclass(slots=True)
class Channel:
    """A channel and its messages in the order they came, ephemeral and deleted ones included."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    bot_is_member: bool = True
    members: tuple[str, ...] = ()
    topic: str = ""
    messages: dict[str, Message] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    version: int = 0

    def visible(self) -> list[Message]:
        """What a history shows to everybody: neither deleted nor ephemeral."""
        return [m for m in self.messages.values() if not m.deleted and m.ephemeral_for is None]

    def find(self, ts: str) -> Message | None:
        """A message everybody sees, by timestamp."""
        message = self.messages.get(ts)
        gone = message is None or message.deleted or message.ephemeral_for is not None
        return None if gone else message

    def replies(self, root_ts: str) -> list[Message]:
        """The visible replies of a thread, oldest first, without its root."""
        return [m for m in self.visible() if m.is_reply and m.thread_ts == root_ts]

    def timeline(self) -> list[Message]:
        """What stands in the channel itself: roots and the replies also sent to the channel."""
        return [m for m in self.visible() if not m.is_reply or m.broadcast]
