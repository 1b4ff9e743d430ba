"""Slack's limits on blocks, as one table: what each block type takes and where it may stand.

`check_blocks` says everything that is wrong with a list of blocks, with JSON pointers; an empty
answer means Slack would take it. Figures: Slack's Block Kit reference and errors that bots report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.demo.slack.block_elements import ID_MOST, check_element, check_image, check_rich_text
from bot.demo.slack.block_tables import check_chart, check_data_table, check_table
from bot.demo.slack.inspection import Complaint, Inspection, Place, Surface
from bot.demo.slack.wire import as_object

BLOCKS_MOST: Mapping[Surface, int] = MappingProxyType(
    {Surface.MESSAGE: 50, Surface.MODAL: 100, Surface.HOME: 100}
)
CHARTS_MOST = 2
MARKDOWN_MOST = 12_000
CONTAINER_CHILDREN = frozenset(
    [
        "actions",
        "context",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "rich_text",
        "section",
        "table",
        "video",
    ]
)

_EVERYWHERE = frozenset(Surface)
_MESSAGES = frozenset({Surface.MESSAGE})
_MODALS = frozenset({Surface.MODAL})


@dataclass(frozen=True, slots=True)
class _Rule:
    check: Callable[[Inspection, Place], None]
    fields: tuple[str, ...] | None
    """The fields Slack knows besides type and block_id; None: not restricted here."""
    surfaces: frozenset[Surface] = _EVERYWHERE


def check_blocks(
    blocks: list[object], surface: Surface = Surface.MESSAGE, *, pointer: str = "/blocks"
) -> list[Complaint]:
    """All that Slack would say against these blocks at that place."""
    inspection = Inspection(surface)
    inspection.count(pointer, blocks, most=BLOCKS_MOST[surface], least=0)
    places = inspection.objects(pointer, blocks)
    for place in places:
        _check_block(inspection, place)
    _check_ids(inspection, places)
    _check_sums(inspection, places, pointer=pointer)
    return inspection.complaints


def _check_block(inspection: Inspection, block: Place) -> None:
    kind = block.value.get("type")
    if kind is None:
        inspection.missing(block, "type")
        return
    rule = _RULES.get(str(kind))
    if rule is None or inspection.surface not in rule.surfaces:
        inspection.complain(block.below("type"), f"unsupported type: {kind}")
        return
    inspection.string(block, "block_id", most=ID_MOST, least=0)
    if rule.fields is not None:
        inspection.known_fields(block, ("type", "block_id", *rule.fields))
    rule.check(inspection, block)


def _check_ids(inspection: Inspection, places: list[Place]) -> None:
    seen: set[object] = set()
    for place in places:
        block_id = place.value.get("block_id")
        if block_id and block_id in seen:
            inspection.complain(place.below("block_id"), "`block_id` already exists")
        seen.add(block_id)


def _check_sums(inspection: Inspection, places: list[Place], *, pointer: str) -> None:
    markdown = [str(p.value.get("text", "")) for p in places if p.value.get("type") == "markdown"]
    if sum(map(len, markdown)) > MARKDOWN_MOST:
        inspection.complain(pointer, f"must be less than {MARKDOWN_MOST + 1} characters")
    charts = [p for p in places if p.value.get("type") == "data_visualization"]
    if len(charts) > CHARTS_MOST:
        inspection.complain(pointer, f"no more than {CHARTS_MOST} data_visualization allowed")


def _check_section(inspection: Inspection, block: Place) -> None:
    if block.value.get("text") is None and block.value.get("fields") is None:
        inspection.complain(block.pointer, "must define either `text` or `fields`")
    inspection.any_text(block, "text", most=3000)
    if block.value.get("fields") is not None:
        for text in inspection.places(block, "fields", most=10):
            inspection.text_object(text, 2000)
    accessory = inspection.object(block, "accessory")
    if accessory is not None:
        check_element(inspection, accessory, container="accessory")


def _check_header(inspection: Inspection, block: Place) -> None:
    inspection.plain_text(block, "text", most=150, required=True)


def _check_context(inspection: Inspection, block: Place) -> None:
    for element in inspection.places(block, "elements", most=10):
        if element.value.get("type") == "image":
            check_image(inspection, element)
        else:
            inspection.text_object(element, 3000)


def _check_actions(inspection: Inspection, block: Place) -> None:
    elements = inspection.places(block, "elements", most=25)
    for element in elements:
        check_element(inspection, element, container="actions")
    named = [e for e in elements if e.value.get("action_id")]
    for index, element in enumerate(named):
        if element.value["action_id"] in [e.value["action_id"] for e in named[:index]]:
            inspection.complain(element.below("action_id"), "`action_id` already exists")


def _check_context_actions(inspection: Inspection, block: Place) -> None:
    for element in inspection.places(block, "elements", most=5):
        check_element(inspection, element, container="context_actions")


def _check_image_block(inspection: Inspection, block: Place) -> None:
    check_image(inspection, block)
    inspection.plain_text(block, "title", most=2000)


def _check_markdown(inspection: Inspection, block: Place) -> None:
    inspection.string(block, "text", most=MARKDOWN_MOST, required=True)


def _check_input(inspection: Inspection, block: Place) -> None:
    inspection.plain_text(block, "label", most=2000, required=True)
    inspection.plain_text(block, "hint", most=2000)
    element = inspection.object(block, "element", required=True)
    if element is not None:
        check_element(inspection, element, container="input")


def _check_container(inspection: Inspection, block: Place) -> None:
    inspection.plain_text(block, "title", most=150)
    inspection.any_text(block, "subtitle", most=150)
    if block.value.get("title") is None and block.value.get("rich_text_title") is None:
        inspection.missing(block, "title")
    for child in inspection.places(block, "child_blocks", most=10):
        if child.value.get("type") in CONTAINER_CHILDREN:
            _check_block(inspection, child)
        else:
            kind = child.value.get("type")
            inspection.complain(child.below("type"), f"unsupported type: {kind}")


def _check_alert(inspection: Inspection, block: Place) -> None:
    inspection.any_text(block, "text", most=200, required=True)
    inspection.one_of(block, "level", allowed=("default", "info", "warning", "error", "success"))


def _check_nothing(_inspection: Inspection, _block: Place) -> None:
    """Blocks whose content has no limits a bot of ours could meet."""


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "section": _Rule(_check_section, ("text", "fields", "accessory", "expand")),
        "header": _Rule(_check_header, ("text", "level")),
        "divider": _Rule(_check_nothing, ()),
        "context": _Rule(_check_context, ("elements",)),
        "actions": _Rule(_check_actions, ("elements",)),
        "context_actions": _Rule(_check_context_actions, ("elements",), _MESSAGES),
        "image": _Rule(_check_image_block, None),
        "rich_text": _Rule(check_rich_text, ("elements",)),
        "table": _Rule(check_table, ("rows", "column_settings"), _MESSAGES),
        "data_table": _Rule(check_data_table, None, _MESSAGES),
        "data_visualization": _Rule(check_chart, ("title", "chart"), _MESSAGES),
        "markdown": _Rule(_check_markdown, ("text",), _MESSAGES),
        "input": _Rule(_check_input, None),
        "container": _Rule(_check_container, None, _MESSAGES),
        "alert": _Rule(_check_alert, ("text", "level"), _MODALS),
        "file": _Rule(_check_nothing, None, _MESSAGES),
        "video": _Rule(_check_nothing, None),
        "card": _Rule(_check_nothing, None, _MESSAGES),
        "carousel": _Rule(_check_nothing, None, _MESSAGES),
        "task_card": _Rule(_check_nothing, None, _MESSAGES),
        "plan": _Rule(_check_nothing, None, _MESSAGES),
    }
)


def table_count(blocks: list[object]) -> int:
    """How many `table` blocks stand in the list, those inside containers included."""
    found = [block for block in map(as_object, blocks) if block is not None]
    nested = [b.get("child_blocks") for b in found if b.get("type") == "container"]
    inner = [item for children in nested if isinstance(children, list) for item in children]
    own = sum(block.get("type") == "table" for block in found)
    return own + (table_count(inner) if inner else 0)
