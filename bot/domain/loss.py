"""Messages that leave the topic's retention before they are dumped: `data_loss`.

A message is kept for the topic's retention. What is undelivered is lost when its age passes that;
whether the task is paused does not matter. The age is the lower bound, so nothing is told that is
not so. Where the log of a partition already begins beyond the position, the messages between are
lost, whatever any age says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.deliveries import Deliveries
from bot.domain.history import TaskHistory
from bot.domain.marks import Age
from bot.domain.model import Severity, Subject, TaskSample, TopicSample
from bot.domain.policy import DataLossRule, RuleType
from bot.domain.ruleset import Moment, TaskRules, Tracked, absent, present, unknown
from bot.domain.shelf import Shelf
from bot.domain.verdicts import Cause, Finding, Judgement, Level, Unit, Verdict

LARGEST_WARNING, LARGEST_CRITICAL = 2, 4
"""A level is at most the retention divided by so much."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Messages of a partition that are gone."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many offsets, at most so many messages."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the retention of one partition means for what is undelivered."""

    subject: Subject
    retention: timedelta | None
    """None where nobody knows it."""
    left: timedelta | None = None
    """Until the oldest undelivered message is lost; None when nothing waits, or not known."""
    lost: Lost | None = None
    unsure: bool = False
    """It may be less: how old the oldest is, was never seen."""


def outlooks(history: TaskHistory, rules: TaskRules, shelf: Shelf) -> Iterator[Outlook]:
    """Every partition of the latest reading that is behind or has lost something."""
    for topic in (history.sample.topics if history.sample else None) or ():
        deliveries = history.deliveries[topic.topic]
        retention = _retention(topic.topic, rules, shelf)
        for place, (partition, age) in enumerate(deliveries.ages()):
            subject = Subject(topic.topic, partition)
            lost = _lost(deliveries, place, shelf.log_starts.get(subject))
            if lost is not None or age.since is not None:
                unsure = age.since is not None and age.at_most is None
                yield Outlook(subject, retention, _left(retention, age), lost, unsure)


def _retention(topic: str, rules: TaskRules, shelf: Shelf) -> timedelta | None:
    """As the deciding rule gives it, or as the instance says."""
    rule = rules.last(RuleType.DATA_LOSS, topic)
    given = rule.retention if isinstance(rule, DataLossRule) else None
    return given or shelf.retention.get(topic)


def _left(retention: timedelta | None, age: Age) -> timedelta | None:
    if retention is None or age.since is None:
        return None
    return max(retention - age.at_least, timedelta(0))


def _lost(deliveries: Deliveries, place: int, log_start: int | None) -> Lost | None:
    """What lies between a position and the begin of its log. A begin that lies beyond the end was
    asked of a topic that has been made anew since."""
    position, end = deliveries.transferred[place], deliveries.ends[place]
    if log_start is None or position is None or log_start <= position:
        return None
    if end is not None and log_start > end:
        return None
    return Lost(position, log_start - 1)


def judge_loss(
    history: TaskHistory, sample: TaskSample, rules: TaskRules, tracked: Tracked, moment: Moment
) -> Finding:
    """Judges the latest answer by `data_loss`; values are the seconds that are left."""
    joined = tracked.get(RuleType.DATA_LOSS, {})
    found: list[Judgement] = []
    for topic in sample.topics or ():
        rule = rules.last(RuleType.DATA_LOSS, topic.topic)
        if isinstance(rule, DataLossRule):
            watch = _Watch(rule, topic, history, moment.shelf)
            those = {s.partition for s in joined if s.topic == topic.topic}
            found += watch.judged(those)
    found += [absent(sample, subject) for subject in joined if not present(sample, subject)]
    return Finding(RuleType.DATA_LOSS, Unit.SECONDS, tuple(found))


