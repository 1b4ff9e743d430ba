"""How calls arrive and are admitted: arguments, tokens, scopes; and the smaller methods."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Credentials, SlackOptions
from tests.contract.slack_world import (
    TOKEN,
    World,
    client_of,
    new_slack,
    refusal,
    refused,
    running,
    section,
)

_BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_arguments_come_as_json_as_form_and_in_the_query(
    world: World, http: aiohttp.ClientSession
) -> None:
    url = world.api("chat.postMessage")
    arguments = {"channel": "C1", "text": "t", "blocks": '[{"type": "divider"}]'}

    for given in ({"json": arguments}, {"data": arguments}, {"params": arguments}):
        async with http.post(url, headers=_BEARER, **given) as response:  # type: ignore[arg-type]
            assert (await response.json())["ok"] is True
    assert [m.content.blocks[0]["type"] for m in world.slack.messages("C1")] == ["divider"] * 3


@pytest.mark.parametrize("place", ["data", "params"])
async def test_a_token_may_be_an_argument_of_a_form_or_query(
    world: World, http: aiohttp.ClientSession, place: str
) -> None:
    given = {place: {"token": TOKEN}}
    async with http.post(world.api("auth.test"), **given) as response:  # type: ignore[arg-type]
        assert (await response.json())["user_id"] == "U0DUMPTASK"


async def test_a_token_in_a_json_body_is_not_looked_at(
    world: World, http: aiohttp.ClientSession
) -> None:
    async with http.post(world.api("auth.test"), json={"token": TOKEN}) as response:
        assert (await response.json())["error"] == "not_authed"


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "invalid_json"), (b"[1]", "json_not_object"), (b"", None)]
)
async def test_a_body_that_is_no_json_object_is_refused(
    world: World, http: aiohttp.ClientSession, body: bytes, code: str | None
) -> None:
    headers = {**_BEARER, "Content-Type": "application/json; charset=utf-8"}
    async with http.post(world.api("auth.test"), data=body, headers=headers) as response:
        assert (await response.json()).get("error") == code


@pytest.mark.parametrize(
    ("token", "code"),
    [("xoxb-wrong", "invalid_auth"), (Credentials().app_token, "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(world: World, token: str, code: str) -> None:
    assert await refusal(client_of(world.base_url, token).auth_test()) == code


async def test_every_answer_names_the_scopes_of_the_token(world: World) -> None:
    told = await world.client.auth_test()
    denied = await refused(world.client.chat_postMessage(channel="C0NOWHERE", text="t"))

    for response in (told, denied):
        assert "chat:write" in response.headers["X-OAuth-Scopes"].split(",")


async def test_a_missing_scope_is_named_with_those_there_are() -> None:
    credentials = Credentials(scopes=("chat:write", "commands"))
    async with running(new_slack(SlackOptions(credentials))) as world:
        answer = await refused(world.client.users_info(user="U0NIGHT"))
        elsewhere = await refusal(world.client.chat_postMessage(channel="C2", text="t"))

    assert answer["error"] == "missing_scope"
    assert answer["needed"] == "users:read"
    assert answer["provided"] == "chat:write,commands"
    assert elsewhere == "not_in_channel"


async def test_unknown_methods_and_socket_mode_are_refused_by_name(world: World) -> None:
    client = world.client
    opened = client.apps_connections_open(app_token=Credentials().app_token)

    assert await refusal(client.api_call("dnd.info")) == "unknown_method"
    assert await refusal(opened) == "not_allowed_token_type"


async def test_a_missing_argument_is_named(world: World) -> None:
    answer = await refused(world.client.api_call("conversations.info"))

    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


async def test_conversations_info_tells_what_kind_of_channel_it_is(world: World) -> None:
    async def kind(channel: str) -> tuple[bool, bool, bool]:
        info = (await world.client.conversations_info(channel=channel))["channel"]
        return info["is_member"], info["is_private"], info["is_archived"]

    assert await kind("C1") == (True, False, False)
    assert await kind("C2") == (False, False, False)
    assert await kind("C3") == (True, False, True)
    assert await kind("C5") == (True, True, False)
    hidden = world.client.conversations_info(channel="C4")
    assert await refusal(hidden) == "channel_not_found"


async def test_conversations_list_pages_through_the_kinds_asked_for(world: World) -> None:
    async def names(**arguments: object) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            page = await world.client.api_call(
                "conversations.list", params={**arguments, "limit": 1, "cursor": cursor}
            )
            found += [channel["name"] for channel in page["channels"]]
            cursor = page["response_metadata"]["next_cursor"]
            if not cursor:
                return found

    both = "public_channel,private_channel"
    assert await names() == ["alerts", "elsewhere", "archived", "small"]
    assert await names(types=both, exclude_archived="true") == [
        "alerts",
        "elsewhere",
        "closed",
        "small",
    ]
    assert await refusal(world.client.conversations_list(types="nonsense")) == "invalid_types"


async def test_joining_makes_a_member_and_says_when_it_already_was(world: World) -> None:
    before = await refusal(world.client.conversations_history(channel="C2"))
    joined = await world.client.conversations_join(channel="C2")
    again = await world.client.conversations_join(channel="C2")

    assert before == "not_in_channel"
    assert joined["channel"]["is_member"] is True
    assert again["warning"] == "already_in_channel"
    assert (await world.client.conversations_history(channel="C2"))["messages"] == []


@pytest.mark.parametrize(
    ("channel", "code"),
    [("C3", "is_archived"), ("C5", "method_not_supported_for_channel_type")],
)
async def test_some_channels_cannot_be_joined(world: World, channel: str, code: str) -> None:
    assert await refusal(world.client.conversations_join(channel=channel)) == code


async def test_history_keeps_to_the_range_and_page_asked_for(world: World) -> None:
    posted = [
        (await world.client.chat_postMessage(channel="C1", text=str(n)))["ts"] for n in range(4)
    ]

    async def texts(**arguments: object) -> list[str]:
        page = await world.client.api_call(
            "conversations.history", params={"channel": "C1", **arguments}
        )
        return [message["text"] for message in page["messages"]]

    assert await texts() == ["3", "2", "1", "0"]
    assert await texts(limit=2) == ["3", "2"]
    assert await texts(limit=2, cursor="next:2") == ["1", "0"]
    assert await texts(oldest=posted[1], latest=posted[3]) == ["2"]
    assert await texts(oldest=posted[1], latest=posted[3], inclusive="true") == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "now"}, "invalid_ts_latest"),
        ({"limit": "many"}, "invalid_arguments"),
        ({"limit": "0"}, "invalid_limit"),
    ],
)
async def test_nonsense_in_a_history_call_is_refused(
    world: World, arguments: dict[str, str], code: str
) -> None:
    await world.client.chat_postMessage(channel="C1", text="t")
    call = world.client.api_call("conversations.history", params={"channel": "C1", **arguments})

    assert await refusal(call) == code


async def test_replies_of_a_thread_that_is_not_there_are_refused(world: World) -> None:
    call = world.client.conversations_replies(channel="C1", ts="1.000001")

    assert await refusal(call) == "thread_not_found"


async def test_people_and_groups_are_told_with_time_zone_and_members(world: World) -> None:
    person = (await world.client.users_info(user="U0NIGHT"))["user"]
    bot = (await world.client.users_info(user="U0DUMPTASK"))["user"]
    groups = (await world.client.usergroups_list(include_users=True))["usergroups"]

    assert (person["tz"], person["tz_offset"]) == ("Asia/Shanghai", 8 * 3600)
    assert bot["is_bot"] is True
    assert [(g["id"], g["handle"], g["users"]) for g in groups] == [
        ("S0ONCALL", "oncall", ["U0OPERATOR", "U0NIGHT"])
    ]
    assert await refusal(world.client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_a_reaction_is_added_once_and_removed_once(world: World) -> None:
    ts = (await world.client.chat_postMessage(channel="C1", text="t"))["ts"]
    where = {"channel": "C1", "timestamp": ts, "name": "eyes"}
    client: AsyncWebClient = world.client
    await client.reactions_add(**where)

    shown = (await client.conversations_history(channel="C1"))["messages"][0]["reactions"]
    assert shown == [{"name": "eyes", "users": ["U0DUMPTASK"], "count": 1}]
    assert await refusal(client.reactions_add(**where)) == "already_reacted"
    await client.reactions_remove(**where)
    assert await refusal(client.reactions_remove(**where)) == "no_reaction"


@pytest.mark.parametrize(
    ("channel", "ts", "name", "code"),
    [
        ("C1", "1.000001", "eyes", "message_not_found"),
        ("C1", "soon", "eyes", "bad_timestamp"),
        ("C0NOWHERE", "1.000001", "eyes", "channel_not_found"),
        ("C1", None, "no such emoji", "invalid_name"),
    ],
)
async def test_reactions_in_the_wrong_place_are_refused(
    world: World, channel: str, ts: str | None, name: str, code: str
) -> None:
    posted = (await world.client.chat_postMessage(channel="C1", text="t"))["ts"]
    call = world.client.reactions_add(channel=channel, timestamp=ts or posted, name=name)

    assert await refusal(call) == code


async def test_an_ephemeral_message_for_somebody_outside_is_refused(world: World) -> None:
    call = world.client.chat_postEphemeral(channel="C6", text="t", user="U0NIGHT")

    assert await refusal(call) == "user_not_in_channel"


async def test_blocks_are_validated_without_a_token(
    world: World, http: aiohttp.ClientSession
) -> None:
    async def ask(**arguments: object) -> dict[str, object]:
        async with http.post(world.api("blocks.validate"), json=arguments) as response:
            answer: dict[str, object] = await response.json()
            return answer

    alert = {"type": "alert", "text": {"type": "plain_text", "text": "t"}}
    assert await ask(blocks=[section("t")]) == {"ok": True}
    assert (await ask(message={"blocks": [alert]}))["errors"] == [
        "unsupported type: alert [json-pointer:/blocks/0/type]"
    ]
    assert await ask(view={"type": "modal", "blocks": [alert]}) == {"ok": True}
    assert (await ask())["error"] == "invalid_arguments"
