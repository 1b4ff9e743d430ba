"""The plain values: names, columns, and what None means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    TASK,
    PartitionReading,
    Severity,
    Subject,
    TaskKey,
    lag_between,
    topic_sample,
)
from bot.domain.verdicts import Level, Verdict
from tests.builders import TOPIC, a_key, a_sample_of, a_topic


@pytest.mark.parametrize(
    ("transferred", "log_end", "lag"),
    [(5, 9, 4), (9, 9, 0), (10, 9, 0), (None, 9, None), (5, None, None), (0, 2**70, 2**70)],
)
def test_a_lag_needs_both_offsets_and_is_never_negative(
    transferred: int | None, log_end: int | None, lag: int | None
) -> None:
    assert lag_between(transferred, log_end) == lag


def test_a_topic_sample_is_sorted_by_partition_and_reads_back_as_rows() -> None:
    topic = topic_sample(TOPIC, [(2, None, 5, 9), (0, "RUNNING", None, 7)], unreadable=3)
    assert (topic.partitions, topic.lags, topic.unreadable) == ((0, 2), (None, 4), 3)
    assert list(topic.rows()) == [
        PartitionReading(TOPIC, 0, "RUNNING", None, 7, None),
        PartitionReading(TOPIC, 2, None, 5, 9, 4),
    ]


def test_a_sample_without_a_delivery_interval_has_the_vendors_default() -> None:
    assert a_sample_of(delivery_interval=None).delivery_interval == DEFAULT_DELIVERY_INTERVAL


def test_the_rows_of_a_sample_are_those_of_its_topics_in_order() -> None:
    sample = a_sample_of(a_topic("b", lags=(1,)), a_topic("a", lags=(2, 3)))
    assert [(row.topic, row.lag) for row in sample.rows()] == [("a", 2), ("a", 3), ("b", 1)]


def test_keys_and_subjects_name_themselves() -> None:
    account = TaskKey("prod")
    assert (str(account), str(a_key())) == ("prod", "prod/connector-of-orders/id-of-orders")
    assert (account.is_account, a_key().is_account) == (True, False)
    assert [str(s) for s in (TASK, Subject(TOPIC), Subject(TOPIC, 3))] == [
        "task",
        "orders",
        "orders[3]",
    ]


def test_severities_are_ordered_and_have_words() -> None:
    assert [severity.word for severity in sorted(Severity)] == ["info", "warning", "critical"]


levels = st.none() | st.integers(0, 10**6)


@given(
    warning=levels,
    critical=levels,
    clear=st.floats(0, 1),
    value=st.integers(0, 10**7),
    more=st.integers(0, 10**7),
)
def test_a_level_is_monotone_and_breached_exactly_where_it_has_a_severity(
    warning: int | None, critical: int | None, clear: float, value: int, more: int
) -> None:
    level = Level(warning, critical, clear)
    rank = [Verdict.CLEAR, Verdict.HOLDING, Verdict.BREACHED]
    assert rank.index(level.verdict(value)) <= rank.index(level.verdict(value + more))
    assert (level.verdict(value) is Verdict.BREACHED) is (level.severity(value) is not None)
    assert (level.severity(value) or 0) <= (level.severity(value + more) or 0)
