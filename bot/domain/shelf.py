"""What is known of the topics of a task beside its readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.model import Subject


@dataclass(frozen=True, slots=True)
class Shelf:
    """How long the topics of a task keep messages, and where their logs begin."""

    retention: Mapping[str, timedelta] = field(default_factory=dict)
    """By topic; a topic that is not in it is not known."""
    log_starts: Mapping[Subject, int] = field(default_factory=dict)
    """By partition: the first offset that is still kept, as of when it was asked."""


NO_SHELF = Shelf()
