"""The curve of a task's lag."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.trends import POINTS, looked_back, trend_of
from tests.builders import a_sample, a_sample_of, at


def test_the_totals_stand_at_even_distances() -> None:
    samples = [a_sample(at(60 * n), lags=(n, 10)) for n in range(120)]
    trend = trend_of(samples)
    assert trend is not None
    assert trend.over == timedelta(minutes=119)
    assert len(trend.lags) == POINTS
    assert trend.lags[0] == 14
    assert trend.lags[-1] == 129
    assert list(trend.lags) == sorted(lag for lag in trend.lags if lag is not None)


def test_a_time_without_readings_is_a_gap() -> None:
    samples = [a_sample(at(60 * n), lags=(5,)) for n in range(60) if not 20 < n < 40]
    trend = trend_of(samples)
    assert trend is not None
    assert None in trend.lags
    assert set(trend.lags) == {5, None}


def test_what_is_not_known_is_no_zero_and_one_reading_is_no_curve() -> None:
    assert trend_of([]) is None
    assert trend_of([a_sample(at(0), lags=(5,))]) is None
    trend = trend_of([a_sample_of(when=at(0)), a_sample(at(60), lags=(5, None))])
    assert trend is not None
    assert trend.lags == (None, 5)


@pytest.mark.parametrize(("minutes", "hours"), [(5, 1), (15, 2)])
def test_it_shows_an_hour_or_several_deliveries(minutes: int, hours: int) -> None:
    assert looked_back(timedelta(minutes=minutes)) == timedelta(hours=hours)
