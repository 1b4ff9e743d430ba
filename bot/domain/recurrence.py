"""What comes back: how much of the past a card remembers, and from when on a thing flaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.domain.alerts import Incident
from bot.domain.cards import Card, Told

OPENINGS_TOLD = 3
"""Openings of one kind on a card before the next one is flapping."""
RECORDS_KEPT = 12
"""Ended incidents that a card remembers."""


def openings_before(card: Card, incident: Incident, since: datetime) -> list[Told]:
    """What of an incident's kind opened since then, was told on the card, and has ended."""
    return [
        told
        for told in card.told.values()
        if told.record is not None
        and told.record.type is incident.type
        and told.record.opened_at >= since
    ]


def with_told(card: Card, told: Told) -> Card:
    """The card with how one incident is told, and without what it need not remember."""
    after = {**card.told, told.incident_id: told}
    ended = [incident_id for incident_id, each in after.items() if each.resolved]
    for incident_id in ended[:-RECORDS_KEPT]:
        del after[incident_id]
    return replace(card, told=after)
