"""Who may change state: the `operators` of the configuration, asked before every act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta

from bot.ports import ChatError, Clock
from bot.services.actions import Speaker
from bot.settings.values import Operators

MEMBERS_KEPT = timedelta(minutes=5)
Groups = Callable[[], Awaitable[Mapping[str, Collection[str]]]]
"""The members of every user group by its id. Raises: ChatError."""


async def nobody() -> Mapping[str, Collection[str]]:
    """No groups at all."""
    return {}


class Doorkeeper:
    """Says why somebody may not; empty where they may. A terminal may do everything: who can read
    the configuration and write the store needs no leave."""

    def __init__(self, operators: Operators | None, groups: Groups, clock: Clock) -> None:
        self._operators = operators
        self._groups = groups
        self._clock = clock
        self._members: Mapping[str, Collection[str]] = {}
        self._asked_at: datetime | None = None

    async def __call__(self, speaker: Speaker) -> str:
        """Why not, in words for the person; empty where they may."""
        allowed = self._operators
        if allowed is None or not speaker.channel:
            return ""
        if speaker.by in allowed.users or speaker.channel in allowed.channels:
            return ""
        trouble = await self._refresh() if allowed.usergroups else ""
        if any(speaker.by in self._members.get(group, ()) for group in allowed.usergroups):
            return ""
        return f"You may look, but not change anything here. {_who_may(allowed)}{trouble}"

    async def _refresh(self) -> str:
        now = self._clock.now()
        if self._asked_at is not None and now - self._asked_at < MEMBERS_KEPT:
            return ""
        try:
            self._members = await self._groups()
        except ChatError as error:
            return f" Slack did not say who is in these groups: {error.detail}."
        self._asked_at = now
        return ""


def _who_may(allowed: Operators) -> str:
    ways = [
        ("", allowed.users),
        ("members of ", allowed.usergroups),
        ("everybody in ", allowed.channels),
    ]
    named = [f"{lead}{', '.join(ids)}" for lead, ids in ways if ids]
    return f"Who may: {'; '.join(named)}."
