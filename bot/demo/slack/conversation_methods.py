"""The conversations.* methods: what a channel is, what was said in it, joining it."""

from typing import TypeVar

from bot.demo.slack.messages import Channel, Message
from bot.demo.slack.methods import Method, MethodTable, answer
from bot.demo.slack.rates import Tier
from bot.demo.slack.wire import Call, JsonObject, SlackCallError
from bot.demo.slack.workspace import Workspace
from bot.demo.slack.written import written_channel, written_in_channel

_READ = ("channels:read", "groups:read", "mpim:read", "im:read")
_HISTORY = ("channels:history", "groups:history", "mpim:history", "im:history")
_PAGE_MOST = 1000
_Item = TypeVar("_Item")
_KINDS = frozenset({"public_channel", "private_channel", "mpim", "im"})


class ConversationMethods:
    """Carries out the conversations.* methods on a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "conversations.info": Method(self._info, Tier.TIER_3, _READ, ("channel",)),
            "conversations.list": Method(self._list, Tier.TIER_2, _READ),
            "conversations.join": Method(self._join, Tier.TIER_3, ("channels:join",), ("channel",)),
            "conversations.history": Method(self._history, Tier.TIER_3, _HISTORY, ("channel",)),
            "conversations.replies": Method(
                self._replies, Tier.TIER_3, _HISTORY, ("channel", "ts")
            ),
        }

    def _info(self, call: Call) -> JsonObject:
        channel = self._workspace.find_channel(call.required("channel"))
        return answer(channel=written_channel(self._workspace, channel))

    def _list(self, call: Call) -> JsonObject:
        kinds = set(call.text("types", "public_channel").split(","))
        if not kinds <= _KINDS:
            raise SlackCallError("invalid_types")
        shown = [
            written_channel(self._workspace, channel)
            for channel in self._workspace.channels.values()
            if _is_listed(channel, kinds, without_archived=call.flag("exclude_archived"))
        ]
        page, metadata = _page(call, shown, default=100)
        return answer(channels=page, response_metadata=metadata)

    def _join(self, call: Call) -> JsonObject:
        channel = self._workspace.find_channel(call.required("channel"))
        if channel.private:
            raise SlackCallError("method_not_supported_for_channel_type")
        if channel.archived:
            raise SlackCallError("is_archived")
        already = channel.bot_is_member
        channel.bot_is_member = True
        self._workspace.touch(channel)
        told = answer(channel=written_channel(self._workspace, channel))
        return {**told, "warning": "already_in_channel"} if already else told

    def _history(self, call: Call) -> JsonObject:
        channel = self._readable(call)
        newest_first = [m for m in reversed(channel.timeline()) if _in_range(call, m)]
        return self._told(call, channel, messages=newest_first)

    def _replies(self, call: Call) -> JsonObject:
        channel = self._readable(call)
        asked = channel.find(call.required("ts"))
        root = channel.find(asked.thread_ts or asked.ts) if asked is not None else None
        if root is None:
            raise SlackCallError("thread_not_found")
        replies = [m for m in channel.replies(root.ts) if _in_range(call, m)]
        return self._told(call, channel, messages=[root, *replies])

    def _told(self, call: Call, channel: Channel, *, messages: list[Message]) -> JsonObject:
        with_metadata = call.flag("include_all_metadata")
        page, metadata = _page(call, messages, default=100)
        shown = [
            written_in_channel(
                self._workspace, message, channel=channel, with_metadata=with_metadata
            )
            for message in page
        ]
        return answer(
            messages=shown, has_more=bool(metadata["next_cursor"]), response_metadata=metadata
        )

    def _readable(self, call: Call) -> Channel:
        channel = self._workspace.find_channel(call.required("channel"))
        if not channel.bot_is_member:
            raise SlackCallError("not_in_channel")
        return channel


def _is_listed(channel: Channel, kinds: set[str], *, without_archived: bool) -> bool:
    if channel.private and not channel.bot_is_member:
        return False
    kind = "private_channel" if channel.private else "public_channel"
    return kind in kinds and not (without_archived and channel.archived)


def _in_range(call: Call, message: Message) -> bool:
    oldest = _timestamp(call, "oldest", default=0.0)
    latest = _timestamp(call, "latest", default=float("inf"))
    at = float(message.ts)
    if call.flag("inclusive"):
        return oldest <= at <= latest
    return oldest < at < latest


def _timestamp(call: Call, name: str, *, default: float) -> float:
    try:
        return float(call.text(name) or default)
    except ValueError as error:
        raise SlackCallError(f"invalid_ts_{name}") from error


def _page(call: Call, items: list[_Item], *, default: int) -> tuple[list[_Item], dict[str, str]]:
    """A page of the list and where the next one begins; the cursor is opaque to callers."""
    limit = call.number("limit", default)
    if not 1 <= limit <= _PAGE_MOST:
        raise SlackCallError("invalid_limit")
    cursor = call.text("cursor") or "next:0"
    prefix, _, start = cursor.partition(":")
    if prefix != "next" or not start.isdigit():
        raise SlackCallError("invalid_cursor")
    begin = int(start)
    end = begin + limit
    return items[begin:end], {"next_cursor": f"next:{end}" if end < len(items) else ""}
