"""`backtest` as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.incidents import Incident
from bot.domain.replay import Opening, Replayed
from bot.presenters.answer import Answer, Column, Line, Part, Table
from bot.presenters.incident_lines import TITLES
from bot.presenters.message import Json
from bot.presenters.words import amount, counted, in_utc, in_words, number

SHOWN = 200
_UNREPLAYED = (
    "Polls without an answer are not stored, so unreachable is not replayed; neither is data_loss"
    " where only the cloud knows the retention."
)


def backtest(found: Replayed) -> Answer:
    """What would have opened, per rule and one by one, against what really was."""
    title: Line = (f"Backtest: {counted(len(found.openings), 'opening')}",)
    if not found.samples:
        return Answer(
            ("Backtest",),
            (("No samples are stored for this time: the bot has not run, or not so long ago.",),),
        )
    over = in_words(found.until - found.since)
    begin, end = in_utc(found.since), in_utc(found.until)
    whole = f"{counted(found.samples, 'sample')} of {counted(found.tasks, 'task')} over {over}"
    parts: list[Part] = [(f"{whole}, from {begin} to {end}.",)]
    if found.openings:
        parts += [_by_rule(found), _one_by_one(found)]
    if found.only_really:
        parts.append(_only_really(found))
    return Answer(title, (*parts,), (_UNREPLAYED,))


def _by_rule(found: Replayed) -> Table:
    counts = Counter((one.incident.type, one.incident.rule) for one in found.openings)
    days = max(found.days, 1 / 1440)
    return Table(
        (
            Column("rule"),
            Column("type"),
            Column("openings", "right"),
            Column("per day", "right"),
            Column("really too", "right"),
        ),
        tuple(
            (
                rule,
                TITLES[rule_type],
                number(count),
                f"{count / days:.2g}",
                number(_really(found.openings, rule)),
            )
            for (rule_type, rule), count in counts.most_common()
        ),
        caption=("By rule",),
    )


def _really(openings: Sequence[Opening], rule: str) -> int:
    return sum(one.really for one in openings if one.incident.rule == rule)


def _one_by_one(found: Replayed) -> Table:
    return Table(
        (
            Column("opened"),
            Column("lasted", "right"),
            Column("task"),
            Column("rule"),
            Column("severity"),
            Column("peak", "right"),
            Column("really"),
        ),
        tuple(_row(one, found.until) for one in found.openings),
        caption=("One by one",),
    ).cut_to(SHOWN)


def _row(one: Opening, until: datetime) -> tuple[str, ...]:
    incident = one.incident
    ended = "" if incident.resolved_at else "+"
    peak = "" if incident.peak is None else amount(incident.peak, incident.unit)
    return (
        in_utc(incident.opened_at),
        f"{in_words(one.lasted(until))}{ended}",
        incident.name,
        incident.rule,
        incident.severity.word,
        peak,
        "yes" if one.really else "no",
    )


def _only_really(found: Replayed) -> Table:
    return Table(
        (Column("opened"), Column("task"), Column("rule"), Column("severity")),
        tuple(
            (in_utc(one.opened_at), one.name, one.rule, one.severity.word)
            for one in found.only_really
        ),
        caption=("Really told, and by this file not",),
    ).cut_to(SHOWN)


def as_json(found: Replayed) -> Json:
    """The same as JSON-able values; durations in seconds."""
    return {
        "since": _instant(found.since),
        "until": _instant(found.until),
        "tasks": found.tasks,
        "samples": found.samples,
        "openings": [
            {
                **_incident(one.incident),
                "lasted_seconds": one.lasted(found.until).total_seconds(),
                "really": one.really,
            }
            for one in found.openings
        ],
        "only_really": [_incident(one) for one in found.only_really],
    }


def _incident(incident: Incident) -> dict[str, Json]:
    return {
        "task": incident.name,
        "type": incident.type.value,
        "rule": incident.rule,
        "severity": incident.severity.word,
        "opened_at": _instant(incident.opened_at),
        "resolved_at": None if incident.resolved_at is None else _instant(incident.resolved_at),
        "peak": incident.peak,
        "unit": incident.unit.value,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
