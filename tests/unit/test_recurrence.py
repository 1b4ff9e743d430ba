"""How much of the past a card remembers."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.cards import Told
from bot.domain.model import Severity
from bot.domain.policy import RuleType
from bot.domain.recurrence import RECORDS_KEPT, openings_before, with_told
from tests.builders import a_card, an_incident, at
from tests.unit.telling import ended


def test_a_card_remembers_the_latest_ends_and_everything_that_goes_on() -> None:
    going = an_incident(at(0), rule_type=RuleType.STATUS)
    card = a_card(going)
    for number in range(RECORDS_KEPT + 5):
        over = ended(an_incident(at(60 * number)), 60 * number + 30)
        told = Told(over.id, Severity.INFO, severity=over.severity, resolved=True, record=over)
        card = with_told(card, told)
    assert len(card.told) == RECORDS_KEPT + 1
    assert going.id in card.told
    latest = an_incident(at(9_000))
    assert len(openings_before(card, latest, at(0))) == RECORDS_KEPT
    recent = at(60 * (RECORDS_KEPT + 5)) - timedelta(minutes=2)
    assert len(openings_before(card, latest, recent)) == 2
    assert openings_before(card, going, at(0)) == []
