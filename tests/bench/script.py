"""What the canned server answers, poll by poll, and what must come of it. Pure.

Time runs in passes: in each pass every task is polled once, and passes are one interval P apart.
Offsets only ever grow, so nothing looks like a reset; what repeats every 12 polls is the lag:

- A *healthy* task delivers at every other poll. Two of its partitions are stuck for two polls, the
  second of which is above the level. That is a peak, no incident: the lowest reading of a window
  of D + 2P stays below.
- One task in sixteen is *troubled*: for seven polls a 25th of its partitions is stuck, and their
  lag is above the level; then it catches up for five.

So the first five polls of a troubled task in a row above the level open an incident (window D + 2P
= 4P, both ends counted), and the first four in a row below it resolve one (D + P = 3P). Tasks start
at different polls of the twelve, so that every pass has some that open and some that resolve.

A task's id says which answers it gets: which script, from which poll on, for which task.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import lru_cache

CYCLE = 12
"""Polls after which the lag repeats."""
ANSWERS = 10 * CYCLE
"""Different answers per script; offsets grow through all of them."""
MOST_PASSES = ANSWERS - CYCLE
"""As many as no task runs out of answers in."""

INTERVAL = timedelta(seconds=60)
DELIVERY_INTERVAL = timedelta(seconds=120)
LEVEL = 100_000
TOPIC = "orders"

TROUBLED_EVERY = 16
_STRIDE = 5
"""Between the phases of two troubled tasks, so that a few of them are far apart already."""
_OVER = range(5, CYCLE)
_PEAK = range(8, 10)
_OPENS_AFTER = 5
_RESOLVES_AFTER = 4

_FIRST_OFFSET = 400_000_000
_STUCK_RATE = 150_000
_PEAK_RATE = 60_000
_CREATED_MS = 1_628_126_621_283


class Kind(IntEnum):
    """Which script a task follows; also its place in the server's answers."""

    TROUBLED = 0
    HEALTHY = 1


@dataclass(frozen=True, slots=True)
class ScriptedTask:
    """One task and where in the script it starts."""

    number: int
    kind: Kind
    phase: int
    """Of the twelve polls the one that comes first."""

    @property
    def task_id(self) -> str:
        """A UUID that tells the server what to answer: its last group is kind, phase, number."""
        return f"00000000-0000-4000-8000-{self.kind:02x}{self.phase:02x}{self.number:08x}"


def scripted_tasks(count: int) -> list[ScriptedTask]:
    """Tasks with all phases evenly among the healthy and the troubled."""
    return [_scripted(number) for number in range(count)]


def _scripted(number: int) -> ScriptedTask:
    turn, rest = divmod(number, TROUBLED_EVERY)
    if rest:
        return ScriptedTask(number, Kind.HEALTHY, number % CYCLE)
    return ScriptedTask(number, Kind.TROUBLED, turn * _STRIDE % CYCLE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The offsets of one answer, partitions ascending."""

    transferred: tuple[int, ...]
    log_end: tuple[int, ...]


@lru_cache(maxsize=4 * ANSWERS)
def columns(kind: Kind, size: int, answer: int) -> Columns:
    """What the answer of that index says of `size` partitions."""
    rows = [_offsets(kind, size, partition=p, answer=answer) for p in range(size)]
    return Columns(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _offsets(kind: Kind, size: int, *, partition: int, answer: int) -> tuple[int, int]:
    stuck, rate, polls = _stuck(kind, size)
    steady = partition not in stuck
    if steady:
        rate = 200 + 7 * (partition % 50)
    first = _FIRST_OFFSET + 1_000_003 * (partition % 97)
    delivered = answer - answer % 2 if steady else _before(polls, answer)
    return first + rate * delivered, first + rate * answer


def _stuck(kind: Kind, size: int) -> tuple[range, int, range]:
    """Which partitions get stuck, how many messages arrive there a poll, and at which polls."""
    match kind:
        case Kind.TROUBLED:
            return range(max(1, size // 25)), _STUCK_RATE, _OVER
        case Kind.HEALTHY:
            return range(min(2, size)), _PEAK_RATE, _PEAK


def _before(polls: range, answer: int) -> int:
    """The latest answer by which everything was delivered."""
    place = answer % CYCLE
    return answer - place + polls.start - 1 if place in polls else answer


def body(kind: Kind, size: int, answer: int) -> bytes:
    """The answer, in the names, types and order of the vendor's sample, without blanks."""
    offsets = columns(kind, size, answer)
    rows = list(enumerate(zip(offsets.transferred, offsets.log_end, strict=True)))
    partitions = [
        {
            "partition_id": str(partition),
            "status": "RUNNING",
            "last_transfer_offset": str(transferred),
            "log_end_offset": str(log_end),
            "lag": str(log_end - transferred),
        }
        for partition, (transferred, log_end) in reversed(rows)
    ]
    return json.dumps(_task(partitions), separators=(",", ":")).encode()


def _task(partitions: Iterable[object]) -> dict[str, object]:
    connect = "com.huawei.dms.connector.obs"
    return {
        "task_name": "obsTransfer-56997523",
        "destination_type": "OBS",
        "create_time": _CREATED_MS,
        "status": "RUNNING",
        "topics": TOPIC,
        "obs_destination_descriptor": {
            "consumer_strategy": "earliest",
            "destination_file_type": "TEXT",
            "obs_bucket_name": "testobs",
            "obs_path": "obsTransfer-56997523",
            "partition_format": "yyyy/MM/dd/HH/mm",
            "record_delimiter": "\n",
            "deliver_time_interval": round(DELIVERY_INTERVAL.total_seconds()),
            "obs_part_size": 5242880,
            "flush_size": 1000000,
            "connector_class": f"{connect}.OBSSinkConnector",
            "storage_class": f"{connect}.storage.OBSStorage",
            "format_class": f"{connect}.format.bytearray.ByteArrayFormat",
        },
        "topics_info": [{"topic": TOPIC, "partitions": list(partitions)}],
    }


@dataclass(frozen=True, slots=True)
class Tally:
    """Incidents that opened, and those of them that resolved."""

    opened: int = 0
    resolved: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.opened + other.opened, self.resolved + other.resolved)


def demanded(tasks: Iterable[ScriptedTask], passes: int) -> Tally:
    """What the script demands after so many passes, from the answers alone."""
    return sum((_of_one(task, passes) for task in tasks), Tally())


def _of_one(task: ScriptedTask, passes: int) -> Tally:
    if task.kind is Kind.HEALTHY:
        return Tally()
    opened = resolved = over = below = 0
    for answer in range(task.phase, task.phase + passes):
        if answer % CYCLE in _OVER:
            over, below = over + 1, 0
        else:
            over, below = 0, below + 1
        opened += over == _OPENS_AFTER
        resolved += below == _RESOLVES_AFTER and resolved < opened
    return Tally(opened, resolved)
