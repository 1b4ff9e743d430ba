"""Methods about people, groups and the token itself, reactions, and the check of blocks."""

import re

from bot.demo.slack.block_rules import check_blocks
from bot.demo.slack.content import complaint_fields
from bot.demo.slack.inspection import Surface
from bot.demo.slack.messages import Channel, Message
from bot.demo.slack.methods import Method, MethodTable, answer
from bot.demo.slack.rates import Tier
from bot.demo.slack.wire import Call, JsonObject, SlackCallError, as_list, as_object
from bot.demo.slack.workspace import Workspace
from bot.demo.slack.written import written_bot, written_group, written_person

_REACT = ("reactions:write",)
_EMOJI_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


class DirectoryMethods:
    """Carries out auth.test, users.info, usergroups.list, reactions.* and blocks.validate."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> MethodTable:
        """The methods by name."""
        reaction = ("channel", "name", "timestamp")
        return {
            "auth.test": Method(self._auth_test, Tier.SPECIAL),
            "users.info": Method(self._user, Tier.TIER_4, ("users:read",), ("user",)),
            "usergroups.list": Method(self._groups, Tier.TIER_2, ("usergroups:read",)),
            "reactions.add": Method(self._react, Tier.TIER_3, _REACT, reaction),
            "reactions.remove": Method(self._unreact, Tier.TIER_2, _REACT, reaction),
            "blocks.validate": Method(self._validate, Tier.SPECIAL, public=True),
        }

    def _auth_test(self, call: Call) -> JsonObject:
        seed = self._workspace.seed
        return answer(
            url=f"{call.origin}/",
            team=seed.team_name,
            user=seed.app.name,
            team_id=seed.team_id,
            user_id=seed.app.bot_user_id,
            bot_id=seed.app.bot_id,
            app_id=seed.app.app_id,
            is_enterprise_install=False,
        )

    def _user(self, call: Call) -> JsonObject:
        user_id = call.required("user")
        if user_id == self._workspace.seed.app.bot_user_id:
            return answer(user=written_bot(self._workspace))
        person = self._workspace.person(user_id)
        if person is None:
            raise SlackCallError("user_not_found")
        return answer(user=written_person(self._workspace, person))

    def _groups(self, call: Call) -> JsonObject:
        with_users = call.flag("include_users")
        groups = self._workspace.user_groups.values()
        shown = [written_group(self._workspace, group, with_users=with_users) for group in groups]
        return answer(usergroups=shown)

    def _react(self, call: Call) -> JsonObject:
        channel, message = self._target(call)
        if channel.archived:
            raise SlackCallError("is_archived")
        users = message.reactions.setdefault(_emoji_name(call), [])
        if self._workspace.bot.user_id in users:
            raise SlackCallError("already_reacted")
        users.append(self._workspace.bot.user_id)
        self._workspace.touch(channel)
        return answer()

    def _unreact(self, call: Call) -> JsonObject:
        channel, message = self._target(call)
        name = _emoji_name(call)
        users = message.reactions.get(name, [])
        if self._workspace.bot.user_id not in users:
            raise SlackCallError("no_reaction")
        users.remove(self._workspace.bot.user_id)
        if not users:
            del message.reactions[name]
        self._workspace.touch(channel)
        return answer()

    def _target(self, call: Call) -> tuple[Channel, Message]:
        channel = self._workspace.find_channel(call.required("channel"))
        timestamp = call.required("timestamp")
        if not re.fullmatch(r"\d+\.\d+", timestamp):
            raise SlackCallError("bad_timestamp")
        message = channel.find(timestamp)
        if message is None:
            raise SlackCallError("message_not_found")
        return channel, message

    def _validate(self, call: Call) -> JsonObject:
        blocks = as_list(call.structure("blocks", otherwise="invalid_blocks"))
        message = as_object(call.structure("message", otherwise="invalid_message"))
        view = as_object(call.structure("view", otherwise="invalid_view"))
        surface = Surface.MESSAGE
        if blocks is None and message is not None:
            blocks = as_list(message.get("blocks"))
        if blocks is None and view is not None:
            blocks = as_list(view.get("blocks"))
            surface = Surface.HOME if view.get("type") == "home" else Surface.MODAL
        if blocks is None:
            raise SlackCallError("invalid_arguments")
        complaints = check_blocks(blocks, surface)
        if complaints:
            raise SlackCallError("invalid_blocks", complaint_fields(complaints))
        return answer()


def _emoji_name(call: Call) -> str:
    name = call.required("name").strip(":")
    if not _EMOJI_NAME.fullmatch(name):
        raise SlackCallError("invalid_name")
    return name
