"""Blocks that are wrong in kind rather than in size, and what Slack says about each."""

from collections.abc import Mapping

import pytest

from bot.demo.slack.block_rules import check_blocks
from bot.demo.slack.inspection import Surface
from tests.contract.slack_blocks import (
    Blocks,
    actions,
    axis,
    button,
    chart,
    container,
    data_table,
    mrkdwn,
    plain,
    table,
)
from tests.contract.slack_world import section

WRONG: Mapping[str, tuple[Blocks, str]] = {
    "an unknown block type": ([{"type": "sparkline"}], "unsupported type: sparkline"),
    "a block without a type": ([{}], "missing required field: type"),
    "a modal's block in a message": ([{"type": "alert", "text": plain(1)}], "unsupported type"),
    "a header in mrkdwn": ([{"type": "header", "text": mrkdwn(1)}], "must be a valid enum value"),
    "a section that says nothing": ([{"type": "section"}], "must define either"),
    "an empty text": ([section("")], "must be more than 0 characters"),
    "a text that is no object": ([{"type": "section", "text": "x"}], "must provide an object"),
    "a text that is no string": (
        [{"type": "section", "text": {"type": "mrkdwn", "text": 1}}],
        "must provide a string",
    ),
    "an option of the other text kind": (
        [{"type": "section", "text": {**mrkdwn(1), "emoji": True}}],
        "invalid additional property: emoji",
    ),
    "an unknown field": ([{"type": "divider", "colour": "red"}], "invalid additional property"),
    "fields that are no list": ([{"type": "section", "fields": {}}], "must provide an array"),
    "an empty context": ([{"type": "context", "elements": []}], "no less than 1 items allowed"),
    "a wrong element": (actions({"type": "image"}), "unsupported type: image"),
    "a button without text": (actions({"type": "button"}), "missing required field: text"),
    "a button of no known style": (actions(button(style="loud")), "must be a valid enum value"),
    "a button with half an address": (actions(button(url="wiki/lag")), "must be a valid URL"),
    "one action_id twice": (actions(button(1), button(1)), "`action_id` already exists"),
    "one block_id twice": (
        [{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}],
        "`block_id` already exists",
    ),
    "an empty table cell": (
        table(cell={"type": "raw_text", "text": ""}),
        "must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]",
    ),
    "an empty rich table cell": (
        table(cell={"type": "rich_text", "elements": []}),
        "must be more than 0 characters",
    ),
    "a table cell of another type": (table(cell=mrkdwn(1)), "unsupported type: mrkdwn"),
    "a number cell without a number": (
        table(cell={"type": "raw_number", "text": "1"}),
        "missing required field: value",
    ),
    "a ragged data_table": (
        [{**data_table()[0], "rows": [[{"type": "raw_text", "text": "x"}]] * 2 + [[]]}],
        "same number of columns",
    ),
    "a data_table without caption": (data_table(caption=None), "missing required field: caption"),
    "a chart with a point too few": (
        axis(categories=["00", "01"]),
        "exactly one point per category",
    ),
    "a chart of no known type": (
        [{"type": "data_visualization", "title": "t", "chart": {"type": "radar"}}],
        "unsupported type: radar",
    ),
    "an image without words": (
        [{"type": "image", "image_url": "https://x.example"}],
        "missing required field: alt_text",
    ),
    "an image without source": (
        [{"type": "image", "alt_text": "x"}],
        "missing required field: image_url",
    ),
    "an empty rich text": (
        [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}
                ],
            }
        ],
        "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]",
    ),
    "a chart inside a container": (
        [{**container()[0], "child_blocks": [chart()]}],
        "unsupported type: data_visualization",
    ),
    "a number cell that holds a text": (
        table(cell={"type": "raw_number", "value": "1"}),
        "must provide a number",
    ),
    "column settings that are no list": (
        [{**table()[0], "column_settings": {}}],
        "must provide an array [json-pointer:/blocks/0/column_settings]",
    ),
    "a column aligned to nowhere": (
        [{**table()[0], "column_settings": [None, {"align": "up"}]}],
        "must be a valid enum value",
    ),
    "a row that is no list": (
        [{"type": "table", "rows": ["x"]}],
        "must provide an array [json-pointer:/blocks/0/rows/0]",
    ),
    "a data_table with rich text in its header": (
        data_table(rows=[[{"type": "rich_text", "elements": []}]] * 2),
        "unsupported type: rich_text [json-pointer:/blocks/0/rows/0/0/type]",
    ),
    "a chart without a drawing": (
        [{"type": "data_visualization", "title": "t"}],
        "missing required field: chart",
    ),
    "a chart without an axis": (
        [{**chart(), "chart": {"type": "bar", "series": []}}],
        "missing required field: axis_config",
    ),
    "a category twice": (axis(categories=["00", "00"]), "must be unique"),
    "a slice without a number": (
        [
            {
                "type": "data_visualization",
                "title": "t",
                "chart": {"type": "pie", "segments": [{"label": "s"}]},
            }
        ],
        "missing required field: value",
    ),
    "an input without an element": (
        [{"type": "input", "label": plain(1)}],
        "missing required field: element",
    ),
    "a container without a title": (
        [{"type": "container", "child_blocks": [{"type": "divider"}]}],
        "missing required field: title",
    ),
    "a context image without words": (
        [{"type": "context", "elements": [{"type": "image", "image_url": "https://x.example"}]}],
        "missing required field: alt_text",
    ),
    "an accessory of no known type": (
        [{**section("t"), "accessory": {"type": "lever"}}],
        "unsupported type: lever [json-pointer:/blocks/0/accessory/type]",
    ),
    "rich text of no known kind": (
        [{"type": "rich_text", "elements": [{"type": "poem", "elements": [{"type": "rhyme"}]}]}],
        "unsupported type: rhyme",
    ),
    "a link to nowhere": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "link"}]}],
            }
        ],
        "missing required field: url",
    ),
    "a block that is no object": (["divider"], "must provide an object [json-pointer:/blocks/0]"),  # type: ignore[list-item] # wrong on purpose
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_block_is_refused_with_what_is_wrong(name: str) -> None:
    blocks, sentence = WRONG[name]

    complaints = list(map(str, check_blocks(list(blocks))))
    assert any(sentence in complaint for complaint in complaints), complaints


