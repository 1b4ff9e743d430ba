"""Judgement: what is remembered of a task, and the rules, to findings.

One finding per rule type, with a verdict per subject. Only subjects that are not clear are
listed, so a healthy task costs a few calls of `max` per topic and makes no objects. A subject
that takes part in an alert keeps the level it joined with (`tracked`), whatever the rules say now.

Unknown is a third value. It is listed only for tracked subjects, because for all others it means
nothing: it opens nothing and resolves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.history import TaskHistory, TopicHistory, denied, window_of
from bot.domain.model import (
    DEFAULT_DELIVERY_INTERVAL,
    TASK,
    FailureKind,
    Severity,
    Subject,
    TaskKey,
    TaskSample,
    TopicSample,
    WatchedTask,
)
from bot.domain.policy import (
    LAG_TYPES,
    AnyRule,
    LagRule,
    RuleType,
    StatusRule,
    UnreachableRule,
    View,
)
from bot.domain.verdicts import Finding, Judgement, Level, Unit, Verdict

BROKEN = ("FAILED", "ERROR")
"""Words that surely mean a fault: Kafka Connect's own, and the plain one."""

Tracked = Mapping[RuleType, Mapping[Subject, Level]]
"""Per rule type the subjects of a pending or open alert and their frozen levels."""

JUDGED = (*LAG_TYPES, RuleType.STATUS, RuleType.UNREACHABLE)
"""The rule types this version evaluates."""


@dataclass(frozen=True, slots=True)
class TaskRules:
    """The rules whose match fits one task, in the order of the configuration."""

    rules: Mapping[RuleType, tuple[AnyRule, ...]]

    def last(self, rule_type: RuleType, topic: str | None = None) -> AnyRule | None:
        """The rule that decides for a topic, or for the task as a whole (None).

        The last match wins, whole; when it is disabled there is no rule. A rule about some topics
        says nothing of the task as a whole.
        """
        for rule in reversed(self.rules.get(rule_type, ())):
            topics = rule.match.topic
            if topics.hit(topic) if topic is not None else not topics.globs:
                return rule if rule.enabled else None
        return None


