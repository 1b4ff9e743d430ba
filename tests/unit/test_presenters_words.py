"""Numbers, durations, ages, ranges and curves in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.verdicts import Unit
from bot.presenters import words
from bot.presenters.spark import spark
from tests.unit.presented import NOW, ago

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0, "0"),
        (999, "999"),
        (1_234_567, "1,234,567"),
        (-5, "-5"),
        (2**63, "9,223,372,036,854,775,808"),
        (10**21, "1.0e+21"),
        (-12 * 10**44, "-1.2e+45"),
        pytest.param(7 * 10**5000, "7.0e+5000", id="5001 digits"),
    ],
)
def test_a_number_is_grouped_and_an_absurd_one_is_a_power(value: int | None, shown: str) -> None:
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (12_345, "12.3 k"),
        (999_999, "999.9 k"),
        (1_234_567, "1.2 M"),
        (-1_234_567, "-1.2 M"),
        (5 * 10**9, "5.0 G"),
        (10**20, "100.0 E"),
        (10**22, "1.0e+22"),
    ],
)
def test_a_compact_number_has_at_most_four_digits(value: int | None, shown: str) -> None:
    assert words.compact(value) == shown


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
        (timedelta(milliseconds=300), "under 1 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=90), "1 min 30 s"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min"),
        (timedelta(hours=2, seconds=9), "2 h"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta(days=3, minutes=4), "3 d"),
        (timedelta.max, "999,999,999 d 23 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(duration: timedelta, shown: str) -> None:
    assert words.in_words(duration) == shown


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (None, "never"),
        (NOW, "just now"),
        (NOW + SECOND, "just now"),
        (ago(seconds=42), "42 s ago"),
        (ago(minutes=3, seconds=20), "3 min ago"),
        (ago(hours=2, minutes=5, seconds=20), "2 h 5 min ago"),
        (ago(days=40), "40 d ago"),
    ],
)
def test_an_age_is_told_without_seconds_from_a_minute_on(at: datetime | None, shown: str) -> None:
    assert words.ago(at, NOW) == shown


def test_an_age_without_a_time_is_never() -> None:
    assert words.age_in_words(None, NOW) == "never"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (None, None, "unknown"),
        (timedelta(minutes=5), None, "at least 5 min"),
        (timedelta(minutes=5), timedelta(minutes=6), "5 min to 6 min"),
        (timedelta(0), timedelta(0), "0 s"),
    ],
)
def test_an_age_is_told_by_its_bounds(
    low: timedelta | None, high: timedelta | None, shown: str
) -> None:
    assert words.bounds(low, high) == shown


def test_a_total_says_over_how_much_of_it_only_where_some_is_unknown() -> None:
    assert words.total(12, known=3, unknown=0) == "12 messages"
    assert words.total(1, known=11, unknown=1) == "1 message (total over 11 known, 1 unknown)"
    assert words.total(None, known=0, unknown=2) == "unknown (total over 0 known, 2 unknown)"
    assert words.total(None, known=0, unknown=0) == "unknown"


def test_an_amount_is_told_in_its_unit() -> None:
    assert words.amount(90, Unit.SECONDS) == "1 min 30 s"
    assert words.amount(10**25, Unit.SECONDS).endswith("d 17 h")
    assert words.amount(1, Unit.MESSAGES) == "1 message"


def test_a_count_agrees_with_its_noun() -> None:
    assert words.counted(1, "part does", "parts do") == "1 part does"
    assert words.counted(2, "part does", "parts do") == "2 parts do"
    assert words.counted(0, "task") == "0 tasks"


def test_an_instant_is_told_in_utc() -> None:
    assert words.in_utc(NOW) == "2026-03-01 09:30 UTC"


@pytest.mark.parametrize(
    ("numbers", "most", "shown"),
    [
        ([], 3, ("", 0)),
        ([5], 3, ("5", 0)),
        ([*range(18), 19], 3, ("0-17, 19", 0)),
        ([3, 1, 2, 2], 3, ("1-3", 0)),
        ([1, 3, 5, 7, 8], 2, ("1, 3", 3)),
    ],
)
def test_partitions_are_told_as_ranges(
    numbers: list[int], most: int, shown: tuple[str, int]
) -> None:
    assert words.ranges(numbers, most) == shown


@given(st.sets(st.integers(0, 300)))
def test_ranges_hold_exactly_the_numbers_given(numbers: set[int]) -> None:
    runs = words.runs(numbers)
    assert [n for low, high in runs for n in range(low, high + 1)] == sorted(numbers)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(runs))


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([], 20, ""),
        ([0, 0], 20, "▁▁"),
        ([None, None], 20, "··"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 20, "▁▂▃▄▅▆▇█"),
        ([7, None, 0], 20, "█·▁"),
        ([0, 9, 0, 0, None, None], 3, "█▁·"),
        ([10**400, 5 * 10**399], 20, "█▄"),
        ([-3, 3], 20, "▁█"),
    ],
)
def test_a_curve_shows_peaks_and_gaps(values: list[int | None], width: int, shown: str) -> None:
    assert spark(values, width) == shown
