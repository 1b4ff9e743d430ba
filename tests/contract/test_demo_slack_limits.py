"""Slack's limits, row by row: what is at the limit passes, one beyond is refused with a pointer.

Figures: Slack's Block Kit reference, chat.postMessage and chat.update pages; what bots measured.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.slack.block_rules import check_blocks
from tests.contract.slack_blocks import (
    Blocks,
    actions,
    axis,
    button,
    chart,
    confirm,
    container,
    data_table,
    menu,
    mrkdwn,
    option,
    plain,
    table,
)
from tests.contract.slack_world import TOKEN, World, running, section

Shape: TypeAlias = Callable[[int], Blocks]


LIMITS: Mapping[str, tuple[Shape, int, str]] = {
    "blocks of a message": (lambda n: [{"type": "divider"}] * n, 50, "/blocks"),
    "section text": (lambda n: [{"type": "section", "text": mrkdwn(n)}], 3000, "/0/text/text"),
    "section fields": (lambda n: [{"type": "section", "fields": [mrkdwn(1)] * n}], 10, "/0/fields"),
    "section field text": (
        lambda n: [{"type": "section", "fields": [mrkdwn(n)]}],
        2000,
        "/0/fields/0/text",
    ),
    "header": (lambda n: [{"type": "header", "text": plain(n)}], 150, "/blocks/0/text/text"),
    "context elements": (
        lambda n: [{"type": "context", "elements": [mrkdwn(1)] * n}],
        10,
        "/0/elements",
    ),
    "actions elements": (lambda n: actions(*map(button, range(n))), 25, "/0/elements"),
    "context_actions elements": (
        lambda n: [{"type": "context_actions", "elements": [{"type": "icon_button"}] * n}],
        5,
        "/0/elements",
    ),
    "button text": (lambda n: actions(button(text=plain(n))), 75, "/0/elements/0/text/text"),
    "button value": (lambda n: actions(button(value="v" * n)), 2000, "/0/elements/0/value"),
    "button url": (
        lambda n: actions(button(url="https:" + "u" * (n - 6))),
        3000,
        "/0/elements/0/url",
    ),
    "action_id": (lambda n: actions(button(action_id="i" * n)), 255, "/0/elements/0/action_id"),
    "block_id": (lambda n: [{"type": "divider", "block_id": "i" * n}], 255, "/0/block_id"),
    "select options": (
        lambda n: menu("static_select", list(map(option, range(n)))),
        100,
        "/elements/0/options",
    ),
    "option text": (
        lambda n: menu("static_select", [option(0, text=n)]),
        75,
        "/options/0/text/text",
    ),
    "option value": (
        lambda n: menu("static_select", [option(0, value=n)]),
        150,
        "/options/0/value",
    ),
    "overflow options": (
        lambda n: menu("overflow", list(map(option, range(n)))),
        5,
        "/elements/0/options",
    ),
    "confirm title": (lambda n: confirm(title=n), 100, "/confirm/title/text"),
    "confirm text": (lambda n: confirm(text=n), 300, "/confirm/text/text"),
    "confirm button": (lambda n: confirm(confirm=n), 30, "/confirm/confirm/text"),
    "deny button": (lambda n: confirm(deny=n), 30, "/confirm/deny/text"),
    "markdown": (lambda n: [{"type": "markdown", "text": "x" * n}], 12_000, "/blocks/0/text"),
    "markdown over the message": (
        lambda n: [{"type": "markdown", "text": "x" * part} for part in (6000, n - 6000)],
        12_000,
        "/blocks",
    ),
    "table rows": (lambda n: table(rows=n), 100, "/0/rows"),
    "table columns": (lambda n: table(columns=n), 20, "/0/rows/0"),
    "table characters": (
        lambda n: table(cell={"type": "raw_text", "text": "x" * n}),
        10_000,
        "/0/rows",
    ),
    "data_table rows and header": (data_table, 101, "/0/rows"),
    "data_table columns": (lambda n: data_table(columns=n), 20, "/0/rows/0"),
    "data_table page size": (lambda n: data_table(page_size=n), 100, "/0/page_size"),
    "chart title": (lambda n: [chart(title=n)], 50, "/0/title"),
    "chart series": (lambda n: [chart(series=n)], 6, "/0/chart/series"),
    "chart points": (lambda n: [chart(points=n)], 20, "/0/chart/axis_config/categories"),
    "chart label": (lambda n: [chart(label=n)], 20, "/0/chart/axis_config/categories/0"),
    "chart series name": (lambda n: [chart(name=n)], 20, "/0/chart/series/0/name"),
    "chart axis label": (lambda n: axis(y_label="y" * n), 50, "/0/chart/axis_config/y_label"),
    "charts of a message": (lambda n: [chart() for _ in range(n)], 2, "/blocks"),
    "container children": (lambda n: container(children=n), 10, "/0/child_blocks"),
    "container title": (lambda n: container(title=n), 150, "/0/title/text"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


async def call(world: World, method: str, **arguments: object) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(world.api(method), json=arguments, headers=headers) as response,
    ):
        answer: dict[str, object] = await response.json()
        return answer


async def post(world: World, **arguments: object) -> dict[str, object]:
    return await call(world, "chat.postMessage", channel="C1", **{"text": "t", **arguments})


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_row_of_the_table_passes_at_its_limit_and_fails_one_beyond(
    world: World, name: str
) -> None:
    shape, most, pointer = LIMITS[name]

    at_limit = await post(world, blocks=shape(most))
    beyond = await post(world, blocks=shape(most + 1))
    errors = beyond.get("errors")
    assert at_limit.get("errors") is None
    assert at_limit["ok"] is True
    assert beyond["error"] == "invalid_blocks"
    assert isinstance(errors, list)
    assert any(f"{pointer}]" in error for error in errors)
    assert beyond["response_metadata"] == {"messages": [f"[ERROR] {error}" for error in errors]}


def test_the_sentence_for_a_long_header_is_the_one_bots_have_quoted() -> None:
    (complaint,) = check_blocks([{"type": "header", "text": plain(151)}])

    assert str(complaint) == "must be less than 151 characters [json-pointer:/blocks/0/text/text]"


TOO_MUCH: Mapping[str, tuple[dict[str, object], str]] = {
    "nothing to say": ({"text": ""}, "no_text"),
    "an empty attachment": ({"text": "", "attachments": [{"color": "red"}]}, "no_text"),
    "blocks that are no list": ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
    "blocks that are no JSON": ({"blocks": "[{"}, "invalid_blocks_format"),
    "all blocks together": ({"blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
    "a second table": ({"blocks": table() + table()}, "invalid_attachments"),
    "a table in an attachment beside one": (
        {"blocks": table(), "attachments": [{"blocks": table()}]},
        "invalid_attachments",
    ),
    "a hundred and one attachments": (
        {"attachments": [{"text": "t"}] * 101},
        "too_many_attachments",
    ),
    "attachments that are no list": ({"attachments": {}}, "invalid_attachments"),
    "an attachment that is no object": ({"attachments": ["t"]}, "invalid_attachments"),
    "an attachment whose blocks are no list": (
        {"attachments": [{"blocks": {}}]},
        "invalid_attachments",
    ),
    "a bad block in an attachment": (
        {"attachments": [{"blocks": [section("")]}]},
        "invalid_attachments",
    ),
    "markdown_text beside text": ({"markdown_text": "t"}, "markdown_text_conflict"),
    "a long markdown_text": ({"text": "", "markdown_text": "x" * 12_001}, "msg_too_long"),
    "metadata that is no JSON": ({"metadata": "{"}, "invalid_metadata_format"),
    "metadata that is no object": ({"metadata": [1]}, "invalid_metadata_format"),
    "metadata without a payload": ({"metadata": {"event_type": "e"}}, "invalid_metadata_schema"),
    "too much metadata": (
        {"metadata": {"event_type": "e", "event_payload": {"x": "x" * 16_000}}},
        "metadata_too_large",
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_message_beyond_its_own_limits_is_refused(world: World, name: str) -> None:
    arguments, code = TOO_MUCH[name]

    assert (await post(world, **arguments))["error"] == code


@pytest.mark.asyncio(loop_scope="module")
async def test_a_fault_in_an_attachment_is_pointed_at(world: World) -> None:
    refused = await post(world, attachments=[{"text": "t"}, {"blocks": [section("")]}])

    assert refused["errors"] == [
        "must be more than 0 characters [json-pointer:/attachments/1/blocks/0/text/text]"
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 4000, None),
        ("x" * 4001, "msg_too_long"),
        ("é" * 2000, None),
        ("é" * 2001, "msg_too_long"),
        ("&" * 800, None),
        ("&" * 801, "msg_too_long"),
        ("&amp;" * 800, None),
    ],
    ids=["ascii", "ascii+1", "two bytes", "two bytes+1", "escaped", "escaped+1", "already escaped"],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_an_update_holds_four_thousand_bytes_after_escaping(
    world: World, text: str, code: str | None
) -> None:
    posted = await post(world)
    update = await call(world, "chat.update", channel="C1", ts=posted["ts"], text=text)

    assert update.get("error") == code
