"""Reminders: when they are due, what they count from, and that none follows one that waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts import Phase
from bot.domain.model import Severity
from bot.domain.notifications import Outcome, Reason, reminder_due
from bot.domain.policy import DEFAULT_REPEAT, RuleType
from tests.builders import a_card, an_incident, at
from tests.unit.telling import (
    CRITICAL,
    GROUP_WAIT_S,
    ON_CALL,
    WARNING,
    Channel,
    escalated,
    lag,
    looks,
    opened,
    replies,
    resolved,
    status,
    worse,
)

HOUR_S = 3_600
REPEAT_S = 4 * HOUR_S


def test_a_reminder_rings_without_mentions_counted_from_the_delivery_that_rang() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    assert reminder_due(channel.cards["C0DATA"]) == at(GROUP_WAIT_S + REPEAT_S)
    assert channel.reminded(GROUP_WAIT_S + REPEAT_S - 1) == Outcome()
    outcome = channel.reminded(GROUP_WAIT_S + REPEAT_S)
    (reply,), (look,) = replies(outcome), looks(outcome)
    assert (reply.notice.reason, reply.rings, reply.notice.mentions) == (Reason.REMINDER, True, ())
    assert reply.notice.incidents == (incident,)
    assert (look.notice.reason, look.rings) == (Reason.REMINDER, False)
    assert look.notice.reminder_at == at(GROUP_WAIT_S + 2 * REPEAT_S)


def test_a_late_delivery_moves_the_reminder() -> None:
    channel = Channel(delivers=False)
    channel.hears(0, opened(lag()))
    card = channel.cards["C0DATA"]
    assert reminder_due(card) is None
    assert reminder_due(replace(card, rang_at=at(500))) == at(500 + REPEAT_S)


def test_while_a_reminder_waits_for_delivery_none_follows_it() -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    channel.delivers = False
    first = channel.reminded(GROUP_WAIT_S + REPEAT_S)
    assert first.intents
    assert channel.reminded(GROUP_WAIT_S + 9 * REPEAT_S) == Outcome()
    card = channel.cards["C0DATA"]
    channel.cards["C0DATA"] = replace(card, rang_at=at(GROUP_WAIT_S + REPEAT_S + 77))
    assert reminder_due(channel.cards["C0DATA"]) == at(GROUP_WAIT_S + 2 * REPEAT_S + 77)


def test_a_reminder_delivered_in_the_moment_it_was_due_is_followed_by_the_next() -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    for number in range(1, 4):
        assert channel.reminded(GROUP_WAIT_S + number * REPEAT_S).intents


def test_each_severity_has_its_own_repeat_and_the_shortest_of_a_card_counts() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    channel.hears(600, opened(status(opened_s=600)))
    channel.hears(900, escalated(worse(incident)))
    assert reminder_due(channel.cards["C0DATA"]) == at(900 + HOUR_S)
    outcome = channel.reminded(900 + HOUR_S)
    assert len(replies(outcome)[0].notice.incidents) == 2
    channel.hears(6_000, resolved(worse(incident), 6_000))
    assert reminder_due(channel.cards["C0DATA"]) == at(6_000 + REPEAT_S)


def test_never_is_never() -> None:
    channel = Channel()
    look = looks(channel.hears(0, opened(replace(lag(), severity=Severity.INFO))))[0]
    assert (look.notice.reminder_at, reminder_due(channel.cards["C0DATA"])) == (None, None)
    assert channel.reminded(10**9) == Outcome()


def test_a_severity_without_a_repeat_of_its_own_has_the_usual_one() -> None:
    channel = Channel([replace(ON_CALL, repeat={WARNING: timedelta(hours=1)})])
    channel.hears(0, opened(lag(CRITICAL)))
    usual = DEFAULT_REPEAT[CRITICAL].total_seconds()
    assert reminder_due(channel.cards["C0DATA"]) == at(GROUP_WAIT_S + usual)


def test_what_was_never_told_is_not_reminded_of() -> None:
    channel = Channel([replace(ON_CALL, min_severity=CRITICAL)])
    channel.hears(0, opened(lag()))
    card = replace(channel.cards["C0DATA"], rang_at=at(0))
    assert reminder_due(card) is None
    (told,) = card.told.values()
    assert told.repeat_after() is None


def test_a_closed_card_is_not_reminded_of() -> None:
    assert reminder_due(replace(a_card(), rang_at=at(0))) is not None
    assert reminder_due(replace(a_card(), rang_at=at(0), closed_at=at(9))) is None


def test_a_card_whose_incidents_are_out_of_sight_says_nothing() -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    channel.going_on.clear()
    assert channel.reminded(10**6) == Outcome()


def test_an_escalation_and_a_first_look_show_when_the_next_reminder_comes() -> None:
    channel, incident = Channel(), an_incident()
    first = looks(channel.hears(0, opened(incident)))[0]
    assert first.notice.reminder_at == at(GROUP_WAIT_S + REPEAT_S)
    quiet = opened(replace(status(opened_s=600), type=RuleType.TASK_LAG))
    outcome = channel.hears(600, quiet, escalated(worse(incident)))
    assert sorted(reply.rings for reply in replies(outcome)) == [False, True]
    assert looks(outcome)[0].notice.reminder_at == at(600 + HOUR_S)
    third = looks(channel.hears(700, opened(status(opened_s=700))))[0]
    assert third.notice.reminder_at == at(600 + HOUR_S)


def test_what_is_about_to_close_is_not_reminded_of_and_waits_for_a_relapse() -> None:
    channel, incident = Channel(), lag()
    other = status(opened_s=1)
    channel.hears(0, opened(incident))
    recovering = replace(incident, phase=Phase.RECOVERING)
    channel.going_on[incident.id] = recovering
    assert channel.reminded(GROUP_WAIT_S + REPEAT_S) == Outcome()
    channel.hears(GROUP_WAIT_S + REPEAT_S, opened(other))
    channel.cards["C0DATA"] = replace(channel.cards["C0DATA"], rang_at=at(0))
    (reply,) = replies(channel.reminded(2 * REPEAT_S))
    assert reply.notice.incidents == (other,)
