"""JSON Schema of the configuration, for editors that complete and underline.

It is made from the same sections that the loader uses. An editor parses YAML itself, so numbers
and booleans reach it as such where we read text; the schema takes both. It cannot see what
connects sections, nor values that come from the environment.
"""

from __future__ import annotations

from typing import Any

from bot.settings.model import File
from bot.settings.reading import JsonSchema
from bot.settings.yamlfile import PRIVATE

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> JsonSchema:
    """The schema of a whole file (JSON Schema draft 2020-12)."""
    made = _cleaned(File.model_json_schema(by_alias=True))
    return {
        "$schema": DIALECT,
        **made,
        "title": "Configuration of dumptask-bot",
        "patternProperties": {f"^{PRIVATE}": True},
    }


def _cleaned(node: Any) -> Any:
    """Without null (an absent key is left out, not null), titles and defaults."""
    if isinstance(node, list):
        return [_cleaned(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _cleaned(value)
        for key, value in node.items()
        if key != "default" and not (key == "title" and isinstance(value, str))
    }
    several = kept.get("anyOf")
    if isinstance(several, list):
        there = [one for one in several if one != {"type": "null"}]
        if len(there) == 1:
            del kept["anyOf"]
            return {**kept, **there[0]}
        kept["anyOf"] = there
    return kept
