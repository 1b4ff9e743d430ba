"""Everything of a sample that is no offset, as JSON; it rarely changes from poll to poll.

The JSON is ASCII, so that any text goes through, even half a surrogate pair. Times are
microseconds since 1970, spans microseconds. Partitions 0, 1, … are written as their number, and
statuses that are all the same as one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.model import Destination, TaskKey, TaskSample, TopicSample, lag_between

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

as_json = json.JSONEncoder(separators=(",", ":")).encode
"""JSON without blanks. `json.dumps` would make an encoder at every call."""


def microseconds(moment: datetime | None) -> int | None:
    """Since 1970; exact."""
    return None if moment is None else (moment - EPOCH) // MICROSECOND


def moment_of(since_epoch: int | None) -> datetime | None:
    """The moment so many microseconds after 1970."""
    return None if since_epoch is None else EPOCH + since_epoch * MICROSECOND


def counted(partitions: tuple[int, ...]) -> int | tuple[int, ...]:
    """0, 1, … as their number."""
    count = len(partitions)
    return count if partitions == tuple(range(count)) else partitions


def uncounted(partitions: int | list[int]) -> tuple[int, ...]:
    """The partitions again."""
    return tuple(range(partitions) if isinstance(partitions, int) else partitions)


def same_head(one: TaskSample, other: TaskSample) -> bool:
    """Whether two samples of a task differ in nothing but time and offsets."""
    return (
        one.status == other.status
        and one.destination == other.destination
        and one.task_name == other.task_name
        and one.destination_type == other.destination_type
        and one.created_at == other.created_at
        and one.topics_text == other.topics_text
        and _same_shape(one.topics, other.topics)
    )


def _same_shape(
    ones: tuple[TopicSample, ...] | None, others: tuple[TopicSample, ...] | None
) -> bool:
    if ones is None or others is None:
        return ones is others
    return len(ones) == len(others) and all(
        one.topic == other.topic
        and one.partitions == other.partitions
        and one.statuses == other.statuses
        and one.unreadable == other.unreadable
        for one, other in zip(ones, others, strict=True)
    )


def head_text(sample: TaskSample) -> bytes:
    """The head of a sample as JSON."""
    place = sample.destination
    interval = place.deliver_interval
    head = {
        "status": sample.status,
        "name": sample.task_name,
        "type": sample.destination_type,
        "created": microseconds(sample.created_at),
        "topics_text": sample.topics_text,
        "bucket": place.bucket,
        "path": place.path,
        "format": place.partition_format,
        "file": place.file_type,
        "strategy": place.consumer_strategy,
        "interval": None if interval is None else interval // MICROSECOND,
        "topics": None if sample.topics is None else [_shape(topic) for topic in sample.topics],
    }
    return as_json(head).encode()


def _shape(topic: TopicSample) -> tuple[object, ...]:
    statuses = topic.statuses[:1] if len(set(topic.statuses)) == 1 else topic.statuses
    return topic.topic, topic.unreadable, counted(topic.partitions), statuses


@dataclass(frozen=True, slots=True)
class Shape:
    """Words and partitions of one topic."""

    topic: str
    unreadable: int
    partitions: tuple[int, ...]
    statuses: tuple[str | None, ...]

    @classmethod
    def parse(
        cls, topic: str, unreadable: int, partitions: int | list[int], statuses: list[str | None]
    ) -> Shape:
        """From what `_shape` made."""
        numbers = uncounted(partitions)
        words = statuses * len(numbers) if len(statuses) == 1 else statuses
        return cls(topic, unreadable, numbers, tuple(words))

    def sample(
        self, transferred: Sequence[int | None], log_end: Sequence[int | None]
    ) -> TopicSample:
        """The topic with its offsets."""
        return TopicSample(
            topic=self.topic,
            partitions=self.partitions,
            statuses=self.statuses,
            transferred=tuple(transferred),
            log_end=tuple(log_end),
            lags=tuple(map(lag_between, transferred, log_end)),
            unreadable=self.unreadable,
        )


class Head:
    """A head read back."""

    def __init__(self, text: bytes) -> None:
        """Raises: ValueError, TypeError or KeyError where the text is no head."""
        head = self._head = json.loads(text)
        self.topics = [Shape.parse(*shape) for shape in head["topics"] or ()]
        interval = head["interval"]
        self._destination = Destination(
            bucket=head["bucket"],
            path=head["path"],
            partition_format=head["format"],
            file_type=head["file"],
            consumer_strategy=head["strategy"],
            deliver_interval=None if interval is None else interval * MICROSECOND,
        )

    def sample(self, key: TaskKey, at: datetime, topics: Sequence[TopicSample]) -> TaskSample:
        """The sample with these topics."""
        head = self._head
        return TaskSample(
            key=key,
            at=at,
            status=head["status"],
            topics=None if head["topics"] is None else tuple(topics),
            task_name=head["name"],
            destination_type=head["type"],
            created_at=moment_of(head["created"]),
            topics_text=head["topics_text"],
            destination=self._destination,
        )
