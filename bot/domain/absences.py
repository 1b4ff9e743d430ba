"""Topics and partitions that were there and are gone, and a task that reports none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.deliveries import Deliveries
from bot.domain.model import TASK, Subject, TaskSample

REMEMBERED = timedelta(days=1)
"""What stays away for longer is not missed any more."""


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