def rules_for(task: WatchedTask, rules: Iterable[AnyRule]) -> TaskRules:
    """Picks the rules that fit a task."""
    found: dict[RuleType, list[AnyRule]] = {}
    for rule in rules:
        if rule.match.hits_task(task):
            found.setdefault(rule.type, []).append(rule)
    return TaskRules({rule_type: tuple(those) for rule_type, those in found.items()})


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how a task is judged."""

    now: datetime
    interval: timedelta
    """P."""
    stale_polls: int = 3
    account_speaks: bool = False
    """The account as a whole fails in the way this task does, and that is told instead."""


def evaluate(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> tuple[Finding, ...]:
    """Judges a task after an observation was folded into its history.

    A finding is given for each type that has something to say or an alert that waits for it.
    """
    if history.failure is not None or history.sample is None:
        findings = [
            _unreachable(history, rules, tracked, moment),
            *_blind(tracked, "no reading"),
        ]
    else:
        findings = [
            _status(history, history.sample, rules, tracked, moment),
            *(_lag(t, history, rules, tracked, moment) for t in LAG_TYPES),
            Finding(RuleType.UNREACHABLE, Unit.STATUS),
        ]
    return tuple(f for f in findings if f.judgements or tracked.get(f.type))


def _blind(tracked: Tracked, why: str) -> Iterator[Finding]:
    """Without a reading every alert but `unreachable` hears "unknown"."""
    for rule_type, subjects in tracked.items():
        if rule_type is not RuleType.UNREACHABLE:
            unit = Unit.STATUS if rule_type is RuleType.STATUS else Unit.MESSAGES
            yield Finding(rule_type, unit, tuple(_unknown(s, why) for s in subjects))


def _unknown(subject: Subject, why: str) -> Judgement:
    return Judgement(subject, Verdict.UNKNOWN, rule="", detail=why)


# --- unreachable -----------------------------------------------------------------------------


def _unreachable(
    history: TaskHistory, rules: TaskRules, tracked: Tracked, moment: Moment
) -> Finding:
    rule = rules.last(RuleType.UNREACHABLE)
    failure, since = history.failure, history.failing_since
    if not isinstance(rule, UnreachableRule) or failure is None or since is None:
        return Finding(RuleType.UNREACHABLE, Unit.STATUS)
    if moment.account_speaks:
        judgements = tuple(
            _unknown(s, "told of the account") for s in tracked.get(RuleType.UNREACHABLE, {})
        )
        return Finding(RuleType.UNREACHABLE, Unit.STATUS, judgements)
    if history.failures < moment.stale_polls and not denied(history):
        judgements = tuple(
            _unknown(s, failure.detail) for s in tracked.get(RuleType.UNREACHABLE, {})
        )
        return Finding(RuleType.UNREACHABLE, Unit.STATUS, judgements)
    judgement = Judgement(
        TASK,
        Verdict.BREACHED,
        rule=rule.name,
        severity=unreachable_severity(rule, moment.now - since, history.delivery_interval),
        value=failure.kind.value,
        detail=failure.detail,
    )
    return Finding(RuleType.UNREACHABLE, Unit.STATUS, (judgement,))


def unreachable_severity(
    rule: UnreachableRule, failing_for: timedelta, delivery_interval: timedelta
) -> Severity:
    """Critical once it has lasted `critical_after`."""
    if failing_for >= rule.critical_after.of(delivery_interval):
        return max(Severity.CRITICAL, rule.severity)
    return rule.severity


@dataclass(frozen=True, slots=True)
class Failing:
    """How a task of an account fails at present."""

    kind: FailureKind
    since: datetime
    stale: bool
    """It has given no reading for `stale_polls`."""
    detail: str


def alike(watched: int, failing: Mapping[TaskKey, Failing]) -> FailureKind | None:
    """The way in which most tasks of an account fail, so that the account is to blame; or None.

    Refused credentials blame the account at once. Otherwise more than half of its tasks, and two
    at least, must fail alike. A task that does not exist is never the account's fault.
    """
    counts: dict[FailureKind, int] = {}
    for task in failing.values():
        counts[task.kind] = counts.get(task.kind, 0) + 1
    if counts.get(FailureKind.DENIED):
        return FailureKind.DENIED
    counts.pop(FailureKind.MISSING, None)
    if not counts:
        return None
    kind = max(counts, key=lambda k: counts[k])
    return kind if counts[kind] >= 2 and counts[kind] * 2 > watched else None


def judge_account(
    rule: UnreachableRule | None,
    watched: int,
    failing: Mapping[TaskKey, Failing],
    moment: Moment,
) -> Finding:
    """Judges an account as a whole; a good cycle is two polls of quiet."""
    kind = alike(watched, failing)
    those = [task for task in failing.values() if task.kind is kind]
    told = kind is FailureKind.DENIED or any(task.stale for task in those)
    quiet = Finding(RuleType.UNREACHABLE, Unit.STATUS, slow_clear=2 * moment.interval)
    if rule is None or kind is None:
        return quiet
    if not told:
        return Finding(quiet.type, quiet.unit, (_unknown(TASK, those[0].detail),), quiet.slow_clear)
    since = min(task.since for task in those)
    judgement = Judgement(
        TASK,
        Verdict.BREACHED,
        rule=rule.name,
        severity=unreachable_severity(rule, moment.now - since, DEFAULT_DELIVERY_INTERVAL),
        value=kind.value,
        detail=f"{len(those)} of {watched} tasks: {those[0].detail}",
    )
    return Finding(quiet.type, quiet.unit, (judgement,), quiet.slow_clear)


def account_rule(key: TaskKey, rules: Iterable[AnyRule]) -> UnreachableRule | None:
    """The rule that decides for an account: the last that uses `account` at most."""
    found: UnreachableRule | None = None
    for rule in rules:
        if isinstance(rule, UnreachableRule) and rule.match.hits_account(key):
            found = rule
    return found if found is not None and found.enabled else None


# --- status ----------------------------------------------------------------------------------


def _status(
    history: TaskHistory,
    sample: TaskSample,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    joined = tracked.get(RuleType.STATUS, {})
    silent = _silent(sample) if joined or history.odd_partitions else frozenset()
    words = _status_words(history, sample, silent)
    found: list[Judgement] = []
    for subject, (word, since) in words.items():
        rule = rules.last(RuleType.STATUS, None if subject.is_task else subject.topic)
        if isinstance(rule, StatusRule):
            span = (moment.now - since, sample.delivery_interval)
            judgement = _judge_status(rule, subject, word, *span)
            if judgement is not None:
                found.append(judgement)
    for subject in joined:
        if subject in silent:
            found.append(_unknown(subject, "no status in the answer"))
        elif not _present(sample, subject):
            found.append(_absent(sample, subject))
    return Finding(RuleType.STATUS, Unit.STATUS, tuple(found))


def _silent(sample: TaskSample) -> frozenset[Subject]:
    """Of whom the answer gives no status."""
    partitions = {Subject(row.topic, row.partition) for row in sample.rows() if row.status is None}
    return frozenset(partitions | {TASK} if sample.status is None else partitions)


def _status_words(
    history: TaskHistory, sample: TaskSample, silent: Iterable[Subject]
) -> Mapping[Subject, tuple[str, datetime]]:
    """The task's word and those of the partitions that say something else, as of this answer."""
    words = dict(history.odd_partitions) if sample.topics is not None else {}
    if sample.status is not None:
        words[TASK] = (sample.status, history.status_since or sample.at)
    for subject in silent:
        words.pop(subject, None)
    return words


