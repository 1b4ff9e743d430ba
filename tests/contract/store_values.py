"""Any value of the domain, by its type: a field that is added is generated without being named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bot.domain.climbs import Climb, Climbs, Low, TroughTile
from bot.domain.deliveries import Deliveries, Flow
from bot.domain.history import TaskHistory, Tile, TopicHistory, column
from bot.domain.marks import Mark, offsets
from bot.domain.model import (
    Destination,
    PollFailure,
    TaskKey,
    TaskSample,
    TopicSample,
    topic_sample,
)
from tests.builders import a_key

T = TypeVar("T")
Some = st.SearchStrategy

KEY = a_key()
NUMBERS = st.integers(0, 10**6) | st.integers(-(10**25), 10**25)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.timedeltas(timedelta(days=-999), timedelta(days=9999))
WORDS = st.text(max_size=8)

_PLAIN: Mapping[object, Some[Any]] = {
    int: NUMBERS,
    str: WORDS,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: MOMENTS,
    timedelta: SPANS,
    type(None): st.none(),
}


def whole(kind: type[T], **given: Some[Any]) -> Some[T]:
    """Values of a dataclass with every field drawn, those in `given` as told."""
    hints = get_type_hints(kind)
    assert is_dataclass(kind)
    others = {f.name: of_type(hints[f.name]) for f in fields(kind) if f.name not in given}
    return st.builds(kind, **others, **given)


def of_type(hint: Any) -> Some[Any]:
    """Values of an annotation as the domain uses them."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return whole(hint)
    return _generic(get_origin(hint), get_args(hint))


def _generic(origin: object, arguments: Sequence[Any]) -> Some[Any]:
    if origin in (Union, UnionType):
        return st.one_of(*map(of_type, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(of_type(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(of_type, arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, value = map(of_type, arguments)
        return st.dictionaries(key, value, max_size=2)
    raise TypeError(f"no values are known for {origin}{arguments}")


# --- what has an inner order -----------------------------------------------------------------


def topics() -> Some[TopicSample]:
    """A topic with any partitions, some of them unreadable."""
    offset = st.none() | NUMBERS
    row = st.tuples(st.integers(0, 60), st.none() | WORDS, offset, offset)
    rows = st.lists(row, max_size=6, unique_by=lambda row: row[0])
    return st.builds(topic_sample, WORDS, rows, st.integers(0, 3))


def samples(key: TaskKey = KEY) -> Some[TaskSample]:
    """A sample of one task."""
    many = st.lists(topics(), max_size=3, unique_by=lambda topic: topic.topic)
    return whole(
        TaskSample,
        key=st.just(key),
        topics=st.none() | many.map(lambda some: tuple(sorted(some, key=lambda t: t.topic))),
        destination=whole(Destination),
    )


@st.composite
def topic_histories(draw: st.DrawFn) -> TopicHistory:
    """What is remembered of a topic, each column as long as the partitions."""
    partitions = tuple(sorted(draw(st.sets(st.integers(0, 60), max_size=6))))
    count = len(partitions)
    lags = st.lists(st.none() | NUMBERS, min_size=count, max_size=count)
    covered = st.lists(MOMENTS, min_size=count, max_size=count)
    history: Some[TopicHistory] = whole(
        TopicHistory,
        partitions=st.just(partitions),
        covered_since=covered.map(tuple) | MOMENTS.map(lambda since: (since,) * count),
        tiles=st.lists(st.builds(Tile, MOMENTS, lags.map(column)), max_size=4).map(tuple),
    )
    return draw(history)


@st.composite
def deliveries(draw: st.DrawFn) -> Deliveries:
    """What is remembered of a topic's deliveries, each column as long as the partitions."""
    partitions = tuple(sorted(draw(st.sets(st.integers(0, 60), max_size=6))))
    count = len(partitions)
    some = st.lists(st.none() | NUMBERS.map(abs), min_size=count, max_size=count)
    moved = st.lists(st.none() | MOMENTS, min_size=count, max_size=count)
    mark = st.builds(Mark, MOMENTS, st.timedeltas(timedelta(0), timedelta(400)), some.map(offsets))
    lows = st.lists(st.builds(Low, NUMBERS, NUMBERS, MOMENTS), min_size=1, max_size=3)
    memory: Some[Deliveries] = whole(
        Deliveries,
        partitions=st.just(partitions),
        transferred=some.map(tuple),
        ends=some.map(tuple),
        marks=st.lists(mark, min_size=1, max_size=3).map(tuple),
        moved_at=moved.map(tuple),
        positions=some.map(offsets),
        climbs=st.builds(
            Climbs,
            st.dictionaries(NUMBERS, whole(Climb, lows=lows.map(tuple)), max_size=2),
            st.none() | whole(TroughTile),
        ),
        flow=st.lists(st.builds(Flow, MOMENTS, NUMBERS, NUMBERS), max_size=2).map(tuple),
    )
    return draw(memory)


def histories(key: TaskKey = KEY) -> Some[TaskHistory]:
    """What is remembered of a task."""
    return whole(
        TaskHistory,
        sample=st.none() | samples(key),
        topics=st.dictionaries(WORDS, topic_histories(), max_size=3),
        deliveries=st.dictionaries(WORDS, deliveries(), max_size=2),
        failure=st.none() | whole(PollFailure, key=st.just(key)),
    )
