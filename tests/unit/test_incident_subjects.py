"""Many subjects in one alert: who votes, whose `for` counts, and what the incident shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.incidents import (
    EVIDENCE_KEPT,
    AlertState,
    EventKind,
    Phase,
    aggregate,
)
from bot.domain.model import TASK, Severity, Subject
from bot.domain.policy import RuleType
from bot.domain.verdicts import Finding, Level, Unit, Verdict
from tests.builders import INTERVAL, TOPIC, a_finding, a_key, at
from tests.unit.alerting import STALE_POLLS, Alert, partition

BREACHED, HOLDING, UNKNOWN, GONE = (
    Verdict.BREACHED,
    Verdict.HOLDING,
    Verdict.UNKNOWN,
    Verdict.GONE,
)


# --- who votes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("votes", "verdict"),
    [
        ([BREACHED, UNKNOWN, HOLDING], BREACHED),
        ([UNKNOWN, HOLDING], UNKNOWN),
        ([UNKNOWN, None], UNKNOWN),
        ([HOLDING, None], HOLDING),
        ([None, None], Verdict.CLEAR),
        ([GONE, None], UNKNOWN),
        ([Verdict.CLEAR, HOLDING], HOLDING),
    ],
    ids=str,
)
def test_breached_outvotes_unknown_outvotes_holding_outvotes_clear(
    votes: Sequence[Verdict | None], verdict: Verdict
) -> None:
    alert = Alert()
    alert.hear(*(partition(number) for number in range(len(votes))))
    heard = [partition(n, vote) for n, vote in enumerate(votes) if vote is not None]
    assert aggregate(alert.state, a_finding(*heard), missing_polls=2) is verdict


def test_a_subject_that_never_breached_has_no_vote() -> None:
    alert = Alert()
    alert.hear(partition(0))
    assert alert.hear(partition(1, UNKNOWN), partition(2, HOLDING)) == [EventKind.RECOVERING]


def test_a_quiet_alert_does_not_care_who_is_unknown_or_holding() -> None:
    alert = Alert()
    before = alert.state
    alert.hear(partition(0, UNKNOWN), partition(1, HOLDING), partition(2, GONE))
    assert alert.state == before


def test_one_unknown_subject_keeps_an_incident_open_for_as_long_as_it_is_unknown() -> None:
    alert = Alert()
    alert.hear(partition(0), partition(1))
    assert [alert.hear(partition(1, UNKNOWN)) for _ in range(50)] == [[]] * 50
    assert alert.state.phase is Phase.OPEN
    assert alert.hear() == [EventKind.RECOVERING]
    assert alert.hear() == [EventKind.RESOLVED]


def test_a_gone_subject_blocks_until_it_is_gone_for_good_and_then_the_incident_says_gone() -> None:
    alert = Alert()
    alert.hear(partition(0))
    assert alert.hear(partition(0, GONE)) == []
    assert alert.hear(partition(0, GONE)) == [EventKind.RECOVERING]
    assert alert.hear(partition(0, GONE)) == [EventKind.RESOLVED]
    assert alert.said[-1].incident.resolution == "gone"


def test_a_subject_that_comes_back_is_gone_anew_when_it_goes_again() -> None:
    alert = Alert()
    alert.hear(partition(0))
    alert.hear(partition(0, GONE))
    alert.hear(partition(0))
    assert alert.hear(partition(0, GONE)) == []
    assert alert.state.phase is Phase.OPEN


def test_an_unreadable_answer_between_two_absences_does_not_count_and_does_not_forgive() -> None:
    alert = Alert()
    alert.hear(partition(0))
    alert.hear(partition(0, GONE))
    alert.hear(partition(0, UNKNOWN))
    assert alert.hear(partition(0, GONE)) == [EventKind.RECOVERING]


def test_when_some_are_gone_and_others_cleared_the_incident_cleared() -> None:
    alert = Alert()
    alert.hear(partition(0), partition(1))
    for _ in range(3):
        alert.hear(partition(0, GONE))
    assert alert.said[-1].incident.resolution == "cleared"


# --- whose `for` counts ----------------------------------------------------------------------


def test_each_subject_waits_for_its_own_rule_and_only_the_due_ones_set_the_severity() -> None:
    alert = Alert()
    patient = partition(0, hold_polls=4, severity=Severity.CRITICAL)
    quick = partition(1, hold_polls=2)
    assert alert.hear(patient) == []
    assert alert.hear(patient, quick) == []
    assert alert.hear(patient, quick) == []
    assert alert.hear(patient, quick) == [EventKind.OPENED]
    assert alert.hear(patient, quick) == [EventKind.ESCALATED]
    assert alert.hear(patient, quick) == [EventKind.EVIDENCE_CHANGED]
    severities = [event.incident.severity for event in alert.said]
    assert severities == [Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL]
    assert alert.incident.breached_since == at(120)


def test_an_incident_goes_back_to_the_first_breach_of_all_that_are_due() -> None:
    alert = Alert()
    alert.hear(partition(0, hold_polls=2))
    alert.hear(partition(0, hold_polls=2), partition(1, hold_polls=1))
    alert.hear(partition(0, hold_polls=2), partition(1, hold_polls=1))
    assert (alert.incident.opened_at, alert.incident.breached_since) == (at(180), at(60))


def test_a_subject_seen_clear_while_another_is_unknown_waits_from_the_beginning() -> None:
    alert = Alert()
    one, other = partition(0, hold_polls=3), partition(1, hold_polls=3)
    alert.hear(one, other)
    alert.hear(one, other)
    alert.hear(partition(1, UNKNOWN))
    assert alert.hear(one, partition(1, UNKNOWN)) == []
    assert alert.hear(one) == []
    assert alert.hear(one) == []
    assert alert.hear(one) == [EventKind.OPENED]


def test_a_subject_that_is_unknown_for_a_poll_goes_on_waiting() -> None:
    alert = Alert()
    alert.hear(partition(0, hold_polls=2))
    assert alert.hear(partition(0, UNKNOWN), partition(1, hold_polls=9)) == []
    assert alert.hear(partition(0, hold_polls=2)) == [EventKind.OPENED]
    assert alert.incident.breached_since == at(60)


def test_a_subject_missing_from_one_answer_goes_on_waiting_and_from_two_does_not() -> None:
    for absences, opens in ((1, True), (2, False)):
        alert = Alert()
        alert.hear(partition(0, hold_polls=1 + absences))
        for _ in range(absences):
            alert.hear(partition(0, GONE), partition(1, hold_polls=9))
        assert (alert.hear(partition(0, hold_polls=1 + absences)) == [EventKind.OPENED]) is opens


def test_a_gap_of_just_the_stale_polls_is_borne() -> None:
    alert = Alert()
    alert.hear(partition(0, hold_polls=3))
    opened = alert.hear(partition(0, hold_polls=3), after=STALE_POLLS * INTERVAL)
    assert opened == [EventKind.OPENED]


def test_a_gap_without_any_answer_starts_the_waiting_anew() -> None:
    alert = Alert()
    late = (STALE_POLLS + 1) * INTERVAL
    assert alert.hear(partition(0, hold_polls=2)) == []
    assert alert.hear(partition(0, hold_polls=2), after=late) == []
    assert alert.state.phase is Phase.PENDING
    assert alert.hear(partition(0, hold_polls=2), after=2 * INTERVAL) == [EventKind.OPENED]


def test_a_pending_alert_forgets_only_the_subjects_whose_gap_is_too_long() -> None:
    alert = Alert()
    alert.hear(partition(0, hold_polls=9), partition(1, hold_polls=9))
    for _ in range(STALE_POLLS):
        alert.hear(partition(0, UNKNOWN), partition(1, hold_polls=9))
    alert.hear(partition(0, UNKNOWN), partition(1, UNKNOWN))
    assert set(alert.state.subjects) == {Subject(TOPIC, 1)}


def test_in_an_open_incident_a_newcomer_escalates_only_after_an_unbroken_breach() -> None:
    alert = Alert()
    alert.hear(partition(0))
    worse = partition(1, hold_polls=2, severity=Severity.CRITICAL)
    assert alert.hear(partition(0), worse) == [EventKind.EVIDENCE_CHANGED]
    assert alert.hear(partition(0)) == [EventKind.EVIDENCE_CHANGED]
    assert alert.hear(partition(0), worse) == [EventKind.EVIDENCE_CHANGED]
    assert alert.hear(partition(0), worse) == [EventKind.EVIDENCE_CHANGED]
    assert alert.hear(partition(0), worse) == [EventKind.ESCALATED]


def test_in_an_open_incident_who_has_waited_once_need_not_wait_again() -> None:
    alert = Alert()
    alert.hear(partition(0, hold_polls=1))
    alert.hear(partition(0, hold_polls=1))
    alert.hear(partition(0, HOLDING))
    worse = partition(0, hold_polls=1, severity=Severity.CRITICAL)
    assert alert.hear(worse) == [EventKind.ESCALATED]


# --- recovery --------------------------------------------------------------------------------


def test_a_recovery_starts_anew_after_more_than_two_unknown_polls() -> None:
    alert = Alert()
    slow_clear = 4 * INTERVAL
    alert.hear(partition(0), slow_clear=slow_clear)
    alert.hear(slow_clear=slow_clear)
    assert alert.incident.closes_at == alert.now + slow_clear
    for _ in range(3):
        assert alert.hear(partition(0, UNKNOWN), slow_clear=slow_clear) == []
    assert alert.hear(slow_clear=slow_clear) == []
    assert alert.incident.closes_at == alert.now + slow_clear
    said = [alert.hear(slow_clear=slow_clear) for _ in range(4)]
    assert said == [[], [], [], [EventKind.RESOLVED]]


def test_a_recovery_bears_two_unknown_polls() -> None:
    alert = Alert()
    slow_clear = 4 * INTERVAL
    alert.hear(partition(0), slow_clear=slow_clear)
    alert.hear(slow_clear=slow_clear)
    for _ in range(2):
        alert.hear(partition(0, UNKNOWN), slow_clear=slow_clear)
    assert alert.hear(slow_clear=slow_clear) == []
    assert alert.hear(slow_clear=slow_clear) == [EventKind.RESOLVED]


def test_a_relapse_of_one_subject_is_its_evidence_whatever_the_others_say() -> None:
    alert = Alert()
    alert.hear(partition(0), partition(1))
    alert.hear()
    assert alert.hear(partition(0, value=777), partition(1, HOLDING)) == [EventKind.RELAPSED]
    assert [judgement.value for judgement in alert.incident.evidence] == [777]


def test_a_relapse_that_is_worse_is_told_as_an_escalation() -> None:
    alert = Alert()
    alert.hear(partition(0))
    alert.hear()
    assert alert.hear(partition(0, severity=Severity.CRITICAL)) == [EventKind.ESCALATED]
    alert.hear()
    assert alert.hear(partition(0, HOLDING)) == [EventKind.RELAPSED]
    assert alert.incident.closes_at is None


# --- what the incident is and shows ----------------------------------------------------------


def test_sixty_partitions_are_one_incident_that_names_them_all_worst_first() -> None:
    alert = Alert()
    worst = partition(7, severity=Severity.CRITICAL, value=10)
    others = [partition(n, value=1_000 + n) for n in range(60) if n != 7]
    assert alert.hear(*others, worst) == [EventKind.OPENED]
    incident = alert.incident
    assert incident.severity is Severity.CRITICAL
    assert incident.spread == ((TOPIC, tuple(range(60))),)
    assert [j.subject.partition for j in incident.evidence[:3]] == [7, 59, 58]
    assert (incident.peak, incident.peak_at) == (1_059, at(60))


def test_evidence_is_bounded_and_the_spread_still_names_everybody() -> None:
    alert = Alert()
    alert.hear(*(partition(n) for n in range(3 * EVIDENCE_KEPT)))
    assert len(alert.incident.evidence) == EVIDENCE_KEPT
    assert alert.incident.spread == ((TOPIC, tuple(range(3 * EVIDENCE_KEPT))),)


def test_a_task_or_topic_as_such_is_spread_without_partitions() -> None:
    alert = Alert()
    task = replace(partition(0), subject=TASK, value="FAILED")
    topic = replace(partition(0), subject=Subject("returns"))
    alert.hear(task, topic, partition(4), partition(2))
    assert alert.incident.spread == (("", ()), (TOPIC, (2, 4)), ("returns", ()))
    assert alert.incident.peak == 200_000


def test_a_peak_that_is_reached_again_was_first_reached_before() -> None:
    alert = Alert()
    alert.hear(partition(0, value=900))
    alert.hear(partition(0, value=900))
    assert (alert.incident.peak, alert.incident.peak_at) == (900, at(60))


def test_the_peak_stays_when_the_value_falls() -> None:
    alert = Alert()
    alert.hear(partition(0, value=500))
    alert.hear(partition(0, value=900))
    alert.hear(partition(0, value=300))
    assert (alert.incident.peak, alert.incident.peak_at) == (900, at(120))
    assert alert.incident.evidence[0].value == 300


def test_a_renamed_rule_goes_on_with_the_same_incident() -> None:
    alert = Alert()
    alert.hear(partition(0))
    first = alert.incident
    assert alert.hear(replace(partition(0), rule="lag-orders")) == [EventKind.EVIDENCE_CHANGED]
    assert (alert.incident.id, alert.incident.rule) == (first.id, "lag-orders")


def test_levels_are_frozen_when_a_subject_joins() -> None:
    alert = Alert()
    joined = Level(warning=100, critical=1_000)
    alert.hear(replace(partition(0), level=joined))
    alert.hear(replace(partition(0), level=Level(warning=5)), replace(partition(1), level=joined))
    alert.hear(replace(partition(1), level=Level(critical=7)))
    assert alert.state.levels == {Subject(TOPIC, 0): joined, Subject(TOPIC, 1): joined}


def test_the_same_observation_again_makes_the_same_incident() -> None:
    once, again = Alert(), Alert()
    once.hear(partition(0))
    again.hear(partition(0))
    assert once.said == again.said
    other = Alert()
    other.hear(partition(0), after=2 * INTERVAL)
    assert other.incident.id != once.incident.id


def test_incidents_of_two_rule_types_at_one_moment_have_different_ids() -> None:
    ids = set()
    for rule_type in RuleType:
        alert = Alert(AlertState(a_key(), rule_type))
        alert.hear_finding(Finding(rule_type, Unit.MESSAGES, (partition(0),)))
        ids.add(alert.incident.id)
    assert len(ids) == len(RuleType)
