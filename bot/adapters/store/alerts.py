"""What judgement decides, in one transaction, and what it needs after a restart.

An alert state or a card is written only over the version that it came from, so of two writers one
is refused. The very same change written again, because the answer to its commit was lost, is known
by its documents: it writes nothing and is no conflict. Everything else in a change has an id that
is derived from what it says, so that it, too, is written once.

Of the evidence of an incident only the latest is kept, and like decisions are counted instead of
repeated: a fault that lasts a month must not fill the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    select,
    update,
)

from bot.adapters.store import codec, outbox, windows
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.samples import newer_than_windows
from bot.adapters.store.schema import (
    Instant,
    alert_state,
    card,
    decision,
    event,
    incident,
    task,
    window,
)
from bot.adapters.store.statements import (
    Insert,
    Values,
    insert_into,
    insert_new,
    is_key,
    key_of,
    key_values,
    put,
)
from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Event, EventKind, Incident
from bot.domain.model import TaskKey
from bot.domain.notifications import Card, Decision
from bot.ports import Change, ListedTask, Snapshot, StoreConflict, StoreUnusable

# --- writing ---------------------------------------------------------------------------------


def commit(connection: Connection, change: Change) -> None:
    """Writes a change. Raises: StoreConflict."""
    if _versions_are_written(connection, change):
        return
    _put_incidents(connection, change)
    _put_events(connection, change.events)
    _count_decisions(connection, change)
    outbox.enqueue(connection, change.intents, change.at)
    if change.window is not None:
        put_windows(connection, {change.key: change.window})


class _Outcome(Enum):
    WRITTEN = auto()
    THERE_ALREADY = auto()


@dataclass(frozen=True, slots=True)
class _Versioned:
    """A row that is written only over the version it came from."""

    table: Table
    key: Values
    version: int
    """The one it came from; 0 where there was none."""
    values: Values
    at_first: Values
    """What only a new row takes."""
    words: str


def _versions_are_written(connection: Connection, change: Change) -> bool:
    """Writes states and cards; True when all of them, and at least one, were there already."""
    rows = [_state_row(state, change) for state in change.states]
    rows += [_card_row(told) for told in change.cards]
    outcomes = {_write(connection, row) for row in rows}
    if _Outcome.THERE_ALREADY not in outcomes:
        return False
    if _Outcome.WRITTEN in outcomes:
        raise StoreConflict(f"a part of this change of {change.key} was written before")
    return True


def _state_row(state: AlertState, change: Change) -> _Versioned:
    return _Versioned(
        alert_state,
        {**key_values(state.key), "type": state.type.value},
        state.version,
        {"document": codec.state_document(state)},
        {"changed_at": change.at},
        f"the alert {state.type.value} of {state.key}",
    )


def _card_row(told: Card) -> _Versioned:
    return _Versioned(
        card,
        {"id": told.id},
        told.version,
        {"document": codec.card_document(told), "closed_at": told.closed_at},
        {**key_values(told.key), "rang_at": told.rang_at},
        f"the card {told.id}",
    )


def _write(connection: Connection, row: _Versioned) -> _Outcome:
    if _written(connection, row):
        return _Outcome.WRITTEN
    same_key = and_(*(row.table.c[name] == value for name, value in row.key.items()))
    stored = connection.execute(
        select(row.table.c.version, row.table.c.document).where(same_key)
    ).one_or_none()
    if stored is not None and tuple(stored) == (row.version + 1, row.values["document"]):
        return _Outcome.THERE_ALREADY
    raise StoreConflict(f"{row.words} was saved by somebody else meanwhile")


def _written(connection: Connection, row: _Versioned) -> bool:
    after = {"version": row.version + 1, **row.values}
    if row.version == 0:
        insert = insert_new(connection.dialect.name, row.table)
        return connection.execute(insert, {**row.key, **after, **row.at_first}).rowcount == 1
    came_from = {f"was_{name}": value for name, value in row.key.items()}
    found = {**came_from, "was_version": row.version}
    return connection.execute(_advance(row.table), {**found, **after}).rowcount == 1


@cache
def _advance(table: Table) -> Update:
    names = [*(column.name for column in table.primary_key), "version"]
    return update(table).where(*(table.c[name] == bindparam(f"was_{name}") for name in names))


def _put_incidents(connection: Connection, change: Change) -> None:
    latest = {happened.incident.id: happened.incident for happened in change.events}
    # What the automaton holds is never older, and knows of a recovery that begins anew.
    held = [state.incident for state in change.states if state.incident is not None]
    latest |= {found.id: found for found in held}
    rows = [_incident_row(found, change) for found in latest.values()]
    put(connection, incident, rows, moment="changed_at")


def _incident_row(found: Incident, change: Change) -> Values:
    return {
        "id": found.id,
        **key_values(found.key),
        "opened_at": found.opened_at,
        "resolved_at": found.resolved_at,
        "changed_at": change.at,
        "document": codec.incident_document(found),
    }


_FORGET_EVIDENCE = delete(event).where(
    event.c.incident_id == bindparam("of_incident"),
    event.c.kind == EventKind.EVIDENCE_CHANGED.value,
    event.c.at < bindparam("before", type_=Instant),
)


def _put_events(connection: Connection, events: Sequence[Event]) -> None:
    for happened in events:
        if happened.kind is EventKind.EVIDENCE_CHANGED:
            about = {"of_incident": happened.incident.id, "before": happened.at}
            connection.execute(_FORGET_EVIDENCE, about)
    rows = [_event_row(happened, place) for place, happened in enumerate(events)]
    if rows:
        connection.execute(insert_new(connection.dialect.name, event), rows)


def _event_row(happened: Event, place: int) -> Values:
    return {
        "incident_id": happened.incident.id,
        "at": happened.at,
        "kind": happened.kind.value,
        "place": place,
        "document": codec.incident_document(happened.incident),
        "by_whom": happened.by or None,
        "note": happened.note or None,
    }


def _count_decisions(connection: Connection, change: Change) -> None:
    rows = [_decision_row(decided, change) for decided in dict.fromkeys(change.decisions)]
    if rows:
        connection.execute(_count(connection.dialect.name), rows)


def _decision_row(decided: Decision, change: Change) -> Values:
    return {
        "incident_id": decided.incident_id,
        "channel": decided.channel,
        "reason": decided.reason.value,
        "said": decided.said,
        "times": 1,
        "first_at": change.at,
        "last_at": change.at,
    }


@cache
def _count(dialect: str) -> Insert:
    insert = insert_into(dialect, decision)
    return insert.on_conflict_do_update(
        index_elements=list(decision.primary_key),
        set_={"times": decision.c.times + 1, "last_at": insert.excluded.last_at},
        where=insert.excluded.last_at > decision.c.last_at,
    )


def put_windows(connection: Connection, windows_by_key: Mapping[TaskKey, TaskHistory]) -> None:
    """Saves windows; one that is older than what is stored is passed over."""
    put_packed_windows(connection, packed_windows(windows_by_key))


def packed_windows(windows_by_key: Mapping[TaskKey, TaskHistory]) -> list[Values]:
    """Windows as rows; needs no database."""
    return [
        {
            **key_values(key),
            "seen_at": windows.seen_at(history),
            "block": windows.pack(history),
        }
        for key, history in windows_by_key.items()
    ]


def put_packed_windows(connection: Connection, rows: Sequence[Values]) -> None:
    """Saves what `packed_windows` made."""
    put(connection, window, rows, moment="seen_at")


def put_discovered(connection: Connection, account: str, found: Iterable[ListedTask]) -> None:
    """Replaces what is known of an account by discovery."""
    connection.execute(delete(task).where(task.c.account == account))
    rows = {
        listed.key: {**key_values(listed.key), "document": codec.listed_document(listed)}
        for listed in found
    }
    put(connection, task, list(rows.values()))


# --- reading ---------------------------------------------------------------------------------


def load(connection: Connection) -> Snapshot:
    """Everything that was going on. Raises: StoreUnusable where a document cannot be read."""
    kept, lost = _windows(connection)
    with _readable():
        return Snapshot(
            states=tuple(_states(connection)),
            cards=tuple(_cards(connection)),
            windows=kept,
            newer=newer_than_windows(connection),
            discovered=tuple(_discovered(connection)),
            unreadable_windows=lost,
        )


def recall(connection: Connection, key: TaskKey) -> Snapshot:
    """The states and open cards of one task or account. Raises: StoreUnusable."""
    with _readable():
        return Snapshot(
            states=tuple(_states(connection, is_key(alert_state, key))),
            cards=tuple(_cards(connection, is_key(card, key))),
        )


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Undecodable as error:
        # Going on without it would tell an open incident anew, and never close the old card.
        raise StoreUnusable(
            f"the store holds {error}; use the version of the bot that wrote it, or a backup"
        ) from error


def _states(connection: Connection, *which: ColumnElement[bool]) -> Iterator[AlertState]:
    for row in connection.execute(select(alert_state).where(*which)):
        yield codec.state_from(
            row.document, key=key_of(row), rule_type=row.type, version=row.version
        )


def _cards(connection: Connection, *which: ColumnElement[bool]) -> Iterator[Card]:
    for row in connection.execute(select(card).where(card.c.closed_at.is_(None), *which)):
        yield codec.card_from(row.document, version=row.version, rang_at=row.rang_at)


def _discovered(connection: Connection) -> Iterator[ListedTask]:
    for row in connection.execute(select(task).order_by(*task.primary_key)):
        yield codec.listed_from(row.document)


def _windows(connection: Connection) -> tuple[dict[TaskKey, TaskHistory], int]:
    kept: dict[TaskKey, TaskHistory] = {}
    rows = connection.execute(select(window)).all()
    for row in rows:
        key = key_of(row)
        try:
            kept[key] = windows.unpack(key, row.block)
        except Undecodable:
            continue
    return kept, len(rows) - len(kept)
