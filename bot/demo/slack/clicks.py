"""The payload of a press on a button or a choice in a menu: type block_actions.

Keys as Slack's page "Block actions payloads" shows them. A click on an ephemeral message carries no
`message`, and one inside an attachment names its container `message_attachment`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.demo.slack.messages import Channel, Message
from bot.demo.slack.wire import JsonObject, as_list, as_object
from bot.demo.slack.workspace import Workspace
from bot.demo.slack.written import written_message


@dataclass(frozen=True, slots=True)
class Click:
    """One press of a button or choice in a menu of a message.

    `value` is for menus: the value of the chosen option.
    """

    channel_id: str
    ts: str
    action_id: str
    user_id: str
    value: str | None = None


def click_payload(workspace: Workspace, click: Click) -> JsonObject:
    """The payload without trigger_id and response_url.

    Raises: ValueError when the message or the element is not there.
    """
    channel = workspace.channels.get(click.channel_id)
    message = channel.messages.get(click.ts) if channel is not None else None
    if channel is None or message is None or message.deleted:
        raise ValueError(f"no message {click.ts} in channel {click.channel_id}")
    seed = workspace.seed
    payload: JsonObject = {
        "type": "block_actions",
        "user": _user(workspace, click.user_id),
        "api_app_id": seed.app.app_id,
        "token": "deprecated",
        "container": _container(channel, message, action_id=click.action_id),
        "team": {"id": seed.team_id, "domain": seed.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": {}},
        "actions": [_action(click, message, at_s=workspace.clock.now().timestamp())],
    }
    if message.ephemeral_for is None:
        payload["message"] = written_message(workspace, message)
    return payload


def _user(workspace: Workspace, user_id: str) -> JsonObject:
    person = workspace.person(user_id)
    name = person.name if person is not None else user_id.lower()
    return {"id": user_id, "username": name, "name": name, "team_id": workspace.seed.team_id}


def _container(channel: Channel, message: Message, *, action_id: str) -> JsonObject:
    container: JsonObject = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    in_blocks = any(e.get("action_id") == action_id for _, e in _elements(message.content.blocks))
    if not in_blocks:
        container.update(type="message_attachment", attachment_id=1)
    return container


def _action(click: Click, message: Message, *, at_s: float) -> JsonObject:
    block_id, element = _find(message, click.action_id)
    action: JsonObject = {
        "type": element.get("type"),
        "action_id": click.action_id,
        "block_id": block_id,
        "action_ts": f"{at_s:.6f}",
    }
    if element.get("type") == "button":
        return {**action, "text": element.get("text"), "value": element.get("value", "")}
    return {**action, "selected_option": _option(element, click)}


def _option(element: JsonObject, click: Click) -> JsonObject:
    for option in map(as_object, as_list(element.get("options")) or []):
        if option is not None and option.get("value") == click.value:
            return option
    raise ValueError(f"the menu {click.action_id} has no option {click.value!r}")


def _find(message: Message, action_id: str) -> tuple[str, JsonObject]:
    content = message.content
    everything = (*content.blocks, *content.attachments)
    for block_id, element in _elements(everything):
        if element.get("action_id") == action_id:
            return block_id, element
    raise ValueError(f"message {message.ts} has no element {action_id!r}")


def _elements(blocks: tuple[JsonObject, ...]) -> Iterator[tuple[str, JsonObject]]:
    """Every element of these blocks with its block_id, containers and attachments included."""
    for block in blocks:
        block_id = str(block.get("block_id", ""))
        listed = [*(as_list(block.get("elements")) or []), block.get("accessory")]
        for element in map(as_object, listed):
            if element is not None:
                yield block_id, element
        for key in ("child_blocks", "blocks"):
            inner = map(as_object, as_list(block.get(key)) or [])
            yield from _elements(tuple(item for item in inner if item is not None))