def _judge_status(
    rule: StatusRule, subject: Subject, status: str, lasted: timedelta, interval: timedelta
) -> Judgement | None:
    """None when the status is well. A status that has not lasted long enough holds."""
    word = status.upper()
    if word in _upper(rule.ok):
        return None
    severity = _status_severity(rule, word, lasted, interval)
    return Judgement(
        subject,
        Verdict.HOLDING if severity is None else Verdict.BREACHED,
        rule=rule.name,
        severity=severity or Severity.INFO,
        value=status,
        hold_for=rule.hold_for.of(interval),
    )


def _status_severity(
    rule: StatusRule, word: str, lasted: timedelta, interval: timedelta
) -> Severity | None:
    if word in _upper(rule.intended):
        if lasted >= rule.warning_after.of(interval):
            return Severity.WARNING
        return Severity.INFO if lasted >= rule.intended_after.of(interval) else None
    if word in _upper(rule.transitional):
        allowed = rule.creating_for if word == "CREATING" else rule.transitional_for
        return Severity.WARNING if lasted >= allowed.of(interval) else None
    return rule.severity if word in BROKEN else min(Severity.WARNING, rule.severity)


def _upper(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.upper() for word in words)


# --- lag -------------------------------------------------------------------------------------


def _lag(
    rule_type: RuleType,
    history: TaskHistory,
    rules: TaskRules,
    tracked: Tracked,
    moment: Moment,
) -> Finding:
    joined = tracked.get(rule_type, {})
    sample = history.sample
    if sample is None or not (joined or rule_type in rules.rules):
        return Finding(rule_type, Unit.MESSAGES)
    bench = _Bench(
        history, sample, rules, joined, window_of(sample.delivery_interval, moment.interval)
    )
    if sample.topics is None:
        found = [_unknown(subject, "no topics in the answer") for subject in joined]
    else:
        found = bench.judge(rule_type)
    # A good cycle of the trough is the clear of a whole delivery; an instant reading is its own.
    slow = any(bench.view(rule_type, subject) is View.TROUGH for subject in joined)
    return Finding(
        rule_type,
        Unit.MESSAGES,
        tuple(found),
        slow_clear=sample.delivery_interval + moment.interval if slow else None,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """Judges the lag of one task by one rule type."""

    history: TaskHistory
    sample: TaskSample
    rules: TaskRules
    joined: Mapping[Subject, Level]
    window: timedelta

    def judge(self, rule_type: RuleType) -> list[Judgement]:
        match rule_type:
            case RuleType.PARTITION_LAG:
                found = [j for topic in self._topics() for j in self._partitions(topic)]
            case RuleType.TOPIC_LAG:
                found = [j for topic in self._topics() for j in self._topic(topic)]
            case _:
                found = list(self._task())
        found.extend(_absent(self.sample, s) for s in self.joined if not _present(self.sample, s))
        return found

    def view(self, rule_type: RuleType, subject: Subject) -> View | None:
        """How the rule that decides for a subject looks at its lag; None without a rule."""
        rule = self.rules.last(rule_type, None if subject.is_task else subject.topic)
        return rule.view if isinstance(rule, LagRule) else None

    def _topics(self) -> Sequence[TopicSample]:
        return self.sample.topics or ()

    def _partitions(self, topic: TopicSample) -> Iterator[Judgement]:
        rule = self.rules.last(RuleType.PARTITION_LAG, topic.topic)
        if not isinstance(rule, LagRule):
            return
        level = _level(rule)
        floor = (level.lowest or 0) * level.clear
        busy = _highest(topic.lags) >= floor
        joined = [s for s in self.joined if s.topic == topic.topic]
        if not busy and not joined:
            return
        values, covered = self._view(topic, rule)
        for place, partition in enumerate(topic.partitions):
            subject = Subject(topic.topic, partition)
            judgement = self._judged(rule, subject, values[place], covered=covered[place])
            if judgement is not None:
                yield judgement

    def _judged(
        self, rule: LagRule, subject: Subject, value: int | None, *, covered: bool
    ) -> Judgement | None:
        level = self.joined.get(subject) or _level(rule)
        if value is None:
            return _unknown(subject, "no position yet") if subject in self.joined else None
        verdict = level.verdict(value)
        if verdict is Verdict.CLEAR:
            return None
        if verdict is Verdict.BREACHED and not covered:
            # Nothing below the level was seen so far, but the window may still hold it.
            verdict = Verdict.UNKNOWN
        return Judgement(
            subject,
            verdict,
            rule=rule.name,
            severity=level.severity(value) or Severity.WARNING,
            value=value,
            level=level,
            hold_for=rule.hold_for.of(self.sample.delivery_interval),
        )

    def _topic(self, topic: TopicSample) -> Iterator[Judgement]:
        rule = self.rules.last(RuleType.TOPIC_LAG, topic.topic)
        if isinstance(rule, LagRule):
            yield from self._summed(rule, Subject(topic.topic), [topic])

    def _task(self) -> Iterator[Judgement]:
        rule = self.rules.last(RuleType.TASK_LAG)
        if isinstance(rule, LagRule):
            yield from self._summed(rule, TASK, self._topics())

    def _summed(
        self, rule: LagRule, subject: Subject, topics: Sequence[TopicSample]
    ) -> Iterator[Judgement]:
        """Breached on what is surely known; clear only when nothing that counts is unknown."""
        total = certain = unread = 0
        for topic in topics:
            values, covered = self._view(topic, rule)
            known = [value for value in values if value is not None]
            total += sum(known)
            certain += sum(v for v, sure in zip(values, covered, strict=True) if sure and v)
            unread += len(values) - len(known) + topic.unreadable
        level = self.joined.get(subject) or _level(rule)
        if level.verdict(certain) is Verdict.BREACHED:
            judgement = self._judged(rule, subject, certain, covered=True)
        elif unread or not any(topic.partitions for topic in topics):
            judgement = self._unsummed(subject, unread)
        else:
            judgement = self._judged(rule, subject, total, covered=False)
        if judgement is not None:
            yield judgement

    def _unsummed(self, subject: Subject, unread: int) -> Judgement | None:
        """A sum that lacks a part is unknown; a sum of nothing at all is no zero."""
        if subject not in self.joined:
            return None
        if unread:
            return _unknown(subject, f"{unread} partitions unknown")
        return _absent(self.sample, subject)

    def _view(
        self, topic: TopicSample, rule: LagRule
    ) -> tuple[Sequence[int | None], Sequence[bool]]:
        """Each partition's value as the rule sees it, and whether a breach by it is sure."""
        if rule.view is View.INSTANT:
            return topic.lags, (True,) * len(topic.lags)
        return _troughs(self.history.topics[topic.topic], topic, self.sample.at - self.window)


def _troughs(
    remembered: TopicHistory, topic: TopicSample, window_start: datetime
) -> tuple[Sequence[int | None], Sequence[bool]]:
    # A partition that is unknown now is unknown, whatever the window still remembers of it.
    values = [
        None if lag is None else low
        for low, lag in zip(remembered.trough(), topic.lags, strict=True)
    ]
    return values, remembered.covers(window_start)


def _level(rule: LagRule) -> Level:
    return Level(rule.warning, rule.critical, rule.clear)


def _highest(lags: Sequence[int | None]) -> int:
    # Asking for None first costs a tenth of passing over it one by one.
    known = [lag for lag in lags if lag is not None] if None in lags else lags
    return max(known, default=0)  # type: ignore[type-var, return-value]  # no None is left


def _present(sample: TaskSample, subject: Subject) -> bool:
    if subject.is_task:
        return True
    for topic in sample.topics or ():
        if topic.topic == subject.topic:
            return subject.partition < 0 or subject.partition in topic.partitions
    return False


def _absent(sample: TaskSample, subject: Subject) -> Judgement:
    verdict = Verdict.GONE if sample.complete else Verdict.UNKNOWN
    return Judgement(subject, verdict, rule="", detail="not in the answer")
