"""Small builders of domain values for tests: everything a test does not care about has a value.

Times are seconds after `START`, so a test reads as a story: `a_sample(at(60))`. What a builder
does not take as a parameter is set with `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.history import TaskHistory, fold
from bot.domain.ids import derived_id
from bot.domain.incidents import (
    AlertState,
    Event,
    EventKind,
    Incident,
    Phase,
    SubjectState,
)
from bot.domain.model import (
    Destination,
    FailureKind,
    Observation,
    PollFailure,
    Severity,
    Subject,
    TaskKey,
    TaskSample,
    TaskState,
    TopicSample,
    WatchedTask,
    topic_sample,
)
from bot.domain.notifications import Card, Decision, Form, Intent, Notice, Reason, Told
from bot.domain.policy import RuleType
from bot.domain.reports import TaskView
from bot.domain.verdicts import Finding, Judgement, Level, Unit, Verdict
from bot.ports import Change, ListedTask

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
INTERVAL = timedelta(seconds=60)
TOPIC = "orders"


def at(seconds: float) -> datetime:
    """The instant so many seconds after START."""
    return START + timedelta(seconds=seconds)


# --- tasks and samples -----------------------------------------------------------------------


def a_key(name: str = "orders", *, account: str = "prod") -> TaskKey:
    """The key of the task with this name."""
    return TaskKey(account, f"connector-of-{name}", f"id-of-{name}")


def a_task(name: str = "orders", *, account: str = "prod", **labels: str) -> WatchedTask:
    """A configured task; keyword arguments are its labels."""
    return WatchedTask(
        key=a_key(name, account=account),
        name=name,
        task_name=name,
        labels=labels,
        interval=INTERVAL,
        instance_id=f"instance-of-{name}",
    )


def a_listed_task(name: str = "orders", *, account: str = "prod") -> ListedTask:
    """A task as a listing shows it."""
    key = a_key(name, account=account)
    return ListedTask(
        key=key,
        task_name=name,
        status="RUNNING",
        topics_text=name,
        connector_id=key.connector_id,
        instance_id=f"instance-of-{name}",
        instance_name=f"kafka-{name}",
        instance_tags={"team": name},
    )


def a_topic(
    topic: str = TOPIC,
    *,
    lags: Sequence[int | None] = (0, 0, 0),
    transferred: int = 1_000,
    status: str = "RUNNING",
) -> TopicSample:
    """A topic whose partitions 0, 1, … have these lags; None is a partition nobody can read."""
    rows = [
        (partition, status, transferred, None if lag is None else transferred + lag)
        for partition, lag in enumerate(lags)
    ]
    return topic_sample(topic, rows)


def a_sample(
    when: datetime = START,
    *,
    key: TaskKey | None = None,
    lags: Sequence[int | None] = (0, 0, 0),
    transferred: int | None = None,
    status: str = "RUNNING",
) -> TaskSample:
    """A sample with one topic; every partition has the task's status.

    Unless told otherwise, so much is written and delivered each second that whatever lags follow
    upon each other, no offset falls.
    """
    if transferred is None:
        transferred = 1_000 + round(max((when - START).total_seconds(), 0)) * 10**10
    return a_sample_of(
        a_topic(lags=lags, transferred=transferred, status=status),
        when=when,
        key=key,
        status=status,
    )


def a_sample_of(
    *topics: TopicSample,
    when: datetime = START,
    key: TaskKey | None = None,
    status: str | None = "RUNNING",
    delivery_interval: timedelta | None = timedelta(seconds=300),
) -> TaskSample:
    """A sample with these topics."""
    key = key or a_key()
    return TaskSample(
        key=key,
        at=when,
        status=status,
        topics=tuple(sorted(topics, key=lambda topic: topic.topic)),
        task_name=key.task_id.removeprefix("id-of-"),
        destination_type="OBS_SINK",
        created_at=START - timedelta(days=30),
        topics_text=",".join(topic.topic for topic in topics),
        destination=Destination(
            bucket="a-bucket",
            path="dump",
            partition_format="yyyy/MM/dd/HH",
            file_type="TEXT",
            consumer_strategy="latest",
            deliver_interval=delivery_interval,
        ),
    )


def a_failure(
    when: datetime = START,
    *,
    key: TaskKey | None = None,
    kind: FailureKind = FailureKind.UNAVAILABLE,
    detail: str = "no answer within 10 s",
) -> PollFailure:
    """A poll that gave no sample."""
    return PollFailure(key=key or a_key(), at=when, kind=kind, detail=detail)


def a_history(*observations: Observation, stale_polls: int = 3) -> TaskHistory:
    """The history after these observations; without any, after one quiet sample."""
    history = TaskHistory()
    for observation in observations or (a_sample(),):
        history = fold(history, observation, interval=INTERVAL, stale_polls=stale_polls)
    return history


# --- verdicts and incidents ------------------------------------------------------------------


def a_judgement(
    value: int | str | None = 200_000,
    *,
    partition: int = 0,
    topic: str = TOPIC,
    verdict: Verdict = Verdict.BREACHED,
    severity: Severity = Severity.WARNING,
) -> Judgement:
    """A verdict about one partition by a rule called lag, with levels 100,000 and 1,000,000."""
    return Judgement(
        subject=Subject(topic, partition),
        verdict=verdict,
        rule="lag",
        severity=severity,
        value=value,
        level=Level(warning=100_000, critical=1_000_000, clear=0.8),
    )


def a_finding(
    *judgements: Judgement,
    rule_type: RuleType = RuleType.PARTITION_LAG,
    unit: Unit = Unit.MESSAGES,
    slow_clear: timedelta | None = None,
) -> Finding:
    """What one rule type says; without judgements, the good news."""
    return Finding(type=rule_type, unit=unit, judgements=judgements, slow_clear=slow_clear)


def an_incident(
    when: datetime = START,
    *,
    key: TaskKey | None = None,
    rule_type: RuleType = RuleType.PARTITION_LAG,
    severity: Severity = Severity.WARNING,
    value: int = 200_000,
    resolved_at: datetime | None = None,
) -> Incident:
    """An incident that opened at `when`; its id is derived as the automaton derives it."""
    key = key or a_key()
    return Incident(
        id=derived_id("i", str(key), rule_type, when.isoformat()),
        key=key,
        type=rule_type,
        name=key.task_id.removeprefix("id-of-"),
        rule="lag",
        unit=Unit.MESSAGES,
        severity=severity,
        opened_at=when,
        breached_since=when,
        evidence=(a_judgement(value, severity=severity),),
        spread=((TOPIC, (0,)),),
        observed_at=when,
        peak=value,
        peak_at=when,
        phase=Phase.OPEN if resolved_at is None else Phase.QUIET,
        resolved_at=resolved_at,
        resolution="" if resolved_at is None else "cleared",
    )


def an_event(
    incident: Incident | None = None,
    *,
    kind: EventKind = EventKind.OPENED,
    when: datetime | None = None,
) -> Event:
    """An event of an incident, at its opening when not told otherwise."""
    incident = incident or an_incident()
    return Event(kind, when or incident.opened_at, incident)


def a_state(incident: Incident | None = None, *, version: int = 0) -> AlertState:
    """The open alert of an incident, with one subject."""
    incident = incident or an_incident()
    subject = SubjectState(
        level=Level(warning=100_000, critical=1_000_000, clear=0.8),
        breached_since=incident.breached_since,
        breached_at=incident.opened_at,
    )
    return AlertState(
        key=incident.key,
        type=incident.type,
        phase=Phase.OPEN,
        subjects={Subject(TOPIC, 0): subject},
        incident=incident,
        version=version,
    )


# --- telling ---------------------------------------------------------------------------------


def a_told(
    incident: Incident | None = None,
    *,
    severity: Severity | None = Severity.WARNING,
    rang: bool = True,
    resolved: bool = False,
) -> Told:
    """An incident as a card tells it, with a mention at critical and a reminder every 4 h."""
    return Told(
        incident_id=(incident or an_incident()).id,
        min_severity=Severity.INFO,
        mention={Severity.CRITICAL: ("S0ONCALL",)},
        repeat={Severity.WARNING: timedelta(hours=4), Severity.INFO: None},
        severity=severity,
        rang=rang,
        resolved=resolved,
    )


def a_card(
    incident: Incident | None = None,
    *,
    channel: str = "C0DATA",
    version: int = 0,
    closed_at: datetime | None = None,
) -> Card:
    """A card that tells one incident; its id is derived as `decide` derives it."""
    incident = incident or an_incident()
    told = a_told(incident, resolved=closed_at is not None)
    return Card(
        id=derived_id("c", str(incident.key), channel, incident.opened_at.isoformat()),
        key=incident.key,
        channel=channel,
        opened_at=incident.opened_at,
        told={incident.id: told},
        decided_at=incident.opened_at,
        shown=f"{incident.id}:2",
        closed_at=closed_at,
        version=version,
    )


def a_view(
    key: TaskKey | None = None,
    *,
    name: str = "orders",
    state: TaskState = TaskState.WARNING,
    lag: int | None = 200_000,
    labels: Mapping[str, str] | None = None,
) -> TaskView:
    """One task as of its latest reading."""
    return TaskView(
        key=key or a_key(name),
        name=name,
        labels=labels or {},
        state=state,
        cloud_status="RUNNING",
        status_since=START,
        read_at=START,
        delivery_interval=timedelta(seconds=300),
        lag=lag,
        known=3,
    )


def a_notice(
    incident: Incident | None = None,
    *,
    reason: Reason = Reason.OPENED,
    when: datetime | None = None,
    mentions: Sequence[str] = (),
) -> Notice:
    """Something to say about one incident."""
    incident = incident or an_incident()
    return Notice(
        reason=reason,
        at=when or incident.opened_at,
        task=a_view(incident.key, name=incident.name),
        incidents=(incident,),
        mentions=tuple(mentions),
    )


def an_intent(
    card: Card | None = None,
    *,
    form: Form = Form.CARD,
    when: datetime | None = None,
    due_at: datetime | None = None,
    reason: Reason = Reason.OPENED,
    rings: bool = False,
) -> Intent:
    """A row for the outbox about the card's first incident; due at once if not told otherwise."""
    card = card or a_card()
    when = when or card.opened_at
    return Intent(
        id=derived_id("n", card.id, form, reason, when.isoformat()),
        card_id=card.id,
        channel=card.channel,
        form=form,
        notice=a_notice(an_incident(card.opened_at, key=card.key), reason=reason, when=when),
        due_at=due_at or when,
        rings=rings,
    )


def a_decision(
    incident: Incident | None = None,
    *,
    channel: str = "C0DATA",
    reason: Reason = Reason.OPENED,
    said: bool = True,
) -> Decision:
    """An audit row."""
    return Decision((incident or an_incident()).id, channel, reason, said)


def an_opening(incident: Incident | None = None, *, channel: str = "C0DATA") -> Change:
    """Everything that is written when an incident opens and a channel is told of it."""
    incident = incident or an_incident()
    card = a_card(incident, channel=channel)
    return Change(
        key=incident.key,
        at=incident.opened_at,
        states=(a_state(incident),),
        events=(an_event(incident),),
        cards=(card,),
        intents=(an_intent(card, rings=True),),
        decisions=(a_decision(incident, channel=channel),),
        window=a_history(a_sample(incident.opened_at, key=incident.key, lags=(200_000, 0, 0))),
    )
