"""Why a task is told of or is not: every rule with what it looks at, and what it says now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.age import age_levels
from bot.domain.history import NO_READING, TaskHistory, halted
from bot.domain.incidents import AlertState, Phase
from bot.domain.marks import Age
from bot.domain.model import TASK, Severity, Subject, TopicSample, WatchedTask
from bot.domain.policy import (
    LAG_TYPES,
    AgeRule,
    AnyRule,
    DataLossRule,
    LagRule,
    Route,
    RuleType,
    View,
)
from bot.domain.rules import JUDGED, evaluate
from bot.domain.ruleset import Moment, TaskRules
from bot.domain.verdicts import Finding, Judgement, Level, Verdict

_PER_TASK = (RuleType.STATUS, RuleType.UNREACHABLE, RuleType.TASK_LAG)
_ORDER = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Told:
    """A channel that would hear of a severity."""

    channel: str
    severity: Severity
    heard: bool
    """False where the route's `min_severity` keeps it back."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One rule type of one task, for the topics that one rule decides for."""

    type: RuleType
    rule: AnyRule | None
    """None where no rule applies: it is disabled, or the type has no level by itself."""
    topics: tuple[str, ...] = ()
    """Those it decides for, where another rule decides for others; empty for all."""
    verdict: Verdict = Verdict.CLEAR
    """The worst of its subjects."""
    subject: Subject = TASK
    """The worst, or the nearest to its level."""
    value: int | str | None = None
    """What is looked at: messages, seconds, a word or a count; None when unknown."""
    at_most: int | None = None
    """Of an age, the upper bound where it is known."""
    level: Level = Level()
    phase: Phase = Phase.QUIET
    since: datetime | None = None
    """When the breach began."""
    told: tuple[Told, ...] = ()
    stands: bool = False
    """The task is halted, so that the time of this rule does not run."""


def inquire(
    task: WatchedTask,
    history: TaskHistory,
    rules: TaskRules,
    *,
    states: Mapping[RuleType, AlertState],
    routes: Sequence[Route],
    moment: Moment,
) -> tuple[Inquiry, ...]:
    """What each rule type says of a task as of its latest poll."""
    tracked = {t: s.levels for t, s in states.items() if s.phase is not Phase.QUIET}
    findings = {f.type: f for f in evaluate(history, rules, tracked, moment)}
    found: list[Inquiry] = []
    for rule_type in JUDGED:
        for rule, topics in _deciding(rule_type, history, rules):
            asked = _Asked(rule_type, rule, topics, history, moment)
            found.append(asked.answer(findings.get(rule_type), states.get(rule_type)))
    return tuple(_with_routes(inquiry, task, routes) for inquiry in found)


def _deciding(
    rule_type: RuleType, history: TaskHistory, rules: TaskRules
) -> Iterator[tuple[AnyRule | None, tuple[str, ...]]]:
    """The rules that decide, each with its topics; none for a lag type that nobody asked for."""
    if rule_type not in rules.rules:
        return
    names = tuple(topic.topic for topic in _topics(history))
    if rule_type in _PER_TASK or not names:
        yield rules.last(rule_type), ()
        return
    groups: dict[str, tuple[AnyRule | None, list[str]]] = {}
    for name in names:
        rule = rules.last(rule_type, name)
        groups.setdefault(rule.name if rule else "", (rule, []))[1].append(name)
    whole = rules.last(rule_type) if rule_type is RuleType.MISSING else None
    if whole is not None:
        groups.setdefault(whole.name, (whole, []))  # It decides for the task as a whole.
    for rule, topics in groups.values():
        yield rule, tuple(topics) if len(groups) > 1 else ()


def _topics(history: TaskHistory) -> Sequence[TopicSample]:
    return (history.sample.topics if history.sample else None) or ()


