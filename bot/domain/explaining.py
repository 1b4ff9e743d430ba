"""What makes an alert a matter of course: a task or partition that does not run falls behind.

A status that a channel was told of explains the lag and the age of what it reaches, as long as it
lasts and until that had time to pass. It never explains `data_loss`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.alerts import Incident
from bot.domain.policy import LAG_TYPES, RuleType

EXPLAINABLE = frozenset({*LAG_TYPES, RuleType.AGE, RuleType.FALLING_BEHIND})


def explains(by: Incident, incident: Incident, now: datetime, *, settling: timedelta) -> bool:
    """Whether one incident, that is told, explains another; `settling` counts from its end."""
    if by.type is not RuleType.STATUS or incident.type not in EXPLAINABLE:
        return False
    if by.resolved_at is not None and now >= by.resolved_at + settling:
        return False
    return _reaches(by, incident)


def _reaches(by: Incident, incident: Incident) -> bool:
    """Whether a status is that of everything an incident is about: of the task, or of each of its
    partitions."""
    if any(not topic for topic, _ in by.spread):
        return True
    halted = {(topic, p) for topic, partitions in by.spread for p in partitions}
    own = {(topic, p) for topic, partitions in incident.spread for p in partitions}
    return bool(own) and own <= halted
