"""The `match` of rules, routes and label entries, as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from bot.domain.matching import Match, Patterns, glob_hits
from bot.domain.model import Severity
from bot.settings.fields import Globs, LabelName
from bot.settings.problems import listed, quoted
from bot.settings.section import Conflict, Section


class TaskMatch(Section):
    """Which tasks: for label entries, and rules about tasks as a whole."""

    ELSEWHERE: ClassVar = {
        "topic": "only a rule about topics or partitions can match a topic",
        "rule": "only a route can match a rule",
        "severity": "only a route can match a severity",
    }

    task: Globs = ()
    account: Globs = ()
    connector_id: Globs = ()
    labels: dict[LabelName, Globs] = Field(default={})

    def value(self) -> Match:
        """The match as judgement uses it."""
        return Match(
            task=Patterns(self.task),
            account=Patterns(self.account),
            connector_id=Patterns(self.connector_id),
            labels={name: Patterns(globs) for name, globs in self.labels.items()},
        )


class TopicMatch(TaskMatch):
    """Which tasks, and which of their topics."""

    ELSEWHERE: ClassVar = {key: what for key, what in TaskMatch.ELSEWHERE.items() if key != "topic"}

    topic: Globs = ()

    def value(self) -> Match:
        """The match as judgement uses it."""
        return replace(super().value(), topic=Patterns(self.topic))


class RouteMatch(TaskMatch):
    """Which alerts of which tasks."""

    ELSEWHERE: ClassVar = {
        "topic": "a route cannot match a topic: an alert is about a task, with all its topics",
    }

    rule: Globs = ()
    severity: Globs = ()

    def conflicts(self) -> Iterator[Conflict]:
        """A severity that there is not."""
        words = [severity.word for severity in Severity]
        for glob in self.severity:
            if not any(glob_hits(glob.removeprefix("!"), word) for word in words):
                yield "severity", f"found {quoted(glob)}, {listed(words)} would be right"

    def value(self) -> Match:
        """The match as telling uses it."""
        return replace(super().value(), rule=Patterns(self.rule), severity=Patterns(self.severity))
