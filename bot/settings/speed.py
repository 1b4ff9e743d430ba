"""A configuration for a world that runs faster: every duration of its policies divided.

Clocks stay real, and so does what belongs to the process and not to the watched world: timeouts,
retention of the store, the pace of Slack.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.domain.policy import AlertPolicy, AnyRule, Policies, PollPolicy, Route, Span
from bot.settings.values import Settings

Policy = TypeVar("Policy", AlertPolicy, PollPolicy, AnyRule)


def sped_up(settings: Settings, speed: float) -> Settings:
    """The settings for a world `speed` times as fast; `speed` is above 0."""
    policies = settings.policies
    return replace(
        settings,
        tasks=tuple(
            replace(task, interval=task.interval / speed if task.interval else None)
            for task in settings.tasks
        ),
        discovery=tuple(
            replace(entry, interval=entry.interval / speed) for entry in settings.discovery
        ),
        policies=Policies(
            rules=tuple(_faster(rule, speed) for rule in policies.rules),
            routes=tuple(_faster_route(route, speed) for route in policies.routes),
            alerts=_faster(policies.alerts, speed),
            poll=_faster(policies.poll, speed),
            consoles=policies.consoles,
        ),
    )


def _faster(policy: Policy, speed: float) -> Policy:
    changes: dict[str, Any] = {}
    for field in fields(policy):
        value = getattr(policy, field.name)
        if isinstance(value, timedelta):
            changes[field.name] = value / speed
        elif isinstance(value, Span):
            changes[field.name] = replace(value, fixed=value.fixed / speed)
    return replace(policy, **changes)


def _faster_route(route: Route, speed: float) -> Route:
    repeat = {
        severity: None if wait is None else wait / speed for severity, wait in route.repeat.items()
    }
    return replace(route, repeat=repeat)
