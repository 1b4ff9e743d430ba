"""The buttons of a card: addresses from templates."""

from __future__ import annotations

from bot.domain.links import filled, link_values, links_for
from bot.domain.model import TaskKey

KEY = TaskKey("prod", "connector-1", "task-1")


def values(name: str = "orders", instance_id: str | None = "instance-1") -> dict[str, str]:
    return link_values(KEY, name=name, rule="lag", instance_id=instance_id)


def test_every_placeholder_is_filled() -> None:
    template = "https://x/{account}/{connector_id}/{task_id}/{instance_id}?t={task}&r={rule}"
    assert filled(template, values()) == (
        "https://x/prod/connector-1/task-1/instance-1?t=orders&r=lag"
    )


def test_values_are_percent_encoded_so_that_they_cannot_change_the_address() -> None:
    address = filled("https://x/?t={task}", values(name="a b&c=d/../#\u4efb"))
    assert address == "https://x/?t=a%20b%26c%3Dd%2F..%2F%23%E4%BB%BB"


def test_the_console_comes_first_and_links_keep_their_order() -> None:
    templates = {"Runbook": "https://wiki/{rule}", "Grafana": "https://grafana/{task}"}
    titles = [title for title, _ in links_for(templates, "https://console/{task_id}", values())]
    assert titles == ["Console", "Runbook", "Grafana"]


def test_a_link_that_needs_what_is_unknown_is_left_out() -> None:
    templates = {"Instance": "https://x/{instance_id}", "Plain": "https://y/"}
    found = links_for(templates, None, values(instance_id=None))
    assert found == (("Plain", "https://y/"),)
