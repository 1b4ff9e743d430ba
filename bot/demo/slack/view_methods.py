"""The views.* methods: modals and the Home tab, stored as they were given.

A view has a hash that changes with each update; an update that names an older hash is refused.
Submitting a modal is not simulated yet: the views lie in `views` for whoever will show them.
"""

import itertools
import json
from dataclasses import dataclass

from bot.demo.slack.block_rules import check_blocks
from bot.demo.slack.inspection import Complaint, Inspection, Place, Surface
from bot.demo.slack.methods import Method, MethodTable, answer
from bot.demo.slack.rates import Tier
from bot.demo.slack.triggers import Triggers
from bot.demo.slack.wire import (
    Call,
    JsonObject,
    SlackCallError,
    as_list,
    as_object,
    invalid_arguments,
)
from bot.demo.slack.workspace import Workspace

VIEW_MOST_BYTES = 250_000
STACK_MOST = 3
TITLE_MOST = 24
PRIVATE_METADATA_MOST = 3_000


@dataclass(slots=True)
class StoredView:
    """A view as it stands: who sees it, where in a stack, and what it holds."""

    id: str
    user_id: str
    content: JsonObject
    revision: int
    stack: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Names this state of the view."""
        return f"{self.id}.{self.revision}"


class ViewMethods:
    """Carries out views.open, .push, .update and .publish."""

    def __init__(self, workspace: Workspace, triggers: Triggers) -> None:
        self._workspace = workspace
        self._triggers = triggers
        self._numbers = itertools.count(1)
        self.views: dict[str, StoredView] = {}
        self._homes: dict[str, str] = {}

    def table(self) -> MethodTable:
        """The methods by name."""
        opening = ("trigger_id", "view")
        return {
            "views.open": Method(self._open, Tier.TIER_4, required=opening),
            "views.push": Method(self._push, Tier.TIER_4, required=opening),
            "views.update": Method(self._update, Tier.TIER_4, required=("view",)),
            "views.publish": Method(self._publish, Tier.TIER_4, required=("user_id", "view")),
        }

    def _open(self, call: Call) -> JsonObject:
        content = _read_view(call, Surface.MODAL)
        user_id = self._triggers.exchange(call.required("trigger_id"))
        return self._told(self._store(user_id, content))

    def _push(self, call: Call) -> JsonObject:
        content = _read_view(call, Surface.MODAL)
        user_id = self._triggers.exchange(call.required("trigger_id"))
        open_views = [v for v in self.views.values() if v.user_id == user_id and _is_modal(v)]
        if not open_views:
            raise SlackCallError("not_found")
        stack = (*open_views[-1].stack, open_views[-1].id)
        if len(stack) >= STACK_MOST:
            raise SlackCallError("push_limit_reached")
        return self._told(self._store(user_id, content, stack=stack))

    def _update(self, call: Call) -> JsonObject:
        view = self._find(call)
        surface = Surface.MODAL if _is_modal(view) else Surface.HOME
        content = _read_view(call, surface)
        if call.has("hash") and call.text("hash") != view.hash:
            raise SlackCallError("hash_conflict")
        view.content = content
        view.revision += 1
        return self._told(view)

    def _publish(self, call: Call) -> JsonObject:
        content = _read_view(call, Surface.HOME)
        user_id = call.required("user_id")
        home = self.views.get(self._homes.get(user_id, ""))
        if home is None:
            home = self._store(user_id, content)
            self._homes[user_id] = home.id
        elif call.has("hash") and call.text("hash") != home.hash:
            raise SlackCallError("hash_conflict")
        else:
            home.content = content
            home.revision += 1
        return self._told(home)

    def _find(self, call: Call) -> StoredView:
        external_id = call.text("external_id")
        for view in self.views.values():
            by_name = external_id and view.content.get("external_id") == external_id
            if view.id == call.text("view_id") or by_name:
                return view
        raise SlackCallError("not_found")

    def _store(
        self, user_id: str, content: JsonObject, *, stack: tuple[str, ...] = ()
    ) -> StoredView:
        external_id = content.get("external_id")
        taken = [v for v in self.views.values() if v.content.get("external_id") == external_id]
        if external_id and taken:
            raise SlackCallError("duplicate_external_id")
        view = StoredView(f"V{next(self._numbers):06d}", user_id, content, 0, stack)
        self.views[view.id] = view
        return view

    def _told(self, view: StoredView) -> JsonObject:
        seed = self._workspace.seed
        shown: JsonObject = {
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            **view.content,
            "id": view.id,
            "team_id": seed.team_id,
            "app_id": seed.app.app_id,
            "bot_id": seed.app.bot_id,
            "hash": view.hash,
            "root_view_id": view.stack[0] if view.stack else view.id,
            "previous_view_id": view.stack[-1] if view.stack else None,
            "state": {"values": {}},
        }
        return answer(view=shown)


def _is_modal(view: StoredView) -> bool:
    return view.content.get("type") == "modal"


def _read_view(call: Call, surface: Surface) -> JsonObject:
    view = as_object(call.structure("view", otherwise="invalid_arguments"))
    if view is None:
        raise invalid_arguments(["must provide an object [json-pointer:/view]"])
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_MOST_BYTES:
        raise SlackCallError("view_too_large")
    complaints = _check_view(view, surface)
    if complaints:
        raise invalid_arguments([str(complaint) for complaint in complaints])
    return view


def _check_view(view: JsonObject, surface: Surface) -> list[Complaint]:
    inspection = Inspection(surface)
    place = Place(view, "/view")
    inspection.one_of(place, "type", allowed=(surface.value,), required=True)
    inspection.string(place, "private_metadata", most=PRIVATE_METADATA_MOST, least=0)
    inspection.string(place, "callback_id", most=255, least=0)
    if surface is Surface.MODAL:
        for key in ("title", "submit", "close"):
            inspection.plain_text(place, key, most=TITLE_MOST, required=key == "title")
    blocks = as_list(view.get("blocks"))
    if blocks is None:
        inspection.missing(place, "blocks")
        return inspection.complaints
    return [*inspection.complaints, *check_blocks(blocks, surface, pointer="/view/blocks")]
