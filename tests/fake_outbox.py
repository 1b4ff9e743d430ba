"""The outbox of the store in memory, and what such a store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Event, Incident
from bot.domain.model import TaskKey, TaskSample
from bot.domain.notifications import Card, Decision, Form, Intent
from bot.domain.policy import RuleType
from bot.domain.silences import Silence
from bot.ports import ListedTask, MessageRef, OutboxRow, Postponement, StoreError

WAITING, CLAIMED, DELIVERED, GIVEN_UP = "waiting", "claimed", "delivered", "given_up"


@dataclass(slots=True)
class KeptRow:
    """A row of the outbox."""

    intent: Intent
    seq: int
    created_at: datetime
    due_at: datetime
    """When the next try is made."""
    state: str = WAITING
    attempts: int = 0
    ambiguous: bool = False
    plain: bool = False
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    error: str | None = None

    @property
    def is_look(self) -> bool:
        """Whether it is the card itself."""
        return self.intent.form is Form.CARD


@dataclass(slots=True)
class Kept:
    """What outlasts a process."""

    states: dict[tuple[TaskKey, RuleType], AlertState] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    incidents: dict[str, tuple[datetime, Incident]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    windows: dict[TaskKey, TaskHistory] = field(default_factory=dict)
    samples: dict[TaskKey, dict[datetime, TaskSample]] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    discovered: dict[TaskKey, ListedTask] = field(default_factory=dict)
    roots: dict[str, MessageRef] = field(default_factory=dict)
    rang_at: dict[str, datetime] = field(default_factory=dict)
    outbox: list[KeptRow] = field(default_factory=list)
    rows_made: int = 0


class FakeOutbox:
    """The port Outbox in memory."""

    def __init__(self, owner: str, kept: Kept) -> None:
        self.owner = owner
        self.kept = kept
        self.failing: StoreError | None = None
        """Raised by every call while it is set."""

    def _available(self) -> None:
        if self.failing is not None:
            raise self.failing

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[OutboxRow]:
        self._available()
        for row in self.kept.outbox:
            if row.claimed_until is not None and row.claimed_until <= now:
                self._make_wait_again(row)
        due = [row for row in self._in_order() if row.state == WAITING and row.due_at <= now]
        claimed = [row for row in due if not self._blocked(row)][:limit]
        for row in claimed:
            row.state, row.claimed_by, row.claimed_until = CLAIMED, self.owner, now + lease
            if row.is_look and not self._fixed(row):
                self._merge(row, self._waiting_looks(row.intent.card_id))
        return [self._shown(row) for row in claimed]

    async def delivered(self, row: OutboxRow, ref: MessageRef | None, at: datetime) -> None:
        self._available()
        self._finish(row, DELIVERED)
        intent = row.intent
        if intent.card_id not in self.kept.cards:
            return
        if intent.form is Form.CARD and ref is not None:
            self.kept.roots[intent.card_id] = ref
        if intent.rings:
            self.kept.rang_at[intent.card_id] = at

    async def postpone(self, row: OutboxRow, postponement: Postponement) -> None:
        self._available()
        found = self._find(row)
        if found is None or found.state != CLAIMED or found.claimed_by != self.owner:
            return
        found.state, found.claimed_by, found.claimed_until = WAITING, None, None
        found.due_at = postponement.until
        found.attempts += postponement.counts
        found.ambiguous |= postponement.ambiguous
        found.plain |= postponement.plain
        found.error = postponement.error

    async def give_up(self, row: OutboxRow, error: str, at: datetime) -> None:  # noqa: ARG002
        self._available()
        self._finish(row, GIVEN_UP, error)

    async def drop_root(self, card_id: str) -> None:
        self._available()
        self.kept.roots.pop(card_id, None)
        looks = [r for r in self._in_order() if r.is_look and r.intent.card_id == card_id]
        if any(row.state in (WAITING, CLAIMED) for row in looks):
            return
        delivered = [row for row in looks if row.state == DELIVERED]
        if delivered:
            last = delivered[-1]
            last.state, last.attempts, last.ambiguous = WAITING, 0, False

    async def release_claims(self) -> None:
        self._available()
        for row in self.kept.outbox:
            if row.claimed_by == self.owner:
                self._make_wait_again(row)

    async def backlog(self, now: datetime) -> tuple[int, timedelta]:
        self._available()
        open_rows = [row for row in self.kept.outbox if row.state in (WAITING, CLAIMED)]
        ages = [now - row.created_at for row in open_rows if row.intent.due_at <= now]
        return len(open_rows), max(ages, default=timedelta(0))

    def _enqueue(self, intents: Iterable[Intent], at: datetime) -> None:
        ids = {row.intent.id for row in self.kept.outbox}
        for intent in intents:
            if intent.id not in ids:
                self.kept.rows_made += 1
                self.kept.outbox.append(KeptRow(intent, self.kept.rows_made, at, intent.due_at))
        for card_id in {intent.card_id for intent in intents if intent.form is Form.CARD}:
            looks = self._waiting_looks(card_id)
            if looks and self._fixed(looks[0]):
                looks = looks[1:]
            if looks:
                self._merge(looks[0], looks[1:])

    def _in_order(self) -> list[KeptRow]:
        return sorted(self.kept.outbox, key=lambda row: row.seq)

    def _waiting_looks(self, card_id: str) -> list[KeptRow]:
        return [
            row
            for row in self._in_order()
            if row.is_look and row.state == WAITING and row.intent.card_id == card_id
        ]

    def _fixed(self, row: KeptRow) -> bool:
        return row.ambiguous and row.intent.card_id not in self.kept.roots

    def _merge(self, row: KeptRow, others: Sequence[KeptRow]) -> None:
        if not others:
            return
        rings = row.intent.rings or any(other.intent.rings for other in others)
        row.intent = replace(others[-1].intent, rings=rings)
        row.plain = others[-1].plain
        self.kept.outbox = [r for r in self.kept.outbox if r not in others]

    def _blocked(self, row: KeptRow) -> bool:
        others = [
            other
            for other in self.kept.outbox
            if other.intent.card_id == row.intent.card_id and other is not row
        ]
        if any(other.state == CLAIMED for other in others):
            return True
        return any(other.state == WAITING and self._goes_first(other, row) for other in others)

    def _goes_first(self, other: KeptRow, row: KeptRow) -> bool:
        if row.intent.card_id in self.kept.roots or other.is_look == row.is_look:
            return other.seq < row.seq
        return other.is_look

    def _make_wait_again(self, row: KeptRow) -> None:
        row.state, row.claimed_by, row.claimed_until = WAITING, None, None
        row.attempts += 1
        row.ambiguous |= not row.is_look or row.intent.card_id not in self.kept.roots

    def _shown(self, row: KeptRow) -> OutboxRow:
        return OutboxRow(
            intent=row.intent,
            seq=row.seq,
            attempts=row.attempts,
            created_at=row.created_at,
            root=self.kept.roots.get(row.intent.card_id),
            ambiguous=row.ambiguous,
            plain=row.plain,
        )

    def _find(self, row: OutboxRow) -> KeptRow | None:
        same = (r for r in self.kept.outbox if (r.seq, r.intent.id) == (row.seq, row.intent.id))
        return next(same, None)

    def _finish(self, row: OutboxRow, state: str, error: str | None = None) -> None:
        found = self._find(row)
        if found is not None and found.state in (WAITING, CLAIMED):
            found.state, found.error = state, error
            found.claimed_by, found.claimed_until = None, None
