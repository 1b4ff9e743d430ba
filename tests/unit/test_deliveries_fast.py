"""A delivery that takes everything is folded by a short cut: to what the long way makes of it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deliveries import Deliveries
from bot.domain.model import topic_sample
from bot.domain.progress import _all_well, delivered
from bot.domain.turns import Poll, Turn
from tests.builders import at

steps = st.lists(
    st.tuples(st.lists(st.integers(0, 9), min_size=3, max_size=3), st.booleans()), max_size=20
)


@given(steps, st.integers(0, 6))
def test_the_short_cut_makes_what_the_long_way_makes(
    sequence: list[tuple[list[int], bool]], behind: int
) -> None:
    memory: Deliveries | None = None
    ends, done = [0, 0, 0], [0, 0, 0]
    for number, (came, delivers) in enumerate(sequence):
        if delivers:
            done = [max(end - behind, was) for end, was in zip(ends, done, strict=True)]
        ends = [end + more for end, more in zip(ends, came, strict=True)]
        rows = [(p, "RUNNING", done[p], ends[p]) for p in range(3)]
        topic, poll = topic_sample("orders", rows), a_poll(number)
        after = delivered(memory, topic, poll)
        if memory is not None and _all_well(memory, topic, poll):
            assert after == Turn(memory, topic, poll).result()
        memory = after


def a_poll(number: int) -> Poll:
    """The polls of a task that delivers every five minutes."""
    minute = timedelta(minutes=1)
    return Poll(at(60 * number), number * minute, minute, 5 * minute, 5, None)


def test_a_steady_dump_is_folded_by_the_short_cut() -> None:
    taken = 0
    memory: Deliveries | None = None
    for number in range(60):
        end, done = 600 * number, 600 * (number // 5 * 5)
        rows = [(p, "RUNNING", done, end) for p in range(3)]
        topic, poll = topic_sample("orders", rows), a_poll(number)
        taken += memory is not None and _all_well(memory, topic, poll)
        memory = delivered(memory, topic, poll)
    assert taken >= 11
