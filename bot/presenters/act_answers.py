"""Answers to what people do: acknowledgements, silences, and the history of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.alerts import Acknowledgement, Event, Incident
from bot.domain.ids import short
from bot.domain.silences import Silence
from bot.presenters.act_words import said, who
from bot.presenters.answer import (
    Answer,
    Entries,
    Line,
    Moment,
    Name,
    Part,
    Person,
    Typed,
)
from bot.presenters.incident_answers import step_line
from bot.presenters.incident_lines import TITLES, shown_id
from bot.presenters.words import counted, in_words, number

TASKS_SHOWN = 15
SILENCES_SHOWN = 20
HAPPENED_SHOWN = 30


# --- acknowledgements ------------------------------------------------------------------------


def acknowledged(name: str, incidents: Sequence[Incident], ack: Acknowledgement) -> Answer:
    """Somebody has it now."""
    return Answer(
        ("Acknowledged: ", Name(name)),
        (
            _ids(incidents),
            (
                "Reminders stop until ",
                Moment(ack.until),
                "; escalations, new alerts and data loss still speak.",
            ),
        ),
        ("Undo: ", Typed(f"unack {short(incidents[0].id)}")),
    )


def unacknowledged(name: str, incidents: Sequence[Incident]) -> Answer:
    """Nobody has it any more."""
    return Answer(
        ("Not acknowledged any more: ", Name(name)), (_ids(incidents), ("Reminders come again.",))
    )


def _ids(incidents: Sequence[Incident]) -> Part:
    return Entries(tuple((shown_id(each), (TITLES[each.type],)) for each in incidents))


# --- silences --------------------------------------------------------------------------------


def silenced(silence: Silence, incidents: Sequence[Incident], now: datetime) -> Answer:
    """A silence that was made."""
    begun = silence.begins_at <= now
    title: Line = ("Silenced: " if begun else "Will be silenced: ", Name(silence.named))
    parts: list[Part] = [_when(silence, now)]
    if begun and incidents:
        parts.append((f"Quiet now: {counted(len(incidents), 'open alert')}.",))
    parts.append((_STILL_HEARD,))
    return Answer(title, tuple(parts), ("Undo: ", Typed(f"unsilence {short(silence.id)}")))


_STILL_HEARD = "A critical data loss speaks all the same, unless rule=data_loss is silenced."


def _when(silence: Silence, now: datetime) -> Line:
    lasts = in_words(silence.ends_at - silence.begins_at)
    begins: Line = () if silence.begins_at <= now else ("from ", Moment(silence.begins_at), " ")
    return (*begins, "until ", Moment(silence.ends_at), f", {lasts}", *said(silence.reason))


def would_silence(
    silence: Silence,
    tasks: Sequence[str],
    incidents: Sequence[Incident],
    *,
    line: str,
    now: datetime,
) -> Answer:
    """What a silence would cover; nothing is done yet."""
    title: Line = (f"That covers {counted(len(tasks), 'task')}: ", Name(silence.named))
    parts: list[Part] = [
        ("To do it: ", Typed(line)),
        _when(silence, now),
        (f"Open alerts that would be quiet: {number(len(incidents))}",),
        Entries(tuple(((Name(task),), ()) for task in tasks[:TASKS_SHOWN])),
    ]
    if len(tasks) > TASKS_SHOWN:
        parts.append((f"… and {counted(len(tasks) - TASKS_SHOWN, 'more task')}",))
    if not tasks:
        parts.append(("No task fits now; it would hold for those to come.",))
    return Answer(title, tuple(parts), ("Nothing is silenced yet.",))


def silence_list(silences: Sequence[Silence], now: datetime, *, every: bool) -> Answer:
    """Silences in the order given."""
    title: Line = (f"{'Silences' if every else 'Silences now and soon'}: {len(silences)}",)
    if not silences:
        return Answer(title, (("Nothing is silenced.",),))
    shown = tuple((_silence_head(each, now), _silence_body(each)) for each in silences)
    parts: list[Part] = [Entries(shown[:SILENCES_SHOWN])]
    if len(shown) > SILENCES_SHOWN:
        parts.append((f"… and {counted(len(shown) - SILENCES_SHOWN, 'more', 'more')}",))
    first = short(silences[0].id)
    return Answer(title, tuple(parts), ("To end one: ", Typed(f"unsilence {first}")))


def _silence_head(silence: Silence, now: datetime) -> Line:
    if silence.over(now):
        state: Line = (" over since ", Moment(silence.ended_at or silence.ends_at))
    elif silence.active(now):
        state = (" until ", Moment(silence.ends_at))
    else:
        state = (" from ", Moment(silence.begins_at), " until ", Moment(silence.ends_at))
    return (Name(short(silence.id)), " ", Name(silence.named), *state)


def _silence_body(silence: Silence) -> Line:
    ended: Line = (", ended", *who(silence.ended_by)) if silence.ended_by else ()
    return ("by ", Person(silence.by), *said(silence.reason), *ended)


def unsilenced(silence: Silence) -> Answer:
    """A silence that was ended."""
    return Answer(
        ("Not silenced any more: ", Name(silence.named)),
        (("What is still bad speaks with its next reading.",),),
    )


# --- history ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """What of the past was asked for."""

    since: datetime
    name: str = ""
    """A task, where one was asked for."""
    person: str = ""


def history(events: Sequence[Event], silences: Sequence[Silence], looked: Looked) -> Answer:
    """What happened, the newest first; silences by when they were made and ended."""
    told = [(event.at, _event_line(event)) for event in events]
    for silence in silences:
        told += [(at, line) for at, line in _of_silence(silence, looked) if at >= looked.since]
    told.sort(key=lambda pair: pair[0], reverse=True)
    shown = tuple(((Moment(at),), line) for at, line in told[:HAPPENED_SHOWN])
    parts: tuple[Part, ...] = (Entries(shown),) if shown else (("Nothing.",),)
    left = len(told) - len(shown)
    note: Line = (f"{counted(left, 'earlier entry', 'earlier entries')} not shown",) if left else ()
    return Answer(_history_title(looked), parts, note)


def _history_title(looked: Looked) -> Line:
    of: Line = (" of ", Name(looked.name)) if looked.name else ()
    by: Line = (" by ", Person(looked.person)) if looked.person else ()
    return ("What happened", *of, *by, " since ", Moment(looked.since))


def _event_line(event: Event) -> Line:
    incident = event.incident
    what: Line = (Name(incident.name), f" – {TITLES[incident.type]} ", *shown_id(incident), ": ")
    return (*what, *step_line(event))


def _of_silence(silence: Silence, looked: Looked) -> list[tuple[datetime, Line]]:
    name: Line = (Name(silence.named), " (", Name(short(silence.id)), ")")
    found: list[tuple[datetime, Line]] = []
    if looked.person in ("", silence.by):
        made = ("silenced ", *name, *who(silence.by), *said(silence.reason))
        found.append((silence.made_at, made))
    if silence.ended_at is not None and looked.person in ("", silence.ended_by):
        found.append((silence.ended_at, ("ended the silence of ", *name, *who(silence.ended_by))))
    return found
