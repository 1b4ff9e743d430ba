"""What is remembered of a task from poll to poll, folded into facts.

A healthy dump is a sawtooth: offsets move when a file is uploaded, every D, and between two
uploads the lag climbs. So a level is compared with the *trough*, the lowest reading of a window of
D + 2P, which `troughs` keep.

What is told of deliveries themselves, the age of what is undelivered first of all, `deliveries`
keep; `pace` says how long D really is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from bot.domain.absences import Absences, absences, once_more, with_missed
from bot.domain.deliveries import Deliveries
from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    TASK,
    FailureKind,
    Observation,
    PollFailure,
    Subject,
    TaskSample,
    TopicSample,
)
from bot.domain.pace import Pace, gap_between, paced
from bot.domain.progress import delivered
from bot.domain.tiles import NO_READING, Column, Tile, column
from bot.domain.troughs import TopicHistory, TroughPoll, troughs_after
from bot.domain.turns import Poll

__all__ = [
    "NO_READING",
    "Column",
    "TaskHistory",
    "Tile",
    "TopicHistory",
    "column",
    "denied",
    "fold",
    "halted",
    "same_word",
    "status_word",
    "window_of",
]


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What is remembered of one task. Empty before the first observation."""

    sample: TaskSample | None = None
    """The latest readable answer."""
    status: str | None = None
    """The latest cloud status that an answer gave; an answer without one does not change it."""
    status_since: datetime | None = None
    """When that status was first seen."""
    odd_partitions: Mapping[Subject, tuple[str, datetime]] = field(default_factory=dict)
    """Partitions whose status differs from the task's own: the status and since when. Kept while
    answers say nothing of them."""
    topics: Mapping[str, TopicHistory] = field(default_factory=dict)
    failure: PollFailure | None = None
    """The latest poll, when it gave no sample."""
    failures: int = 0
    """Polls in a row without a sample."""
    failing_since: datetime | None = None
    """When the first of those was."""
    deliveries: Mapping[str, Deliveries] = field(default_factory=dict)
    """By topic, those included that are missed."""
    ran: timedelta = timedelta(0)
    """How long the task has been running, as far as it was watched."""
    gap_at: datetime | None = None
    """The latest poll that came late, or found the task halted."""
    pace: Pace = Pace()
    absences: Absences = field(default_factory=dict)

    @property
    def seen_at(self) -> datetime | None:
        """When the latest poll was, readable or not; None before any."""
        latest = self.failure or self.sample
        return None if latest is None else latest.at

    @property
    def delivery_interval(self) -> timedelta:
        """D: the effective one; the vendor's default where nothing is known."""
        if self.sample is None:
            return DEFAULT_DELIVERY_INTERVAL
        return self.pace.learned or self.sample.delivery_interval


def window_of(delivery_interval: timedelta, interval: timedelta) -> timedelta:
    """The length of the trough's window: D + 2P."""
    return delivery_interval + 2 * interval


def fold(
    history: TaskHistory,
    observation: Observation,
    *,
    interval: timedelta,
    stale_polls: int,
    tolerance: int = 5,
) -> TaskHistory:
    """The history after one more observation.

    `interval` is P, `tolerance` the messages a standing lag may have. Observations of a task come
    in the order of their time; an observation that is not newer than the latest one changes
    nothing (it is a replay): the very same history is returned.
    """
    seen_at = history.seen_at
    if seen_at is not None and observation.at <= seen_at:
        return history
    if isinstance(observation, PollFailure):
        return replace(
            history,
            failure=observation,
            failures=history.failures + 1,
            failing_since=history.failing_since or observation.at,
            absences=_with_missing(history.absences, observation),
        )
    watch = Watch(interval, stale_polls, tolerance)
    return _with_sample(history, _with_interval(history.sample, observation), watch)


def _with_interval(before: TaskSample | None, sample: TaskSample) -> TaskSample:
    """The sample with the D that an earlier one named, where this one names none: one answer
    without the field does not mean that the task delivers at another pace."""
    here = sample.destination
    if here.deliver_interval is not None or before is None:
        return sample
    known = before.destination.deliver_interval
    if known is None:
        return sample
    return replace(sample, destination=replace(here, deliver_interval=known))


def _with_missing(before: Absences, failure: PollFailure) -> Absences:
    """Notes a task that does not exist, by the cloud's own word for that alone."""
    if failure.kind is not FailureKind.MISSING:
        return before
    return {**before, TASK: once_more(before.get(TASK), failure.at)}


