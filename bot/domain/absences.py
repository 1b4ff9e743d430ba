"""Topics and partitions that were there and are gone, and a task that reports none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.deliveries import Deliveries
from bot.domain.model import TASK, Subject, TaskSample, TopicSample, topic_sample

REMEMBERED = timedelta(days=1)
"""What stays away for longer is not missed any more."""


KEPT_POLLS = 5
"""Complete answers in a row that may lack a partition before what is known of it is let go."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that a complete answer lacked."""

    since: datetime
    """The first answer that lacked it."""
    polls: int = 1
    """Complete answers in a row that lacked it."""


Absences = Mapping[Subject, Absence]


def absences(
    before: Absences, known: Mapping[str, Deliveries], sample: TaskSample, *, running: bool
) -> Absences:
    """What is missed after one more answer; `known` is what was there before it."""
    if not before and sample.topics is not None and _all_there(known, sample):
        return before
    missed = dict(_none_at_all(before, sample, running=running))
    if not sample.complete:
        return {**{s: absence for s, absence in before.items() if not s.is_task}, **missed}
    present = {topic.topic: topic.partitions for topic in sample.topics or ()}
    for subject in {**before, **dict.fromkeys(_subjects(known))}:
        if not subject.is_task and not _there(subject, present):
            absence = once_more(before.get(subject), sample.at)
            if sample.at - absence.since < REMEMBERED:
                missed[subject] = absence
    return missed


def with_missed(
    known: Mapping[str, Deliveries], sample: TaskSample, missed: Absences
) -> tuple[TopicSample, ...] | None:
    """The topics of an answer, with partitions it lacks as ones of which it says nothing.

    One answer without a partition must not make what is known of it begin anew; an answer that is
    not complete lets nothing go.
    """
    if sample.topics is None:
        return None
    return tuple(
        _with_missed(topic, known.get(topic.topic), missed, complete=sample.complete)
        for topic in sample.topics
    )


def _with_missed(
    topic: TopicSample, known: Deliveries | None, missed: Absences, *, complete: bool
) -> TopicSample:
    if known is None or known.partitions == topic.partitions:
        return topic
    there = set(topic.partitions)
    kept = [
        partition
        for partition in known.partitions
        if partition not in there
        and (not complete or _briefly(missed.get(Subject(topic.topic, partition))))
    ]
    if not kept:
        return topic
    rows = list(
        zip(topic.partitions, topic.statuses, topic.transferred, topic.log_end, strict=True)
    )
    silent = [(partition, None, None, None) for partition in kept]
    return topic_sample(topic.topic, [*rows, *silent], topic.unreadable)


def _briefly(absence: Absence | None) -> bool:
    return absence is not None and absence.polls <= KEPT_POLLS


def _all_there(known: Mapping[str, Deliveries], sample: TaskSample) -> bool:
    there = {topic.topic: topic.partitions for topic in sample.topics or ()}
    return any(there.values()) and all(
        there.get(name) == deliveries.partitions for name, deliveries in known.items()
    )


def _none_at_all(
    before: Absences, sample: TaskSample, *, running: bool
) -> Iterator[tuple[Subject, Absence]]:
    if running and not any(topic.partitions or topic.unreadable for topic in sample.topics or ()):
        yield TASK, once_more(before.get(TASK), sample.at)


def once_more(before: Absence | None, at: datetime) -> Absence:
    """The absence after one more complete answer that lacked it."""
    return Absence(at) if before is None else Absence(before.since, before.polls + 1)


def _subjects(known: Mapping[str, Deliveries]) -> Iterator[Subject]:
    for name, deliveries in known.items():
        yield Subject(name)
        for partition in deliveries.partitions:
            yield Subject(name, partition)


def _there(subject: Subject, present: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether it is there, or goes without saying: of a topic that is gone no partition is told."""
    partitions = present.get(subject.topic)
    if partitions is None:
        return subject.partition >= 0
    return subject.partition < 0 or subject.partition in partitions
