"""A channel that is told of one task, step by step, for tests of what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.domain.incidents import Event, EventKind, Incident, Phase
from bot.domain.model import Severity, WatchedTask
from bot.domain.notifications import (
    Card,
    Form,
    Intent,
    Outcome,
    Situation,
    decide,
    remind,
    tellings,
)
from bot.domain.policy import AlertPolicy, Route, RuleType
from bot.domain.silences import Silence
from tests.builders import a_task, a_view, an_incident, at

GROUP_WAIT_S = 10
SETTLING_S = 660
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL

ON_CALL = Route(
    "C0DATA",
    mention={CRITICAL: ("S0ONCALL",)},
    repeat={WARNING: timedelta(hours=4), CRITICAL: timedelta(hours=1), Severity.INFO: None},
)


def lag(severity: Severity = WARNING, value: int = 200_000, *, opened_s: float = 0) -> Incident:
    """An open lag incident."""
    return an_incident(at(opened_s), severity=severity, value=value)


def status(severity: Severity = WARNING, *, opened_s: float = 0) -> Incident:
    """An open status incident of the same task, of a partition of another topic."""
    found = an_incident(at(opened_s), rule_type=RuleType.STATUS, severity=severity)
    return replace(found, spread=(("elsewhere", (0,)),))


def worse(incident: Incident, severity: Severity = CRITICAL) -> Incident:
    """The incident at a higher severity."""
    return replace(incident, severity=severity)


def ended(incident: Incident, seconds: float) -> Incident:
    """The incident as it resolves."""
    return replace(incident, phase=Phase.QUIET, resolved_at=at(seconds), resolution="cleared")


@dataclass(slots=True)
class Channel:
    """Everything told of one task; whatever is due is delivered at once unless told otherwise."""

    routes: Sequence[Route] = (ON_CALL,)
    policy: AlertPolicy = AlertPolicy()
    task: WatchedTask | None = field(default_factory=a_task)
    delivers: bool = True
    cards: dict[str, Card] = field(default_factory=dict)
    """Not closed ones, by channel."""
    closed: list[Card] = field(default_factory=list)
    going_on: dict[str, Incident] = field(default_factory=dict)
    intents: list[Intent] = field(default_factory=list)
    silences: Mapping[str, Silence] = field(default_factory=dict)
    """By incident id, what covers it."""

    def hears(self, seconds: float, *news: tuple[EventKind, Incident]) -> Outcome:
        """One step of the task at this time."""
        for _, incident in news:
            self.going_on[incident.id] = incident
            if not incident.open:
                del self.going_on[incident.id]
        events = [Event(kind, at(seconds), incident) for kind, incident in news]
        outcome = decide(list(self.cards.values()), events, self.situation(seconds, events))
        self._keeps(outcome)
        return outcome

    def reminded(self, seconds: float, channel: str = "C0DATA") -> Outcome:
        """Asks for the channel's reminder."""
        outcome = remind(self.cards[channel], self.situation(seconds, ()))
        self._keeps(outcome)
        return outcome

    def situation(self, seconds: float, events: Sequence[Event]) -> Situation:
        opened = [event.incident for event in events if event.kind is EventKind.OPENED]
        return Situation(
            now=at(seconds),
            view=a_view(),
            incidents=dict(self.going_on),
            tellings={i.id: tellings(self.routes, i, self.task) for i in opened},
            policy=self.policy,
            links=(("Runbook", "https://wiki.example/lag"),),
            silences=self.silences,
            settling=timedelta(seconds=SETTLING_S),
        )

    def _keeps(self, outcome: Outcome) -> None:
        self.intents.extend(outcome.intents)
        for card in outcome.cards:
            self.cards[card.channel] = card
            if card.closed_at is not None:
                self.closed.append(self.cards.pop(card.channel))
        for intent in outcome.intents:
            card_or_none = self.cards.get(intent.channel)
            if self.delivers and intent.rings and card_or_none is not None:
                self.cards[intent.channel] = replace(card_or_none, rang_at=intent.due_at)


def opened(incident: Incident) -> tuple[EventKind, Incident]:
    return EventKind.OPENED, incident


def escalated(incident: Incident) -> tuple[EventKind, Incident]:
    return EventKind.ESCALATED, incident


def changed(incident: Incident) -> tuple[EventKind, Incident]:
    return EventKind.EVIDENCE_CHANGED, incident


def resolved(incident: Incident, seconds: float) -> tuple[EventKind, Incident]:
    return EventKind.RESOLVED, ended(incident, seconds)


def looks(outcome: Outcome) -> list[Intent]:
    """The cards of an outcome."""
    return [intent for intent in outcome.intents if intent.form is Form.CARD]


def replies(outcome: Outcome) -> list[Intent]:
    """The thread replies of an outcome."""
    return [intent for intent in outcome.intents if intent.form is Form.REPLY]
