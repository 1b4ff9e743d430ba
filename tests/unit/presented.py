"""Tasks, incidents and notices for the tests of the presenters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.drain import Drain
from bot.domain.incidents import Incident, Phase
from bot.domain.marks import Age
from bot.domain.model import (
    TASK,
    Destination,
    FailureKind,
    PartitionReading,
    Severity,
    Subject,
    TaskKey,
    TaskState,
)
from bot.domain.notifications import Notice, Reason
from bot.domain.policy import RuleType
from bot.domain.reports import LagRow, TaskView, TopicView
from bot.domain.verdicts import Judgement, Level, Unit, Verdict

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
KEY = TaskKey("eu", "8d0e7c1a", "3f1c9b2d")


def ago(**duration: float) -> datetime:
    """So long before NOW."""
    return NOW - timedelta(**duration)


def judged(
    subject: Subject, value: int | str | None, severity: Severity = Severity.CRITICAL
) -> Judgement:
    """A breach of the lag rule of orders, or of a status."""
    level = Level() if isinstance(value, str) else Level(100_000, 1_000_000)
    return Judgement(subject, Verdict.BREACHED, "lag-orders", severity, value, level)


LAGGING = Incident(
    id="i-7KQ2M4XW9B",
    key=KEY,
    type=RuleType.PARTITION_LAG,
    name="orders",
    rule="lag-orders",
    unit=Unit.MESSAGES,
    severity=Severity.CRITICAL,
    opened_at=ago(minutes=12),
    breached_since=ago(minutes=14),
    evidence=(
        judged(Subject("orders", 3), 1_234_567),
        judged(Subject("orders", 4), 1_100_000),
        judged(Subject("payments", 1), 300_000, Severity.WARNING),
    ),
    spread=(("orders", (3, 4, 5, 7)), ("payments", (1,))),
    observed_at=NOW,
    peak=1_300_000,
    peak_at=ago(minutes=2),
)

FAILED = Incident(
    id="i-9XWB3TNC45",
    key=KEY,
    type=RuleType.STATUS,
    name="orders",
    rule="status",
    unit=Unit.STATUS,
    severity=Severity.CRITICAL,
    opened_at=ago(minutes=5),
    breached_since=ago(minutes=5),
    evidence=(replace(judged(TASK, "FAILED"), rule="status"),),
    spread=(("", ()),),
    observed_at=NOW,
)

REFUSED = Incident(
    id="i-4GHJK23MNP",
    key=TaskKey("eu"),
    type=RuleType.UNREACHABLE,
    name="eu",
    rule="unreachable",
    unit=Unit.STATUS,
    severity=Severity.WARNING,
    opened_at=ago(minutes=1),
    breached_since=ago(minutes=3),
    evidence=(
        Judgement(
            TASK,
            Verdict.BREACHED,
            "unreachable",
            Severity.WARNING,
            FailureKind.DENIED.value,
            detail="12 of 12 tasks: HTTP 401, verify aksk signature fail",
        ),
    ),
    spread=(("", ()),),
    observed_at=NOW,
)

RECOVERING = replace(LAGGING, phase=Phase.RECOVERING, closes_at=NOW + timedelta(minutes=6))
RESOLVED = replace(LAGGING, phase=Phase.QUIET, resolved_at=NOW, resolution="cleared")

ORDERS = TaskView(
    key=KEY,
    name="orders",
    labels={"team": "orders"},
    state=TaskState.CRITICAL,
    cloud_status="RUNNING",
    status_since=ago(days=3),
    read_at=ago(seconds=42),
    destination=Destination("archive", "kafka/orders", "yyyy/MM/dd"),
    topics_text="orders,payments",
    delivery_interval=timedelta(seconds=300),
    lag=5_234_567,
    known=11,
    unknown=1,
    topics=(TopicView("orders", 8, 5_000_000, 0), TopicView("payments", 4, 234_567, 1)),
    worst=(
        LagRow(
            PartitionReading("orders", 3, "RUNNING", 100, 1_234_667, 1_234_567),
            timedelta(minutes=25),
            timedelta(minutes=26),
        ),
        LagRow(PartitionReading("payments", 1, "FAILED", 0, 300_000, 300_000)),
    ),
    age=Age(timedelta(minutes=25), timedelta(minutes=26)),
    drain=Drain(5_000_000, 60_000, 90_000, timedelta(minutes=166)),
    open_incidents=(LAGGING.id,),
)

QUIET = TaskView(
    key=TaskKey("eu", "8d0e7c1a", "77aa"),
    name="audit",
    state=TaskState.OK,
    cloud_status="RUNNING",
    read_at=ago(seconds=58),
    lag=0,
    known=3,
)

UNREAD = TaskView(
    key=TaskKey("eu", "8d0e7c1a", "88bb"),
    name="billing",
    failure="HTTP 503",
    failing_since=ago(minutes=4),
)

ACCOUNT = TaskView(key=TaskKey("eu"), name="eu")


def notice(
    *incidents: Incident,
    reason: Reason = Reason.OPENED,
    task: TaskView = ORDERS,
    mentions: tuple[str, ...] = (),
    reminder_at: datetime | None = None,
) -> Notice:
    """What is to be said of these incidents."""
    return Notice(reason, NOW, task, incidents, mentions, reminder_at)
