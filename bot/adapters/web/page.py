"""The status page: every task in one table, worst first, readable on a phone and in the dark.

Rendered on the server; it loads nothing, runs no script and reloads itself. The policy it is sent
with allows its own style sheet, by hash, and nothing else, so that no name from outside could do
more than be read.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import quote

import jinja2

from bot.adapters.web.documents import incident_state, instant
from bot.domain.ids import short
from bot.domain.incidents import Incident
from bot.domain.model import TaskState
from bot.domain.reports import HealthReport, TaskView
from bot.presenters import words

ROWS_MOST = 500
"""Tasks on the page; the rest is counted. A browser is slow beyond."""
INCIDENTS_MOST = 50
RELOAD = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A line of the table, in words."""

    name: str
    url: str
    state: str
    labels: tuple[str, ...]
    cloud_status: str
    lag: str
    lag_exact: str
    lag_note: str
    age: str
    read_at: str
    failure: str
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An open incident, in words."""

    id: str
    url: str
    severity: str
    state: str
    name: str
    rule: str
    since: str
    opened_at: str


class StatusPage:
    """Renders the page; reads its template and style sheet from the package when made."""

    def __init__(self) -> None:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("bot.adapters.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("status.html")
        # The hash must be of the very text between the tags.
        self._style = environment.loader.get_source(environment, "status.css")[0].strip()  # type: ignore[union-attr]
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'"
        )
        """The Content-Security-Policy of the page."""

    def render(
        self,
        views: Sequence[TaskView],
        incidents: Sequence[Incident],
        *,
        health: HealthReport,
        now: datetime,
    ) -> str:
        """The page as of now; `views` and `incidents` worst first."""
        return self._template.render(
            style=self._style,
            reload_s=int(RELOAD.total_seconds()),
            now=words.in_utc(now),
            health=health,
            counts=_counts(views),
            tasks=[_task_row(view, now) for view in views[:ROWS_MOST]],
            tasks_more=max(len(views) - ROWS_MOST, 0),
            incidents=[_incident_row(incident, now) for incident in incidents[:INCIDENTS_MOST]],
            incidents_more=max(len(incidents) - INCIDENTS_MOST, 0),
        )


@cache
def status_page() -> StatusPage:
    """The page, compiled once in a process: that takes longer than many renderings."""
    return StatusPage()


def _counts(views: Sequence[TaskView]) -> list[tuple[str, int]]:
    """How many tasks are in each state that has any, worst first."""
    counted = Counter(view.state for view in views)
    return [(state.value, counted[state]) for state in TaskState if counted[state]]


def _task_row(view: TaskView, now: datetime) -> TaskRow:
    return TaskRow(
        name=view.name,
        url=f"/api/tasks/{quote(view.name, safe='')}",
        state=view.state.value,
        labels=tuple(f"{name}={value}" for name, value in sorted(view.labels.items())),
        cloud_status=view.cloud_status or "–",
        lag=words.compact(view.lag),
        lag_exact=words.messages(view.lag),
        lag_note=_lag_note(view),
        age=words.age_in_words(view.read_at, now),
        read_at=instant(view.read_at) or "",
        failure=view.failure or "",
        incidents=tuple(short(incident) for incident in view.open_incidents),
    )


def _lag_note(view: TaskView) -> str:
    if view.lag is None or not view.unknown:
        return ""
    return f"over {words.number(view.known)} known, {words.number(view.unknown)} unknown"


def _incident_row(incident: Incident, now: datetime) -> IncidentRow:
    return IncidentRow(
        id=short(incident.id),
        url=f"/api/incidents/{quote(incident.id, safe='')}",
        severity=incident.severity.word,
        state=incident_state(incident),
        name=incident.name,
        rule=incident.rule,
        since=words.age_in_words(incident.breached_since, now),
        opened_at=instant(incident.opened_at) or "",
    )