@dataclass(frozen=True, slots=True)
class _Watch:
    """One topic under one rule."""

    rule: DataLossRule
    topic: TopicSample
    history: TaskHistory
    shelf: Shelf

    def judged(self, joined: set[int]) -> Iterator[Judgement]:
        """The partitions that are not clear."""
        retention = self.rule.retention or self.shelf.retention.get(self.topic.topic)
        if retention is None:
            yield from (unknown(self._subject(p), "the retention is not known") for p in joined)
            return
        level = loss_level(self.rule, retention, self.history.delivery_interval)
        deliveries = self.history.deliveries[self.topic.topic]
        if not joined and not self._near(deliveries, retention, level):
            return
        for place, (partition, age) in enumerate(deliveries.ages()):
            if partition not in self.topic.partitions:
                continue  # Missed, and judged as absent.
            lost = _lost(deliveries, place, self.shelf.log_starts.get(self._subject(partition)))
            judgement = self._judgement(partition, age, (retention, level), lost)
            if judgement.verdict is Verdict.BREACHED or (
                partition in joined and judgement.verdict is not Verdict.CLEAR
            ):
                yield judgement

    def _subject(self, partition: int) -> Subject:
        return Subject(self.topic.topic, partition)

    def _near(self, deliveries: Deliveries, retention: timedelta, level: Level) -> bool:
        """Whether anything of the topic may be breached."""
        if any(subject.topic == self.topic.topic for subject in self.shelf.log_starts):
            return True
        oldest = deliveries.undelivered_since()
        newest = deliveries.marks[-1]
        return oldest is not None and (
            (retention - (newest.at - oldest.at)).total_seconds() < (level.warning or 0)
        )

    def _judgement(
        self, partition: int, age: Age, known: tuple[timedelta, Level], lost: Lost | None
    ) -> Judgement:
        retention, level = known
        left_s = max((retention - age.at_least).total_seconds(), 0)
        surely_s = 0 if age.at_most is None else (retention - age.at_most).total_seconds()
        near = age.since is not None and left_s < (level.warning or 0)
        holds = age.since is not None and surely_s < (level.warning or 0)
        quiet = Verdict.HOLDING if holds else Verdict.CLEAR
        critical = lost is not None or left_s < (level.critical or 0)
        return Judgement(
            self._subject(partition),
            Verdict.BREACHED if near or lost is not None else quiet,
            rule=self.rule.name,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            value=0 if lost is not None else round(left_s),
            level=level,
            detail=_range(lost),
            cause=Cause.UNSEEN,
            since=age.since,
        )


def loss_level(rule: DataLossRule, retention: timedelta, delivery_interval: timedelta) -> Level:
    """The levels of a rule for a topic, in seconds that are left."""
    warning = min(rule.warning.of(delivery_interval), retention / LARGEST_WARNING)
    critical = min(rule.critical.of(delivery_interval), retention / LARGEST_CRITICAL)
    return Level(max(warning, critical).total_seconds(), critical.total_seconds())


def _range(lost: Lost | None) -> str:
    if lost is None:
        return ""
    return f"lost: offsets {lost.first:,} to {lost.last:,}, {lost.count:,} messages at most"


# --- a whole task ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LossView:
    """What retention means for one task as of its latest reading."""

    left: timedelta | None = None
    """Until its first loss; None where nothing waits, or nothing is known."""
    worst: Subject | None = None
    """Whose loss that is."""
    retention: timedelta | None = None
    """The shortest of its topics; None where none is known."""
    lost: tuple[tuple[Subject, Lost], ...] = ()
    unsure: bool = False
    """`left` may be less: how old the oldest message is, was never seen."""
    unknown: tuple[str, ...] = ()
    """Topics whose retention nobody knows."""


def loss_of(history: TaskHistory, rules: TaskRules, shelf: Shelf) -> LossView:
    """The first loss of a task, what is lost, and what cannot be told."""
    topics = (history.sample.topics if history.sample else None) or ()
    retentions = {topic.topic: _retention(topic.topic, rules, shelf) for topic in topics}
    seen = list(outlooks(history, rules, shelf))
    waiting = [(one.left, one.subject, one.unsure) for one in seen if one.left is not None]
    left, worst, unsure = min(waiting, default=(None, None, False))
    return LossView(
        left,
        worst,
        min((r for r in retentions.values() if r is not None), default=None),
        tuple((one.subject, one.lost) for one in seen if one.lost is not None),
        unsure,
        tuple(topic for topic, retention in retentions.items() if retention is None),
    )
