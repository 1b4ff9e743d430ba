"""Which patterns of a configuration match nothing that is known.

A pattern is looked at by itself first, so that the one that is mistyped is named; only when each
fits something, the whole `match` is tried. Negated patterns are left alone: that nothing is there
to be excluded is what they are for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.discovery import DiscoveryEntry
from bot.domain.matching import Match, Patterns, glob_hits
from bot.domain.model import TaskKey, WatchedTask
from bot.domain.policy import BUILT_IN, Policies, RuleType
from bot.ports import ListedTask
from bot.settings.problems import did_you_mean, quoted
from bot.settings.values import Settings


@dataclass(frozen=True, slots=True)
class Known:
    """What patterns can match."""

    accounts: Collection[str]
    tasks: Sequence[WatchedTask]
    listed: Sequence[ListedTask]
    topics: Mapping[TaskKey, Collection[str]]
    """Topics by task, of those tasks that were read."""
    complete: bool
    """Whether every task is known; False while nothing is stored of what discovery finds."""


@dataclass(slots=True)
class Misses:
    """What matched nothing."""

    certain: list[str]
    """It surely matches nothing that is known."""
    open: list[str]
    """It may match what is not known yet."""


def misses(settings: Settings, known: Known) -> Misses:
    """Looks at every pattern of rules, routes, label entries and discovery."""
    found = Misses([], [])
    rules = settings.policies.rules[len(BUILT_IN) :]
    for place, rule in enumerate(rules):
        _match(f"rules[{place}] ({rule.name})", rule.match, known, found)
    names = _rule_names(settings.policies)
    for place, route in enumerate(settings.policies.routes):
        where = f"routes[{place}] ({route.channel})"
        found.certain += _globs(f"{where}: rule", route.match.rule, names)
        _match(where, route.match, known, found)
    for place, entry in enumerate(settings.labels):
        # Labels may have been replaced since by a later entry; they are not looked at again.
        _match(f"labels[{place}]", replace(entry.match, labels={}), known, found)
    for place, search in enumerate(settings.discovery):
        doubts = found.certain if known.complete else found.open
        doubts += _search(f"discovery[{place}]", search, known.listed)
    return found


def _rule_names(policies: Policies) -> list[str]:
    return [*map(str, RuleType), *(rule.name for rule in policies.rules)]


def _globs(where: str, patterns: Patterns, texts: Iterable[str]) -> Iterator[str]:
    """The patterns that fit none of the texts; one that fits all there can be is never meant."""
    there = list(texts)
    for glob in patterns.globs:
        judged = not glob.startswith("!") and glob != "*"
        if judged and not any(glob_hits(glob, text) for text in there):
            yield f"{where} {quoted(glob)} matches nothing known{did_you_mean(glob, there)}"


def _match(where: str, match: Match, known: Known, found: Misses) -> None:
    alone = list(_globs(f"{where}: account", match.account, known.accounts))
    found.certain += alone
    doubts = found.certain if known.complete else found.open
    of_tasks = list(_task_patterns(where, match, known))
    doubts += of_tasks
    found.certain += _topic_patterns(where, match, known, found.open)
    fits = any(match.hits_task(task) for task in known.tasks)
    if not (alone or of_tasks or fits or _of_accounts(match, known.accounts)):
        doubts.append(f"{where}: matches none of the {len(known.tasks)} known tasks")


def _of_accounts(match: Match, accounts: Iterable[str]) -> bool:
    """Whether it can speak of an account as a whole, and so is needed without any task."""
    return any(match.hits_account(TaskKey(account)) for account in accounts)


def _task_patterns(where: str, match: Match, known: Known) -> Iterator[str]:
    names = [
        name
        for task in known.tasks
        for name in (task.name, task.task_name, f"{task.key.account}/{task.task_name}")
    ]
    yield from _globs(f"{where}: task", match.task, names)
    connectors = [task.key.connector_id for task in known.tasks]
    yield from _globs(f"{where}: connector_id", match.connector_id, connectors)
    for label, patterns in match.labels.items():
        values = [task.labels[label] for task in known.tasks if label in task.labels]
        if values:
            yield from _globs(f"{where}: label {label}", patterns, values)
        else:
            yield f"{where}: no known task has the label {quoted(label)}"


def _topic_patterns(where: str, match: Match, known: Known, unsure: list[str]) -> Iterator[str]:
    wrong = list(_globs(f"{where}: topic", match.topic, _topics(known)))
    if known.complete and all(task.key in known.topics for task in known.tasks):
        yield from wrong
    else:
        unsure += wrong


def _topics(known: Known) -> set[str]:
    return {topic for topics in known.topics.values() for topic in topics}


def _search(where: str, entry: DiscoveryEntry, listed: Sequence[ListedTask]) -> Iterator[str]:
    there = [task for task in listed if task.key.account in entry.accounts]
    if entry.connectors:
        connectors = Patterns(entry.connectors)
        yield from _globs(f"{where}: connector", connectors, {t.connector_id for t in there})
    else:
        instances = {name for t in there for name in (t.instance_name, t.instance_id)}
        yield from _globs(f"{where}: instance", Patterns(entry.instances), instances)
    names = {n for t in there for n in (t.task_name, f"{t.key.account}/{t.task_name}")}
    yield from _globs(f"{where}: include", entry.names, names)
