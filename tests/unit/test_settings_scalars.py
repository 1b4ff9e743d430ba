"""Texts to values: what is written and what it means, both ways."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.policy import Span
from bot.settings import addresses, scalars
from bot.settings.problems import SHOWN_LENGTH, dotted, listed, quoted
from bot.settings.scalars import Wrong

durations = st.integers(min_value=0, max_value=10**12).map(lambda n: timedelta(milliseconds=n))


@given(durations)
def test_a_duration_reads_as_what_was_written(value: timedelta) -> None:
    assert scalars.duration(scalars.duration_text(value)) == value


@given(st.text(alphabet="0123dhms. x-+", max_size=6))
def test_a_text_is_a_duration_exactly_when_an_editor_would_take_it(text: str) -> None:
    if re.fullmatch(scalars.DURATION_PATTERN, text):
        assert scalars.duration(text) >= timedelta(0)
    else:
        with pytest.raises(Wrong, match="duration"):
            scalars.duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5m", 300),
        ("4h", 14_400),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("1d2h3m4s5ms", 93_784.005),
        ("0s", 0),
        ("90m", 5_400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert scalars.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "1m1h",
        "1.5h",
        "-5s",
        "5M",
        "٣s",
        "1s1s",
        "s",
        "9" * 400 + "d",
        "9999999999d",
        "36500d1s",
    ],
)
def test_texts_that_are_no_durations(text: str) -> None:
    with pytest.raises(Wrong, match="duration"):
        scalars.duration(text)


@pytest.mark.parametrize("text", ["9999999999d", "36500d1s", "999999999999999d"])
def test_a_duration_of_more_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(Wrong, match="at most 36500d"):
        scalars.duration(text)


@given(st.floats(min_value=0.001, max_value=999).map(lambda n: round(n, 3)))
def test_a_span_of_intervals_reads_as_what_was_written(intervals: float) -> None:
    span = Span(intervals=intervals)
    assert scalars.span(scalars.span_text(span)) == span


def test_a_span_may_be_a_duration() -> None:
    assert scalars.span("90s") == Span(timedelta(seconds=90))
    assert scalars.span_text(Span(timedelta(seconds=90))) == "1m30s"


@given(st.integers(min_value=0, max_value=10**30))
def test_a_count_reads_as_what_was_written(number: int) -> None:
    assert scalars.count(str(number)) == number


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(["k", "M", "G"]))
def test_letters_multiply_a_count_exactly(number: int, letter: str) -> None:
    assert (
        scalars.count(f"{number}{letter}") == number * {"k": 10**3, "M": 10**6, "G": 10**9}[letter]
    )


@given(st.integers(min_value=0, max_value=10**9))
def test_a_count_may_have_decimals_as_long_as_it_is_whole(thousandths: int) -> None:
    whole, rest = divmod(thousandths, 1000)
    assert scalars.count(f"{whole}.{rest:03}k") == thousandths


def test_a_count_may_have_decimals_that_are_nothing() -> None:
    assert scalars.count("2.0") == 2


@given(st.text(max_size=8))
def test_a_text_without_digits_is_no_count(text: str) -> None:
    with pytest.raises(Wrong, match="count"):
        scalars.count(re.sub(r"[0-9]", "", text))


@pytest.mark.parametrize(
    ("text", "host"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("8.8.8.8", False), ("x", False)],
)
def test_what_is_loopback(text: str, host: bool) -> None:
    assert addresses.is_loopback(text) is host


@pytest.mark.parametrize(
    "text", ["", "x", "http://", "https://[::1", "https://h:x/", "https://a b/"]
)
def test_texts_that_are_no_addresses(text: str) -> None:
    for read in (addresses.web_url, addresses.origin, addresses.proxy_url, addresses.database_url):
        with pytest.raises(Wrong, match="address"):
            read(text)


def test_a_link_that_is_too_long_is_refused() -> None:
    with pytest.raises(Wrong, match="at most 2000"):
        addresses.link_template("https://x.example/" + "a" * 2000)


@given(st.text())
def test_a_quoted_text_is_one_short_printable_line(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert len(shown) <= SHOWN_LENGTH + 2


@pytest.mark.parametrize(
    "text",
    ["xoxb-1-abc", "see XOXP-1-abc", "xapp-1-A1-abc", "https://u:abc@h/", "xoxe.xoxb-1-abc"],
)
def test_a_quoted_text_shows_no_credentials(text: str) -> None:
    assert "abc" not in quoted(text)


def test_places_and_lists_read_well() -> None:
    assert dotted(("rules", 2, "match", "topic")) == "rules[2].match.topic"
    assert dotted(()) == ""
    assert [listed(words) for words in ("a", "ab", "abc")] == ["a", "a or b", "a, b or c"]
