"""Answers whose numbers may be read the short way, because they are known to be plain digits.

pydantic reads digits in a text as a number faster than anything that looks at the text first, but
it takes " 7", "7.0", true and more for a number, too, where nothing may be guessed. So the first
answer of a task is read the long way. If every number of its rows is a text of plain digits, the
answer without its digits is remembered: whatever differs from it in digits alone has the same
fields of the same types in the same places, and nothing but digits where its numbers are.

Remembered are hashes, which Python salts anew in each process, not the answers themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.adapters.dms.shapes import PartitionShape, TopicShape

_DIGITS = b"0123456789"
_FIELDS = (b'"partition_id"', b'"last_transfer_offset"', b'"log_end_offset"', b'"lag"')
_MOST_REMEMBERED = 50_000
"""Some per task: another status makes another answer."""


class PlainAnswers:
    """What plain answers look like without their digits."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def looks_plain(self, body: bytes) -> bool:
        """Whether an answer differs in digits alone from one that was remembered."""
        return hash(body.translate(None, _DIGITS)) in self._known

    def remember(self, body: bytes, topics: Sequence[TopicShape]) -> None:
        """Takes an answer if all numbers of its rows are plain digits.

        Not if a field comes twice, or beside one that is the same without digits: which of the two
        counts could then change with the digits. Nor if any letter is written as its number.
        """
        rows = [row for topic in topics for row in topic.get("partitions") or ()]
        if not all(map(_is_plain, rows)):
            return
        bare = body.translate(None, _DIGITS)
        if b"\\u" in bare or any(bare.count(name) != len(rows) for name in _FIELDS):
            return
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known.add(hash(bare))


def _is_plain(row: PartitionShape) -> bool:
    numbers = row.get("partition_id"), row.get("last_transfer_offset"), row.get("log_end_offset")
    return all(isinstance(n, str) and n.isascii() and n.isdecimal() for n in numbers)
