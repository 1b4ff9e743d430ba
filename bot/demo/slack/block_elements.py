"""Limits of the elements inside blocks: buttons, menus, inputs and rich text.

Figures: Slack's Block Kit reference.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bot.demo.slack.inspection import Inspection, Place

ID_MOST = 255
URL_MOST = 3000

_MENUS = ("static", "external", "users", "conversations", "channels")
_SELECTS = frozenset(f"{kind}_select" for kind in _MENUS) | {f"multi_{k}_select" for k in _MENUS}
_PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"})
_INPUTS = frozenset(
    {
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "file_input",
        "rich_text_input",
    }
)
_PRESSED = frozenset({"button", "overflow", "workflow_button"})

ALLOWED_IN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "actions": _PRESSED | _SELECTS | _PICKERS | {"rich_text_input"},
        "accessory": _PRESSED | _SELECTS | _PICKERS | {"image"},
        "context_actions": frozenset({"feedback_buttons", "icon_button"}),
        "input": _SELECTS | _PICKERS | _INPUTS,
    }
)
"""Which elements a place takes: a block type, or the accessory of a section."""

_BUTTON_FIELDS = [
    "type",
    "text",
    "action_id",
    "url",
    "value",
    "style",
    "confirm",
    "accessibility_label",
    "agent_prompt",
]
_OPTION_LISTS: Mapping[str, int] = MappingProxyType(
    {
        "static_select": 100,
        "multi_static_select": 100,
        "overflow": 5,
        "checkboxes": 10,
        "radio_buttons": 10,
    }
)


def check_element(inspection: Inspection, element: Place, *, container: str) -> None:
    """One element of a block of the type `container` (or "accessory")."""
    kind = element.value.get("type")
    if kind not in ALLOWED_IN[container]:
        inspection.complain(element.below("type"), f"unsupported type: {kind}")
        return
    inspection.string(element, "action_id", most=ID_MOST)
    match kind:
        case "button":
            _check_button(inspection, element)
        case "image":
            check_image(inspection, element)
        case str() if kind in _OPTION_LISTS:
            _check_options(inspection, element, most=_OPTION_LISTS[kind])
        case _:
            inspection.plain_text(element, "placeholder", most=150)


def _check_button(inspection: Inspection, button: Place) -> None:
    inspection.plain_text(button, "text", most=75, required=True)
    inspection.string(button, "value", most=2000, least=0)
    inspection.string(button, "accessibility_label", most=75)
    inspection.one_of(button, "style", allowed=("primary", "danger"))
    inspection.known_fields(button, _BUTTON_FIELDS)
    url = inspection.string(button, "url", most=URL_MOST, least=0)
    if url and ":" not in url:
        inspection.complain(button.below("url"), "must be a valid URL")
    _check_confirm(inspection, button)


def _check_confirm(inspection: Inspection, owner: Place) -> None:
    confirm = inspection.object(owner, "confirm")
    if confirm is not None:
        inspection.plain_text(confirm, "title", most=100, required=True)
        inspection.any_text(confirm, "text", most=300, required=True)
        inspection.plain_text(confirm, "confirm", most=30, required=True)
        inspection.plain_text(confirm, "deny", most=30, required=True)


def _check_options(inspection: Inspection, menu: Place, *, most: int) -> None:
    inspection.plain_text(menu, "placeholder", most=150)
    _check_confirm(inspection, menu)
    grouped = menu.value.get("option_groups") is not None
    groups = inspection.places(menu, "option_groups", most=100) if grouped else [menu]
    for group in groups:
        for option in inspection.places(group, "options", most=most):
            inspection.any_text(option, "text", most=75, required=True)
            inspection.any_text(option, "description", most=75)
            inspection.string(option, "value", most=150, required=True)
            inspection.string(option, "url", most=URL_MOST)


def check_image(inspection: Inspection, image: Place) -> None:
    """An image as a block or an element: where from, and what it shows in words."""
    inspection.string(image, "alt_text", most=2000, required=True)
    inspection.string(image, "image_url", most=URL_MOST)
    if image.value.get("image_url") is None and image.value.get("slack_file") is None:
        inspection.missing(image, "image_url")


_RICH_CONTAINERS = (
    "rich_text_section",
    "rich_text_list",
    "rich_text_preformatted",
    "rich_text_quote",
)
_RICH_REQUIRED: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "link": "url",
        "emoji": "name",
        "user": "user_id",
        "usergroup": "usergroup_id",
        "channel": "channel_id",
        "broadcast": "range",
        "color": "value",
        "date": "timestamp",
    }
)


def check_rich_text(inspection: Inspection, block: Place) -> None:
    """A rich_text block, or a table cell of that kind."""
    for part in inspection.places(block, "elements", most=1000, least=0):
        kind = part.value.get("type")
        if kind not in _RICH_CONTAINERS:
            inspection.complain(part.below("type"), f"unsupported type: {kind}")
        for leaf in inspection.places(part, "elements", most=1000, least=0):
            _check_rich_leaf(inspection, leaf, in_list=kind == "rich_text_list")


def _check_rich_leaf(inspection: Inspection, leaf: Place, *, in_list: bool) -> None:
    kind = str(leaf.value.get("type"))
    if in_list and kind == "rich_text_section":
        for inner in inspection.places(leaf, "elements", most=1000, least=0):
            _check_rich_leaf(inspection, inner, in_list=False)
    elif kind not in _RICH_REQUIRED:
        inspection.complain(leaf.below("type"), f"unsupported type: {kind}")
    elif leaf.value.get(_RICH_REQUIRED[kind]) is None:
        inspection.missing(leaf, _RICH_REQUIRED[kind])
    elif kind == "text":
        inspection.string(leaf, "text", most=40_000)
