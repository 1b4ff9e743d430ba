"""Messages, channels, people and groups as the Web API writes them."""

from bot.demo.slack.identity import Person, UserGroup
from bot.demo.slack.messages import Channel, Message
from bot.demo.slack.wire import JsonObject
from bot.demo.slack.workspace import Workspace


def written_message(workspace: Workspace, message: Message) -> JsonObject:
    """A message without its place in a thread."""
    content = message.content
    fields: JsonObject = {
        "type": "message",
        "user": message.author.user_id,
        "ts": message.ts,
        "text": content.text,
        "team": workspace.seed.team_id,
    }
    if message.author.bot_id:
        fields.update(bot_id=message.author.bot_id, app_id=workspace.seed.app.app_id)
    if content.blocks:
        fields["blocks"] = list(content.blocks)
    if content.attachments:
        fields["attachments"] = list(content.attachments)
    if message.client_msg_id:
        fields["client_msg_id"] = message.client_msg_id
    if message.edited_ts:
        fields["edited"] = {"user": message.author.user_id, "ts": message.edited_ts}
    if message.reactions:
        fields["reactions"] = _written_reactions(message)
    return {**fields, **_thread_fields(message)}


def _written_reactions(message: Message) -> list[JsonObject]:
    return [
        {"name": name, "users": list(users), "count": len(users)}
        for name, users in message.reactions.items()
    ]


def _thread_fields(message: Message) -> JsonObject:
    if not message.is_reply:
        return {}
    shown = {"subtype": "thread_broadcast"} if message.broadcast else {}
    return {"thread_ts": message.thread_ts, **shown}


def written_in_channel(
    workspace: Workspace, message: Message, *, channel: Channel, with_metadata: bool = False
) -> JsonObject:
    """A message as a history shows it: roots with the count and authors of their replies."""
    fields = written_message(workspace, message)
    replies = channel.replies(message.ts)
    if replies:
        fields.update(
            thread_ts=message.ts,
            reply_count=len(replies),
            reply_users=sorted({reply.author.user_id for reply in replies}),
            latest_reply=replies[-1].ts,
        )
    if with_metadata and message.content.metadata is not None:
        fields["metadata"] = message.content.metadata
    return fields


def written_channel(workspace: Workspace, channel: Channel) -> JsonObject:
    """A channel as conversations.info and .list show it to the bot."""
    topic = {"value": channel.topic, "creator": "", "last_set": 0}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_private": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_archived": channel.archived,
        "is_member": channel.bot_is_member,
        "is_general": False,
        "context_team_id": workspace.seed.team_id,
        "topic": topic,
        "purpose": {**topic, "value": ""},
        "num_members": len(channel.members) + channel.bot_is_member,
    }


def written_person(workspace: Workspace, person: Person) -> JsonObject:
    """A member as users.info shows it."""
    return {
        "id": person.id,
        "team_id": workspace.seed.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "is_bot": False,
        "tz": person.time_zone,
        "tz_label": person.time_zone,
        "tz_offset": person.utc_offset_s(workspace.clock.now()),
        "profile": {"real_name": person.real_name, "display_name": person.name},
    }


def written_bot(workspace: Workspace) -> JsonObject:
    """The bot's own user as users.info shows it."""
    app = workspace.seed.app
    return {
        "id": app.bot_user_id,
        "team_id": workspace.seed.team_id,
        "name": app.name,
        "real_name": app.name,
        "deleted": False,
        "is_bot": True,
        "tz": "UTC",
        "tz_label": "UTC",
        "tz_offset": 0,
        "profile": {"real_name": app.name, "display_name": app.name, "bot_id": app.bot_id},
    }


def written_group(workspace: Workspace, group: UserGroup, *, with_users: bool) -> JsonObject:
    """A user group as usergroups.list shows it."""
    fields: JsonObject = {
        "id": group.id,
        "team_id": workspace.seed.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "user_count": len(group.members),
    }
    return {**fields, "users": list(group.members)} if with_users else fields
