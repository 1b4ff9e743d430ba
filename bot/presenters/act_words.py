"""Words for what people did: who has an incident, and what is silenced."""

from __future__ import annotations

from datetime import datetime

from bot.domain.alerts import Event, EventKind, Incident
from bot.domain.ids import short
from bot.domain.silences import Silence
from bot.presenters.answer import Line, Moment, Name, Person, Said, joined
from bot.presenters.words import in_words

DID = {
    EventKind.ACKNOWLEDGED: "acknowledged",
    EventKind.UNACKNOWLEDGED: "acknowledgement taken back",
    EventKind.SILENCED: "silenced",
    EventKind.UNSILENCED: "silence ended",
}


def who(by: str) -> Line:
    """` by` somebody; empty where nobody did it."""
    return (" by ", Person(by)) if by else ()


def said(note: str) -> Line:
    """What was said to it, if anything."""
    return (": ", Said(note)) if note else ()


def step_of(event: Event) -> Line:
    """One act in the timeline of its incident."""
    return (DID[event.kind], *who(event.by), *said(event.note))


def held(incident: Incident, now: datetime) -> Line:
    """Who has an incident; empty where nobody does."""
    ack = incident.holder(now)
    if ack is None:
        return ()
    return ("acknowledged", *who(ack.by), ", until ", Moment(ack.until), *said(ack.note))


def acknowledged_after(incident: Incident) -> Line:
    """How long it took until somebody had it, and who; for the record. Empty where nobody did."""
    ack = incident.acknowledged
    if ack is None:
        return ()
    return (f"; acknowledged after {in_words(ack.at - incident.opened_at)}", *who(ack.by))


def hushed(silence: Silence | None) -> Line:
    """What keeps something quiet; empty where nothing does."""
    if silence is None:
        return ()
    return (
        "silenced until ",
        Moment(silence.ends_at),
        *who(silence.by),
        " (",
        Name(short(silence.id)),
        ")",
        *said(silence.reason),
    )


def rest_of(incident: Incident, silence: Silence | None, now: datetime) -> Line:
    """Why nobody is reminded of an incident; empty where they are."""
    return joined([held(incident, now), hushed(silence)], "; ")
