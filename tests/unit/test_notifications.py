"""What a channel is told of one task: cards, replies, what rings, and what is never said twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incidents import EventKind, Phase
from bot.domain.model import Severity
from bot.domain.notifications import Card, Decision, Form, Intent, Outcome, Reason, decide
from bot.domain.policy import AlertPolicy, Route, RuleType
from tests.builders import TOPIC, a_view, an_event, at
from tests.unit.telling import (
    CRITICAL,
    GROUP_WAIT_S,
    ON_CALL,
    WARNING,
    Channel,
    changed,
    ended,
    escalated,
    lag,
    looks,
    opened,
    replies,
    resolved,
    status,
    worse,
)


def said(outcome: Outcome) -> list[tuple[Reason, bool]]:
    return [(decision.reason, decision.said) for decision in outcome.decisions]


def the(intents: list[Intent]) -> Intent:
    (intent,) = intents
    return intent


# --- openings --------------------------------------------------------------------------------


def test_an_opening_is_one_card_that_rings_after_the_group_wait() -> None:
    channel, incident = Channel(), lag()
    outcome = channel.hears(0, opened(incident))
    card = the(list(outcome.intents))
    assert (card.form, card.rings, card.channel) == (Form.CARD, True, "C0DATA")
    assert card.due_at == at(GROUP_WAIT_S)
    assert (card.notice.reason, card.notice.at) == (Reason.OPENED, at(0))
    assert (card.notice.incidents, card.notice.task) == ((incident,), a_view())
    assert card.notice.links == (("Runbook", "https://wiki.example/lag"),)
    assert outcome.decisions == (Decision(incident.id, "C0DATA", Reason.OPENED, said=True),)


def test_a_warning_mentions_nobody_and_a_critical_opening_mentions_who_is_on_call() -> None:
    assert the(looks(Channel().hears(0, opened(lag())))).notice.mentions == ()
    critical = the(looks(Channel().hears(0, opened(lag(CRITICAL)))))
    assert critical.notice.mentions == ("S0ONCALL",)


def test_incidents_of_one_step_share_one_card_the_worst_first() -> None:
    first, second = lag(), status(CRITICAL)
    card = the(list(Channel().hears(0, opened(first), opened(second)).intents))
    assert card.rings
    assert card.notice.incidents == (second, first)
    assert card.notice.mentions == ("S0ONCALL",)


def test_what_opens_within_the_group_wait_joins_the_card_before_it_is_posted() -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    outcome = channel.hears(5, opened(status(opened_s=5)))
    card = the(list(outcome.intents))
    assert (card.form, card.due_at, card.rings) == (Form.CARD, at(GROUP_WAIT_S), False)
    assert len(card.notice.incidents) == 2
    ending = channel.hears(900, resolved(status(opened_s=5), 900))
    assert the(replies(ending)).rings


def test_what_opens_when_the_group_wait_is_over_comes_after_the_card() -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    outcome = channel.hears(GROUP_WAIT_S, opened(status(opened_s=GROUP_WAIT_S)))
    assert len(replies(outcome)) == 1


def test_two_incidents_that_open_later_in_one_step_are_two_replies() -> None:
    channel, third = Channel(), replace(lag(opened_s=600), type=RuleType.TOPIC_LAG)
    channel.hears(0, opened(lag()))
    outcome = channel.hears(600, opened(status(opened_s=600)), opened(third))
    assert len({reply.id for reply in replies(outcome)}) == 2


@pytest.mark.parametrize(("severity", "rings"), [(WARNING, False), (CRITICAL, True)])
def test_a_later_incident_is_a_reply_that_rings_only_when_critical(
    *, severity: Severity, rings: bool
) -> None:
    channel = Channel()
    channel.hears(0, opened(lag()))
    second = status(severity, opened_s=600)
    outcome = channel.hears(600, opened(second))
    reply, look = the(replies(outcome)), the(looks(outcome))
    assert (reply.rings, look.rings) == (rings, False)
    assert reply.notice.incidents == (second,)
    assert reply.notice.mentions == (("S0ONCALL",) if rings else ())
    assert (reply.due_at, look.due_at) == (at(600), at(600))
    ending = channel.hears(900, resolved(second, 900))
    assert the(replies(ending)).rings is rings


def test_below_min_severity_nothing_is_said_and_reaching_it_is_an_opening() -> None:
    channel = Channel([replace(ON_CALL, min_severity=CRITICAL)])
    incident = lag()
    quiet = channel.hears(0, opened(incident))
    assert (quiet.intents, said(quiet)) == ((), [(Reason.BELOW_MIN_SEVERITY, False)])
    still = channel.hears(60, changed(incident))
    assert (still.intents, still.cards) == ((), ())
    assert said(still) == [(Reason.BELOW_MIN_SEVERITY, False)]
    loud = channel.hears(600, escalated(worse(incident)))
    card = the(list(loud.intents))
    assert (card.rings, card.notice.reason) == (True, Reason.OPENED)
    assert card.due_at == at(600 + GROUP_WAIT_S)
    assert said(loud) == [(Reason.OPENED, True)]


def test_reaching_min_severity_beside_a_card_is_a_reply() -> None:
    channel = Channel([replace(ON_CALL, min_severity=WARNING)])
    low = replace(status(), severity=Severity.INFO)
    channel.hears(0, opened(lag()), opened(low))
    outcome = channel.hears(600, escalated(worse(low, WARNING)))
    assert the(replies(outcome)).notice.reason is Reason.OPENED
    assert len(the(looks(outcome)).notice.incidents) == 2


def test_what_ends_below_min_severity_ends_unsaid() -> None:
    channel = Channel([replace(ON_CALL, min_severity=CRITICAL)])
    channel.hears(0, opened(lag()))
    outcome = channel.hears(600, resolved(lag(), 600))
    assert (outcome.intents, said(outcome)) == ((), [(Reason.BELOW_MIN_SEVERITY, False)])
    assert channel.cards == {}


# --- escalation and evidence -----------------------------------------------------------------


def test_an_escalation_is_a_reply_that_rings_and_mentions_and_an_edit() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    outcome = channel.hears(600, escalated(worse(incident)))
    reply, look = the(replies(outcome)), the(looks(outcome))
    assert (reply.rings, reply.notice.mentions) == (True, ("S0ONCALL",))
    assert reply.notice.reason is look.notice.reason is Reason.ESCALATED
    assert not look.rings
    assert said(outcome) == [(Reason.ESCALATED, True)]
    again = channel.hears(660, escalated(worse(incident)))
    assert (again.intents, said(again)) == ((), [(Reason.NOT_DUE, False)])


def test_an_escalation_before_the_card_is_posted_only_changes_the_card() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    card = the(list(channel.hears(5, escalated(worse(incident))).intents))
    assert (card.form, card.due_at) == (Form.CARD, at(GROUP_WAIT_S))
    assert card.notice.mentions == ("S0ONCALL",)


@pytest.mark.parametrize(
    ("value", "seconds", "reason"),
    [
        (204_999, 600, Reason.NOT_DUE),
        (210_000, 600, Reason.EVIDENCE_CHANGED),
        (2_000_000, 600, Reason.EVIDENCE_CHANGED),
        (2_000_000, 29, Reason.NOT_DUE),
        (2_000_000, 30, Reason.EVIDENCE_CHANGED),
    ],
)
def test_evidence_edits_the_card_when_a_reader_would_care_and_not_too_often(
    value: int, seconds: float, reason: Reason
) -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    later = lag(value=value)
    outcome = channel.hears(seconds, changed(later))
    edited = reason is Reason.EVIDENCE_CHANGED
    assert said(outcome) == [(reason, edited)]
    assert [(i.form, i.rings, i.notice.reason) for i in outcome.intents] == (
        [(Form.CARD, False, reason)] if edited else []
    )


def test_a_wider_spread_and_a_change_of_phase_are_what_a_reader_cares_for() -> None:
    incident = lag()
    wider = replace(incident, spread=((TOPIC, (0, 1)),))
    recovering = replace(incident, phase=Phase.RECOVERING)
    for kind, news in (
        (EventKind.EVIDENCE_CHANGED, wider),
        (EventKind.RECOVERING, recovering),
    ):
        channel = Channel()
        channel.hears(0, opened(incident))
        outcome = channel.hears(600, (kind, news))
        assert the(list(outcome.intents)).notice.incidents == (news,)


def test_a_change_of_phase_is_shown_even_right_after_another_edit() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    channel.hears(600, changed(lag(value=900_000)))
    recovering = replace(incident, phase=Phase.RECOVERING)
    assert looks(channel.hears(605, (EventKind.RECOVERING, recovering)))
    assert looks(channel.hears(610, (EventKind.RELAPSED, incident)))


def test_numbers_of_any_size_and_words_have_a_fingerprint() -> None:
    for value in (10**400, -5, "FAILED", None):
        incident = replace(lag(), evidence=(replace(lag().evidence[0], value=value),))
        assert looks(Channel().hears(0, opened(incident)))
    assert looks(Channel().hears(0, opened(replace(lag(), evidence=()))))


# --- the end ---------------------------------------------------------------------------------


def test_a_resolution_is_a_reply_that_rings_as_its_opening_did_and_the_card_is_the_record() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    outcome = channel.hears(900, resolved(incident, 900))
    reply, look = the(replies(outcome)), the(looks(outcome))
    assert (reply.rings, reply.notice.reason) == (True, Reason.RESOLVED)
    assert look.notice.incidents == (ended(incident, 900),)
    assert (look.notice.reminder_at, look.notice.mentions) == (None, ())
    assert said(outcome) == [(Reason.RESOLVED, True)]
    assert [card.closed_at for card in channel.closed] == [at(900)]


def test_a_card_closes_when_all_it_tells_has_ended_and_shows_all_of_it_until_then() -> None:
    channel, first, second = Channel(), lag(), status()
    channel.hears(0, opened(first), opened(second))
    channel.hears(600, resolved(first, 600))
    between = channel.hears(700, changed(replace(second, spread=((TOPIC, (0, 1, 2)),))))
    assert the(looks(between)).notice.incidents[1] == ended(first, 600)
    assert channel.closed == []
    last = channel.hears(900, resolved(second, 900))
    assert the(looks(last)).notice.incidents == (ended(first, 600), ended(second, 900))
    assert [card.closed_at for card in channel.closed] == [at(900)]


def test_after_the_card_closed_a_new_incident_has_a_new_card() -> None:
    channel = Channel()
    first = the(looks(channel.hears(0, opened(lag()))))
    channel.hears(900, resolved(lag(), 900))
    second = the(looks(channel.hears(1_800, opened(lag(opened_s=1_800)))))
    assert second.rings
    assert second.card_id != first.card_id


def test_a_card_whose_last_incident_ends_in_the_step_that_opens_another_goes_on() -> None:
    channel, first, second = Channel(), lag(), status(opened_s=900)
    channel.hears(0, opened(first))
    outcome = channel.hears(900, resolved(first, 900), opened(second))
    assert channel.closed == []
    assert [r.notice.reason for r in replies(outcome)] == [Reason.RESOLVED, Reason.OPENED]
    assert the(looks(outcome)).notice.reason is Reason.OPENED
    channel.hears(1_800, resolved(second, 1_800))
    assert len(channel.closed) == 1


def test_a_look_with_several_reasons_gives_the_strongest_whatever_their_order() -> None:
    channel, first, second = Channel(), lag(), status()
    channel.hears(0, opened(first), opened(second))
    news = [changed(lag(value=900_000)), escalated(worse(second))]
    for events in (news, news[::-1]):
        fresh = Channel(cards=dict(channel.cards), going_on=dict(channel.going_on))
        assert the(looks(fresh.hears(600, *events))).notice.reason is Reason.ESCALATED


# --- several channels ------------------------------------------------------------------------


def test_every_channel_has_its_own_card_and_its_own_min_severity() -> None:
    routes = [
        replace(ON_CALL, channel="C0ORDERS", min_severity=CRITICAL, continues=True),
        ON_CALL,
    ]
    channel, incident = Channel(routes), lag()
    assert [i.channel for i in channel.hears(0, opened(incident)).intents] == ["C0DATA"]
    outcome = channel.hears(600, escalated(worse(incident)))
    assert [(i.channel, i.form) for i in outcome.intents] == [
        ("C0DATA", Form.CARD),
        ("C0ORDERS", Form.CARD),
        ("C0DATA", Form.REPLY),
    ]
    ids = {intent.card_id for intent in outcome.intents}
    assert len(ids) == 2
    assert len({intent.id for intent in outcome.intents}) == 3


# --- nothing twice ---------------------------------------------------------------------------


def test_the_same_events_decided_again_make_the_same_ids() -> None:
    story = [
        (0, [opened(lag())]),
        (600, [escalated(worse(lag())), opened(status(opened_s=600))]),
        (900, [resolved(worse(lag()), 900)]),
    ]
    ids = []
    for _ in range(2):
        channel = Channel()
        for seconds, news in story:
            channel.hears(seconds, *news)
        ids.append([intent.id for intent in channel.intents])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


def test_what_was_told_is_not_told_again_when_its_event_comes_again() -> None:
    channel, incident = Channel(), lag()
    channel.hears(0, opened(incident))
    assert channel.hears(0, opened(incident)).intents == ()
    channel.hears(600, escalated(worse(incident)))
    assert channel.hears(600, escalated(worse(incident))).intents == ()
    second = status(opened_s=600)
    channel.hears(700, opened(second))
    channel.hears(900, resolved(worse(incident), 900))
    assert channel.hears(900, resolved(worse(incident), 900)).intents == ()


def test_an_event_that_no_card_was_told_of_says_nothing() -> None:
    channel = Channel()
    assert channel.hears(0, changed(lag())) == Outcome()
    situation = channel.situation(0, [])
    assert decide([], [an_event(lag())], situation) == Outcome()


def test_a_card_that_lost_sight_of_an_incident_shows_the_others() -> None:
    channel, first, second = Channel(), lag(), status()
    channel.hears(0, opened(first), opened(second))
    del channel.going_on[first.id]
    outcome = channel.hears(600, escalated(worse(second)))
    assert the(looks(outcome)).notice.incidents == (worse(second),)


def test_without_a_group_wait_a_card_is_due_at_once() -> None:
    channel = Channel(policy=AlertPolicy(group_wait=timedelta(0)))
    card = the(list(channel.hears(7, opened(lag(opened_s=7))).intents))
    assert card.due_at == at(7)
    outcome = channel.hears(8, opened(status(opened_s=8)))
    assert len(replies(outcome)) == 1


def test_a_card_knows_what_goes_on_of_what_it_told() -> None:
    channel = Channel([replace(ON_CALL, min_severity=WARNING)])
    low = replace(status(), severity=Severity.INFO)
    channel.hears(0, opened(lag()), opened(low))
    card: Card = channel.cards["C0DATA"]
    assert [told.incident_id for told in card.speaking] == [lag().id]
    assert Route("C0DATA").min_severity is Severity.INFO
