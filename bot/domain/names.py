"""What tasks are called, and which task a person means.

A configured task is called by its key in the configuration. A discovered one is called by its
task_name; where that is taken by another, by account/task_name; inside one account by
account/task_name# and the first 8 characters of its task id. `account/task_name` always names a
task that only one has.

A configured entry with the ids of a discovered task is that task: the entry's name and labels win.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from itertools import count

from bot.domain.ids import derived_id
from bot.domain.matching import Match
from bot.domain.model import TaskKey, WatchedTask

ID_SHOWN = 8
"""Characters of a task id that tell namesakes inside one account apart."""
SUGGESTIONS = 5


@dataclass(frozen=True, slots=True)
class ConfiguredTask:
    """An entry of `tasks`. Either the connector or the instance is known, or both."""

    name: str
    account: str
    task_id: str
    connector_id: str | None = None
    instance_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    interval: timedelta | None = None
    """None: as every task."""


@dataclass(frozen=True, slots=True)
class DiscoveredTask:
    """A task that the cloud listed and the configuration takes (see `discovery`)."""

    key: TaskKey
    task_name: str
    instance_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """From the tags of its instance."""


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """Labels for all tasks that match."""

    match: Match
    labels: Mapping[str, str]


def watched_tasks(
    configured: Iterable[ConfiguredTask],
    discovered: Iterable[DiscoveredTask],
    *,
    labels: Sequence[LabelEntry] = (),
    interval: timedelta = timedelta(seconds=60),
) -> tuple[WatchedTask, ...]:
    """Every task to watch, configured ones first in their order, then discovered ones by key.

    Names are unique. A configured task whose connector nobody knows yet (it was given by its
    instance and was not discovered) has an empty connector id.

    Labels come from instance tags, then from the label entries in order, then from the task's own
    entry; later wins.
    """
    fleet = {task.key: task for task in discovered}
    by_id: dict[tuple[str, str], list[DiscoveredTask]] = {}
    for key in sorted(fleet):
        by_id.setdefault((key.account, key.task_id), []).append(fleet[key])
    chosen = [
        _configured(entry, _twin(entry, by_id.get((entry.account, entry.task_id), [])), interval)
        for entry in configured
    ]
    others = [fleet[key] for key in sorted(fleet.keys() - {task.key for task in chosen})]
    names = _names(others, {task.name for task in chosen})
    tasks = [*chosen, *(_discovered(task, names[task.key], interval) for task in others)]
    own = {task.key: task.labels for task in chosen}
    tags = {key: task.labels for key, task in fleet.items()}
    return tuple(
        _labelled(task, labels, tags=tags.get(task.key, {}), own=own.get(task.key, {}))
        for task in tasks
    )


def _twin(entry: ConfiguredTask, same_id: Iterable[DiscoveredTask]) -> DiscoveredTask | None:
    """The discovered task that an entry means, of those with its account and task id."""
    for task in same_id:
        if entry.connector_id in (None, task.key.connector_id):
            return task
    return None


def _configured(
    entry: ConfiguredTask, twin: DiscoveredTask | None, interval: timedelta
) -> WatchedTask:
    key = twin.key if twin else TaskKey(entry.account, entry.connector_id or "", entry.task_id)
    return WatchedTask(
        key,
        name=entry.name,
        task_name=twin.task_name if twin and twin.task_name else entry.name,
        labels=entry.labels,
        interval=entry.interval or interval,
        configured=True,
        instance_id=entry.instance_id or (twin.instance_id if twin else None),
    )


def _discovered(task: DiscoveredTask, name: str, interval: timedelta) -> WatchedTask:
    return WatchedTask(
        task.key,
        name=name,
        task_name=task.task_name or task.key.task_id,
        labels=task.labels,
        interval=interval,
        configured=False,
        instance_id=task.instance_id,
    )


def _names(tasks: Sequence[DiscoveredTask], taken: Collection[str]) -> dict[TaskKey, str]:
    """A name of its own for each task, the shortest form that nobody else has."""
    names: dict[TaskKey, str] = {}
    used = set(taken)
    waiting = [(task.key, _forms(task)) for task in tasks]
    while waiting:
        wanted = [(key, next(forms), forms) for key, forms in waiting]
        counts = Counter(form for _, form, _ in wanted)
        waiting = [(k, forms) for k, form, forms in wanted if counts[form] > 1 or form in used]
        names |= {k: form for k, form, _ in wanted if counts[form] == 1 and form not in used}
        used |= counts.keys()
    return names


def _forms(task: DiscoveredTask) -> Iterator[str]:
    """The forms of a task's name, short to long, without an end."""
    name = task.task_name or task.key.task_id
    long_name = f"{task.key.account}/{name}"
    yield name
    yield long_name
    yield f"{long_name}#{task.key.task_id[:ID_SHOWN]}"
    yield f"{long_name}#{task.key.task_id}"
    # Whatever the cloud calls its tasks, one of these is free.
    yield from (f"{long_name}#{derived_id('t', str(task.key), str(n))}" for n in count())


