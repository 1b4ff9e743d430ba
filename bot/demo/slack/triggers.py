"""Trigger ids: what a person's command or click hands the app so that it may open a view.

One lives three seconds and works once (Slack, "Handling user interaction").
"""

import itertools
from collections.abc import Callable
from datetime import timedelta

from bot.demo.slack.wire import SlackCallError

LIFETIME = timedelta(seconds=3)


class Triggers:
    """The trigger ids given out, and which of them were used."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._numbers = itertools.count(1)
        self._issued_s: dict[str, float] = {}
        self._users: dict[str, str] = {}
        self._used: set[str] = set()

    def issue(self, user_id: str) -> str:
        """A new trigger id for what this person just did."""
        trigger_id = f"{next(self._numbers)}.1.simulated"
        self._issued_s[trigger_id] = self._monotonic_s()
        self._users[trigger_id] = user_id
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """Use a trigger id; the person it came from.

        Raises: SlackCallError invalid_, expired_ or exchanged_trigger_id.
        """
        issued_s = self._issued_s.get(trigger_id)
        if issued_s is None:
            raise SlackCallError("invalid_trigger_id")
        if trigger_id in self._used:
            raise SlackCallError("exchanged_trigger_id")
        if self._monotonic_s() - issued_s > LIFETIME.total_seconds():
            raise SlackCallError("expired_trigger_id")
        self._used.add(trigger_id)
        return self._users[trigger_id]
