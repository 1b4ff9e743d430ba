"""The state of the simulated workspace: who is there, the channels, and every change to them.

Each change raises `version` by one and marks the channel with it, so that a reader of the state
can ask for what is new and wait for more. Everything happens in one event loop; nothing awaits
between reading and changing.
"""

import asyncio
import dataclasses
import itertools
from dataclasses import dataclass

from bot.demo.slack.clock import SlackClock, TimestampSource
from bot.demo.slack.identity import ChannelSeed, Person, WorkspaceSeed
from bot.demo.slack.messages import Author, Channel, Content, Message, Ring, Version, ring_of
from bot.demo.slack.wire import JsonObject, SlackCallError

SLACKBOT = Author("USLACKBOT", "Slackbot")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about to be posted."""

    content: Content
    author: Author
    thread_ts: str | None = None
    broadcast: bool = False
    client_msg_id: str | None = None
    ephemeral_for: str | None = None
    prompt: str = ""


class Workspace:
    """People, groups and channels, and the operations that change them."""

    def __init__(
        self, seed: WorkspaceSeed, clock: SlackClock, *, auto_create_channels: bool = False
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.version = 0
        self.people = {person.id: person for person in seed.people}
        self.user_groups = {group.id: group for group in seed.user_groups}
        self.channels: dict[str, Channel] = {}
        self._auto_create = auto_create_channels
        self._timestamps = TimestampSource(clock)
        self._block_ids = itertools.count(1)
        self._changed = asyncio.Event()
        for channel in seed.channels:
            self.add_channel(channel)

    @property
    def bot(self) -> Author:
        """The app's bot as an author."""
        app = self.seed.app
        return Author(app.bot_user_id, app.name, app.bot_id)

    @property
    def watcher(self) -> Person:
        """The person whose screen the page shows unless another is chosen."""
        return self.seed.people[0]

    def add_channel(self, seed: ChannelSeed) -> Channel:
        """Open a channel; its members default to everybody."""
        members = tuple(self.people) if seed.members is None else seed.members
        channel = Channel(
            id=seed.id,
            name=seed.name,
            private=seed.private,
            archived=seed.archived,
            bot_is_member=seed.bot_is_member,
            members=members,
            topic=seed.topic,
        )
        self.channels[seed.id] = channel
        self.touch(channel)
        return channel

    def find_channel(self, reference: str) -> Channel:
        """A channel by id, or by name with or without '#'.

        Raises: SlackCallError channel_not_found, also for a private channel without the bot.
        """
        channel = self.channels.get(reference) or self._named(reference.removeprefix("#"))
        if channel is None and self._auto_create and reference[:1] == "C":
            channel = self.add_channel(ChannelSeed(reference, reference.lower()))
        if channel is None or (channel.private and not channel.bot_is_member):
            raise SlackCallError("channel_not_found")
        return channel

    def _named(self, name: str) -> Channel | None:
        return next((c for c in self.channels.values() if c.name == name), None)

    def person(self, user_id: str) -> Person | None:
        """A member by id."""
        return self.people.get(user_id)

    def post(self, channel: Channel, draft: Draft) -> Message:
        """Add a message and ring whom it rings."""
        ts = self._timestamps.next()
        message = Message(
            ts=ts,
            channel_id=channel.id,
            author=draft.author,
            versions=[Version(ts, self._with_block_ids(draft.content))],
            thread_ts=draft.thread_ts,
            broadcast=draft.broadcast,
            client_msg_id=draft.client_msg_id,
            ephemeral_for=draft.ephemeral_for,
            prompt=draft.prompt,
        )
        channel.messages[ts] = message
        self._ring(channel, message)
        self.touch(channel)
        return message

    def _ring(self, channel: Channel, message: Message) -> None:
        ring = None if message.ephemeral_for else ring_of(message)
        if ring is not None:
            channel.rings.append(ring)

    def edit(self, channel: Channel, message: Message, *, content: Content) -> None:
        """Give a message new content; nobody is notified."""
        version = Version(self._timestamps.next(), self._with_block_ids(content))
        message.versions.append(version)
        self.touch(channel)

    def delete(self, channel: Channel, message: Message) -> None:
        """Take a message away from everybody's eyes; it stays in the record."""
        message.deleted = True
        self.touch(channel)

    def touch(self, channel: Channel) -> None:
        """Say that something in this channel changed."""
        self.version += 1
        channel.version = self.version
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_beyond(self, version: int) -> int:
        """Wait until the version is above the given one; the version then."""
        while self.version <= version:
            await self._changed.wait()
        return self.version

    def rings(self) -> list[Ring]:
        """All notifications of the workspace in the order they came."""
        every = itertools.chain.from_iterable(c.rings for c in self.channels.values())
        return sorted(every, key=lambda ring: ring.ts)

    def _with_block_ids(self, content: Content) -> Content:
        """Slack names every block that came without a name."""
        return dataclasses.replace(content, blocks=tuple(map(self._named_block, content.blocks)))

    def _named_block(self, block: JsonObject) -> JsonObject:
        return (
            block if block.get("block_id") else {**block, "block_id": f"b{next(self._block_ids)}"}
        )
