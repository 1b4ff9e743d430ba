"""Samples of one task, up to ten polls, as one small block of bytes.

A block is a byte that says how it is packed, and its frames, one per poll:

    frame   := flags  time  [length  head]  columns
    time    := µs since the frame before (since 1970 in the first), a signed varint
    head    := everything that is no offset (see `heads`)
    columns := for each topic the log ends, then the transferred offsets (see `columns`)

A frame without a head goes on from the one before: the same words and partitions, and each offset
as its difference to the last known one. With a head everything starts anew, transferred offsets
relative to the log ends of the same frame. Steady traffic takes two to three bytes for each
partition and poll.

Lags are not stored: they follow from the two offsets (`lag_between`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.adapters.store.codec import Undecodable
from bot.adapters.store.columns import Reader, signed_varint, varint, write_column
from bot.adapters.store.heads import EPOCH, MICROSECOND, Head, Shape, head_text, same_head
from bot.domain.model import TaskKey, TaskSample, TopicSample

POLLS = 10
"""Polls of a full block."""

_RAW, _DEFLATED = b"\x01", b"\x02"
_HEAD = 1

Known = tuple[tuple[Sequence[int], Sequence[int]], ...]
"""Per topic the last known log ends and transferred offsets; 0 where none was known yet."""

DAMAGE = (zlib.error, ValueError, IndexError, KeyError, TypeError, OverflowError)
"""What reading damaged bytes may raise."""


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """A block that still takes polls.

    Frozen: a poll makes another one, so a write that failed is simply done again from the old.
    """

    first_at: datetime
    polls: int
    frames: bytes
    last: TaskSample
    known: Known

    @property
    def full(self) -> bool:
        """Whether the next poll needs a new block."""
        return self.polls >= POLLS

    def packed(self) -> bytes:
        """The block as it is stored. Deflating saves a fifth and costs as much as all the rest,
        so only a full block, which is not written again, is deflated."""
        return _DEFLATED + zlib.compress(self.frames) if self.full else _RAW + self.frames


def begin(sample: TaskSample) -> OpenBlock:
    """A block with its first poll."""
    frame, known = _frame(sample, None, since=EPOCH)
    return OpenBlock(sample.at, 1, frame, sample, known)


def extend(block: OpenBlock, sample: TaskSample) -> OpenBlock:
    """The block with one more poll, which must be newer than its last."""
    known = block.known if same_head(block.last, sample) else None
    frame, known = _frame(sample, known, since=block.last.at)
    return OpenBlock(block.first_at, block.polls + 1, block.frames + frame, sample, known)


def unpack(key: TaskKey, block: bytes) -> list[TaskSample]:
    """The samples of a stored block, oldest first. Raises: Undecodable."""
    packing, body = block[:1], block[1:]
    if packing not in (_RAW, _DEFLATED):
        raise Undecodable("a block of samples of an unknown version")
    try:
        frames = zlib.decompress(body) if packing == _DEFLATED else body
        return list(frames_in(key, Reader(frames)))
    except DAMAGE as error:
        raise Undecodable("a damaged block of samples") from error


def lone_frame(sample: TaskSample) -> bytes:
    """The frame of one sample by itself."""
    return _frame(sample, None, since=EPOCH)[0]


def _frame(sample: TaskSample, known: Known | None, *, since: datetime) -> tuple[bytes, Known]:
    """One frame, and what the next one goes on from. Without `known` it has a head."""
    flags = _HEAD if known is None else 0
    parts = [varint(flags), signed_varint((sample.at - since) // MICROSECOND)]
    if known is None:
        head = head_text(sample)
        parts += [varint(len(head)), head]
    after = []
    for place, topic in enumerate(sample.topics or ()):
        bases = known[place] if known else None
        column, ends = write_column(topic.log_end, bases[0] if bases else _nothing(topic))
        parts.append(column)
        column, moved = write_column(topic.transferred, bases[1] if bases else ends)
        parts.append(column)
        after.append((ends, moved))
    return b"".join(parts), tuple(after)


def frames_in(key: TaskKey, reader: Reader) -> Iterator[TaskSample]:
    """The samples of the frames that follow, read one by one. Raises: one of DAMAGE."""
    at = EPOCH
    head: Head | None = None
    known: Known | None = None
    while not reader.done:
        flags = reader.varint()
        at += reader.signed_varint() * MICROSECOND
        if flags & _HEAD:
            head, known = Head(reader.take(reader.varint())), None
        if head is None:
            raise ValueError("the first frame has no head")
        topics, known = _topics(reader, head, known)
        yield head.sample(key, at, topics)


def _topics(reader: Reader, head: Head, known: Known | None) -> tuple[list[TopicSample], Known]:
    topics, after = [], []
    for place, shape in enumerate(head.topics):
        bases = known[place] if known else None
        log_end, ends = reader.column(bases[0] if bases else _nothing(shape))
        transferred, moved = reader.column(bases[1] if bases else ends)
        topics.append(shape.sample(transferred, log_end))
        after.append((ends, moved))
    return topics, tuple(after)


def _nothing(topic: TopicSample | Shape) -> Sequence[int]:
    return (0,) * len(topic.partitions)
