"""The chat.* methods: post, update, delete, ephemeral answers, permalinks."""

from bot.demo.slack.content import check_update_length, read_content, truncated
from bot.demo.slack.messages import Author, Channel, Content, Message
from bot.demo.slack.methods import Method, MethodTable, answer
from bot.demo.slack.rates import Tier
from bot.demo.slack.wire import Call, JsonObject, SlackCallError
from bot.demo.slack.workspace import Draft, Workspace
from bot.demo.slack.written import written_message

_WRITE = ("chat:write",)


class ChatMethods:
    """Carries out the chat.* methods on a workspace.

    `anywhere` says whether the token may post to public channels the bot has not joined;
    `deduplicate`, whether a repeated client_msg_id answers with the first message. Slack documents
    no such promise, so by default it does not.
    """

    def __init__(self, workspace: Workspace, *, anywhere: bool, deduplicate: bool) -> None:
        self._workspace = workspace
        self._anywhere = anywhere
        self._deduplicate = deduplicate

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "chat.postMessage": Method(self._post, Tier.POSTING, _WRITE, ("channel",)),
            "chat.update": Method(self._update, Tier.TIER_3, _WRITE, ("channel", "ts")),
            "chat.delete": Method(self._delete, Tier.TIER_3, _WRITE, ("channel", "ts")),
            "chat.postEphemeral": Method(
                self._post_ephemeral, Tier.TIER_4, _WRITE, ("channel", "user")
            ),
            "chat.getPermalink": Method(
                self._permalink, Tier.SPECIAL, required=("channel", "message_ts")
            ),
        }

    def _post(self, call: Call) -> JsonObject:
        channel = self._writable(call)
        content, warnings = truncated(read_content(call))
        client_msg_id = call.text("client_msg_id") or None
        message = self._earlier(channel, client_msg_id) or self._workspace.post(
            channel,
            Draft(
                content=content,
                author=self._author(call),
                thread_ts=self._thread(channel, call),
                broadcast=call.flag("reply_broadcast"),
                client_msg_id=client_msg_id,
            ),
        )
        return self._told(channel, message, warnings=warnings)

    def _earlier(self, channel: Channel, client_msg_id: str | None) -> Message | None:
        if not self._deduplicate or client_msg_id is None:
            return None
        same = (m for m in channel.messages.values() if m.client_msg_id == client_msg_id)
        return next(same, None)

    def _author(self, call: Call) -> Author:
        bot = self._workspace.bot
        name = call.text("username", bot.name)
        return Author(bot.user_id, name, bot.bot_id, call.text("icon_emoji"))

    def _thread(self, channel: Channel, call: Call) -> str | None:
        """The root that is replied to. Slack gives a reply to a reply no thread of its own."""
        thread_ts = call.text("thread_ts")
        if not thread_ts:
            return None
        root = channel.find(thread_ts)
        if root is None:
            raise SlackCallError("thread_not_found")
        if root.is_reply:
            raise SlackCallError("cannot_reply_to_message")
        return thread_ts

    def _told(self, channel: Channel, message: Message, *, warnings: list[str]) -> JsonObject:
        fields = answer(
            channel=channel.id,
            ts=message.ts,
            message=written_message(self._workspace, message),
        )
        if warnings:
            fields["warning"] = ",".join(warnings)
            fields["response_metadata"] = {"warnings": warnings}
        return fields

    def _update(self, call: Call) -> JsonObject:
        channel = self._workspace.find_channel(call.required("channel"))
        if channel.archived:
            raise SlackCallError("is_inactive")
        message = self._own(channel, call.required("ts"), otherwise="cant_update_message")
        if call.flag("reply_broadcast") and not message.is_reply:
            raise SlackCallError("cant_broadcast_message")
        check_update_length(call.text("text"))
        self._workspace.edit(channel, message, content=_changed_content(call, message))
        message.broadcast = message.broadcast or call.flag("reply_broadcast")
        return {**self._told(channel, message, warnings=[]), "text": message.content.text}

    def _own(self, channel: Channel, ts: str, *, otherwise: str) -> Message:
        message = channel.find(ts)
        if message is None:
            raise SlackCallError("message_not_found")
        if message.author.bot_id != self._workspace.seed.app.bot_id:
            raise SlackCallError(otherwise)
        return message

    def _delete(self, call: Call) -> JsonObject:
        channel = self._workspace.find_channel(call.required("channel"))
        message = self._own(channel, call.required("ts"), otherwise="cant_delete_message")
        self._workspace.delete(channel, message)
        return answer(channel=channel.id, ts=message.ts)

    def _post_ephemeral(self, call: Call) -> JsonObject:
        channel = self._writable(call)
        content = read_content(call)
        user_id = call.required("user")
        if user_id not in channel.members:
            raise SlackCallError("user_not_in_channel")
        thread_ts = self._thread(channel, call)
        draft = Draft(content, self._author(call), thread_ts, ephemeral_for=user_id)
        message = self._workspace.post(channel, draft)
        return answer(message_ts=message.ts)

    def _writable(self, call: Call) -> Channel:
        channel = self._workspace.find_channel(call.required("channel"))
        if channel.archived:
            raise SlackCallError("is_archived")
        if not channel.bot_is_member and not self._anywhere:
            raise SlackCallError("not_in_channel")
        return channel

    def _permalink(self, call: Call) -> JsonObject:
        channel = self._workspace.find_channel(call.required("channel"))
        message = channel.find(call.required("message_ts"))
        if message is None:
            raise SlackCallError("message_not_found")
        place = f"{call.origin}/archives/{channel.id}/p{message.ts.replace('.', '')}"
        thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.is_reply else ""
        return answer(channel=channel.id, permalink=place + thread)


def _changed_content(call: Call, message: Message) -> Content:
    """The content after chat.update.

    Text without blocks removes the blocks; blocks or attachments alone leave the text; metadata
    not given stays.
    """
    before = message.content
    if not (call.has("text") or call.has("markdown_text")) and not call.has("blocks"):
        given = read_content(call)
        return Content(
            before.text, before.blocks, given.attachments, given.metadata or before.metadata
        )
    given = read_content(call)
    return Content(
        text=given.text or before.text,
        blocks=given.blocks,
        attachments=given.attachments if "attachments" in call.arguments else before.attachments,
        metadata=given.metadata or before.metadata,
    )
