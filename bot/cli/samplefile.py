"""Tasks, samples and incidents as JSON lines: what `export` writes and `backtest --samples` reads.

A line is an object with a `kind`: `task`, `sample` or `incident`. Other kinds are passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.adapters.web import documents
from bot.domain.incidents import Incident
from bot.domain.model import (
    Destination,
    Severity,
    TaskKey,
    TaskSample,
    WatchedTask,
    topic_sample,
)
from bot.domain.names import DiscoveredTask
from bot.domain.policy import RuleType
from bot.domain.verdicts import Unit
from bot.ports import RequestError

LONGEST_S = 3_155_760_000
"""A hundred years: longer is no delivery interval."""
_STRICT = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Topic(BaseModel):
    model_config = _STRICT

    topic: str
    unreadable: Annotated[int, Field(ge=0)] = 0
    partitions: list[Annotated[int, Field(ge=0)]]
    statuses: list[str | None]
    last_transferred_offsets: list[int | None]
    log_end_offsets: list[int | None]


class _Placed(BaseModel):
    model_config = _STRICT

    account: str
    connector_id: str
    task_id: str
    task: str | None = None

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.account, self.connector_id, self.task_id)


class _Task(_Placed):
    kind: Literal["task"]
    labels: dict[str, str] = {}


class _Sample(_Placed):
    kind: Literal["sample"]
    at: AwareDatetime
    cloud_status: str | None = None
    deliver_interval_seconds: Annotated[float, Field(gt=0, le=LONGEST_S)] | None = None
    topics: list[_Topic] | None = None


class _Incident(_Placed):
    kind: Literal["incident"]
    id: str
    type: RuleType
    rule: str
    severity: Literal["info", "warning", "critical"]
    unit: Unit
    opened_at: AwareDatetime
    breached_since: AwareDatetime
    resolved_at: AwareDatetime | None = None


@dataclass(slots=True)
class Contents:
    """What a file holds."""

    samples: list[tuple[str, TaskSample]] = field(default_factory=list)
    """Each with the name of its task, in the order of the file."""
    tasks: dict[TaskKey, DiscoveredTask] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)


def task_line(task: WatchedTask) -> str:
    """One task with its labels."""
    key = task.key
    document = {
        "kind": "task",
        "task": task.name,
        "account": key.account,
        "connector_id": key.connector_id,
        "task_id": key.task_id,
        "labels": dict(task.labels),
    }
    return json.dumps(document, ensure_ascii=False)


def sample_line(sample: TaskSample, task: str) -> str:
    """One sample."""
    interval = sample.destination.deliver_interval
    document = {
        "kind": "sample",
        "task": task,
        "account": sample.key.account,
        "connector_id": sample.key.connector_id,
        "task_id": sample.key.task_id,
        "deliver_interval_seconds": documents.seconds(interval),
        **documents.sample(sample),
    }
    return json.dumps(document, ensure_ascii=False)


def incident_line(incident: Incident) -> str:
    """One incident."""
    return json.dumps({"kind": "incident", **documents.incident(incident)}, ensure_ascii=False)


def read_file(path: Path) -> Contents:
    """Everything in a file. Raises: RequestError, which names the line."""
    found = Contents()
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    _take(found, line, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise RequestError(f"{path} cannot be read: {why}") from error
    if not found.samples:
        raise RequestError(f"{path} holds no samples; lines as export writes them would be right")
    return found


def _take(found: Contents, line: str, where: str) -> None:
    document = _document(line, where)
    try:
        match document["kind"]:
            case "sample":
                sample = _Sample.model_validate(document)
                found.samples.append((sample.task or "", _sample(sample)))
            case "task":
                task = _Task.model_validate(document)
                name = task.task or task.task_id
                found.tasks[task.key] = DiscoveredTask(task.key, name, labels=task.labels)
            case "incident":
                found.incidents.append(_incident(_Incident.model_validate(document)))
            case _:
                pass
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RequestError(f"{where}: {place}: {first['msg'].lower()}") from error
    except ValueError as error:
        raise RequestError(f"{where}: the columns of a topic differ in length") from error


def _document(line: str, where: str) -> dict[str, object]:
    right = "a JSON object per line, as export writes them, would be right"
    try:
        document = json.loads(line)
    except json.JSONDecodeError as error:
        raise RequestError(f"{where}: no JSON; {right}") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets without end.
        raise RequestError(f"{where}: no line of an export; {right}") from error
    if not isinstance(document, dict) or "kind" not in document:
        raise RequestError(f'{where}: no "kind"; lines as export writes them would be right')
    return document


def _incident(read: _Incident) -> Incident:
    return Incident(
        id=read.id,
        key=read.key,
        type=read.type,
        name=read.task or read.account,
        rule=read.rule,
        unit=read.unit,
        severity=Severity[read.severity.upper()],
        opened_at=read.opened_at,
        breached_since=read.breached_since,
        resolved_at=read.resolved_at,
    )


def _sample(read: _Sample) -> TaskSample:
    interval = read.deliver_interval_seconds
    return TaskSample(
        read.key,
        read.at,
        read.cloud_status,
        None
        if read.topics is None
        else tuple(
            topic_sample(
                topic.topic,
                list(
                    zip(
                        topic.partitions,
                        topic.statuses,
                        topic.last_transferred_offsets,
                        topic.log_end_offsets,
                        strict=True,
                    )
                ),
                topic.unreadable,
            )
            for topic in read.topics
        ),
        destination=Destination(
            deliver_interval=None if interval is None else timedelta(seconds=interval)
        ),
    )