@dataclass(frozen=True, slots=True)
class _Asked:
    type: RuleType
    rule: AnyRule | None
    topics: tuple[str, ...]
    history: TaskHistory
    moment: Moment

    def answer(self, finding: Finding | None, state: AlertState | None) -> Inquiry:
        """What the rule says, by the worst of its subjects or the nearest to its level."""
        if self.rule is None:
            return Inquiry(self.type, None, topics=self.topics, verdict=Verdict.CLEAR)
        judged = self._worst(finding)
        if judged is not None:
            return self._judged(judged, state)
        subject, value, age = self._nearest()
        seen = self._seen()
        return Inquiry(
            self.type,
            self.rule,
            topics=self.topics,
            verdict=Verdict.CLEAR if seen else Verdict.UNKNOWN,
            subject=subject,
            value=value if seen or self.type is not RuleType.DATA_LOSS else None,
            at_most=_seconds(age),
            level=self._level(),
            phase=state.phase if state else Phase.QUIET,
            stands=self.type is RuleType.AGE and halted(self.history.status),
        )

    def _seen(self) -> bool:
        """Whether the latest poll says anything of this kind."""
        if self.type is RuleType.UNREACHABLE:
            return True
        if self.history.sample is None or self.history.failure is not None:
            return False
        return self.type is not RuleType.DATA_LOSS or self._retention_known()

    def _retention_known(self) -> bool:
        if isinstance(self.rule, DataLossRule) and self.rule.retention is not None:
            return True
        return any(topic.topic in self.moment.shelf.retention for topic in self._mine())

    def _worst(self, finding: Finding | None) -> Judgement | None:
        mine = [
            judgement
            for judgement in (finding.judgements if finding else ())
            if not self.topics or judgement.subject.topic in self.topics or self._of_rule(judgement)
        ]
        return min(mine, key=lambda j: (_ORDER[j.verdict], -j.severity), default=None)

    def _of_rule(self, judgement: Judgement) -> bool:
        """Whether it is of what no topic of the answer stands for: the task, or a topic gone."""
        return self.rule is not None and judgement.rule == self.rule.name

    def _judged(self, judgement: Judgement, state: AlertState | None) -> Inquiry:
        memory = state.subjects.get(judgement.subject) if state else None
        return Inquiry(
            self.type,
            self.rule,
            topics=self.topics,
            verdict=judgement.verdict,
            subject=judgement.subject,
            value=judgement.value,
            at_most=judgement.at_most,
            level=judgement.level if judgement.level != Level() else self._level(),
            phase=state.phase if state else Phase.QUIET,
            since=memory.breached_since if memory else judgement.since,
        )

    def _level(self) -> Level:
        match self.rule:
            case LagRule():
                return Level(self.rule.warning, self.rule.critical, self.rule.clear)
            case AgeRule():
                intervals = self.history.delivery_interval, self.moment.interval
                return age_levels(self.rule, *intervals).usual
            case _:
                return Level()

    def _nearest(self) -> tuple[Subject, int | str | None, Age | None]:
        """Of what is clear, that which is nearest to its level."""
        match self.type:
            case RuleType.STATUS:
                return TASK, self.history.status, None
            case RuleType.UNREACHABLE:
                return TASK, self.history.failures, None
            case RuleType.AGE:
                return self._oldest()
            case RuleType.FALLING_BEHIND:
                return self._climbing()
            case lag if lag in LAG_TYPES:
                subject, value = max(self._lags(), key=lambda pair: pair[1], default=(TASK, None))
                return subject, value, None
            case _:
                return TASK, 0, None

    def _mine(self) -> Iterator[TopicSample]:
        for topic in _topics(self.history):
            if not self.topics or topic.topic in self.topics:
                yield topic

    def _oldest(self) -> tuple[Subject, int | None, Age | None]:
        found = [
            (Subject(topic.topic, partition), age)
            for topic in self._mine()
            for partition, age in self.history.deliveries[topic.topic].ages()
        ]
        if not found:
            return TASK, None, None
        subject, age = max(found, key=lambda pair: pair[1].ran_at_least)
        return subject, round(age.ran_at_least.total_seconds()), age

    def _climbing(self) -> tuple[Subject, int, Age | None]:
        rises = [
            (climb.rises, Subject(topic.topic, partition))
            for topic in self._mine()
            for partition, climb in self.history.deliveries[topic.topic].climbs.of_partition.items()
        ]
        most, subject = max(rises, default=(0, TASK))
        return subject, most, None

    def _lags(self) -> Iterator[tuple[Subject, int]]:
        """The value of each subject as the rule sees it."""
        values = {topic.topic: self._values(topic) for topic in self._mine()}
        match self.type:
            case RuleType.TASK_LAG:
                yield TASK, sum(sum(those.values()) for those in values.values())
            case RuleType.TOPIC_LAG:
                for name, those in values.items():
                    yield Subject(name), sum(those.values())
            case _:
                yield from (
                    (Subject(name, partition), value)
                    for name, those in values.items()
                    for partition, value in those.items()
                )

    def _values(self, topic: TopicSample) -> Mapping[int, int]:
        if not isinstance(self.rule, LagRule) or self.rule.view is View.INSTANT:
            lags = topic.lags
        else:
            low = self.history.topics[topic.topic].trough()
            lags = tuple(None if lag == NO_READING else lag for lag in low)
        return {p: lag for p, lag in zip(topic.partitions, lags, strict=True) if lag is not None}


def _seconds(age: Age | None) -> int | None:
    if age is None or age.ran_at_most is None:
        return None
    return round(age.ran_at_most.total_seconds())


def _with_routes(inquiry: Inquiry, task: WatchedTask, routes: Iterable[Route]) -> Inquiry:
    if inquiry.rule is None:
        return inquiry
    told: list[Told] = []
    for severity in Severity:
        told += _told(inquiry.rule, task, routes, severity)
    return replace(inquiry, told=tuple(told))


def _told(
    rule: AnyRule, task: WatchedTask, routes: Iterable[Route], severity: Severity
) -> Iterator[Told]:
    """The channels of the first matching route, and on while it continues."""
    for route in routes:
        hit = route.match.hits_task(task) and route.match.hits_alert(
            rule=rule.name, rule_type=rule.type, severity=severity
        )
        if hit:
            yield Told(route.channel, severity, heard=severity >= route.min_severity)
            if not route.continues:
                return
