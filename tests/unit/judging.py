"""Small words for tests of the rules: a task, its rules, and what is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.history import TaskHistory
from bot.domain.matching import Match, Patterns
from bot.domain.model import Subject, TaskSample, TopicSample, topic_sample
from bot.domain.policy import AnyRule, LagRule, RuleType, View
from bot.domain.rules import Moment, Tracked, evaluate, rules_for
from bot.domain.verdicts import Finding, Judgement, Level
from tests.builders import INTERVAL, a_history, a_sample_of, a_task, at

DELIVERY = timedelta(seconds=300)


def matching(topic: str) -> Match:
    """A match of topics by one glob."""
    return Match(topic=Patterns((topic,)))


def lag_rule(
    name: str = "lag",
    *,
    rule_type: RuleType = RuleType.PARTITION_LAG,
    warning: int | None = 100,
    critical: int | None = 1_000,
    view: View = View.INSTANT,
) -> LagRule:
    """A lag rule that looks at the latest reading; the rest by `replace`."""
    return LagRule(name=name, type=rule_type, warning=warning, critical=critical, view=view)


def joined(rule_type: RuleType, *subjects: Subject, level: Level | None = None) -> Tracked:
    """An alert in which these subjects take part."""
    frozen = level or Level(100, 1_000, 0.8)
    return {rule_type: dict.fromkeys(subjects, frozen)}


def found(
    history: TaskHistory,
    *rules: AnyRule,
    tracked: Tracked | None = None,
    after: timedelta = timedelta(0),
    account_speaks: bool = False,
) -> Mapping[RuleType, Finding]:
    """The findings by type, `after` the latest observation."""
    latest = history.failure or history.sample
    now = (latest.at if latest is not None else at(0)) + after
    moment = Moment(now, INTERVAL, account_speaks=account_speaks)
    findings = evaluate(history, rules_for(a_task(), rules), tracked or {}, moment)
    return {finding.type: finding for finding in findings}


def judged(
    history: TaskHistory, *rules: AnyRule, tracked: Tracked | None = None
) -> Mapping[Subject, Judgement]:
    """The judgements by subject of the one rule type that finds something."""
    findings = found(history, *rules, tracked=tracked)
    assert len(findings) <= 1
    return {j.subject: j for finding in findings.values() for j in finding.judgements}


Lags = Mapping[str, Iterable[int | None]]


@dataclass(frozen=True, slots=True)
class Lagging:
    """Samples of some topics whose positions never fall; partitions count from 0."""

    unreadable: int = 0
    """Rows of each topic that could not be told apart."""

    def sample(self, lags: Lags, poll: int = 0) -> TaskSample:
        """The answer of one poll, a minute after the one before."""
        return a_sample_of(
            *(self._topic(name, column, poll) for name, column in lags.items()),
            when=at(60 * poll),
            delivery_interval=DELIVERY,
        )

    def _topic(self, name: str, lags: Iterable[int | None], poll: int) -> TopicSample:
        position = 10**6 * (poll + 1)
        rows = [
            (partition, "RUNNING", position, None if lag is None else position + lag)
            for partition, lag in enumerate(lags)
        ]
        return replace(topic_sample(name, rows), unreadable=self.unreadable)


def history_of(*polls: Lags) -> TaskHistory:
    """What is remembered after these polls, a minute apart."""
    return a_history(*(Lagging().sample(lags, poll) for poll, lags in enumerate(polls)))
