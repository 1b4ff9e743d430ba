"""Globs and matches: which tasks, topics and alerts a rule, route or label entry speaks of.

A value is a glob or a list of them, matched whole and with case; `!x*` negates. A list matches
when no negated glob hits and, if there is a plain one at all, one of the plain ones hits. Keys of
a match are ANDed; an empty match matches everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache

from bot.domain.model import Severity, TaskKey, WatchedTask


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    # fnmatch.translate anchors at the end; case is kept, unlike fnmatch.fnmatch on some systems.
    return re.compile(translate(glob))


def glob_hits(glob: str, text: str) -> bool:
    """Whether the whole of `text` fits the glob (`*`, `?`, `[a-c]`)."""
    return _compiled(glob).match(text) is not None


def literal(text: str) -> str:
    """A glob that fits this text and, but for a leading `!`, nothing else."""
    glob = "".join(f"[{char}]" if char in "*?[" else char for char in text)
    # Before a glob `!` negates, and `[!]` is no class.
    return f"?{glob[1:]}" if glob.startswith("!") else glob


@dataclass(frozen=True, slots=True)
class Patterns:
    """A list of globs, any of which may hit; `!` before one excludes. Empty: everything hits."""

    globs: tuple[str, ...] = ()

    def hit(self, *texts: str) -> bool:
        """Whether any of the texts, being names of one thing, fits."""
        if not self.globs:
            return True
        excluded = [glob[1:] for glob in self.globs if glob.startswith("!")]
        wanted = [glob for glob in self.globs if not glob.startswith("!")]
        if _any_hit(excluded, texts):
            return False
        return not wanted or _any_hit(wanted, texts)


def _any_hit(globs: Iterable[str], texts: tuple[str, ...]) -> bool:
    return any(glob_hits(glob, text) for glob in globs for text in texts)


@dataclass(frozen=True, slots=True)
class Match:
    """The `match` of a rule, a route or a label entry."""

    task: Patterns = Patterns()
    account: Patterns = Patterns()
    connector_id: Patterns = Patterns()
    labels: Mapping[str, Patterns] = field(default_factory=dict)
    topic: Patterns = Patterns()
    """Only in rules about partitions and topics."""
    rule: Patterns = Patterns()
    """Only in routes: the rule's name or type."""
    severity: Patterns = Patterns()
    """Only in routes."""

    def hits_task(self, task: WatchedTask) -> bool:
        """Whether the keys about the task itself fit; topic, rule and severity are not asked."""
        names = (task.name, task.task_name, f"{task.key.account}/{task.task_name}")
        return (
            self.task.hit(*names)
            and self.account.hit(task.key.account)
            and self.connector_id.hit(task.key.connector_id)
            and all(
                name in task.labels and globs.hit(task.labels[name])
                for name, globs in self.labels.items()
            )
        )

    def hits_account(self, key: TaskKey) -> bool:
        """Whether it can speak of an account as a whole: it may use `account` at most."""
        of_tasks = self.task.globs or self.connector_id.globs or self.labels or self.topic.globs
        return not of_tasks and self.account.hit(key.account)

    def hits_alert(self, *, rule: str, rule_type: str, severity: Severity) -> bool:
        """Whether the keys about the alert fit."""
        return self.rule.hit(rule, rule_type) and self.severity.hit(severity.word)