def test_a_pie_a_rich_table_and_a_numbers_table_are_within_the_rules() -> None:
    pie = {"type": "pie", "segments": [{"label": "s", "value": 1}]}
    link = {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x.example"}]}
    nested = {"type": "rich_text_list", "style": "bullet", "elements": [link]}
    blocks: list[object] = [
        {"type": "data_visualization", "title": "t", "chart": pie},
        {"type": "rich_text", "elements": [link, nested]},
        *table(cell={"type": "rich_text", "elements": [link]}),
    ]

    assert check_blocks(blocks) == []
    assert check_blocks(list(table(cell={"type": "raw_number", "value": 1.5}))) == []


def test_modals_take_a_hundred_blocks_and_no_tables() -> None:
    dividers: list[object] = [{"type": "divider"}] * 101

    assert check_blocks(dividers[:100], Surface.MODAL) == []
    assert len(check_blocks(dividers, Surface.MODAL)) == 1
    assert len(check_blocks(list(table()), Surface.MODAL)) == 1


def test_an_input_and_an_alert_stand_in_a_modal() -> None:
    element = {"type": "plain_text_input", "action_id": "why", "placeholder": plain(150)}
    grouped = {
        "type": "static_select",
        "option_groups": [{"label": plain(1), "options": [{"text": plain(1), "value": "v"}]}],
    }
    blocks: list[object] = [
        {"type": "input", "label": plain(1), "element": element},
        {"type": "input", "label": plain(1), "element": grouped},
        {"type": "alert", "text": plain(200), "level": "warning"},
    ]

    assert check_blocks(blocks, Surface.MODAL) == []
