"""Posting, editing, threads and notifications, as the official Python client sees them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.demo.slack import RingKind, SlackOptions
from tests.contract.slack_world import World, new_slack, refusal, running, section


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


async def test_a_post_appears_in_the_channel_with_a_timestamp_of_its_own(world: World) -> None:
    first = await world.client.chat_postMessage(channel="C1", text="one", blocks=[section("*1*")])
    second = await world.client.chat_postMessage(channel="C1", text="two")

    assert first["channel"] == "C1"
    assert float(first["ts"]) < float(second["ts"])
    assert [m.content.text for m in world.slack.messages("C1")] == ["one", "two"]
    assert first["message"]["blocks"][0]["block_id"]
    assert first["message"]["bot_id"] == "B0DUMPTASK"


async def test_an_update_changes_the_message_in_place_and_rings_nobody(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="lag 10")
    for lag in (20, 30):
        await world.client.chat_update(channel="C1", ts=posted["ts"], text=f"lag {lag}")

    (message,) = world.slack.messages("C1")
    assert message.ts == posted["ts"]
    assert [v.content.text for v in message.versions] == ["lag 10", "lag 20", "lag 30"]
    assert message.edited_ts is not None
    assert len(world.slack.rings("C1")) == 1


async def test_text_without_blocks_removes_the_blocks_of_the_old_version(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t", blocks=[section("b")])
    await world.client.chat_update(channel="C1", ts=posted["ts"], text="only text")

    assert world.slack.messages("C1")[0].content.blocks == ()


async def test_blocks_without_text_keep_the_notification_text(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="kept", blocks=[section("b")])
    change = {"channel": "C1", "ts": posted["ts"], "blocks": [section("c")]}
    await world.client.api_call("chat.update", json=change)

    content = world.slack.messages("C1")[0].content
    assert content.text == "kept"
    assert content.blocks[0]["text"] == {"type": "mrkdwn", "text": "c"}


async def test_attachments_alone_change_neither_text_nor_blocks(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t", blocks=[section("b")])
    attachment = {"color": "#c00", "text": "more"}
    change = {"channel": "C1", "ts": posted["ts"], "attachments": [attachment]}
    await world.client.api_call("chat.update", json=change)

    content = world.slack.messages("C1")[0].content
    assert (content.text, len(content.blocks), content.attachments) == ("t", 1, (attachment,))


async def test_a_deleted_message_is_gone_for_readers_and_stays_on_record(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="oops")
    await world.client.chat_delete(channel="C1", ts=posted["ts"])

    history = await world.client.conversations_history(channel="C1")
    again = world.client.chat_update(channel="C1", ts=posted["ts"], text="x")
    assert history["messages"] == []
    assert await refusal(again) == "message_not_found"
    assert world.slack.channel("C1").messages[posted["ts"]].deleted


async def test_a_reply_stands_in_the_thread_and_not_in_the_channel(world: World) -> None:
    root = await world.client.chat_postMessage(channel="C1", text="root")
    reply = await world.client.chat_postMessage(channel="C1", text="re", thread_ts=root["ts"])

    history = await world.client.conversations_history(channel="C1")
    thread = await world.client.conversations_replies(channel="C1", ts=root["ts"])
    assert [m["ts"] for m in history["messages"]] == [root["ts"]]
    assert history["messages"][0]["reply_count"] == 1
    assert history["messages"][0]["latest_reply"] == reply["ts"]
    assert [m["ts"] for m in thread["messages"]] == [root["ts"], reply["ts"]]


async def test_a_broadcast_reply_stands_in_both(world: World) -> None:
    root = await world.client.chat_postMessage(channel="C1", text="root")
    reply = await world.client.chat_postMessage(
        channel="C1", text="re", thread_ts=root["ts"], reply_broadcast=True
    )

    history = await world.client.conversations_history(channel="C1")
    assert [m["ts"] for m in history["messages"]] == [reply["ts"], root["ts"]]
    assert history["messages"][0]["subtype"] == "thread_broadcast"


async def test_a_reply_to_a_reply_or_to_nothing_is_refused(world: World) -> None:
    root = await world.client.chat_postMessage(channel="C1", text="root")
    reply = await world.client.chat_postMessage(channel="C1", text="re", thread_ts=root["ts"])
    post = world.client.chat_postMessage

    nested = post(channel="C1", text="x", thread_ts=reply["ts"])
    lost = post(channel="C1", text="x", thread_ts="1.000001")
    assert await refusal(nested) == "cannot_reply_to_message"
    assert await refusal(lost) == "thread_not_found"


async def test_roots_broadcasts_and_mentions_ring_and_nothing_else_does(world: World) -> None:
    client = world.client
    root = await client.chat_postMessage(channel="C1", text="root <!here>")
    ts = root["ts"]
    await client.chat_postMessage(channel="C1", text="quiet", thread_ts=ts)
    await client.chat_postMessage(channel="C1", text="loud", thread_ts=ts, reply_broadcast=True)
    await client.chat_postMessage(channel="C1", text="<!subteam^S0ONCALL> look", thread_ts=ts)
    await client.chat_update(channel="C1", ts=ts, text="root <@U0OPERATOR>")
    await client.chat_postEphemeral(channel="C1", text="psst", user="U0OPERATOR")

    rings = world.slack.rings("C1")
    assert [(r.kind, r.text, r.mentions) for r in rings] == [
        (RingKind.ROOT, "root <!here>", ("here",)),
        (RingKind.BROADCAST, "loud", ()),
        (RingKind.MENTION, "<!subteam^S0ONCALL> look", ("S0ONCALL",)),
    ]
    assert world.slack.rings() == rings


async def test_mentions_count_in_formatted_text_and_not_in_literal_text(world: World) -> None:
    root = await world.client.chat_postMessage(channel="C1", text="root")
    rich = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0NIGHT"}]}
        ],
    }
    literal = {"type": "header", "text": {"type": "plain_text", "text": "<!channel>"}}
    for block in (rich, literal):
        await world.client.chat_postMessage(
            channel="C1", text="t", blocks=[block], thread_ts=root["ts"]
        )

    assert [r.mentions for r in world.slack.rings("C1")] == [(), ("U0NIGHT",)]


async def test_an_ephemeral_answer_is_seen_by_one_person_and_cannot_be_changed(
    world: World,
) -> None:
    told = await world.client.chat_postEphemeral(channel="C1", text="psst", user="U0NIGHT")

    update = world.client.chat_update(channel="C1", ts=told["message_ts"], text="x")
    history = await world.client.conversations_history(channel="C1")
    assert [m.content.text for m in world.slack.ephemeral("C1", "U0NIGHT")] == ["psst"]
    assert world.slack.ephemeral("C1", "U0OPERATOR") == []
    assert history["messages"] == []
    assert await refusal(update) == "message_not_found"


async def test_metadata_is_kept_and_shown_only_to_who_asks_for_it(world: World) -> None:
    metadata = {"event_type": "incident", "event_payload": {"id": "i-7KQ2"}}
    await world.client.chat_postMessage(channel="C1", text="t", metadata=metadata)

    plain = await world.client.conversations_history(channel="C1")
    full = await world.client.conversations_history(channel="C1", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


@pytest.mark.parametrize(("deduplicate", "messages"), [(False, 2), (True, 1)])
async def test_a_repeated_client_msg_id_posts_twice_unless_told_otherwise(
    deduplicate: bool, messages: int
) -> None:
    slack = new_slack(SlackOptions(deduplicate_client_msg_id=deduplicate))
    async with running(slack) as world:
        posted = [
            await world.client.chat_postMessage(channel="C1", text="t", client_msg_id="a-b")
            for _ in range(2)
        ]

    assert len(slack.messages("C1")) == messages
    assert len({response["ts"] for response in posted}) == messages
    assert slack.messages("C1")[0].client_msg_id == "a-b"


async def test_a_permalink_names_the_thread_of_a_reply(world: World) -> None:
    root = await world.client.chat_postMessage(channel="C1", text="root")
    reply = await world.client.chat_postMessage(channel="C1", text="re", thread_ts=root["ts"])

    link = await world.client.chat_getPermalink(channel="C1", message_ts=reply["ts"])
    place = f"{world.base_url}/archives/C1/p{reply['ts'].replace('.', '')}"
    assert link["permalink"] == f"{place}?thread_ts={root['ts']}&cid=C1"


async def test_a_text_beyond_forty_thousand_characters_is_cut_with_a_warning(
    world: World,
) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="x" * 40_001)

    assert posted["warning"] == "message_truncated"
    assert len(posted["message"]["text"]) == 40_000


async def test_a_name_and_an_icon_given_with_a_post_are_shown(world: World) -> None:
    await world.client.chat_postMessage(
        channel="#alerts", text="t", username="drill", icon_emoji=":bell:"
    )

    author = world.slack.messages("C1")[0].author
    assert (author.name, author.icon) == ("drill", ":bell:")


@pytest.mark.parametrize(
    ("channel", "code"),
    [("C0NOWHERE", "channel_not_found"), ("C4", "channel_not_found"), ("C3", "is_archived")],
)
async def test_a_wrong_channel_is_refused_by_its_own_code(
    world: World, channel: str, code: str
) -> None:
    assert await refusal(world.client.chat_postMessage(channel=channel, text="t")) == code


async def test_updates_of_what_is_not_ours_or_not_changeable_are_refused(world: World) -> None:
    posted = await world.client.chat_postMessage(channel="C1", text="t")
    world.slack.channel("C3").archived = False
    old = await world.client.chat_postMessage(channel="C3", text="t")
    world.slack.channel("C3").archived = True
    update = world.client.chat_update

    assert await refusal(update(channel="C3", ts=old["ts"], text="x")) == "is_inactive"
    broadcast = update(channel="C1", ts=posted["ts"], text="x", reply_broadcast=True)
    assert await refusal(broadcast) == "cant_broadcast_message"


async def test_an_unknown_channel_is_opened_on_first_use_when_so_configured() -> None:
    slack = new_slack(SlackOptions(auto_create_channels=True))
    async with running(slack) as world:
        await world.client.chat_postMessage(channel="C0NEW", text="t")

    assert [m.content.text for m in slack.messages("C0NEW")] == ["t"]
