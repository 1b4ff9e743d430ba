"""Answers about incidents: the list of them, and one with its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.alerts import ACTS
from bot.domain.ids import short
from bot.domain.incidents import Event, EventKind, Incident
from bot.presenters.act_words import held, step_of
from bot.presenters.answer import (
    Answer,
    Column,
    Entries,
    Facts,
    Line,
    Moment,
    Name,
    Part,
    Said,
    Table,
    Typed,
)
from bot.presenters.incident_lines import (
    TITLES,
    closing,
    peak,
    rule_title,
    shown_id,
    since,
    state_word,
    what,
    where,
    worst,
    worst_value,
)
from bot.presenters.words import age_in_words, counted, in_words, number

LIST_SHOWN = 20
STEPS_SHOWN = 15


def incident_list(
    incidents: Sequence[Incident],
    now: datetime,
    *,
    open_only: bool,
    task: str | None = None,
    more: int = 0,
) -> Answer:
    """Incidents in the order given. `more` counts those that were not even fetched."""
    title = _list_title(len(incidents) + more, open_only=open_only, task=task)
    if not incidents:
        return Answer(title, (_nothing(open_only=open_only),))
    table = Table(
        (
            Column("id"),
            Column("severity"),
            Column("state"),
            Column("since", "right"),
            Column("task"),
            Column("alert"),
            Column("value", "right"),
        ),
        tuple(_list_row(incident, now) for incident in incidents),
        more,
        ("name a task, such as ", Typed("incidents all TASK")),
    )
    first = short(incidents[0].id)
    note = ("One of them: ", Typed(f"incident {first}"), *_seen(incidents, now))
    return Answer(title, (table.cut_to(LIST_SHOWN),), note)


def _list_title(count: int, *, open_only: bool, task: str | None) -> Line:
    kind = "Open incidents" if open_only else "Incidents"
    of: Line = () if task is None else (" of ", Name(task))
    return (kind, *of, f": {number(count)}")


def _nothing(*, open_only: bool) -> Line:
    if open_only:
        return ("Nothing is open. What ended: ", Typed("incidents all"))
    return ("None is remembered.",)


def _list_row(incident: Incident, now: datetime) -> tuple[str, ...]:
    return (
        short(incident.id),
        incident.severity.word,
        state_word(incident),
        age_in_words(incident.breached_since, now),
        f"account {incident.name}" if incident.key.is_account else incident.name,
        TITLES[incident.type],
        worst_value(incident),
    )


def _seen(incidents: Sequence[Incident], now: datetime) -> Line:
    """How old the values are; empty where all is over, for then they do not change."""
    seen = [i.observed_at for i in incidents if i.open and i.observed_at is not None]
    return (f" · open values are at most {age_in_words(min(seen), now)} old",) if seen else ()


def incident_detail(incident: Incident, events: Sequence[Event], now: datetime) -> Answer:
    """One incident with what happened to it, oldest first."""
    title: Line = (
        "Incident ",
        *shown_id(incident),
        f": {incident.severity.word}, {TITLES[incident.type]} of ",
        Name(incident.name),
    )
    parts: list[Part] = [Facts(_detail_facts(incident, now))]
    told = [((Moment(event.at),), step_line(event)) for event in events]
    steps = [(when, step) for when, step in told if step]
    if steps:
        parts.append(Entries(tuple(steps[-STEPS_SHOWN:])))
    earlier = len(steps) - STEPS_SHOWN
    note: Line = (f"{counted(earlier, 'earlier step')} not shown",) if earlier > 0 else ()
    return Answer(title, tuple(parts), note)


def _detail_facts(incident: Incident, now: datetime) -> tuple[tuple[str, Line], ...]:
    facts: tuple[tuple[str, Line], ...] = (
        ("State", _state(incident)),
        ("Began", since(incident, incident.resolved_at or now)),
        ("Evidence", what(incident)),
        ("Where", where(incident)),
        ("Worst", worst(incident)[1:]),
        ("Peak", _peak(incident)),
        ("Rule", rule_title(incident)),
        ("Who has it", held(incident, now)),
        ("Seen", () if incident.observed_at is None else (Moment(incident.observed_at),)),
    )
    return tuple((label, value) for label, value in facts if value)


def _state(incident: Incident) -> Line:
    if incident.resolved_at is None:
        return closing(incident) or ("open",)
    lasted = in_words(incident.resolved_at - incident.breached_since)
    ended: Line = (": ", Said(incident.resolution)) if incident.resolution else ()
    return ("resolved ", Moment(incident.resolved_at), f" after {lasted}", *ended)


def _peak(incident: Incident) -> Line:
    found = peak(incident)
    return (str(found[0]).removeprefix("; peak "), *found[1:]) if found else ()


def step_line(event: Event) -> Line:
    """What happened; empty for mere growth, of which there is too much."""
    match event.kind:
        case EventKind.OPENED:
            return (f"opened, {event.incident.severity.word}: ", *what(event.incident))
        case EventKind.ESCALATED:
            return (f"escalated to {event.incident.severity.word}: ", *what(event.incident))
        case EventKind.RECOVERING:
            return closing(event.incident) or ("recovering",)
        case EventKind.RELAPSED:
            return ("back: ", *what(event.incident))
        case EventKind.RESOLVED:
            return ("resolved: ", Said(event.incident.resolution or "cleared"))
        case _:
            return step_of(event) if event.kind in ACTS else ()