def denied(history: TaskHistory) -> bool:
    """Whether the latest poll was refused for its credentials."""
    return history.failure is not None and history.failure.kind is FailureKind.DENIED


class Watch(NamedTuple):
    """How a task is watched."""

    interval: timedelta
    """P."""
    stale_polls: int
    tolerance: int
    """Messages a standing lag may have."""


def _with_sample(history: TaskHistory, sample: TaskSample, watch: Watch) -> TaskHistory:
    status = history.status if sample.status is None else sample.status
    delivery_interval = history.pace.learned or sample.delivery_interval
    trough = TroughPoll(
        at=sample.at,
        before=history.sample,
        window=window_of(delivery_interval, watch.interval),
        longest_gap=watch.interval * watch.stale_polls,
    )
    poll = _poll(history, sample, status, watch)
    missed = absences(history.absences, history.deliveries, sample, running=not halted(status))
    topics = with_missed(history.deliveries, sample, missed)
    deliveries = _deliveries(history, sample, topics or (), poll, missed)
    return TaskHistory(
        sample=sample,
        status=status,
        status_since=history.status_since if same_word(history.status, status) else sample.at,
        odd_partitions=_odd_partitions(history, sample, status),
        topics=troughs_after(history.topics, sample.topics, trough),
        deliveries=deliveries,
        ran=poll.ran,
        gap_at=poll.gap_at,
        pace=paced(
            history.pace,
            gap_between(history.deliveries, deliveries, poll),
            configured=sample.delivery_interval,
            interval=watch.interval,
        ),
        absences=missed,
    )


def _poll(history: TaskHistory, sample: TaskSample, status: str | None, watch: Watch) -> Poll:
    """What deliveries need to know of this poll."""
    since = history.sample.at if history.sample else sample.at
    passed = sample.at - since
    stands = halted(status)
    runs = not stands and not halted(history.status)
    return Poll(
        sample.at,
        ran=history.ran + passed if runs else history.ran,
        interval=watch.interval,
        delivery_interval=history.pace.learned or sample.delivery_interval,
        tolerance=watch.tolerance,
        gap_at=sample.at if stands or passed > 1.5 * watch.interval else history.gap_at,
    )


def _deliveries(
    history: TaskHistory,
    sample: TaskSample,
    topics: Sequence[TopicSample],
    poll: Poll,
    missed: Absences,
) -> Mapping[str, Deliveries]:
    """Of every topic of the answer, and of those that are missed."""
    before = history.deliveries
    now = {topic.topic: delivered(before.get(topic.topic), topic, poll) for topic in topics}
    if before.keys() <= now.keys():
        return now
    return {
        **{
            name: deliveries
            for name, deliveries in before.items()
            if not sample.complete or Subject(name) in missed
        },
        **now,
    }


HALTED = frozenset(
    ("PAUSED", "WAITING", "STOPPED", "CREATING", "RESTARTING", "UNASSIGNED", "FAILED", "ERROR")
)
"""Words of a task that surely delivers nothing now, and of which `status` tells."""


@lru_cache(maxsize=256)
def halted(status: str | None) -> bool:
    """Whether a cloud status says that the task delivers nothing. A word nobody knows does not."""
    return status is not None and status_word(status) in HALTED


def status_word(text: str) -> str:
    """The word that a status as it came means."""
    return text.strip().upper()


def same_word(one: str | None, other: str | None) -> bool:
    """Whether two status words are the same; case and blanks around do not count."""
    if one == other:
        return True
    return status_word(one or "") == status_word(other or "")


def _odd_partitions(
    history: TaskHistory, sample: TaskSample, task_status: str | None
) -> Mapping[Subject, tuple[str, datetime]]:
    before = history.odd_partitions
    if sample.topics is None:
        return before
    odd: dict[Subject, tuple[str, datetime]] = {}
    for topic in sample.topics:
        # One comparison for the common case: every partition says what the task says.
        said = set(topic.statuses)
        if said <= {task_status} or (not before and said <= {task_status, None}):
            continue
        for partition, status in zip(topic.partitions, topic.statuses, strict=True):
            subject = Subject(topic.topic, partition)
            entry = _odd(before.get(subject), status, task_status, sample.at)
            if entry is not None:
                odd[subject] = entry
    return odd


def _odd(
    before: tuple[str, datetime] | None,
    status: str | None,
    task_status: str | None,
    at: datetime,
) -> tuple[str, datetime] | None:
    if status is None:
        return before
    if same_word(status, task_status):
        return None
    if before is not None and same_word(before[0], status):
        return status, before[1]
    return status, at