def _labelled(
    task: WatchedTask,
    entries: Sequence[LabelEntry],
    *,
    tags: Mapping[str, str],
    own: Mapping[str, str],
) -> WatchedTask:
    below = dict(tags)
    for entry in entries:
        # An entry may ask for labels: it sees those from before it, and the task's own.
        if entry.match.hits_task(replace(task, labels={**below, **own})):
            below |= entry.labels
    return replace(task, labels={**below, **own})


# --- which one is meant ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotOne:
    """A text that names no task, or more than one."""

    text: str
    candidates: tuple[str, ...] = ()
    """Names it may mean: when ambiguous all that fit, else the nearest, at most SUGGESTIONS."""
    ambiguous: bool = False
    """True: it fits all candidates. False: they are only near."""


def resolve(
    text: str,
    tasks: Collection[WatchedTask],
    topics: Mapping[TaskKey, Collection[str]] | None = None,
) -> WatchedTask | NotOne:
    """The task that a person means.

    By its name, by its task_name where that is not shared, by account/task_name (with # and
    characters of the id), by its task id, by a unique prefix of its name, or by a topic that only
    it dumps. What fits exactly goes before what fits partly, and what fits as typed before what
    fits whatever the case.
    """
    wanted = text.strip()
    several: list[WatchedTask] = []
    if wanted:
        for found in _exactly(wanted, tasks):
            if len(found) == 1:
                return found[0]
            if found:
                return _one_of(wanted, found)
        for found in _partly(wanted, tasks, topics or {}):
            if len(found) == 1:
                return found[0]
            several = several or found
    if several:
        return _one_of(wanted, several)
    return NotOne(wanted, _near(wanted, [task.name for task in tasks]))


def called(text: str, tasks: Iterable[WatchedTask]) -> WatchedTask | None:
    """The one task that is called exactly so, in any of its ways; None where none is, or several.

    For programs: nothing is guessed, and case counts.
    """
    for ways in (lambda task: (task.name,), _exact_forms, lambda task: (str(task.key),)):
        found = [task for task in tasks if text in ways(task)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _one_of(wanted: str, found: Iterable[WatchedTask]) -> NotOne:
    return NotOne(wanted, tuple(sorted(task.name for task in found)), ambiguous=True)


def _exactly(wanted: str, tasks: Collection[WatchedTask]) -> Iterator[list[WatchedTask]]:
    """The tasks that are called so, from the strictest way to the loosest."""
    folded = wanted.casefold()
    yield [task for task in tasks if task.name == wanted]
    yield [task for task in tasks if wanted in _exact_forms(task)]
    yield [task for task in tasks if folded in map(str.casefold, _exact_forms(task))]


def _partly(
    wanted: str, tasks: Collection[WatchedTask], topics: Mapping[TaskKey, Collection[str]]
) -> Iterator[list[WatchedTask]]:
    """The tasks whose name begins so, and those that dump a topic called so."""
    for start, fold in ((wanted, str), (wanted.casefold(), str.casefold)):
        yield [task for task in tasks if any(fold(f).startswith(start) for f in _forms_of(task))]
    yield [task for task in tasks if wanted in topics.get(task.key, ())]


def _forms_of(task: WatchedTask) -> tuple[str, ...]:
    """What a prefix of is enough; the last form also takes any characters of the id."""
    return task.name, f"{task.key.account}/{task.task_name}#{task.key.task_id}"


def _exact_forms(task: WatchedTask) -> tuple[str, ...]:
    return (
        task.name,
        task.task_name,
        f"{task.key.account}/{task.task_name}",
        task.key.task_id,
    )


def _near(wanted: str, names: Collection[str]) -> tuple[str, ...]:
    by_folded = {name.casefold(): name for name in sorted(names)}
    near = get_close_matches(wanted.casefold(), by_folded, n=SUGGESTIONS, cutoff=0.5)
    return tuple(by_folded[name] for name in near)
