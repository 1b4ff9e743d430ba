"""What makes an alert a matter of course: a task or partition that does not run falls behind.

A status in which nothing is delivered, and that a channel was told of, explains the lag and the age
of what it reaches, as long as it lasts and until that had time to pass. It never explains
`data_loss`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.alerts import Incident
from bot.domain.history import halted
from bot.domain.policy import LAG_TYPES, RuleType

EXPLAINABLE = frozenset({*LAG_TYPES, RuleType.AGE, RuleType.FALLING_BEHIND})


def explains(by: Incident, incident: Incident, now: datetime, *, settling: timedelta) -> bool:
    """Whether one incident, that is told, explains another; `settling` counts from its end."""
    if by.type is not RuleType.STATUS or incident.type not in EXPLAINABLE:
        return False
    if by.resolved_at is not None and now >= by.resolved_at + settling:
        return False
    return _says_halted(by) and _reaches(by, incident)


def _says_halted(by: Incident) -> bool:
    """Whether the status is one in which nothing is delivered. A word that nobody knows explains
    nothing: it may last for ever, and the sink with it."""
    return any(isinstance(j.value, str) and halted(j.value) for j in by.evidence)


def _reaches(by: Incident, incident: Incident) -> bool:
    """Whether a status is that of everything an incident is about: of the task, or of each of its
    partitions."""
    if any(not topic for topic, _ in by.spread):
        return True
    halted = {(topic, p) for topic, partitions in by.spread for p in partitions}
    own = {(topic, p) for topic, partitions in incident.spread for p in partitions}
    return bool(own) and own <= halted
