"""The series of tasks, as Prometheus' text format (version 0.0.4) directly.

A fleet has ten series and more per task, and prometheus_client checks and escapes every name and
label of every line again: two seconds for ten thousand tasks, in which the process does nothing
else. Here a task's name is escaped once and its lines are joined: a tenth of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.domain.model import TaskState
from bot.domain.reports import TaskView

_UNNAMEABLE = re.compile(r"[^a-zA-Z0-9_]")


def task_series(tasks: Sequence[TaskView], now: datetime) -> bytes:
    """Every family about tasks. Of tasks that share a name the first counts.

    (A series that stands twice would make Prometheus refuse the whole scrape.)
    """
    named = {f'task="{escaped(view.name)}"': view for view in reversed(tasks)}
    families = (
        _family("dumptask_task_info", "A watched task and its labels.", _infos(named)),
        _family("dumptask_task_state", "1 for the state the task is in, else 0.", _states(named)),
        _family(
            "dumptask_task_reading_age_seconds", "Age of the latest reading.", _ages(named, now)
        ),
        _family("dumptask_lag_messages", "Lag over the partitions that are known.", _lags(named)),
        _family(
            "dumptask_age_seconds",
            "Age of the oldest undelivered message, at least.",
            _undelivered(named),
        ),
        _family(
            "dumptask_loss_seconds", "Time until undelivered messages are lost.", _losses(named)
        ),
    )
    return "".join(families).encode()


def _family(name: str, text: str, samples: Iterable[str]) -> str:
    """A family of gauges; a sample is its labels, `} ` and its value."""
    lines = "".join([f"{name}{{{sample}\n" for sample in samples])
    return f"# HELP {name} {text}\n# TYPE {name} gauge\n{lines}"


def _infos(tasks: Mapping[str, TaskView]) -> Iterator[str]:
    for task, view in tasks.items():
        place = f'account="{escaped(view.key.account)}"'
        place += f',connector_id="{escaped(view.key.connector_id)}"'
        yield f"{task},{place}{_labels(view.labels) if view.labels else ''}}} 1"


def _labels(labels: Mapping[str, str]) -> str:
    """Labels of a task as Prometheus can name them; names that become alike are numbered."""
    named: dict[str, str] = {}
    for name in sorted(labels):
        plain = "label_" + _UNNAMEABLE.sub("_", name)
        unique, number = plain, 1
        while unique in named:
            number += 1
            unique = f"{plain}_{number}"
        named[unique] = labels[name]
    return "".join(f',{name}="{escaped(value)}"' for name, value in named.items())


def _states(tasks: Mapping[str, TaskView]) -> Iterator[str]:
    states = [(state, f',state="{state.value}"}} ') for state in TaskState]
    for task, view in tasks.items():
        for state, label in states:
            yield f"{task}{label}{1 if view.state is state else 0}"


def _ages(tasks: Mapping[str, TaskView], now: datetime) -> Iterator[str]:
    for task, view in tasks.items():
        if view.read_at is not None:
            yield f"{task}}} {(now - view.read_at).total_seconds()}"


def _lags(tasks: Mapping[str, TaskView]) -> Iterator[str]:
    for task, view in tasks.items():
        lags = {escaped(topic.topic): topic.lag for topic in view.topics}
        for topic, lag in lags.items():
            if lag is not None:
                yield f'{task},topic="{topic}"}} {number(lag)}'


def _undelivered(tasks: Mapping[str, TaskView]) -> Iterator[str]:
    for task, view in tasks.items():
        ages = {escaped(topic.topic): topic.age for topic in view.topics}
        for topic, age in ages.items():
            if age is not None:
                yield f'{task},topic="{topic}"}} {age.at_least.total_seconds()}'


def _losses(tasks: Mapping[str, TaskView]) -> Iterator[str]:
    for task, view in tasks.items():
        if view.loss is not None:
            yield f"{task}}} {view.loss.total_seconds()}"


def escaped(value: str) -> str:
    """A label's value between its quotes. Half a character would break the whole scrape."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return value
    text = value.encode("utf-8", "replace").decode()
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: int) -> str:
    """A count as Prometheus keeps it, a float; beyond what floats hold it is infinite."""
    try:
        return repr(float(value))
    except OverflowError:
        return "+Inf"
