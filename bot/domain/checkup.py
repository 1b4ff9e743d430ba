"""What a look at a valid configuration found: what each task gets, and what seems unintended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.model import WatchedTask
from bot.domain.policy import AnyRule, Route


@dataclass(frozen=True, slots=True)
class TaskCheck:
    """What one task gets."""

    task: WatchedTask
    poll_deadline: timedelta
    """A poll with all its retries ends by then."""
    request_deadline: timedelta
    """A single request ends by then."""
    rules: tuple[AnyRule, ...]
    """Those that decide for the task or some of its topics, by type."""
    routes: tuple[Route, ...]
    """Those that can take an alert of the task, in their order."""
    delivery_interval: timedelta | None = None
    """D of the latest stored reading; None when there is none."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that was found. Texts are sentences without a full stop."""

    rows: tuple[TaskCheck, ...]
    warnings: tuple[str, ...] = ()
    """What is probably not meant so."""
    notes: tuple[str, ...] = ()
    """What is surely so, and easily overlooked."""
    not_judged: tuple[str, ...] = ()
    """What could not be looked at, and why."""
