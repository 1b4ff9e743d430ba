"""Samples in blocks of ten polls, written at every batch.

The block of a task that is not full yet stands in the database like the others and is written
again with each poll, so that a crash costs what was never handed over, not up to ten polls. What
is needed to go on with it, its few bytes and the last sample, is in memory; after a restart a new
block is begun. A write that failed changes nothing here: the same samples may come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    func,
    literal,
    select,
    tuple_,
)

from bot.adapters.store import blocks
from bot.adapters.store.blocks import OpenBlock
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.schema import KEY, sample, window
from bot.adapters.store.statements import Values, is_key, key_of, key_values, put
from bot.domain.model import TaskKey, TaskSample

PAGE = 50
"""Blocks read at once: some 500 samples."""

OpenBlocks = Mapping[TaskKey, OpenBlock]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch of samples makes of the open blocks."""

    rows: tuple[Values, ...]
    """Blocks to be written."""
    open: OpenBlocks
    """The blocks of the tasks in the batch, as they are once the rows are written."""


def batch(samples: Iterable[TaskSample], opened: OpenBlocks) -> Batch:
    """Adds samples to the blocks. One that is not newer than its block's last is passed over."""
    now: dict[TaskKey, OpenBlock] = {}
    rows: dict[tuple[TaskKey, datetime], OpenBlock] = {}
    for taken in samples:
        block = now.get(taken.key) or opened.get(taken.key)
        if block is not None and taken.at <= block.last.at:
            continue
        block = _with(block, taken)
        now[taken.key] = block
        rows[taken.key, block.first_at] = block
    return Batch(tuple(_row(key, block) for (key, _), block in rows.items()), now)


def _with(block: OpenBlock | None, taken: TaskSample) -> OpenBlock:
    if block is None or block.full:
        return blocks.begin(taken)
    return blocks.extend(block, taken)


def _row(key: TaskKey, block: OpenBlock) -> Values:
    return {
        **key_values(key),
        "first_at": block.first_at,
        "last_at": block.last.at,
        "polls": block.polls,
        "block": block.packed(),
    }


def write(connection: Connection, rows: Sequence[Values]) -> None:
    """Writes blocks; what is there of the same block is replaced."""
    put(connection, sample, rows)


Place = tuple[TaskKey, datetime]
"""Of a block in the order of reading: its task and its first poll."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which samples are read."""

    key: TaskKey | None
    """None: those of all tasks."""
    since: datetime
    after: Place | None = None
    """The block to go on behind."""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of what was asked for."""

    samples: Sequence[TaskSample]
    following: Wanted | None
    """What to ask for next; None at the end."""
    unreadable: int
    """Blocks that are damaged or of another version."""


def page(connection: Connection, wanted: Wanted) -> Page:
    """The next samples by task, oldest first."""
    rows = connection.execute(_blocks(wanted)).all()
    found: list[TaskSample] = []
    unreadable = 0
    for row in rows:
        try:
            found += blocks.unpack(key_of(row), row.block)
        except Undecodable:
            unreadable += 1
    following = None
    if len(rows) == PAGE:
        following = replace(wanted, after=(key_of(rows[-1]), rows[-1].first_at))
    return Page([taken for taken in found if taken.at >= wanted.since], following, unreadable)


def _blocks(wanted: Wanted) -> Select[Any]:
    chosen = select(sample).where(sample.c.last_at >= wanted.since)
    if wanted.key is not None:
        chosen = chosen.where(is_key(sample, wanted.key))
    if wanted.after is not None:
        chosen = chosen.where(_behind(*wanted.after))
    return chosen.order_by(*sample.primary_key).limit(PAGE)


def _behind(key: TaskKey, first_at: datetime) -> ColumnElement[bool]:
    values = {**key_values(key), "first_at": first_at}
    columns = list(sample.primary_key)
    place = [literal(values[column.name], column.type) for column in columns]
    return tuple_(*columns) > tuple_(*place)


@dataclass(frozen=True, slots=True)
class Newer:
    """The samples of a task from after its window, kept packed until somebody asks for them."""

    key: TaskKey
    seen_at: datetime
    blocks: list[bytes]

    def __iter__(self) -> Iterator[TaskSample]:
        """Oldest first. A block that cannot be read is passed over, as polls that never were."""
        for block in self.blocks:
            with suppress(Undecodable):
                yield from (s for s in blocks.unpack(self.key, block) if s.at > self.seen_at)


def newer_than_windows(connection: Connection) -> Mapping[TaskKey, Newer]:
    """By task what was stored after its window; for few tasks anything after an ordinary stop."""
    found: dict[TaskKey, Newer] = {}
    for row in connection.execute(_behind_windows()):
        key = key_of(row)
        found.setdefault(key, Newer(key, row.seen_at, [])).blocks.append(row.block)
    return found


def _behind_windows() -> Select[Any]:
    """Blocks that end after the window. That in which the window falls is sought out by its key,
    so that of a long past only its end is read."""
    earlier = sample.alias()
    begun = (
        select(func.coalesce(func.max(earlier.c.first_at), window.c.seen_at))
        .where(_same_task(earlier), earlier.c.first_at <= window.c.seen_at)
        .correlate(window)
        .scalar_subquery()
    )
    newer = and_(_same_task(sample), sample.c.first_at >= begun)
    return (
        select(*(sample.c[name] for name in KEY), window.c.seen_at, sample.c.block)
        .select_from(window.join(sample, newer))
        .where(sample.c.last_at > window.c.seen_at)
        # By the keys of the windows: SQLite then goes from these to their blocks.
        .order_by(*window.primary_key, sample.c.first_at)
    )


def _same_task(table: FromClause) -> ColumnElement[bool]:
    return and_(*(table.c[name] == window.c[name] for name in KEY))
