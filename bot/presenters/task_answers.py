"""Answers about tasks: the fleet in one line, `list`, `status`, `lag` and `top`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incidents import Incident
from bot.domain.model import Destination, PartitionReading, Severity, TaskState
from bot.domain.quoting import quoted
from bot.domain.reports import FleetSummary, LagRow, TaskView, TopRow, Trend
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
    joined,
)
from bot.presenters.delivery_words import age_words, drain_words
from bot.presenters.incident_lines import TITLES, shown_id, since, state_word, what
from bot.presenters.spark import spark
from bot.presenters.words import (
    UNKNOWN,
    age_in_words,
    bounds,
    compact,
    counted,
    in_words,
    number,
    total,
)

LIST_SHOWN = 20
PARTITIONS_SHOWN = 40
INCIDENTS_SHOWN = 5
"""Rows of one screenful."""


# --- the fleet -------------------------------------------------------------------------------


def fleet_line(fleet: FleetSummary, now: datetime) -> Line:
    """All tasks in one line: how many, in which state, what is open, how old the readings are."""
    if not fleet.tasks:
        return ("No dumping task is watched yet. What was found so far: ", Typed("health"))
    states = [f"{fleet.states[state]:,} {state}" for state in TaskState if fleet.states.get(state)]
    tasks = f"{counted(fleet.tasks, 'dumping task')}: {', '.join(states)}."
    return (f"{tasks} {_open_words(fleet)} {_oldest_words(fleet, now)}",)


def _open_words(fleet: FleetSummary) -> str:
    found = [
        f"{fleet.open_incidents[severity]:,} {severity.word}"
        for severity in sorted(Severity, reverse=True)
        if fleet.open_incidents.get(severity)
    ]
    if not found:
        return "No open incident."
    count = sum(fleet.open_incidents.values())
    return f"{counted(count, 'open incident')}: {', '.join(found)}."


def _oldest_words(fleet: FleetSummary, now: datetime) -> str:
    never = f" {counted(fleet.never_read, 'task')} not read yet." if fleet.never_read else ""
    if fleet.oldest_read_at is None:
        return "No reading yet."
    return f"Oldest reading: {age_in_words(fleet.oldest_read_at, now)}.{never}"


def task_list(views: Sequence[TaskView], now: datetime, *, watched: int, typed: str = "") -> Answer:
    """Tasks, worst first. `watched` counts all tasks; `typed` is the filter, empty without one."""
    title: Line = (f"Dumping tasks: {number(watched)}",)
    if typed:
        title = (f"Dumping tasks: {number(len(views))} of {number(watched)}, filter ", Name(typed))
    if not views:
        return Answer(title, (_no_match(typed),))
    ordered = sorted(views, key=_badness)
    table = Table(
        (
            Column("state"),
            Column("task"),
            Column("cloud status"),
            Column("lag", "right"),
            Column("age", "right"),
            Column("read", "right"),
        ),
        tuple(_list_row(view, now) for view in ordered),
        hint=("narrow it with a filter, such as ", Typed("list critical")),
    )
    return Answer(title, (table.cut_to(LIST_SHOWN),), readings_note(views, now))


def _no_match(typed: str) -> Line:
    if not typed:
        return ("No dumping task is watched yet. What was found so far: ", Typed("health"))
    wider = f"list *{typed.strip('*')}*"
    return (
        "No task fits. A filter is a glob matched whole, such as ",
        Typed(wider),
        ", a label such as ",
        Typed("list team=orders"),
        ", or a state such as ",
        Typed("list critical"),
        ".",
    )


def _badness(view: TaskView) -> tuple[int, timedelta, int, str]:
    age = view.age.at_least if view.age is not None else timedelta(0)
    return list(TaskState).index(view.state), -age, -(view.lag or 0), view.name


def _list_row(view: TaskView, now: datetime) -> tuple[str, ...]:
    lag = number(view.lag) + ("+" if view.unknown and view.lag is not None else "")
    return (
        view.state,
        view.name,
        view.cloud_status or UNKNOWN,
        lag,
        UNKNOWN if view.age is None else in_words(view.age.at_least),
        age_in_words(view.read_at, now),
    )


def readings_note(views: Iterable[TaskView], now: datetime) -> Line:
    """How old the readings are, and what a plus at a lag means where there is one."""
    ages = [view.read_at for view in views]
    read = [at for at in ages if at is not None]
    oldest = f"Readings are at most {age_in_words(min(read), now)} old" if read else ""
    never = (
        f"{counted(len(ages) - len(read), 'task')} not read yet" if len(read) < len(ages) else ""
    )
    partial = any(view.unknown and view.lag is not None for view in views)
    plus = "+: more, because some partitions are unknown" if partial else ""
    return (" · ".join(part for part in (oldest, never, plus) if part),)


# --- one task --------------------------------------------------------------------------------


def task_status(
    view: TaskView, incidents: Sequence[Incident], now: datetime, *, trend: Trend | None = None
) -> Answer:
    """One task. `incidents` are its open ones, worst first."""
    parts: list[Part] = [_open_incidents(incidents, now), Facts(_task_facts(view, trend))]
    if view.worst:
        parts.append(_worst_table(view))
    if len(view.topics) > 1:
        parts.append(_topic_table(view))
    return Answer((Name(view.name), f": {view.state}"), tuple(parts), reading_note(view, now))


def _open_incidents(incidents: Sequence[Incident], now: datetime) -> Part:
    if not incidents:
        return ("No open incident.",)
    items = [_incident_item(incident, now) for incident in incidents[:INCIDENTS_SHOWN]]
    left = len(incidents) - len(items)
    if left:
        items.append(((f"… and {number(left)} more",), (Typed("incidents open"),)))
    return Entries(tuple(items))


def _incident_item(incident: Incident, now: datetime) -> tuple[Line, Line]:
    state = "" if state_word(incident) == "open" else f", {state_word(incident)}"
    kind = f"{incident.severity.word}, {TITLES[incident.type]}{state}: "
    return shown_id(incident), (kind, *what(incident), ", ", *since(incident, now))


def _task_facts(view: TaskView, trend: Trend | None) -> tuple[tuple[str, Line], ...]:
    known: list[tuple[str, Line]] = [
        ("Cloud status", _cloud_status(view)),
        ("Lag", (total(view.lag, known=view.known, unknown=view.unknown),)),
        ("Oldest undelivered", (age_words(view.age),)),
        *([("Drains", (drain_words(view.drain),))] if view.drain is not None else []),
        *_trend_facts(trend),
        ("Dumps to", destination(view.destination)),
        ("Uploads", _uploads(view)),
        ("Topics", (Name(view.topics_text) if view.topics_text else UNKNOWN,)),
        ("Account", (Name(view.key.account),)),
    ]
    labels = joined([(Name(f"{key}={value}"),) for key, value in view.labels.items()], " ")
    return (*known, ("Labels", labels)) if labels else tuple(known)


def _cloud_status(view: TaskView) -> Line:
    if not view.cloud_status:
        return (UNKNOWN,)
    when: Line = (" since ", Moment(view.status_since)) if view.status_since else ()
    return (Name(view.cloud_status), *when)


def _trend_facts(trend: Trend | None) -> list[tuple[str, Line]]:
    if trend is None or not any(lag is not None for lag in trend.lags):
        return []
    highest = max(lag for lag in trend.lags if lag is not None)
    curve = f"{spark(trend.lags)} over {in_words(trend.over)}, highest {compact(highest)}"
    return [("Trend", (curve,))]


def destination(to: Destination) -> Line:
    """Bucket, path and folders, as far as the answer gave them."""
    given = [
        (label, text)
        for label, text in (
            ("bucket ", to.bucket),
            ("path ", to.path),
            ("folders ", to.partition_format),
        )
        if text
    ]
    return joined([(label, Name(text)) for label, text in given], ", ") or (UNKNOWN,)


def _uploads(view: TaskView) -> Line:
    if view.delivery_interval is None:
        return (UNKNOWN,)
    assumed = " (assumed: the answer names no interval)" if view.interval_assumed else ""
    return (f"every {in_words(view.delivery_interval)}{assumed}",)


def _worst_table(view: TaskView) -> Table:
    table = _partition_table(view.worst, view, with_topic=len(view.topics) != 1)
    caption: Line = ("Worst partitions; all of them: ", Typed(f"lag {quoted(view.name)}"))
    return replace(table, caption=caption)


def _topic_table(view: TaskView) -> Table:
    ordered = sorted(view.topics, key=lambda topic: (-(topic.lag or 0), topic.topic))
    return Table(
        (
            Column("topic"),
            Column("partitions", "right"),
            Column("lag", "right"),
            Column("unknown", "right"),
        ),
        tuple(
            (topic.topic, number(topic.partitions), number(topic.lag), number(topic.unknown))
            for topic in ordered
        ),
        caption=("Topics, worst first",),
    ).cut_to(LIST_SHOWN)


def reading_note(view: TaskView, now: datetime) -> Line:
    """How old the reading is; without a fresh one, since when and why there is none."""
    age: Line = (
        (f"Reading {age_in_words(view.read_at, now)} old",) if view.read_at else ("No reading yet",)
    )
    if view.failure is None:
        return age
    began: Line = (" since ", Moment(view.failing_since)) if view.failing_since else ()
    return (*age, "; polls fail", *began, ": ", Said(view.failure))


# --- partitions ------------------------------------------------------------------------------


def lag_table(
    view: TaskView, rows: Sequence[LagRow], now: datetime, *, topic: str | None = None
) -> Answer:
    """Every partition of a task, or of one topic of it; the worst ones where not all fit."""
    named: Line = (", topic ", Name(topic)) if topic else ()
    title: Line = ("Lag of ", Name(view.name), *named)
    if not rows:
        return Answer(title, (("No partition is known.",),), reading_note(view, now))
    fits = len(rows) <= PARTITIONS_SHOWN
    ordered = sorted(rows, key=_by_place if fits else _by_badness)
    several = len({row.reading.topic for row in rows}) > 1
    table = _partition_table(ordered, view, with_topic=several).cut_to(PARTITIONS_SHOWN)
    parts: tuple[Part, ...] = ((_sum_of(rows),), table)
    note = () if fits else ("the worst partitions are shown",)
    return Answer(title, parts, joined((reading_note(view, now), note), " · "))


def _by_place(row: LagRow) -> tuple[str, int]:
    return row.reading.topic, row.reading.partition


def _by_badness(row: LagRow) -> tuple[timedelta, int, str, int]:
    # Unknown before 0: it may be anything.
    lag = row.reading.lag
    age = row.age_at_least or timedelta(0)
    return (-age, -lag if lag else 0 if lag is None else 1, *_by_place(row))


def _sum_of(rows: Sequence[LagRow]) -> str:
    known = [row.reading.lag for row in rows if row.reading.lag is not None]
    lag = sum(known) if known else None
    return f"Total: {total(lag, known=len(known), unknown=len(rows) - len(known))}"


def _partition_table(rows: Sequence[LagRow], view: TaskView, *, with_topic: bool) -> Table:
    """Columns that would say the same in each row are left out."""
    aged = any(row.age_at_least is not None for row in rows)
    odd = any(row.reading.status != view.cloud_status for row in rows)
    columns = [
        *([Column("topic")] if with_topic else []),
        Column("partition", "right"),
        Column("transferred", "right"),
        Column("log end", "right"),
        Column("lag", "right"),
        *([Column("age", "right")] if aged else []),
        *([Column("status")] if odd else []),
    ]
    return Table(
        tuple(columns),
        tuple(
            (
                *((row.reading.topic,) if with_topic else ()),
                *offsets(row.reading),
                *((bounds(row.age_at_least, row.age_at_most),) if aged else ()),
                *((row.reading.status or UNKNOWN,) if odd else ()),
            )
            for row in rows
        ),
    )


def offsets(reading: PartitionReading) -> tuple[str, str, str, str]:
    """Partition, last transferred offset, log end offset and lag as cells."""
    return (
        str(reading.partition),
        number(reading.transferred),
        number(reading.log_end),
        number(reading.lag),
    )


def top(rows: Sequence[TopRow], now: datetime) -> Answer:
    """The worst partitions of the fleet, in the order given."""
    if not rows:
        return Answer(("Worst partitions",), (("No partition is behind.",),))
    aged = any(row.row.age_at_least is not None for row in rows)
    columns = (
        *((Column("age", "right"),) if aged else ()),
        Column("lag", "right"),
        Column("task"),
        Column("topic"),
        Column("partition", "right"),
        Column("read", "right"),
    )
    table = Table(columns, tuple(_top_row(row, now, aged=aged) for row in rows))
    tasks = list(dict.fromkeys(row.task for row in rows))
    oldest = age_in_words(min(row.read_at for row in rows), now)
    return Answer(
        (f"Worst partitions: {number(len(rows))}, in {counted(len(tasks), 'task')}",),
        (table,),
        (f"Readings are at most {oldest} old",),
    )


def _top_row(row: TopRow, now: datetime, *, aged: bool) -> tuple[str, ...]:
    reading = row.row.reading
    age = (bounds(row.row.age_at_least, row.row.age_at_most),) if aged else ()
    return (
        *age,
        number(reading.lag),
        row.task,
        reading.topic,
        str(reading.partition),
        age_in_words(row.read_at, now),
    )
