"""What a silence covers, and what is said while one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alerts import Acknowledgement, EventKind, Incident
from bot.domain.cards import Form, Reason
from bot.domain.model import Severity
from bot.domain.policy import RuleType
from bot.domain.silences import Cover, Silence, covering
from tests.builders import a_key, a_task, an_incident, at
from tests.unit.telling import CRITICAL, Channel, ended, lag, worse

TASK = a_task("orders", team="Shop")
ACCOUNT = a_key("", account="prod")


def a_silence(
    cover: Cover, begins_s: float = 0, ends_s: float = 7_200, name: str = "s-1"
) -> Silence:
    """A silence from when to when."""
    return Silence(name, cover, "orders", at(begins_s), at(ends_s), "U0ADA", at(0), "deploy")


@pytest.mark.parametrize(
    ("cover", "covered"),
    [
        (Cover(key=TASK.key), True),
        (Cover(key=a_key("other")), False),
        (Cover(task="ORD*"), True),
        (Cover(task="prod/orders"), True),
        (Cover(task="ord"), False),
        (Cover(account="pr*"), True),
        (Cover(account="eu"), False),
        (Cover(labels=(("TEAM", "shop"),)), True),
        (Cover(labels=(("team", "money"),)), False),
        (Cover(labels=(("env", "*"),)), False),
        (Cover(rule="partition_lag"), True),
        (Cover(rule="lag*"), True),
        (Cover(rule="age"), False),
        (Cover(topic="orders"), True),
        (Cover(topic="clicks"), False),
        (Cover(task="orders", rule="age"), False),
    ],
)
def test_everything_that_a_silence_says_must_fit(cover: Cover, covered: bool) -> None:
    incident = replace(lag(), rule="lag-orders", spread=(("orders", (0, 1)),))
    assert cover.covers(incident, TASK) is covered


def test_a_topic_covers_what_breaches_nowhere_else() -> None:
    cover = Cover(topic="ord*")
    assert not cover.covers(replace(lag(), spread=(("orders", (0,)), ("clicks", (1,)))), TASK)
    assert not cover.covers(replace(lag(), spread=()), TASK)


def test_only_account_and_rule_cover_an_account_as_a_whole() -> None:
    incident = an_incident(key=ACCOUNT, rule_type=RuleType.UNREACHABLE)
    assert Cover(account="prod").covers(incident, None)
    assert Cover(rule="unreachable").covers(incident, None)
    for cover in (Cover(task="*"), Cover(key=TASK.key), Cover(labels=(("team", "*"),))):
        assert not cover.covers(incident, None)


@pytest.mark.parametrize(
    ("rule", "severity", "covered"),
    [
        ("", Severity.CRITICAL, False),
        ("*", Severity.CRITICAL, False),
        ("data_*", Severity.CRITICAL, False),
        ("data_loss", Severity.CRITICAL, True),
        ("DATA_LOSS", Severity.CRITICAL, True),
        ("", Severity.WARNING, True),
    ],
)
def test_a_critical_data_loss_is_only_silenced_by_its_name(
    rule: str, severity: Severity, covered: bool
) -> None:
    loss = an_incident(rule_type=RuleType.DATA_LOSS, severity=severity)
    assert Cover(key=TASK.key, rule=rule).covers(loss, TASK) is covered


def test_of_several_silences_the_one_that_ends_last_is_named_and_ended_ones_are_not() -> None:
    incident = lag()
    long, short = (a_silence(Cover(task="*"), ends_s=s, name=f"s-{s}") for s in (900, 300))
    over = replace(a_silence(Cover(task="*"), ends_s=9_000), ended_at=at(10))
    later = a_silence(Cover(task="*"), begins_s=500, ends_s=9_000)
    found = covering([long, short, over, later], [incident], TASK, at(100))
    assert found == {incident.id: long}
    assert covering([long], [incident], TASK, at(900)) == {}
    assert later.over(at(9_000))
    assert not later.over(at(100))


# --- what is said ----------------------------------------------------------------------------


def quiet(channel: Channel, incident: Incident, until_s: float = 7_200) -> None:
    """Silences an incident."""
    channel.silences = {incident.id: a_silence(Cover(key=TASK.key), ends_s=until_s)}


def test_what_opens_while_it_is_silenced_is_told_when_the_silence_is_over() -> None:
    channel, fault = Channel(), lag()
    quiet(channel, fault)
    told = channel.hears(0, (EventKind.OPENED, fault))
    assert told.intents == ()
    assert [(d.reason, d.said) for d in told.decisions] == [(Reason.SILENCED, False)]
    assert channel.hears(60, (EventKind.EVIDENCE_CHANGED, fault)).intents == ()
    channel.silences = {}
    (intent,) = channel.hears(120, (EventKind.EVIDENCE_CHANGED, fault)).intents
    assert (intent.form, intent.notice.reason, intent.rings) == (Form.CARD, Reason.OPENED, True)


def test_what_opens_and_ends_while_it_is_silenced_is_never_told() -> None:
    channel, fault = Channel(), lag()
    quiet(channel, fault)
    channel.hears(0, (EventKind.OPENED, fault))
    told = channel.hears(300, (EventKind.RESOLVED, ended(fault, 300)))
    assert told.intents == ()
    assert [d.reason for d in told.decisions] == [Reason.SILENCED]
    assert not channel.cards


def test_a_silenced_card_is_edited_but_does_not_ring() -> None:
    channel, fault = Channel(), lag()
    channel.hears(0, (EventKind.OPENED, fault))
    quiet(channel, fault)
    acted = channel.hears(60, (EventKind.SILENCED, fault))
    assert [(i.form, i.notice.reason, i.rings) for i in acted.intents] == [
        (Form.CARD, Reason.SILENCED, False),
    ]
    worst = worse(fault)
    assert not any(i.rings for i in channel.hears(120, (EventKind.ESCALATED, worst)).intents)
    assert channel.reminded(100_000).intents == ()
    channel.silences = {}
    escalated = channel.hears(130, (EventKind.EVIDENCE_CHANGED, worst)).intents
    assert [(i.notice.reason, i.rings) for i in escalated][-1] == (Reason.ESCALATED, True)


def test_the_end_of_a_silenced_alert_does_not_ring() -> None:
    channel, fault = Channel(), lag()
    channel.hears(0, (EventKind.OPENED, fault))
    quiet(channel, fault)
    told = channel.hears(600, (EventKind.RESOLVED, ended(fault, 600)))
    assert {i.notice.reason for i in told.intents} == {Reason.RESOLVED}
    assert not any(intent.rings for intent in told.intents)


def test_an_acknowledged_alert_is_not_reminded_of_until_that_runs_out() -> None:
    channel, fault = Channel(), lag(CRITICAL)
    channel.hears(0, (EventKind.OPENED, fault))
    held = replace(fault, acknowledged=Acknowledgement("U0ADA", at(60), at(20_000), "on it"))
    acted = channel.hears(60, (EventKind.ACKNOWLEDGED, held))
    assert [(i.form, i.notice.reason) for i in acted.intents] == [
        (Form.CARD, Reason.ACKNOWLEDGED),
    ]
    assert acted.intents[0].notice.reminder_at is None
    assert channel.reminded(19_999).intents == ()
    assert [i.notice.reason for i in channel.reminded(20_001).intents] == [
        Reason.REMINDER,
        Reason.REMINDER,
    ]


def test_an_acknowledged_alert_still_escalates_and_what_joins_it_speaks() -> None:
    channel, fault = Channel(), lag()
    channel.hears(0, (EventKind.OPENED, fault))
    held = replace(fault, acknowledged=Acknowledgement("U0ADA", at(60), at(90_000)))
    channel.hears(60, (EventKind.ACKNOWLEDGED, held))
    told = channel.hears(120, (EventKind.ESCALATED, worse(held))).intents
    assert any(intent.rings for intent in told)


def test_several_acts_at_once_are_one_look() -> None:
    channel, first = Channel(), lag()
    second = an_incident(at(0), rule_type=RuleType.AGE)
    channel.hears(0, (EventKind.OPENED, first), (EventKind.OPENED, second))
    acts = channel.hears(60, (EventKind.ACKNOWLEDGED, first), (EventKind.ACKNOWLEDGED, second))
    assert [(intent.form, intent.rings) for intent in acts.intents] == [(Form.CARD, False)]


def test_an_acknowledgement_holds_until_it_runs_out() -> None:
    ack = Acknowledgement("U0ADA", at(0), at(0) + timedelta(hours=24))
    fault = replace(lag(), acknowledged=ack)
    assert fault.holder(at(86_399)) == ack
    assert fault.holder(at(86_400)) is None
