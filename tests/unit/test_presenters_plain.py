"""Text for a terminal, and the table of one live query."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.model import Destination, TaskKey, TaskSample, topic_sample
from bot.presenters import plain, plain_query
from bot.presenters.answer import (
    Answer,
    Column,
    Entries,
    Facts,
    Moment,
    Name,
    Said,
    Strong,
    Table,
    Typed,
    joined,
)
from tests.unit.presented import NOW

VENDOR = TaskSample(
    key=TaskKey("eu", "c", "t"),
    at=datetime(2021, 8, 5, 2, 0, tzinfo=UTC),
    status="RUNNING",
    topics=(topic_sample("topic-sdk-no-delete", [(p, "RUNNING", 3, 3) for p in (2, 1, 0)]),),
    task_name="obsTransfer-56997523",
    destination_type="OBS",
    created_at=datetime(2021, 8, 5, 1, 23, 41, tzinfo=UTC),
    topics_text="topic-sdk-no-delete",
    destination=Destination(
        bucket="testobs",
        path="obsTransfer-56997523",
        partition_format="yyyy/MM/dd/HH/mm",
        file_type="TEXT",
        consumer_strategy="earliest",
        deliver_interval=timedelta(seconds=300),
    ),
)


def test_a_live_answer_is_shown_whole() -> None:
    """The values of the vendor's sample (Kafka API reference, ShowSinkTaskDetail)."""
    assert plain_query.render(VENDOR) == (
        "Dumping task obsTransfer-56997523\n"
        "\n"
        "  Status:       RUNNING\n"
        "  Created:      2021-08-05 01:23 UTC\n"
        "  Destination:  OBS, bucket testobs, path obsTransfer-56997523, folders yyyy/MM/dd/HH/mm\n"
        "  File type:    TEXT\n"
        "  Starts from:  earliest\n"
        "  Uploads:      every 5 min\n"
        "  Topics:       topic-sdk-no-delete\n"
        "  Lag:          0 messages\n"
        "  Read:         2021-08-05 02:00 UTC\n"
        "\n"
        "topic                partition  status   last transferred  log end  lag\n"
        "topic-sdk-no-delete          0  RUNNING                 3        3    0\n"
        "topic-sdk-no-delete          1  RUNNING                 3        3    0\n"
        "topic-sdk-no-delete          2  RUNNING                 3        3    0\n"
    )


def test_a_live_answer_with_holes_shows_them_as_unknown() -> None:
    bare = TaskSample(TaskKey("eu", "c", "t1"), NOW, None, None)
    text = plain_query.render(bare)
    assert text.startswith("Dumping task t1\n")
    assert "Status:       unknown" in text
    assert "every 5 min (assumed: the answer names no interval)" in text
    assert "The answer said nothing about topics." in text


def test_a_live_answer_counts_what_could_not_be_read() -> None:
    topic = topic_sample("t", [(0, None, None, 5), (1, "RUNNING", 1, 5)], unreadable=2)
    text = plain_query.render(replace(VENDOR, topics=(topic,)))
    assert "4 messages (total over 1 known, 3 unknown)" in text
    assert "t              0  unknown           unknown        5  unknown" in text
    assert text.endswith("2 rows of the answer could not be told apart and are not shown\n")


@pytest.mark.parametrize("topics", [(), (topic_sample("t", []),)])
def test_a_live_answer_without_partitions_says_so(topics: tuple[()]) -> None:
    assert "The answer lists no partition." in plain_query.render(replace(VENDOR, topics=topics))


def test_every_kind_of_part_has_its_text() -> None:
    answer = Answer(
        (Strong("Title"), " of ", Name("a\nb")),
        (
            (Said("why\x1b[2J"), " at ", Moment(NOW), ": ", Typed("list")),
            Facts((("Long label", ("x",)), ("Short", ("y",)))),
            Entries(((("head",), ("body",)), (("longer head",), ()))),
            Table((Column("a"), Column("n", "right")), (("x", "1"), ("", "20"))),
            (),
        ),
        ("note",),
    )
    assert plain.render(answer) == (
        "Title of a b\n"
        "\n"
        "why [2J at 2026-03-01 09:30 UTC: list\n"
        "\n"
        "  Long label:  x\n"
        "  Short:       y\n"
        "\n"
        "  head         body\n"
        "  longer head\n"
        "\n"
        "a   n\n"
        "x   1\n"
        "–  20\n"
        "\n"
        "note\n"
    )


def test_parts_without_anything_in_them_leave_no_gap() -> None:
    assert plain.render(Answer(("T",), (Facts(()), Entries(())))) == "T\n"


def test_columns_stay_aligned_beside_wide_and_combining_letters() -> None:
    table = Table((Column("name"), Column("n")), (("任务", "1"), ("e\u0301", "2"), ("abcd", "3")))
    assert plain.rows(table) == ["name  n", "任务  1", "e\u0301     2", "abcd  3"]


def test_a_cell_that_is_too_wide_keeps_both_its_ends() -> None:
    table = Table((Column("name"),), (("orders-of-all-the-world-eu",), ("任务任务任务任务任务",)))
    assert plain.rows(table, cell_width=12) == ["name", "orders-o…-eu", "任务任务…务"]


def test_a_cut_table_counts_its_rows_and_says_how_to_see_them() -> None:
    table = Table((Column("n"),), tuple((str(n),) for n in range(5)), hint=("see ", Typed("top")))
    assert plain.table(table.cut_to(2)) == "n\n0\n1\n… and 3 more: see top"
    assert plain.table(replace(table, hint=()).cut_to(4)) == "n\n0\n1\n2\n3\n… and 1 more"
    assert plain.table(replace(table, caption=("All",)).cut_to(9)).startswith("All\nn\n0")


def test_joined_lines_leave_out_the_empty_ones() -> None:
    assert joined([("a",), (), ("b", "c")], "; ") == ("a", "; ", "b", "c")
    assert joined([]) == ()
