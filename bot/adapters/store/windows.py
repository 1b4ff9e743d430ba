"""What judgement remembers of a task, as one small block of bytes per task.

A window is a byte that says how it is packed, the length of a JSON text and the text, the latest
sample as a frame of `blocks` where there is one, and for every topic its tiles, and then for every
topic its positions and marks (see `tracks`). A window is written again and again, so few bytes
count less than little time, and only a long one is deflated.

A window that cannot be read is no loss but of time: the task is judged from its next polls on.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.adapters.store.blocks import DAMAGE, frames_in, lone_frame
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.columns import Reader, varint
from bot.adapters.store.grids import read_grid, write_grid
from bot.adapters.store.heads import (
    EPOCH,
    MICROSECOND,
    as_json,
    counted,
    microseconds,
    moment_of,
    uncounted,
)
from bot.adapters.store.tracks import track, track_columns, track_facts
from bot.domain.absences import Absence
from bot.domain.history import NO_READING, TaskHistory, Tile, TopicHistory
from bot.domain.model import FailureKind, PollFailure, Subject, TaskKey
from bot.domain.pace import Pace

_RAW, _DEFLATED = b"\x05", b"\x06"
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
    parts += map(track_columns, history.deliveries.values())
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
        "deliveries": [[name, *track_facts(one)] for name, one in history.deliveries.items()],
        "ran": history.ran // MICROSECOND,
        "gap_at": microseconds(history.gap_at),
        "pace": _pace_facts(history.pace),
        "absences": [
            [subject.topic, subject.partition, microseconds(absence.since), absence.polls]
            for subject, absence in history.absences.items()
        ],
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
    return write_grid([tile.minima for tile in topic.tiles], nothing=NO_READING)


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
        deliveries={name: track(reader, *one) for name, *one in facts["deliveries"]},
        ran=facts["ran"] * MICROSECOND,
        gap_at=moment_of(facts["gap_at"]),
        pace=_pace(*facts["pace"]),
        absences={
            Subject(topic, partition): Absence(_moment(since), polls)
            for topic, partition, since, polls in facts["absences"]
        },
    )


def _pace_facts(pace: Pace) -> tuple[object, ...]:
    learned = None if pace.learned is None else pace.learned // MICROSECOND
    return pace.configured // MICROSECOND, pace.gaps_s, learned


def _pace(configured: int, gaps_s: list[int], learned: int | None) -> Pace:
    effective = None if learned is None else learned * MICROSECOND
    return Pace(configured * MICROSECOND, tuple(gaps_s), effective)


def _topic(
    reader: Reader,
    partitions: int | list[int],
    covered: list[int],
    starts: list[int],
    unread: list[tuple[int, int]],
) -> TopicHistory:
    numbers = uncounted(partitions)
    since = tuple(map(_moment, covered))
    minima = read_grid(reader, len(starts), len(numbers), nothing=NO_READING)
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
