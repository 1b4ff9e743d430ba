"""Which listed tasks the entries of `discovery` take."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot.domain.discovery import DiscoveryEntry, discovered_tasks
from bot.domain.matching import Patterns
from bot.domain.model import TaskKey


@dataclass(frozen=True)
class Shown:
    """A task in a listing."""

    key: TaskKey = TaskKey("prod", "c1", "t1")
    task_name: str = "orders"
    connector_id: str = "c1"
    instance_id: str = "i1"
    instance_name: str = "kafka-blue"
    instance_tags: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("entry", "taken"),
    [
        pytest.param(DiscoveryEntry(("prod",)), True, id="everything of the account"),
        pytest.param(DiscoveryEntry(("test",)), False, id="another account"),
        pytest.param(DiscoveryEntry(("prod",), instances=("kafka-*",)), True, id="instance glob"),
        pytest.param(DiscoveryEntry(("prod",), instances=("i1",)), True, id="instance id"),
        pytest.param(DiscoveryEntry(("prod",), instances=("red",)), False, id="other instance"),
        pytest.param(DiscoveryEntry(("prod",), connectors=("c1",)), True, id="connector"),
        pytest.param(DiscoveryEntry(("prod",), connectors=("c2",)), False, id="other connector"),
        pytest.param(DiscoveryEntry(("prod",), names=Patterns(("ord*",))), True, id="name"),
        pytest.param(DiscoveryEntry(("prod",), names=Patterns(("!ord*",))), False, id="excluded"),
        pytest.param(
            DiscoveryEntry(("prod",), names=Patterns(("prod/orders",))), True, id="the long form"
        ),
    ],
)
def test_an_entry_takes_what_it_asks_for(entry: DiscoveryEntry, taken: bool) -> None:
    assert entry.takes(Shown()) is taken


def test_tags_are_copied_when_an_entry_that_takes_the_task_names_them() -> None:
    listed = Shown(instance_tags={"team": "orders", "cost": "7", "env": "prod"})
    entries = (
        DiscoveryEntry(("prod",), tags=("team",)),
        DiscoveryEntry(("*", "prod"), tags=("env",)),
        DiscoveryEntry(("test",), tags=("cost",)),
    )
    (task,) = discovered_tasks(entries, [listed])
    assert task.labels == {"team": "orders", "env": "prod"}


def test_what_no_entry_takes_is_left_out() -> None:
    assert discovered_tasks([DiscoveryEntry(("test",))], [Shown()]) == ()


def test_an_unknown_instance_id_is_none() -> None:
    (task,) = discovered_tasks([DiscoveryEntry(("prod",))], [Shown(instance_id="")])
    assert task.instance_id is None
