"""One step of a task at the desk of what is said: its events, to looks, replies and reasons.

A look is the whole card, decided once after all events of the step; a reply is a line in its
thread. What rings is a new card, and a reply that is broadcast; an edit never rings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.alerts import ACTS, Event, EventKind, Incident, Phase
from bot.domain.cards import Card, Decision, Form, Intent, Notice, Reason, Told
from bot.domain.evidence import fingerprint
from bot.domain.explaining import explains
from bot.domain.ids import derived_id
from bot.domain.model import Severity
from bot.domain.policy import AlertPolicy
from bot.domain.recurrence import OPENINGS_TOLD, openings_before, with_told
from bot.domain.reports import TaskView
from bot.domain.silences import Silence


@dataclass(frozen=True, slots=True)
class Situation:
    """What `decide` knows beside the events."""

    now: datetime
    view: TaskView
    incidents: Mapping[str, Incident]
    """Open incidents of the task by id, after the step."""
    tellings: Mapping[str, Sequence[tuple[str, Told]]]
    """For each incident that just opened: (channel, Told) of every route that takes it."""
    policy: AlertPolicy = AlertPolicy()
    links: tuple[tuple[str, str], ...] = ()
    silences: Mapping[str, Silence] = field(default_factory=dict)
    """By incident id, what covers it now."""
    settling: timedelta = timedelta(0)
    """How long after its explanation something must last to speak: 2 D + P."""
    reopen_within: timedelta = timedelta(0)
    """How long a card that is over waits for what comes back."""
    flap_window: timedelta = timedelta(0)
    """Time in which openings of one kind are counted."""
    leaving: bool = False
    """The task is not watched any more: nothing will come back."""

    @property
    def resting(self) -> frozenset[str]:
        """Incidents that nobody is reminded of."""
        return resting(self.incidents.values(), self.silences, self.now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes out of one decision: cards that changed, rows for the outbox, and the reasons."""

    cards: tuple[Card, ...] = ()
    intents: tuple[Intent, ...] = ()
    decisions: tuple[Decision, ...] = ()


def resting(
    incidents: Iterable[Incident], silenced: Collection[str], now: datetime
) -> frozenset[str]:
    """The incidents, by id, that nobody is reminded of: somebody has them, or they are silenced."""
    return frozenset(i.id for i in incidents if i.id in silenced or i.holder(now) is not None)


_STRONGEST_FIRST = (
    Reason.OPENED,
    Reason.FLAPPING,
    Reason.ESCALATED,
    Reason.RESOLVED,
    Reason.REMINDER,
    Reason.ACKNOWLEDGED,
    Reason.UNACKNOWLEDGED,
    Reason.SILENCED,
    Reason.UNSILENCED,
    Reason.EVIDENCE_CHANGED,
)
"""When one look has several reasons, the first of these is given."""


