"""What judgement remembers of a task, as one small block of bytes per task.

A window is a byte that says how it is packed, the length of a JSON text and the text, the latest
sample as a frame of `blocks` where there is one, and for every topic a byte and its tiles: all of
them as words, or each as a column where a number exceeds 64 bits. A reading that a tile lacks is a
hole in its column, and NO_READING among words. A window is written again and again, so few bytes
count less than little time, and only a long one is deflated.

A window that cannot be read is no loss but of time: the task is judged from its next polls on.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.adapters.store.blocks import DAMAGE, frames_in, lone_frame
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.columns import Reader, varint, write_column, write_words
from bot.adapters.store.heads import (
    EPOCH,
    MICROSECOND,
    as_json,
    counted,
    microseconds,
    moment_of,
    uncounted,
)
from bot.domain.history import NO_READING, Column, TaskHistory, Tile, TopicHistory, column
from bot.domain.model import FailureKind, PollFailure, Subject, TaskKey

_RAW, _DEFLATED = b"\x03", b"\x04"
_COLUMNS, _WORDS = b"\x00", b"\x01"
_LONG_BYTES = 4_000
_LEVEL = 1


def seen_at(history: TaskHistory) -> datetime:
    """When the latest observation of the window was made."""
    latest = history.failure or history.sample
    return EPOCH if latest is None else latest.at


def pack(history: TaskHistory) -> bytes:
    """The window as it is stored."""
    text = as_json(_facts(history)).encode()
    parts = [varint(len(text)), text]
    if history.sample is not None:
        parts.append(lone_frame(history.sample))
    parts += map(_tiles, history.topics.values())
    window = b"".join(parts)
    if len(window) <= _LONG_BYTES:
        return _RAW + window
    return _DEFLATED + zlib.compress(window, _LEVEL)


def unpack(key: TaskKey, block: bytes) -> TaskHistory:
    """The window again. Raises: Undecodable."""
    packing, body = block[:1], block[1:]
    if packing not in (_RAW, _DEFLATED):
        raise Undecodable("a window of an unknown version")
    try:
        reader = Reader(zlib.decompress(body) if packing == _DEFLATED else body)
        facts = json.loads(reader.take(reader.varint()))
        return _history(key, facts, reader)
    except DAMAGE as error:
        raise Undecodable("a damaged window") from error


def _facts(history: TaskHistory) -> Mapping[str, object]:
    failure = history.failure
    return {
        "sample": history.sample is not None,
        "status": history.status,
        "status_since": microseconds(history.status_since),
        "odd": [
            [subject.topic, subject.partition, word, microseconds(since)]
            for subject, (word, since) in history.odd_partitions.items()
        ],
        "topics": [[name, *_topic_facts(topic)] for name, topic in history.topics.items()],
        "failure": failure
        and [microseconds(failure.at), failure.kind, failure.detail, failure.request_id],
        "failures": history.failures,
        "failing_since": microseconds(history.failing_since),
    }


def _topic_facts(topic: TopicHistory) -> tuple[object, ...]:
    covered = topic.covered_since
    same = bool(covered) and covered.count(covered[0]) == len(covered)
    return (
        counted(topic.partitions),
        [microseconds(since) for since in (covered[:1] if same else covered)],
        [microseconds(tile.start) for tile in topic.tiles],
        [[partition, microseconds(since)] for partition, since in topic.unread.items()],
    )


def _tiles(topic: TopicHistory) -> bytes:
    words = [tile.minima for tile in topic.tiles if isinstance(tile.minima, array)]
    if len(words) == len(topic.tiles):
        return _WORDS + write_words(*words)
    nothing = _nothing(len(topic.partitions))
    written = [write_column(_with_holes(tile.minima), nothing)[0] for tile in topic.tiles]
    return _COLUMNS + b"".join(written)


def _with_holes(minima: Column) -> Sequence[int | None]:
    return [None if lowest == NO_READING else lowest for lowest in minima]


def _minima_from(reader: Reader, tiles: int, partitions: int) -> list[Column]:
    """What the tiles of a topic hold, in order."""
    if reader.take(1) == _WORDS:
        words = reader.words(tiles * partitions)
        return [words[tile * partitions : (tile + 1) * partitions] for tile in range(tiles)]
    return [column(reader.column(_nothing(partitions))[0]) for _ in range(tiles)]


def _nothing(count: int) -> Sequence[int]:
    return (0,) * count


def _history(key: TaskKey, facts: Mapping[str, Any], reader: Reader) -> TaskHistory:
    failure = facts["failure"]
    return TaskHistory(
        sample=next(frames_in(key, reader)) if facts["sample"] else None,
        status=facts["status"],
        status_since=moment_of(facts["status_since"]),
        odd_partitions={
            Subject(topic, partition): (word, _moment(since))
            for topic, partition, word, since in facts["odd"]
        },
        topics={name: _topic(reader, *topic) for name, *topic in facts["topics"]},
        failure=failure and _failure(key, *failure),
        failures=facts["failures"],
        failing_since=moment_of(facts["failing_since"]),
    )


def _topic(
    reader: Reader,
    partitions: int | list[int],
    covered: list[int],
    starts: list[int],
    unread: list[tuple[int, int]],
) -> TopicHistory:
    numbers = uncounted(partitions)
    since = tuple(map(_moment, covered))
    minima = _minima_from(reader, len(starts), len(numbers))
    tiles = [Tile(_moment(start), lowest) for start, lowest in zip(starts, minima, strict=True)]
    return TopicHistory(
        numbers,
        since * len(numbers) if len(since) == 1 else since,
        tuple(tiles),
        {partition: _moment(last) for partition, last in unread},
    )


def _failure(key: TaskKey, at: int, kind: str, detail: str, request_id: str | None) -> PollFailure:
    return PollFailure(key, _moment(at), FailureKind(kind), detail, request_id)


def _moment(since_epoch: int) -> datetime:
    return EPOCH + since_epoch * MICROSECOND
