"""A look at the configuration as text for a terminal and as values for JSON: `check` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.checkup import CheckReport, TaskCheck
from bot.domain.model import Severity
from bot.domain.policy import BUILT_IN, AnyRule, Route
from bot.presenters.answer import Answer, Column, Entries, Part, Said, Table, joined
from bot.presenters.message import Json
from bot.presenters.plain import render as render_plain
from bot.presenters.rule_words import in_short
from bot.presenters.words import UNKNOWN, counted, in_words

COLUMNS = (
    Column("TASK"),
    Column("ACCOUNT"),
    Column("POLLED EVERY", "right"),
    Column("POLL ENDS IN", "right"),
    Column("REQUEST ENDS IN", "right"),
    Column("DELIVERS EVERY", "right"),
    Column("RULES"),
    Column("TOLD TO"),
)


def render(report: CheckReport) -> str:
    """The report as text: tasks, the rules they have, then what was found."""
    return render_plain(check_answer(report))


def check_answer(report: CheckReport) -> Answer:
    """The same as an answer."""
    parts: list[Part] = []
    if report.rows:
        parts = [Table(COLUMNS, tuple(map(_cells, report.rows))), _rules(report.rows)]
    for title, found in (
        ("Warnings", report.warnings),
        ("To know", report.notes),
        ("Not judged", report.not_judged),
    ):
        if found:
            parts.append(joined([(title,), *(("  - ", Said(one)) for one in found)]))
    if not report.warnings:
        parts.append(("No warnings.",))
    return Answer(
        (f"The configuration is valid, {counted(len(report.rows), 'task')} known",), (*parts,)
    )


def as_json(report: CheckReport) -> Json:
    """The report as JSON-able values; durations in seconds."""
    return {
        "tasks": [_json_row(row) for row in report.rows],
        "warnings": list(report.warnings),
        "notes": list(report.notes),
        "not_judged": list(report.not_judged),
    }


def _json_row(row: TaskCheck) -> Json:
    delivery = row.delivery_interval
    return {
        "task": row.task.name,
        "account": row.task.key.account,
        "connector_id": row.task.key.connector_id,
        "task_id": row.task.key.task_id,
        "configured": row.task.configured,
        "labels": dict(row.task.labels),
        "interval_seconds": row.task.interval.total_seconds(),
        "poll_deadline_seconds": row.poll_deadline.total_seconds(),
        "request_deadline_seconds": row.request_deadline.total_seconds(),
        "delivery_interval_seconds": delivery.total_seconds() if delivery else None,
        "rules": [{"type": r.type.value, "name": r.name, "levels": in_short(r)} for r in row.rules],
        "routes": [
            {"channel": route.channel, "min_severity": route.min_severity.word}
            for route in row.routes
        ],
    }


# --- text --------------------------------------------------------------------------------------


def _rule_names(rules: Sequence[AnyRule]) -> str:
    """The names that the file gives, and how many built-in rules are beside them."""
    given = [rule.name for rule in rules if rule not in BUILT_IN]
    beside = len(rules) - len(given)
    return ", ".join([*given, *([f"{beside} built-in"] if beside else [])])


def _cells(row: TaskCheck) -> tuple[str, ...]:
    return (
        row.task.name,
        row.task.key.account,
        _short(row.task.interval),
        _short(row.poll_deadline),
        _short(row.request_deadline),
        UNKNOWN if row.delivery_interval is None else in_words(row.delivery_interval),
        _rule_names(row.rules),
        ", ".join(map(_told_to, row.routes)),
    )


def _short(duration: timedelta) -> str:
    """Short deadlines need their fractions."""
    if duration < timedelta(seconds=10) and duration % timedelta(seconds=1):
        return f"{duration.total_seconds():.3g} s"
    return in_words(duration)


def _told_to(route: Route) -> str:
    limits = [*route.match.rule.globs, *route.match.severity.globs]
    if route.min_severity > Severity.INFO:
        limits.append(f"from {route.min_severity.word}")
    return f"{route.channel} ({', '.join(limits)})" if limits else route.channel


def _rules(rows: Sequence[TaskCheck]) -> Entries:
    """Every rule that some task has, once."""
    rules = {rule.name: rule for row in rows for rule in row.rules}
    return Entries(tuple(((Said(name),), (_about(rule),)) for name, rule in rules.items()))


def _about(rule: AnyRule) -> str:
    kind = "" if rule.name == rule.type.value else f"{rule.type.value}: "
    return f"{kind}{in_short(rule)}"