class Desk:
    """Works through the events of one step over the task's cards."""

    def __init__(self, cards: dict[str, Card], situation: Situation) -> None:
        self._cards = cards
        self._situation = situation
        self._looks: dict[str, Reason] = {}
        self._replies: list[Intent] = []
        self._decisions: list[Decision] = []
        self._touched: set[str] = set()

    def take(self, event: Event) -> None:
        """Turns one event into looks, replies and decisions."""
        if event.kind is EventKind.OPENED:
            for channel, told in self._situation.tellings.get(event.incident.id, ()):
                self._opened(channel, told, event.incident)
            return
        for channel, card in list(self._cards.items()):
            heard = card.told.get(event.incident.id)
            if heard is not None and not heard.resolved:
                self._changed(channel, heard, event)

    def remind(self, card: Card) -> None:
        """Puts the reminder of a card into the outbox."""
        at_rest = self._situation.resting
        told = (self._situation.incidents.get(t.incident_id) for t in card.speaking)
        incidents = tuple(
            i for i in told if i is not None and i.phase is Phase.OPEN and i.id not in at_rest
        )
        if not incidents:
            return
        self._put(replace(card, reminded_at=self._situation.now))
        self._reply(card, Reason.REMINDER, incidents, rings=True)
        self._look(card.channel, Reason.REMINDER)

    def outcome(self) -> Outcome:
        """The sum of the step. The look of a card is decided once, after all its events."""
        looks = tuple(
            self._look_intent(self._cards[channel], reason)
            for channel, reason in self._looks.items()
        )
        # Only now: what one event ended, a later one of the same step may have joined.
        for channel in self._touched:
            self._cards[channel] = self._closed_if_over(self._cards[channel])
        cards = tuple(self._cards[channel] for channel in sorted(self._touched))
        return Outcome(cards, looks + tuple(self._replies), tuple(self._decisions))

    def _opened(self, channel: str, told: Told, incident: Incident) -> None:
        card = self._cards.get(channel)
        if card is None:
            card = Card(
                id=derived_id("c", str(incident.key), channel, self._situation.now.isoformat()),
                key=incident.key,
                channel=channel,
                opened_at=self._situation.now,
            )
        if incident.id not in card.told:
            self._tell(card, told, incident)

    def _tell(self, card: Card, told: Told, incident: Incident) -> None:
        """Tells an incident for the first time: a new card, or a line on the card there is."""
        if incident.severity < told.min_severity:
            if incident.id not in card.told:
                self._put(with_told(card, told))
            self._decided(incident, card, Reason.BELOW_MIN_SEVERITY, said=False)
            return
        if self._silenced(incident):
            if incident.id not in card.told:
                self._put(with_told(card, told))
            self._decided(incident, card, Reason.SILENCED, said=False)
            return
        if self._explained(card, incident):
            if incident.id not in card.told:
                self._put(with_told(card, told))
            self._decided(incident, card, Reason.EXPLAINED, said=False)
            return
        if card.decided_at is None:
            # Nothing was said so far, so this is the card's own opening and waits for company.
            card = replace(card, opened_at=self._situation.now)
        # A card that has nothing to say any more is as good as none.
        alone = not card.speaking
        rings = self._gathers(card) or alone or incident.severity is Severity.CRITICAL
        since = self._situation.now - self._situation.flap_window
        before = openings_before(card, incident, since)
        flapping = len(before) >= OPENINGS_TOLD
        reason = Reason.FLAPPING if flapping else Reason.OPENED
        rings = rings and not any(earlier.flapping for earlier in before)
        now_told = replace(told, severity=incident.severity, rang=rings, flapping=flapping)
        self._put(with_told(card, now_told))
        if not self._gathers(card) and (rings or not flapping):
            mentions = told.mentions(incident.severity) if rings else ()
            self._reply(card, reason, (incident,), rings=rings, mentions=mentions)
        self._look(card.channel, reason)
        self._decided(incident, card, reason, said=True)

    def _gathers(self, card: Card) -> bool:
        """Whether the card is not posted yet, so that its post says whatever joins it now."""
        group_wait = self._situation.policy.group_wait
        return card.decided_at is None or self._situation.now < card.opened_at + group_wait

    def _changed(self, channel: str, told: Told, event: Event) -> None:
        card, incident = self._cards[channel], event.incident
        if event.kind is EventKind.RESOLVED:
            self._resolved(card, told, incident)
        elif told.severity is None:
            self._tell(card, told, incident)
        elif event.kind in ACTS:
            self._acted(card, event)
        elif incident.severity > told.severity and not self._kept_back(card, incident):
            self._escalated(card, told, incident)
        elif self._lasts(told, incident) and not self._kept_back(card, incident):
            self._flaps_no_more(card, told, incident)
        else:
            self._evidence(card, event)

    def _silenced(self, incident: Incident) -> bool:
        return incident.id in self._situation.silences

    def _lasts(self, told: Told, incident: Incident) -> bool:
        """Whether what was taken for one more flap, and did not ring, has stayed."""
        quiet = told.flapping and not told.rang
        return quiet and self._situation.now >= incident.opened_at + self._situation.reopen_within

    def _flaps_no_more(self, card: Card, told: Told, incident: Incident) -> None:
        self._put(with_told(card, replace(told, flapping=False, rang=True)))
        mentions = told.mentions(incident.severity)
        self._reply(card, Reason.OPENED, (incident,), rings=True, mentions=mentions)
        self._look(card.channel, Reason.OPENED)
        self._decided(incident, card, Reason.OPENED, said=True)

    def _kept_back(self, card: Card, incident: Incident) -> bool:
        return self._silenced(incident) or self._explained(card, incident)

    def _explained(self, card: Card, incident: Incident) -> bool:
        """Whether the channel was told of a status that makes this a matter of course, and not so
        long ago that it should have passed."""
        now, going_on = self._situation.now, self._situation.incidents
        told = (
            t.record or going_on.get(t.incident_id)
            for t in card.told.values()
            if t.severity is not None
        )
        return any(
            explains(by, incident, now, settling=self._situation.settling)
            for by in told
            if by is not None
        )

    def _acted(self, card: Card, event: Event) -> None:
        """Shows on the card what a person did. Nobody's phone rings: who did it knows, and a reply
        that names them would be a mention."""
        reason = Reason(event.kind.value)
        self._look(card.channel, reason)
        self._decided(event.incident, card, reason, said=True)

    def _escalated(self, card: Card, told: Told, incident: Incident) -> None:
        self._put(with_told(card, replace(told, severity=incident.severity, rang=True)))
        if not self._gathers(card):
            mentions = told.mentions(incident.severity)
            self._reply(card, Reason.ESCALATED, (incident,), rings=True, mentions=mentions)
        self._look(card.channel, Reason.ESCALATED)
        self._decided(incident, card, Reason.ESCALATED, said=True)

    def _resolved(self, card: Card, told: Told, incident: Incident) -> None:
        self._put(with_told(card, replace(told, resolved=True, record=incident)))
        if told.severity is None:
            why = Reason.SILENCED if self._silenced(incident) else Reason.BELOW_MIN_SEVERITY
            if self._explained(card, incident):
                why = Reason.EXPLAINED
            self._decided(incident, card, why, said=False)
            return
        rings = told.rang and not self._silenced(incident)
        if not told.flapping:
            self._reply(card, Reason.RESOLVED, (incident,), rings=rings)
        self._look(card.channel, Reason.RESOLVED)
        self._decided(incident, card, Reason.RESOLVED, said=True)

    def _evidence(self, card: Card, event: Event) -> None:
        changed = fingerprint(self._told_incidents(card)) != card.shown
        said = changed and (event.kind is not EventKind.EVIDENCE_CHANGED or self._may_edit(card))
        reason = Reason.EVIDENCE_CHANGED if said else Reason.NOT_DUE
        if said:
            self._look(card.channel, reason)
        self._decided(event.incident, card, reason, said=said)

    def _may_edit(self, card: Card) -> bool:
        """Whether numbers may change the card again. A change of phase need not ask: it comes once
        and would be lost."""
        edit_every = self._situation.policy.edit_every
        return card.decided_at is None or self._situation.now >= card.decided_at + edit_every

    def _closed_if_over(self, card: Card) -> Card:
        return replace(card, closed_at=self._situation.now) if self.lapsed(card) else card

    def lapsed(self, card: Card) -> bool:
        """Whether it is over, and nothing may join it any more."""
        since = card.over_since
        if since is None:
            return False
        unsaid = card.decided_at is None
        waited = self._situation.now >= since + self._situation.reopen_within
        return unsaid or self._situation.leaving or waited

    def lapse(self, card: Card) -> None:
        """Closes a card that is over; what flapped has settled."""
        flapped = tuple(t.record for t in card.told.values() if t.flapping and t.record is not None)
        self._put(replace(card, closed_at=self._situation.now))
        if flapped:
            self._reply(card, Reason.SETTLED, flapped[-1:], rings=False)

    # --- rows ---

    def _put(self, card: Card) -> None:
        self._cards[card.channel] = card
        self._touched.add(card.channel)

    def _look(self, channel: str, reason: Reason) -> None:
        reasons = (reason, self._looks.get(channel, reason))
        self._looks[channel] = min(reasons, key=_STRONGEST_FIRST.index)

    def _decided(self, incident: Incident, card: Card, reason: Reason, *, said: bool) -> None:
        self._decisions.append(Decision(incident.id, card.channel, reason, said))

    def _reply(
        self,
        card: Card,
        reason: Reason,
        incidents: tuple[Incident, ...],
        *,
        rings: bool,
        mentions: tuple[str, ...] = (),
    ) -> None:
        now = self._situation.now
        about = incidents[0].id if len(incidents) == 1 else "all"
        notice = Notice(
            reason=reason,
            at=now,
            task=self._situation.view,
            incidents=incidents,
            mentions=mentions,
            links=self._situation.links,
            silences=self._silences_of(incidents),
        )
        self._replies.append(
            Intent(
                id=derived_id("n", card.id, Form.REPLY, reason, about, now.isoformat()),
                card_id=card.id,
                channel=card.channel,
                form=Form.REPLY,
                notice=notice,
                due_at=self._due_at(card),
                rings=rings,
            )
        )

    def _look_intent(self, card: Card, reason: Reason) -> Intent:
        now = self._situation.now
        incidents = self._told_incidents(card)
        due_at = self._due_at(card)
        notice = Notice(
            reason=reason,
            at=now,
            task=self._situation.view,
            incidents=incidents,
            mentions=card.mentions,
            reminder_at=self._next_reminder(card, due_at),
            links=self._situation.links,
            silences=self._silences_of(incidents),
        )
        self._put(replace(card, decided_at=now, shown=fingerprint(incidents)))
        return Intent(
            id=derived_id("n", card.id, Form.CARD, now.isoformat()),
            card_id=card.id,
            channel=card.channel,
            form=Form.CARD,
            notice=notice,
            due_at=due_at,
            rings=card.decided_at is None,
        )

    def _silences_of(self, incidents: Sequence[Incident]) -> Mapping[str, Silence]:
        ids = {incident.id for incident in incidents if incident.open}
        return {i: silence for i, silence in self._situation.silences.items() if i in ids}

    def _due_at(self, card: Card) -> datetime:
        """At once, but not before the card itself has waited for company."""
        return max(self._situation.now, card.opened_at + self._situation.policy.group_wait)

    def _told_incidents(self, card: Card) -> tuple[Incident, ...]:
        going_on = self._situation.incidents
        told = [
            incident
            for t in card.told.values()
            if t.severity is not None
            and (incident := t.record or going_on.get(t.incident_id)) is not None
        ]
        return tuple(sorted(told, key=lambda i: (not i.open, -i.severity, i.opened_at)))

    def _next_reminder(self, card: Card, due_at: datetime) -> datetime | None:
        """When the next reminder would come if everything were delivered as soon as it is due."""
        wait = reminder_wait(card, self._situation.resting)
        if wait is None:
            return None
        rings = any(reply.rings for reply in self._replies if reply.card_id == card.id)
        return (due_at if rings or card.rang_at is None else card.rang_at) + wait


def reminder_wait(card: Card, at_rest: Collection[str]) -> timedelta | None:
    """The shortest repeat of what the card tells; None when nothing is repeated."""
    waits = (told.repeat_after() for told in card.speaking if told.incident_id not in at_rest)
    return min((wait for wait in waits if wait is not None), default=None)
