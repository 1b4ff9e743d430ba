"""What a status that was told explains: the lag of a paused task is no news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.alerts import EventKind, Incident
from bot.domain.cards import Form, Reason
from bot.domain.explaining import EXPLAINABLE
from bot.domain.model import Severity
from bot.domain.policy import Route, RuleType
from tests.builders import an_incident, at
from tests.unit.telling import CRITICAL, SETTLING_S, WARNING, Channel, ended, lag, status, worse

OPENED, GREW, RESOLVED = EventKind.OPENED, EventKind.EVIDENCE_CHANGED, EventKind.RESOLVED


def paused(word: str = "PAUSED") -> Incident:
    """The task as a whole has this status."""
    return saying(word, ("", ()))


def saying(word: str, *spread: tuple[str, tuple[int, ...]]) -> Incident:
    """A status of these topics and partitions."""
    found = status(Severity.INFO)
    evidence = replace(found.evidence[0], value=word)
    return replace(found, evidence=(evidence,), spread=spread)


def test_what_a_pause_explains_is_not_said_until_the_pause_had_time_to_pass() -> None:
    channel, pause, behind = Channel(), paused(), lag(CRITICAL)
    channel.hears(0, (OPENED, pause))
    told = channel.hears(300, (OPENED, behind))
    assert told.intents == ()
    assert [(d.reason, d.said) for d in told.decisions] == [(Reason.EXPLAINED, False)]
    channel.hears(600, (RESOLVED, ended(pause, 600)))
    assert channel.hears(600 + SETTLING_S - 1, (GREW, behind)).intents == ()
    spoken = channel.hears(600 + SETTLING_S, (GREW, behind)).intents
    assert {(i.form, i.notice.reason) for i in spoken} == {
        (Form.CARD, Reason.OPENED),
        (Form.REPLY, Reason.OPENED),
    }
    assert any(intent.rings for intent in spoken)


def test_what_passes_while_it_is_explained_was_never_news() -> None:
    channel, pause, behind = Channel(), paused(), lag()
    channel.hears(0, (OPENED, pause))
    channel.hears(300, (OPENED, behind))
    channel.hears(600, (RESOLVED, ended(pause, 600)))
    told = channel.hears(900, (RESOLVED, ended(behind, 900)))
    assert told.intents == ()
    assert [d.reason for d in told.decisions] == [Reason.EXPLAINED]
    assert not channel.cards


def test_an_escalation_that_is_explained_does_not_ring() -> None:
    channel, behind = Channel(), lag()
    channel.hears(0, (OPENED, behind))
    channel.hears(300, (OPENED, paused()))
    escalated = channel.hears(600, (EventKind.ESCALATED, worse(behind)))
    assert not any(intent.rings for intent in escalated.intents)


def test_a_pause_that_the_channel_does_not_hear_of_explains_nothing() -> None:
    channel = Channel(routes=(Route("C0DATA", min_severity=WARNING),))
    channel.hears(0, (OPENED, paused()))
    assert channel.hears(300, (OPENED, lag())).intents


@pytest.mark.parametrize("word", ["strange", "RUNNING", "DEGRADED"])
def test_a_status_that_nobody_knows_explains_nothing(word: str) -> None:
    channel = Channel()
    channel.hears(0, (OPENED, paused(word)))
    assert channel.hears(300, (OPENED, lag())).intents


@pytest.mark.parametrize(
    ("halted", "behind", "explained"),
    [
        ((("orders", (0, 1)),), (("orders", (1,)),), True),
        ((("orders", (0,)),), (("orders", (0, 1)),), False),
        ((("orders", (0,)),), (("", ()),), False),
        ((("orders", (0,)), ("", ())), (("", ()),), True),
    ],
)
def test_a_failed_partition_explains_its_own_alone(
    halted: tuple[tuple[str, tuple[int, ...]], ...],
    behind: tuple[tuple[str, tuple[int, ...]], ...],
    explained: bool,
) -> None:
    channel = Channel()
    channel.hears(0, (OPENED, saying("FAILED", *halted)))
    told = channel.hears(300, (OPENED, replace(lag(), spread=behind)))
    assert (told.intents == ()) is explained


@pytest.mark.parametrize("rule_type", sorted(set(RuleType) - EXPLAINABLE - {RuleType.STATUS}))
def test_what_is_no_consequence_of_a_pause_speaks(rule_type: RuleType) -> None:
    channel = Channel()
    channel.hears(0, (OPENED, paused()))
    told = channel.hears(300, (OPENED, an_incident(at(300), rule_type=rule_type)))
    assert told.intents
