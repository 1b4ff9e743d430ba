"""Samples and incidents as JSON lines: what `export` writes and `backtest --samples` reads.

A line is an object with a `kind`. Those of kind `sample` are read back; other kinds are passed
over, so that a file may hold the incidents beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.adapters.web import documents
from bot.domain.incidents import Incident
from bot.domain.model import Destination, TaskKey, TaskSample, topic_sample
from bot.ports import RequestError

_STRICT = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Topic(BaseModel):
    model_config = _STRICT

    topic: str
    partitions: list[Annotated[int, Field(ge=0)]]
    statuses: list[str | None]
    last_transferred_offsets: list[int | None]
    log_end_offsets: list[int | None]


class _Sample(BaseModel):
    model_config = _STRICT

    kind: Literal["sample"]
    account: str
    connector_id: str
    task_id: str
    task: str = ""
    at: AwareDatetime
    cloud_status: str | None = None
    deliver_interval_seconds: Annotated[float, Field(gt=0)] | None = None
    topics: list[_Topic] | None = None


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


def read_samples(path: Path) -> Iterator[tuple[str, TaskSample]]:
    """The samples of a file, each with the name of its task.

    Raises: RequestError, which names the line.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield from _read(line, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise RequestError(f"{path} cannot be read: {why}") from error


def _read(line: str, where: str) -> Iterator[tuple[str, TaskSample]]:
    try:
        document = json.loads(line)
    except ValueError as error:
        right = "a JSON object per line, as export writes them, would be right"
        raise RequestError(f"{where}: no JSON; {right}") from error
    if not isinstance(document, dict) or "kind" not in document:
        raise RequestError(f'{where}: no "kind"; lines as export writes them would be right')
    if document["kind"] != "sample":
        return
    try:
        read = _Sample.model_validate(document)
        yield read.task, _sample(read)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RequestError(f"{where}: {place}: {first['msg'].lower()}") from error
    except ValueError as error:
        raise RequestError(f"{where}: the columns of a topic differ in length") from error


def _sample(read: _Sample) -> TaskSample:
    interval = read.deliver_interval_seconds
    return TaskSample(
        TaskKey(read.account, read.connector_id, read.task_id),
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
            )
            for topic in read.topics
        ),
        destination=Destination(
            deliver_interval=None if interval is None else timedelta(seconds=interval)
        ),
    )
