"""Clicks as they arrive at an app, and the views that triggers open."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.slack import Click, Delivery
from tests.contract.slack_world import (
    HandClock,
    Reply,
    World,
    answers,
    new_slack,
    receiver,
    refusal,
    running,
    says_nothing,
    section,
    sent,
    serving,
)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


def card() -> list[dict[str, object]]:
    button = {
        "type": "button",
        "action_id": "ack",
        "value": "i-7KQ2:v7",
        "text": {"type": "plain_text", "text": "Acknowledge"},
    }
    option = {"text": {"type": "plain_text", "text": "2 h"}, "value": "2h"}
    menu = {"type": "static_select", "action_id": "silence", "options": [option]}
    return [section("t"), {"type": "actions", "block_id": "inc", "elements": [button, menu]}]


def only_action(payload: dict[str, object]) -> dict[str, object]:
    actions = payload["actions"]
    assert isinstance(actions, list)
    (action,) = actions
    assert isinstance(action, dict)
    return action


async def press(world: World, click: Click, reply: Reply) -> tuple[Delivery, dict[str, object]]:
    """Press, and the payload that arrived."""
    payloads: list[dict[str, object]] = []

    async def recording(request: web.Request) -> web.StreamResponse:
        payloads.append(json.loads(str((await request.post())["payload"])))
        return await reply(request)

    async with serving(receiver(recording)) as app_url:
        delivery = await world.slack.click(f"{app_url}/slack", click)
    return delivery, payloads[0]


async def test_a_click_tells_who_pressed_what_on_which_message(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t", blocks=card())
    click = Click("C1", posted["ts"], "ack", "U0NIGHT")
    _, payload = await press(world, click, says_nothing)

    action = only_action(payload)
    assert payload["type"] == "block_actions"
    assert payload["user"] == {
        "id": "U0NIGHT",
        "username": "night-shift",
        "name": "night-shift",
        "team_id": "T0DUMPTASK",
    }
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C1",
        "is_ephemeral": False,
    }
    assert payload["message"]["ts"] == posted["ts"]  # type: ignore[index] # JSON
    assert (action["type"], action["block_id"], action["value"]) == ("button", "inc", "i-7KQ2:v7")


async def test_a_choice_in_a_menu_carries_the_option(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t", blocks=card())
    _, payload = await press(
        world, Click("C1", posted["ts"], "silence", "U0NIGHT", "2h"), says_nothing
    )

    action = only_action(payload)
    chosen = action["selected_option"]
    assert isinstance(chosen, dict)
    assert chosen["value"] == "2h"


async def test_a_click_inside_an_attachment_names_it(world: World) -> None:
    posted = await world.client.chat_postMessage(
        channel="C1", text="t", attachments=[{"color": "#c00", "blocks": card()}]
    )
    _, payload = await press(world, Click("C1", posted["ts"], "ack", "U0NIGHT"), says_nothing)

    container = payload["container"]
    assert isinstance(container, dict)
    assert (container["type"], container["attachment_id"]) == ("message_attachment", 1)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ({"text": "new", "replace_original": True}, ["new"]),
        ({"delete_original": True}, []),
        ({"text": "psst"}, ["old"]),
        ({"text": "all", "response_type": "in_channel"}, ["old", "all"]),
    ],
)
async def test_a_click_may_replace_or_delete_its_message(
    world: World, answer: dict[str, object], texts: list[str]
) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="old", blocks=card())
    delivery, _ = await press(world, Click("C1", posted["ts"], "ack", "U0NIGHT"), says_nothing)
    response = await AsyncWebhookClient(delivery.response_url).send_dict(answer)

    assert response.status_code == 200
    assert [m.content.text for m in world.slack.messages("C1")] == texts


async def test_a_click_on_an_ephemeral_answer_replaces_it_by_default(world: World) -> None:
    delivery = await sent(world.slack, "", answers({"text": "wait", "blocks": card()}))
    assert delivery.shown is not None
    click = Click("C1", delivery.shown.ts, "ack", "U0OPERATOR")
    clicked, payload = await press(world, click, says_nothing)
    await AsyncWebhookClient(clicked.response_url).send(text="done")

    assert "message" not in payload
    assert [m.content.text for m in world.slack.ephemeral("C1")] == ["done"]


@pytest.mark.parametrize(
    ("channel", "action", "value"),
    [("C1", "nothing", None), ("C1", "silence", "9h"), ("C0NOWHERE", "ack", None)],
)
async def test_a_click_on_what_is_not_there_cannot_be_made(
    world: World, channel: str, action: str, value: str | None
) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t", blocks=card())

    with pytest.raises(ValueError, match=r"no element|no option|no message"):
        await world.slack.click(
            "http://127.0.0.1:1", Click(channel, posted["ts"], action, "U0NIGHT", value)
        )


MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Silence"},
    "blocks": [section("t")],
}


async def test_a_trigger_opens_one_view_within_three_seconds() -> None:
    clock = HandClock()
    async with running(new_slack(clock=clock)) as world:
        trigger_id = (await sent(world.slack, "", says_nothing)).trigger_id
        late = (await sent(world.slack, "", says_nothing)).trigger_id
        opened = await world.client.views_open(trigger_id=trigger_id, view=MODAL)
        twice = await refusal(world.client.views_open(trigger_id=trigger_id, view=MODAL))
        clock.move(timedelta(seconds=3.1))
        too_late = await refusal(world.client.views_open(trigger_id=late, view=MODAL))
        invented = await refusal(world.client.views_open(trigger_id="1.2.3", view=MODAL))

    assert opened["view"]["id"] in world.slack.views
    assert (twice, too_late, invented) == (
        "exchanged_trigger_id",
        "expired_trigger_id",
        "invalid_trigger_id",
    )


async def test_views_are_pushed_three_deep_and_updated_by_hash(world: World) -> None:
    async def trigger() -> str:
        return (await sent(world.slack, "", says_nothing)).trigger_id

    client = world.client
    nothing_open = await refusal(client.views_push(trigger_id=await trigger(), view=MODAL))
    root = (await client.views_open(trigger_id=await trigger(), view=MODAL))["view"]
    for _ in range(2):
        top = (await client.views_push(trigger_id=await trigger(), view=MODAL))["view"]
    too_deep = await refusal(client.views_push(trigger_id=await trigger(), view=MODAL))
    updated = (await client.views_update(view_id=root["id"], hash=root["hash"], view=MODAL))["view"]
    stale = client.views_update(view_id=root["id"], hash=root["hash"], view=MODAL)

    assert (nothing_open, too_deep) == ("not_found", "push_limit_reached")
    assert top["root_view_id"] == root["id"]
    assert updated["hash"] != root["hash"]
    assert await refusal(stale) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V0", view=MODAL)) == "not_found"


async def test_a_home_tab_is_published_again_and_again(world: World) -> None:
    home = {"type": "home", "blocks": [section("t")]}
    publish = world.client.views_publish
    first = (await publish(user_id="U0NIGHT", view=home))["view"]
    second = (await publish(user_id="U0NIGHT", view=home, hash=first["hash"]))["view"]

    assert second["id"] == first["id"]
    stale = publish(user_id="U0NIGHT", view=home, hash=first["hash"])
    assert await refusal(stale) == "hash_conflict"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": {"type": "plain_text", "text": "x" * 25}}, "invalid_arguments"),
        ({"title": None}, "invalid_arguments"),
        ({"type": "home"}, "invalid_arguments"),
        ({"private_metadata": "x" * 3001}, "invalid_arguments"),
        ({"blocks": [{"type": "table", "rows": []}]}, "invalid_arguments"),
        ({"blocks": None}, "invalid_arguments"),
        ({"callback": "x" * 250_000}, "view_too_large"),
    ],
)
async def test_a_view_beyond_its_limits_is_refused(
    world: World, change: dict[str, object], code: str
) -> None:
    trigger_id = (await sent(world.slack, "", says_nothing)).trigger_id
    arguments = {"trigger_id": trigger_id, "view": {**MODAL, **change}}

    assert await refusal(world.client.api_call("views.open", json=arguments)) == code
