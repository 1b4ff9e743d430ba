"""Addresses for the buttons of a card, from the templates of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from bot.domain.model import TaskKey

PLACEHOLDERS = ("task", "rule", "account", "instance_id", "connector_id", "task_id")
"""What a template may name, in braces."""


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced by percent-encoded values."""
    for name in PLACEHOLDERS:
        template = template.replace(f"{{{name}}}", quote(values.get(name, ""), safe=""))
    return template


def link_values(key: TaskKey, *, name: str, rule: str, instance_id: str | None) -> dict[str, str]:
    """The values that templates may use for one task and rule."""
    return {
        "task": name,
        "rule": rule,
        "account": key.account,
        "instance_id": instance_id or "",
        "connector_id": key.connector_id,
        "task_id": key.task_id,
    }


def links_for(
    templates: Mapping[str, str], console: str | None, values: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Titles and addresses, the console first. What needs a value that is unknown is left out."""
    every = {**({"Console": console} if console else {}), **templates}
    return tuple(
        (title, filled(template, values))
        for title, template in every.items()
        if all(values.get(name) for name in PLACEHOLDERS if f"{{{name}}}" in template)
    )
