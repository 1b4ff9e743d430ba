"""What is known of the topics of a task beside its readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.domain.model import Subject, TaskSample, TopicSample, lag_between


@dataclass(frozen=True, slots=True)
class Shelf:
    """How long the topics of a task keep messages, and where their logs begin."""

    retention: Mapping[str, timedelta] = field(default_factory=dict)
    """By topic; a topic that is not in it is not known."""
    log_starts: Mapping[Subject, int] = field(default_factory=dict)
    """By partition: the first offset that is still kept, as of when it was asked."""

    def kept(self, sample: TaskSample) -> TaskSample:
        """The sample without the lag of messages that are gone: nobody can dump them any more.

        The very same sample where no log is known to begin beyond a position.
        """
        if not self.log_starts or not sample.topics:
            return sample
        return replace(sample, topics=tuple(map(self._kept, sample.topics)))

    def _kept(self, topic: TopicSample) -> TopicSample:
        lags = tuple(
            self._lag(Subject(topic.topic, partition), *offsets)
            for partition, *offsets in zip(
                topic.partitions, topic.transferred, topic.log_end, strict=True
            )
        )
        return replace(topic, lags=lags)

    def _lag(self, subject: Subject, transferred: int | None, log_end: int | None) -> int | None:
        begin = self.log_starts.get(subject)
        if begin is None or transferred is None or log_end is None or begin > log_end:
            return lag_between(transferred, log_end)
        transferred = max(transferred, begin)
        return lag_between(transferred, log_end)


NO_SHELF = Shelf()
