"""What is remembered of a task from poll to poll, example by example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.history import (
    NO_READING,
    TaskHistory,
    TopicHistory,
    denied,
    fold,
    window_of,
)
from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    FailureKind,
    Observation,
    Subject,
    TaskSample,
    topic_sample,
)
from bot.domain.tiles import TILES
from tests.builders import (
    INTERVAL,
    TOPIC,
    a_failure,
    a_history,
    a_sample,
    a_sample_of,
    a_topic,
    at,
)

STALE_POLLS = 3
D = timedelta(seconds=300)
WINDOW = window_of(D, INTERVAL)


def topic_of(history: TaskHistory, topic: str = TOPIC) -> TopicHistory:
    return history.topics[topic]


def troughs(history: TaskHistory) -> list[int]:
    return list(topic_of(history).trough())


def covered(history: TaskHistory, window: timedelta = WINDOW) -> list[bool]:
    assert history.sample is not None
    return topic_of(history).covers(history.sample.at - window)


def each_poll(*lags: int | None, start_s: float = 0) -> Iterator[TaskSample]:
    """Samples of one partition, a minute apart, whose log end and position never fall."""
    transferred = 0
    for poll, lag in enumerate(lags):
        transferred += 10_000
        topic = a_topic(lags=(lag,), transferred=transferred)
        yield a_sample_of(topic, when=at(start_s + 60 * poll))


# --- the trough ------------------------------------------------------------------------------


def test_the_window_is_one_delivery_and_two_polls() -> None:
    assert window_of(timedelta(seconds=300), timedelta(seconds=60)) == timedelta(seconds=420)


def test_the_trough_is_the_lowest_reading_of_the_window() -> None:
    assert troughs(a_history(*each_poll(900, 300, 500, 800))) == [300]


def test_a_low_reading_is_forgotten_after_the_window_and_one_tile() -> None:
    lags = (0, *(1_000 for _ in range(12)))
    remembered = [troughs(a_history(*each_poll(*lags[:polls]))) for polls in range(1, 14)]
    forgotten_after = remembered.index([1_000]) * INTERVAL
    assert WINDOW <= forgotten_after <= WINDOW + WINDOW / TILES + 2 * INTERVAL


def test_the_window_is_covered_from_its_own_length_on() -> None:
    cover = [covered(a_history(*each_poll(*([5] * polls)))) for polls in range(1, 10)]
    assert cover == [[False]] * 7 + [[True]] * 2


def test_a_longer_delivery_interval_must_be_covered_anew() -> None:
    history = a_history(*each_poll(*([1_000] * 20)))
    slower = timedelta(seconds=900)
    last = a_sample_of(
        a_topic(lags=(1_000,), transferred=10**9), when=at(1_200), delivery_interval=slower
    )
    history = fold(history, last, interval=INTERVAL, stale_polls=STALE_POLLS)
    assert covered(history, window_of(slower, INTERVAL)) == [False]


def test_a_gap_between_polls_starts_the_window_anew() -> None:
    before = list(each_poll(*([0] * 20)))
    late = replace(a_sample(lags=(700,), transferred=10**9), at=before[-1].at + 4 * INTERVAL)
    assert (troughs(a_history(*before, late)), covered(a_history(*before, late))) == (
        [700],
        [False],
    )
    in_time = replace(late, at=before[-1].at + 3 * INTERVAL)
    assert (troughs(a_history(*before, in_time)), covered(a_history(*before, in_time))) == (
        [0],
        [True],
    )


@pytest.mark.parametrize(
    ("unreadable", "goes_on"), [(2, True), (3, False), (30, False)], ids=lambda value: f"{value}"
)
def test_a_partition_that_cannot_be_read_for_too_long_starts_its_window_anew(
    *, unreadable: int, goes_on: bool
) -> None:
    def poll(number: int, lag: int | None) -> TaskSample:
        return a_sample(at(60 * number), lags=(lag, 3), transferred=1_000 * (number + 1))

    quiet = [poll(number, 5) for number in range(20)]
    blind = [poll(20 + number, None) for number in range(unreadable)]
    history = a_history(*quiet, *blind, poll(20 + unreadable, 900))
    assert covered(history) == [goes_on, True]


@pytest.mark.parametrize(("silent", "goes_on"), [(2, True), (3, False), (30, False)])
def test_answers_without_topics_for_too_long_start_every_window_anew(
    *, silent: int, goes_on: bool
) -> None:
    samples = list(each_poll(*([5] * (21 + silent))))
    answers = [
        replace(s, topics=None) if 20 <= i < 20 + silent else s for i, s in enumerate(samples)
    ]
    last = replace(answers[-1], topics=(a_topic(lags=(900,), transferred=10**9),))
    history = a_history(*answers[:-1], last)
    assert (troughs(history) == [5], covered(history) == [True]) == (goes_on, goes_on)


def test_a_poll_in_which_nobody_can_be_read_ends_only_the_cover_of_who_was_silent_before() -> None:
    def poll(number: int, *lags: int | None) -> TaskSample:
        return a_sample(at(60 * number), lags=lags, transferred=1_000 * (number + 1))

    quiet = [poll(number, 5, 5) for number in range(20)]
    half_blind = [poll(20 + number, None, 5) for number in range(5)]
    history = a_history(*quiet, *half_blind, poll(25, None, None), poll(26, 9, 9))
    assert covered(history) == [False, True]


def test_a_partition_that_was_never_readable_is_covered_from_its_first_reading() -> None:
    samples = [
        a_sample(at(60 * poll), lags=(None if poll < 2 else 5,), transferred=1_000)
        for poll in range(9)
    ]
    assert covered(a_history(*samples)) == [False]
    assert covered(a_history(*samples, a_sample(at(540), lags=(5,)))) == [True]


def test_partitions_that_appear_start_unread_and_vanished_ones_are_forgotten() -> None:
    rows = {0: 10, 1: 20}
    samples = [_sample_of_lags(at(60 * poll), rows) for poll in range(12)]
    grown = _sample_of_lags(at(720), {0: 900, 1: None, 2: 30})
    history = a_history(*samples, grown)
    assert troughs(history) == [10, 20, 30]
    assert covered(history) == [True, True, False]
    back = a_history(
        *samples,
        grown,
        _sample_of_lags(at(780), {2: 40}),
        _sample_of_lags(at(840), {1: 50, 2: 40}),
    )
    assert troughs(back) == [50, 30]
    assert covered(back) == [False, False]
    assert topic_of(back).unread == {}


def _sample_of_lags(when: datetime, lags: Mapping[int, int | None]) -> TaskSample:
    rows = [
        (partition, "RUNNING", 1_000, None if lag is None else 1_000 + lag)
        for partition, lag in lags.items()
    ]
    return a_sample_of(topic_sample(TOPIC, rows), when=when)


@pytest.mark.parametrize(
    ("transferred", "log_end"), [(10, 700), (900, 950)], ids=["position fell", "log end fell"]
)
def test_no_lag_arithmetic_reaches_across_a_reset(transferred: int, log_end: int) -> None:
    rows = [(0, "RUNNING", 990, 1_000), (1, "RUNNING", 0, 50)]
    before = [a_sample_of(topic_sample(TOPIC, rows), when=at(60 * n)) for n in range(12)]
    rows[0] = (0, "RUNNING", transferred, log_end)
    history = a_history(*before, a_sample_of(topic_sample(TOPIC, rows), when=at(720)))
    assert troughs(history) == [log_end - transferred, 50]
    assert covered(history) == [False, True]


def test_a_reset_beside_an_unreadable_partition_is_seen() -> None:
    before = topic_sample(TOPIC, [(0, "RUNNING", 900, 1_000), (1, "RUNNING", None, 50)])
    after = topic_sample(TOPIC, [(0, "RUNNING", 0, 1_000), (1, "RUNNING", None, 50)])
    history = a_history(a_sample_of(before), a_sample_of(after, when=at(60)))
    assert troughs(history) == [1_000, NO_READING]


def test_lags_beyond_64_bits_are_remembered_beside_ones_that_were_never_read() -> None:
    huge = 2**70
    history = a_history(
        a_sample(at(0), lags=(huge, None, 7), transferred=0),
        a_sample(at(180), lags=(huge + 5, huge, None), transferred=0),
        a_sample(at(360), lags=(huge + 9, huge + 1, 3), transferred=0),
    )
    assert len(topic_of(history).tiles) > 1
    assert troughs(history) == [huge, huge, 3]


def test_a_first_lag_beyond_64_bits_is_remembered_though_no_lag_is_lower_than_before() -> None:
    history = a_history(
        a_sample(at(0), lags=(None, 7), transferred=0),
        a_sample(at(60), lags=(2**70, 8), transferred=0),
    )
    assert troughs(history) == [2**70, 7]


def test_a_topic_that_is_not_in_the_answer_is_forgotten() -> None:
    returns = a_topic("returns", lags=(4,))
    history = a_history(a_sample_of(a_topic(), returns), a_sample_of(returns, when=at(60)))
    assert set(history.topics) == {"returns"}


def test_a_topic_without_partitions_is_no_trouble() -> None:
    empty = topic_sample(TOPIC, [])
    history = a_history(*(a_sample_of(empty, when=at(60 * poll)) for poll in range(12)))
    assert troughs(history) == []
    assert covered(history) == []


# --- statuses --------------------------------------------------------------------------------


def test_a_status_is_as_old_as_its_first_answer_whatever_its_case() -> None:
    history = a_history(
        a_sample(at(0), status="RUNNING"),
        a_sample(at(60), status="PAUSED"),
        a_sample(at(120), status="Paused"),
    )
    assert (history.status, history.status_since) == ("Paused", at(60))


def test_an_answer_without_a_status_does_not_make_the_status_younger() -> None:
    paused = a_sample(at(0), status="PAUSED")
    history = a_history(
        paused, replace(paused, at=at(60), status=None), replace(paused, at=at(120))
    )
    assert (history.status, history.status_since) == ("PAUSED", at(0))


def test_a_task_whose_status_was_never_given_has_none() -> None:
    history = a_history(replace(a_sample(), status=None))
    assert (history.status, history.odd_partitions) == (
        None,
        {Subject(TOPIC, p): ("RUNNING", at(0)) for p in range(3)},
    )


def statuses_of(*statuses: str | None) -> TaskSample:
    rows = [(partition, status, 5, 9) for partition, status in enumerate(statuses)]
    return a_sample_of(topic_sample(TOPIC, rows))


def test_partitions_that_say_something_else_are_remembered_with_since_when() -> None:
    history = a_history(
        statuses_of("RUNNING", "FAILED", "UNASSIGNED", "running"),
        replace(statuses_of("RUNNING", "Failed", "RUNNING", None), at=at(60)),
        replace(statuses_of("PAUSED", None, "RUNNING", None), at=at(120)),
        replace(statuses_of("PAUSED", "FAILED", "RUNNING", "RUNNING"), at=at(180)),
    )
    assert history.odd_partitions == {
        Subject(TOPIC, 0): ("PAUSED", at(120)),
        Subject(TOPIC, 1): ("FAILED", at(0)),
    }


def test_an_odd_partition_is_remembered_through_an_answer_without_topics() -> None:
    odd = statuses_of("RUNNING", "FAILED")
    history = a_history(odd, replace(odd, at=at(60), topics=None), replace(odd, at=at(120)))
    assert history.odd_partitions == {Subject(TOPIC, 1): ("FAILED", at(0))}


def test_a_partition_that_says_something_else_again_is_odd_since_then() -> None:
    first, second = statuses_of("FAILED", "RUNNING"), statuses_of("PAUSED", "RUNNING")
    history = a_history(first, replace(second, at=at(60)))
    assert history.odd_partitions == {Subject(TOPIC, 0): ("PAUSED", at(60))}


def test_partitions_that_never_gave_a_status_are_not_odd() -> None:
    assert a_history(statuses_of(None, "RUNNING")).odd_partitions == {}


# --- failures and replays ----------------------------------------------------------------------


def test_failures_in_a_row_are_counted_from_the_first_until_a_sample() -> None:
    history = a_history(a_sample(at(0)), a_failure(at(60)), a_failure(at(120)))
    assert (history.failures, history.failing_since) == (2, at(60))
    assert history.sample == a_sample(at(0))
    after = fold(history, a_sample(at(180)), interval=INTERVAL, stale_polls=STALE_POLLS)
    assert (after.failures, after.failing_since, after.failure) == (0, None, None)


def test_a_task_that_was_never_read_fails_since_its_first_poll() -> None:
    history = a_history(a_failure(at(60)))
    assert (history.sample, history.failing_since) == (None, at(60))
    assert history.delivery_interval == DEFAULT_DELIVERY_INTERVAL


def test_the_delivery_interval_is_the_task_s_own_where_it_names_one() -> None:
    sample = a_sample_of(a_topic(), delivery_interval=timedelta(seconds=77))
    assert a_history(sample).delivery_interval == timedelta(seconds=77)


@pytest.mark.parametrize(
    ("kind", "refused"), [(FailureKind.DENIED, True), (FailureKind.UNAVAILABLE, False)]
)
def test_only_refused_credentials_are_a_denial(*, kind: FailureKind, refused: bool) -> None:
    assert denied(a_history(a_failure(kind=kind))) is refused
    assert not denied(a_history(a_failure(kind=kind), a_sample(at(60))))


REPLAYED: tuple[Observation, ...] = (a_sample(at(60)), a_failure(at(120)))


@pytest.mark.parametrize("replayed", REPLAYED, ids=["sample", "failure"])
def test_an_observation_seen_again_changes_nothing_at_all(replayed: Observation) -> None:
    history = a_history(a_sample(at(0)), *REPLAYED)
    assert fold(history, replayed, interval=INTERVAL, stale_polls=STALE_POLLS) is history
