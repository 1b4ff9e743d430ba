"""Ids that people can read aloud and type."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ids import ALPHABET, LENGTH, SHOWN, derived_id, names_id, short

ID = "i-7KQ2M4XW9B"


def test_no_letter_looks_like_another() -> None:
    assert not set(ALPHABET) & set("01ILOU")
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert ALPHABET.isupper()


@given(st.lists(st.text(), max_size=4))
def test_an_id_is_derived_from_its_parts_and_from_nothing_else(parts: list[str]) -> None:
    made = derived_id("i", *parts)
    assert made == derived_id("i", *parts)
    assert re.fullmatch(f"i-[{ALPHABET}]{{{LENGTH}}}", made)


def test_different_things_have_different_ids() -> None:
    things = [("a", "bc"), ("ab", "c"), ("a", "b", "c"), ("abc",), ()]
    assert len({derived_id("i", *parts) for parts in things}) == len(things)
    assert len({derived_id("i", str(number)) for number in range(20_000)}) == 20_000


def test_an_id_stays_the_same_from_release_to_release() -> None:
    assert derived_id("i", "prod", "status") == "i-TBRT6TDW8E"


def test_half_a_surrogate_pair_is_a_part_like_any_other() -> None:
    assert derived_id("i", "\ud800") != derived_id("i", "\ud801")


def test_people_are_shown_the_beginning() -> None:
    assert short(ID) == f"i-{ID[2 : 2 + SHOWN]}"


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("i-7KQ2M4XW9B", True),
        ("i-7kq2", True),
        ("I-7K", True),
        ("7kq2", True),
        ("  7KQ2 ", True),
        ("", False),
        ("i-", False),
        ("i", False),
        ("s-7KQ2", False),
        ("KQ2", False),
        ("7KQ2M4XW9BB", False),
    ],
)
def test_a_prefix_in_any_case_with_or_without_the_kind_names_an_id(
    *, typed: str, names: bool
) -> None:
    assert names_id(typed, ID) is names
