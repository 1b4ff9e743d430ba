"""The JSON documents: the one place that names their fields.

The names are stable: fields are added, never renamed. Unknown is null, never 0 and never absent.
Offsets and lags are JSON numbers of any size (a reader with 53-bit numbers should use a parser that
keeps integers). Instants are ISO 8601 in UTC with a `Z`; durations are seconds, in a field whose
name ends in `_seconds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.drain import Drain
from bot.domain.incidents import Event, Incident, Phase
from bot.domain.marks import Age
from bot.domain.model import Destination, TaskKey, TaskSample, TopicSample
from bot.domain.reports import AccountHealth, Ailment, HealthReport, LagRow, TaskView, TopicView
from bot.domain.verdicts import Judgement

Document = dict[str, object]


def instant(at: datetime | None) -> str | None:
    """`2026-01-02T03:04:05Z`, with fractions of a second where there are any."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seconds(duration: timedelta | None) -> int | float | None:
    """Whole seconds where they are whole."""
    if duration is None:
        return None
    value = duration.total_seconds()
    return int(value) if value.is_integer() else value


# --- tasks -----------------------------------------------------------------------------------


def task(view: TaskView, now: datetime) -> Document:
    """A task as of its latest reading; `state` is the bot's word, `cloud_status` the cloud's."""
    return {
        "name": view.name,
        **_place(view.key),
        "instance_id": view.instance_id,
        "labels": dict(view.labels),
        "state": view.state.value,
        "cloud_status": view.cloud_status,
        "cloud_status_since": instant(view.status_since),
        "read_at": instant(view.read_at),
        "reading_age_seconds": seconds(None if view.read_at is None else now - view.read_at),
        "failure": view.failure,
        "failing_since": instant(view.failing_since),
        "lag": view.lag,
        "partitions_known": view.known,
        "partitions_unknown": view.unknown,
        "delivery_interval_seconds": seconds(view.delivery_interval),
        "delivery_interval_assumed": view.interval_assumed,
        "destination": _destination(view.destination),
        "topics_configured": view.topics_text,
        "topics": [_topic(topic) for topic in view.topics],
        **_age(view.age),
        "drain": _drain(view.drain),
        "loss_seconds": seconds(view.loss),
        "worst_partitions": [_partition(row) for row in view.worst],
        "open_incidents": list(view.open_incidents),
    }


def _place(key: TaskKey) -> Document:
    """Where a task lives; an account as a whole has neither connector nor task."""
    return {
        "account": key.account,
        "connector_id": key.connector_id or None,
        "task_id": key.task_id or None,
    }


def _destination(destination: Destination) -> Document:
    return {
        "bucket": destination.bucket,
        "path": destination.path,
        "partition_format": destination.partition_format,
        "file_type": destination.file_type,
        "consumer_strategy": destination.consumer_strategy,
        "deliver_interval_seconds": seconds(destination.deliver_interval),
    }


def _topic(topic: TopicView) -> Document:
    return {
        "topic": topic.topic,
        "partitions": topic.partitions,
        "lag": topic.lag,
        "partitions_unknown": topic.unknown,
        **_age(topic.age),
    }


def _partition(row: LagRow) -> Document:
    reading = row.reading
    return {
        "topic": reading.topic,
        "partition": reading.partition,
        "status": reading.status,
        "last_transferred_offset": reading.transferred,
        "log_end_offset": reading.log_end,
        "lag": reading.lag,
        "age_at_least_seconds": seconds(row.age_at_least),
        "age_at_most_seconds": seconds(row.age_at_most),
    }


def _age(age: Age | None) -> Document:
    """Both bounds are null where nothing is known; the upper one alone where only that is not."""
    return {
        "age_at_least_seconds": None if age is None else seconds(age.at_least),
        "age_at_most_seconds": None if age is None else seconds(age.at_most),
    }


def _drain(drain: Drain | None) -> Document | None:
    """`lasts_seconds` is null where the backlog never drains at these rates."""
    if drain is None:
        return None
    return {
        "backlog": drain.backlog,
        "intake_per_minute": drain.intake_per_minute,
        "outgo_per_minute": drain.outgo_per_minute,
        "lasts_seconds": seconds(drain.lasts),
    }


def sample(reading: TaskSample) -> Document:
    """One stored reading. The partitions of a topic are columns of equal length."""
    topics = reading.topics
    return {
        "at": instant(reading.at),
        "cloud_status": reading.status,
        "topics": None if topics is None else [_columns(topic) for topic in topics],
    }


def _columns(topic: TopicSample) -> Document:
    return {
        "topic": topic.topic,
        "unreadable": topic.unreadable,
        "partitions": topic.partitions,
        "statuses": topic.statuses,
        "last_transferred_offsets": topic.transferred,
        "log_end_offsets": topic.log_end,
        "lags": topic.lags,
    }


# --- incidents -------------------------------------------------------------------------------


def incident(told: Incident) -> Document:
    """An incident; `state` is open, recovering or resolved. Values and levels are in `unit`."""
    return {
        "id": told.id,
        "task": None if told.key.is_account else told.name,
        **_place(told.key),
        "type": told.type.value,
        "rule": told.rule,
        "severity": told.severity.word,
        "state": incident_state(told),
        "opened_at": instant(told.opened_at),
        "breached_since": instant(told.breached_since),
        "observed_at": instant(told.observed_at),
        "closes_at": instant(told.closes_at),
        "resolved_at": instant(told.resolved_at),
        "resolution": told.resolution or None,
        "unit": told.unit.value,
        "peak": told.peak,
        "peak_at": instant(told.peak_at),
        "evidence": [_evidence(judgement) for judgement in told.evidence],
        "breached": [_spread(topic, partitions) for topic, partitions in told.spread],
    }


def incident_state(told: Incident) -> str:
    """The word for where an incident is in its life."""
    if not told.open:
        return "resolved"
    return "recovering" if told.phase is Phase.RECOVERING else "open"


def _evidence(judgement: Judgement) -> Document:
    subject = judgement.subject
    return {
        "topic": subject.topic or None,
        "partition": subject.partition if subject.partition >= 0 else None,
        "rule": judgement.rule,
        "severity": judgement.severity.word,
        "value": judgement.value,
        "warning": judgement.level.warning,
        "critical": judgement.level.critical,
        "detail": judgement.detail or None,
    }


def _spread(topic: str, partitions: Sequence[int]) -> Document:
    return {"topic": topic or None, "partitions": list(partitions)}


def event(happened: Event) -> Document:
    """What an incident became, and when."""
    return {
        "at": instant(happened.at),
        "kind": happened.kind.value,
        "state": incident_state(happened.incident),
        "severity": happened.incident.severity.word,
    }


# --- health ----------------------------------------------------------------------------------


def health(report: HealthReport) -> Document:
    """The bot about itself; `problems` is empty when all is well."""
    return {
        "healthy": report.well,
        "problems": [_ailment(ailment) for ailment in report.ailments],
        "version": report.version,
        "started_at": instant(report.started_at),
        "accounts": [_account(account) for account in report.accounts],
        "poll_lateness_seconds": seconds(report.lateness),
        "outbox_depth": report.outbox_waiting,
        "outbox_oldest_seconds": seconds(report.outbox_oldest),
        "messages_given_up": report.given_up,
        "store": report.store or None,
    }


def _ailment(ailment: Ailment) -> Document:
    return {"part": ailment.part, "why": ailment.why, "since": instant(ailment.since)}


def _account(account: AccountHealth) -> Document:
    return {
        "account": account.account,
        "tasks": account.tasks,
        "tasks_fresh": account.fresh,
        "failure": account.failure,
    }
