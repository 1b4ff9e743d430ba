"""Measuring, cutting and escaping."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.presenters import limits
from bot.presenters.escape import clean, escape, without_backticks
from bot.presenters.limits import cut, cut_middle, json_bytes, json_text_bytes, utf8_bytes
from bot.presenters.message import Json

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_json_is_never_measured_too_short(value: Json) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
        assert len(text.encode()) <= json_bytes(value)


@given(st.text(st.characters(exclude_categories=["C"])))
def test_json_of_visible_text_is_measured_to_the_byte(text: str) -> None:
    assert json_bytes(text) == len(json.dumps(text))


@pytest.mark.parametrize("measure", [utf8_bytes, limits.utf16_units, json_text_bytes])
@given(st.text(st.sampled_from('ab&<>é任🚨"\\ '), max_size=60), st.integers(0, 80))
def test_what_is_cut_fits_once_escaped(measure: limits.Measure, text: str, most: int) -> None:
    shown = cut(text, most, measure)
    assert measure(escape(shown)) <= most
    if measure(escape(text)) <= most:
        assert shown == text
    elif shown:
        assert text.startswith(shown.removesuffix("…"))


@given(st.text(st.sampled_from("ab&<>é任🚨"), max_size=200), st.integers(20, 96))
def test_a_name_that_is_cut_keeps_both_its_ends(text: str, most: int) -> None:
    shown = cut_middle(text, most)
    assert utf8_bytes(escape(shown)) <= most
    head, _, tail = shown.partition("…")
    assert text.startswith(head)
    assert text.endswith(tail)


def test_the_middle_of_a_long_name_gives_way() -> None:
    assert cut_middle("orders-" + "x" * 90 + "-eu-west", 30) == "orders-xxxxxxxxxxx…x-eu-west"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a \t b\r\nc ", "a b c"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u202eb\u2066c", "a b c"),
        ("\ud800", ""),
        ("\u200b\u2060", ""),
        ("👩\u200d🔧 任务", "👩\u200d🔧 任务"),
    ],
)
def test_text_from_outside_becomes_one_visible_line(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_only_ampersand_and_angle_brackets_are_escaped_and_once() -> None:
    assert escape("<!here> & <b>") == "&lt;!here&gt; &amp; &lt;b&gt;"
    assert escape("&lt;") == "&amp;lt;"


def test_nothing_is_left_that_could_end_a_code_span() -> None:
    assert without_backticks("a`b```c") == "a'b'''c"
