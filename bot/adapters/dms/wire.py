"""From the answer about one dumping task to values: the sample, and the API's own document.

A number is unknown, not 0, when it is absent, null, empty, "-", negative, other text, or longer
than 4,300 digits. Kafka itself writes "-" or -1 for a position that does not exist yet.

The columns of a topic are taken in one go when all their texts are plain digits, and row by row
otherwise; an answer that is known to be plain is read by a shorter way (see `plain`). Rows of one
partition that say the same are one row; where they differ, that partition's offsets are unknown. A
row without a usable partition id, and a topic that does not say its partitions, count as
`unreadable`: nothing may be concluded from what such an answer lacks. A topic without a name makes
the answer unusable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter, itemgetter, sub
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

from bot.adapters.dms.plain import PlainAnswers
from bot.adapters.dms.shapes import (
    DescriptorShape,
    Number,
    PartitionShape,
    PlainTaskShape,
    TaskShape,
    TopicShape,
    read,
)
from bot.domain.model import Destination, TaskKey, TaskSample, TopicSample, topic_sample
from bot.ports import CloudProtocolError

_MOST_DIGITS = 4300
"""Python itself reads and writes no longer ones (sys.set_int_max_str_digits)."""
_MOST_BITS = 14_284  # of a number of 4,300 digits
_LARGEST_PARTITION = 2**31 - 1
_LONGEST_INTERVAL_SECONDS = 366 * 24 * 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = 1_262_304_000_000  # 2010: the service is younger
_LATEST_MS = 7_258_118_400_000  # 2200

_Row = tuple[int, str | None, int | None, int | None]
_COLUMNS = itemgetter("partition_id", "status", "last_transfer_offset", "log_end_offset")
_BACKWARDS = itemgetter(slice(None, None, -1))


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """One live query: the sample for the bot's words, the document in the API's own."""

    sample: TaskSample
    document: dict[str, object]


def sample_of(body: bytes, key: TaskKey, at: datetime) -> TaskSample:
    """The values of an answer that arrived at `at`. Raises: CloudProtocolError."""
    if _plain.looks_plain(body):
        sample = _plain_sample(body, key, at)
        if sample is not None:
            return sample
    return read_sample(body, key, at)


def read_sample(body: bytes, key: TaskKey, at: datetime) -> TaskSample:
    """The same by the long way, which takes every answer. Raises: CloudProtocolError."""
    shape = read(TaskShape, body)
    sample = _sample(shape, key, at, _topics(shape.topics_info))
    if shape.topics_info:
        _plain.remember(body, shape.topics_info)
    return sample


def query_answer(body: bytes, key: TaskKey, at: datetime) -> QueryAnswer:
    """The sample and the document of one answer. Raises: CloudProtocolError."""
    shape = read(TaskShape, body)
    sample = _sample(shape, key, at, _topics(shape.topics_info))
    return QueryAnswer(sample, answer_document(shape))


def number_of(value: Number) -> int | None:
    """A number of the wire; None when it is unknown."""
    if isinstance(value, str):
        plain = len(value) <= _MOST_DIGITS and value.isascii() and value.isdecimal()
        return int(value) if plain else None
    if value is None or value < 0 or value.bit_length() > _MOST_BITS:
        return None
    return value


# --- the sample ------------------------------------------------------------------------------


_plain = PlainAnswers()


def _plain_sample(body: bytes, key: TaskKey, at: datetime) -> TaskSample | None:
    """The sample of an answer that looks plain; None when it is not as plain as it looks."""
    try:
        shape = read(PlainTaskShape, body)
    except CloudProtocolError:
        return None
    topics: list[TopicSample] = []
    for topic in shape.topics_info:
        rows = topic["partitions"]
        columns = zip(*map(_COLUMNS, rows), strict=True)
        found = _ordered(topic["topic"], _Columns(*columns), 0) if rows else None
        if found is None:
            return None
        topics.append(found)
    topics.sort(key=attrgetter("topic"))
    names = [topic.topic for topic in topics]
    if "" in names or len(set(names)) < len(names):
        return None
    return _sample(shape, key, at, tuple(topics))


def _sample(
    shape: TaskShape | PlainTaskShape,
    key: TaskKey,
    at: datetime,
    topics: tuple[TopicSample, ...] | None,
) -> TaskSample:
    descriptor = shape.obs_destination_descriptor or DescriptorShape()
    in_descriptor = descriptor.get("topics") or descriptor.get("topics_regex")
    return TaskSample(
        key=key,
        at=at,
        status=shape.status or None,
        topics=topics,
        task_name=shape.task_name or None,
        destination_type=shape.destination_type or None,
        created_at=_instant(shape.create_time),
        topics_text=shape.topics or in_descriptor or None,
        destination=_destination(tuple(descriptor.items())),
    )


# A task says the same of itself poll after poll: these two answer from memory.


@lru_cache(maxsize=4096)
def _destination(descriptor: tuple[tuple[str, object], ...]) -> Destination:
    fields = cast("DescriptorShape", dict(descriptor))
    return Destination(
        bucket=fields.get("obs_bucket_name") or None,
        path=fields.get("obs_path") or None,
        partition_format=fields.get("partition_format") or None,
        file_type=fields.get("destination_file_type") or None,
        consumer_strategy=fields.get("consumer_strategy") or None,
        deliver_interval=_interval(number_of(fields.get("deliver_time_interval"))),
    )


@lru_cache(maxsize=4096)
def _instant(create_time: Number) -> datetime | None:
    milliseconds = number_of(create_time)
    if milliseconds is None or not _EARLIEST_MS <= milliseconds < _LATEST_MS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _interval(seconds: int | None) -> timedelta | None:
    if not seconds or seconds > _LONGEST_INTERVAL_SECONDS:
        return None
    return timedelta(seconds=seconds)


def _topics(shapes: Sequence[TopicShape] | None) -> tuple[TopicSample, ...] | None:
    if shapes is None:
        return None
    rows: dict[str, list[PartitionShape]] = {}
    unreadable: dict[str, int] = {}
    for index, shape in enumerate(shapes):
        name = shape.get("topic")
        if not name:
            raise CloudProtocolError(f"topics_info[{index}].topic: the topic has no name")
        partitions = shape.get("partitions")
        unreadable[name] = unreadable.get(name, 0) + (partitions is None)
        # A topic listed twice is one topic.
        rows[name] = rows[name] + (partitions or []) if name in rows else partitions or []
    return tuple(_topic(name, rows[name], unreadable[name]) for name in sorted(rows))


def _topic(name: str, rows: Sequence[PartitionShape], unreadable: int) -> TopicSample:
    return _topic_at_once(name, rows, unreadable) or _topic_by_rows(name, rows, unreadable)


def _topic_at_once(
    name: str, rows: Sequence[PartitionShape], unreadable: int
) -> TopicSample | None:
    """The topic when every row is plain and about another partition, else None."""
    try:
        ids, statuses, sent, ends = zip(*map(_COLUMNS, rows), strict=True)
    except (KeyError, ValueError):  # a field that is absent; no rows at all
        return None
    numbers = _digits(ids + sent + ends)
    if numbers is None:
        return None
    rows_n = len(ids)
    columns = _Columns(
        tuple(numbers[:rows_n]),
        statuses,
        tuple(numbers[rows_n : 2 * rows_n]),
        tuple(numbers[2 * rows_n :]),
    )
    return _ordered(name, columns, unreadable)


class _Columns(NamedTuple):
    """The rows of a topic as they came, all their numbers known."""

    partitions: tuple[int, ...]
    statuses: tuple[str | None, ...]
    transferred: tuple[int, ...]
    log_end: tuple[int, ...]


def _ordered(name: str, columns: _Columns, unreadable: int) -> TopicSample | None:
    """The topic with its rows in order; None when they are not each about another partition."""
    came, statuses, transferred, log_end = columns
    order = _order(came)
    if order is None or "" in statuses:
        return None
    partitions, place = order
    if place is not None:
        statuses, transferred, log_end = place(statuses), place(transferred), place(log_end)
    lags = tuple(map(sub, log_end, transferred))
    if min(lags) < 0:
        lags = tuple([max(lag, 0) for lag in lags])
    return TopicSample(name, partitions, statuses, transferred, log_end, lags, unreadable)


_Order = tuple[tuple[int, ...], "itemgetter[Any] | None"]


# A topic has the same partitions poll after poll, and so have most topics of a fleet.
@lru_cache(maxsize=256)
def _order(came: tuple[int, ...]) -> _Order | None:
    """Partitions in order, and what puts a column so; None when one is too large or there twice."""
    order = tuple(sorted(came))
    if order[-1] > _LARGEST_PARTITION or len(set(order)) < len(order):
        return None
    if came == order:
        return order, None
    if came[::-1] == order:  # as in the vendor's sample
        return order, _BACKWARDS
    return order, itemgetter(*sorted(range(len(came)), key=came.__getitem__))


def _digits(column: tuple[Number, ...]) -> list[int] | None:
    """Values as numbers when all of them are plain digits, else None.

    They are read as one JSON list, which is twice as fast as int() on each, and as exact.
    """
    try:
        joined = ",".join(cast("tuple[str, ...]", column)).encode()
        if joined.translate(None, b"0123456789") != b"," * (len(column) - 1):
            return None  # a text held something else, perhaps a comma
        numbers: list[int] = from_json(b"[%b]" % joined)
    except (TypeError, ValueError):  # null or an integer; an empty text, a zero first, very long
        return None
    return numbers


def _topic_by_rows(name: str, rows: Iterable[PartitionShape], unreadable: int) -> TopicSample:
    readings: dict[int, _Row] = {}
    for row in rows:
        reading = _reading(row)
        if reading is None:
            unreadable += 1
        else:
            seen = readings.setdefault(reading[0], reading)
            readings[reading[0]] = seen if seen == reading else _contradiction(seen, reading)
    return topic_sample(name, list(readings.values()), unreadable)


def _reading(row: PartitionShape) -> _Row | None:
    partition = number_of(row.get("partition_id"))
    if partition is None or partition > _LARGEST_PARTITION:
        return None
    return (
        partition,
        row.get("status") or None,
        number_of(row.get("last_transfer_offset")),
        number_of(row.get("log_end_offset")),
    )


def _contradiction(one: _Row, other: _Row) -> _Row:
    return one[0], one[1] if one[1] == other[1] else None, None, None


# --- the document ----------------------------------------------------------------------------

_DESCRIBED = (
    "consumer_strategy",
    "destination_file_type",
    "obs_bucket_name",
    "obs_path",
    "partition_format",
    "record_delimiter",
    "deliver_time_interval",
    "obs_part_size",
)
"""Documented fields of a descriptor: always in the document; the others when they came."""
_NUMBERS = frozenset({"deliver_time_interval", "obs_part_size", "flush_size"})


def answer_document(shape: TaskShape) -> dict[str, object]:
    """The answer in the API's own names, order and shape, numbers as numbers.

    Every documented field is there; null is what was absent, and a number that is unknown.
    """
    descriptor = shape.obs_destination_descriptor
    topics = shape.topics_info
    return {
        "task_name": shape.task_name,
        "destination_type": shape.destination_type,
        "create_time": number_of(shape.create_time),
        "status": shape.status,
        "topics": shape.topics,
        "obs_destination_descriptor": None if descriptor is None else _described(descriptor),
        "topics_info": None if topics is None else [_topic_document(topic) for topic in topics],
    }


def _described(descriptor: DescriptorShape) -> dict[str, object]:
    fields: dict[str, object] = {**dict.fromkeys(_DESCRIBED), **descriptor}
    return {
        name: number_of(cast("Number", value)) if name in _NUMBERS else value
        for name, value in fields.items()
    }


def _topic_document(topic: TopicShape) -> dict[str, object]:
    rows = topic.get("partitions")
    return {
        "topic": topic.get("topic"),
        "partitions": None if rows is None else [_row_document(row) for row in rows],
    }


def _row_document(row: PartitionShape) -> dict[str, object]:
    return {
        "partition_id": number_of(row.get("partition_id")),
        "status": row.get("status"),
        "last_transfer_offset": number_of(row.get("last_transfer_offset")),
        "log_end_offset": number_of(row.get("log_end_offset")),
        "lag": number_of(row.get("lag")),
    }
