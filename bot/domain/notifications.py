"""What is said, where and why: events and routes to intents with a reason.

`decide` looks at what was last told, never only at what is true now, so a restart or a replayed
observation says nothing twice. How one step is worked through stands in `desk`, what it makes in
`cards`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from bot.domain.alerts import Event, Incident
from bot.domain.cards import Card, Decision, Form, Intent, Notice, Reason, Told
from bot.domain.desk import Desk, Outcome, Situation, reminder_wait, resting
from bot.domain.evidence import fingerprint
from bot.domain.model import WatchedTask
from bot.domain.policy import Route

__all__ = [
    "Card",
    "Decision",
    "Form",
    "Intent",
    "Notice",
    "Outcome",
    "Reason",
    "Situation",
    "Told",
    "decide",
    "fingerprint",
    "lapse",
    "remind",
    "reminder_due",
    "resting",
    "tellings",
]


def tellings(
    routes: Sequence[Route], incident: Incident, task: WatchedTask | None
) -> tuple[tuple[str, Told], ...]:
    """Where an incident that just opened goes: the first matching route, and on while it continues.

    `task` is None for an account as a whole, which only routes that use at most account, rule and
    severity can take. One channel is told once, by the first route that names it.
    """
    found: dict[str, Told] = {}
    for route in routes:
        if not _takes(route, incident, task):
            continue
        told = Told(incident.id, route.min_severity, route.mention, route.repeat)
        found.setdefault(route.channel, told)
        if not route.continues:
            break
    return tuple(found.items())


def _takes(route: Route, incident: Incident, task: WatchedTask | None) -> bool:
    match = route.match
    here = match.hits_account(incident.key) if task is None else match.hits_task(task)
    return here and match.hits_alert(
        rule=incident.rule, rule_type=incident.type, severity=incident.severity
    )


def decide(cards: Iterable[Card], events: Iterable[Event], situation: Situation) -> Outcome:
    """Turns the events of one step into changed cards, outbox rows and reasons.

    `cards` are the task's cards that are not closed. Events are taken in their order.
    """
    desk = Desk({card.channel: card for card in cards}, situation)
    for event in events:
        desk.take(event)
    return desk.outcome()


def remind(card: Card, situation: Situation) -> Outcome:
    """The reminder of a card when it is due, else nothing.

    Due `repeat` after the last delivery that rang; the shortest repeat of what is told counts.
    What is about to close is not reminded of.
    """
    due_at = reminder_due(card, situation.resting)
    if due_at is None or situation.now < due_at:
        return Outcome()
    desk = Desk({card.channel: card}, situation)
    desk.remind(card)
    return desk.outcome()


def lapse(card: Card, situation: Situation) -> Outcome:
    """Closes a card that is over and has waited for what may come back; else nothing."""
    desk = Desk({card.channel: card}, situation)
    if not desk.lapsed(card):
        return Outcome()
    desk.lapse(card)
    return desk.outcome()


def reminder_due(card: Card, at_rest: Collection[str] = ()) -> datetime | None:
    """When the next reminder of a card is due; None when none is, as while all of it is at rest.

    A reminder that waits in the outbox (put there after the last ring) is not followed by another.
    """
    wait = reminder_wait(card, at_rest)
    if wait is None or card.rang_at is None or card.closed_at is not None:
        return None
    if card.reminded_at is not None and card.reminded_at > card.rang_at:
        return None
    return card.rang_at + wait
