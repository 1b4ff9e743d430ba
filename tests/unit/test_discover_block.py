"""What `discover` prints is what the file takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.discover import as_yaml
from bot.domain.model import TaskKey
from bot.ports import ListedTask, Listing
from tests.configurations import settings


def listing(names: Sequence[str]) -> Listing:
    tasks = [
        ListedTask(
            key=TaskKey("eu", "c1", f"id-{number}"),
            task_name=name,
            status="RUNNING",
            topics_text="orders",
            connector_id="c1",
            instance_id="i1",
            instance_name="kafka",
        )
        for number, name in enumerate(names)
    ]
    return Listing("eu", tuple(tasks), 1, 1)


def loaded(names: Sequence[str]) -> list[tuple[str, str]]:
    """The tasks that a file with the printed block has: name and task id."""
    text = as_yaml([listing(names)])
    made = settings(text[text.index("tasks:") :])
    return [(task.name, task.task_id) for task in made.tasks]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["orders", "clicks"], ["orders", "clicks"]),
        (["orders", "orders"], ["eu-orders-id-0", "eu-orders-id-1"]),
        (["orders eu", "orders*eu", "orders-eu"], ["orders-eu-2", "orders-eu-3", "orders-eu"]),
        (["a=b", "yes", "12"], ["a-b", "yes", "12"]),
        (["#1"], ["1"]),
    ],
)
def test_a_name_that_the_file_refuses_becomes_one_that_it_takes(
    names: list[str], keys: list[str]
) -> None:
    assert [name for name, _ in loaded(names)] == keys


def test_the_name_in_the_cloud_stands_beside_one_that_was_changed() -> None:
    text = as_yaml([listing(["orders eu", "clicks"])])
    assert '  # in the cloud: "orders eu"\n  orders-eu:\n' in text
    assert text.count("# in the cloud") == 1


def test_an_account_without_tasks_prints_an_empty_block() -> None:
    assert as_yaml([listing([])]).endswith("tasks: {}\n")


@given(st.lists(st.text(max_size=8), max_size=6))
def test_whatever_tasks_are_called_the_block_is_taken_whole(names: list[str]) -> None:
    assert [task_id for _, task_id in loaded(names)] == [f"id-{n}" for n in range(len(names))]
