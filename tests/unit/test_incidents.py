"""The alert automaton: after every sequence of verdicts, and with every cell of its table wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from bot.domain.incidents import TABLE, Move, Phase, StepContext, Table, close, step
from bot.domain.verdicts import Verdict
from tests.builders import INTERVAL, a_finding, a_state, at
from tests.unit.automaton_properties import (
    FIVE,
    FOUR,
    LIVENESS,
    SAFETY,
    SETTINGS,
    Fault,
    Property,
    Setting,
    first_fault,
)

Mutant = tuple[Phase, Verdict, Move]

UNREACHED = "no subject votes in a quiet alert, so it hears breached or clear and nothing else"
NOTHING_TO_FORGET = "a quiet alert has nothing to forget, so forgetting is staying"
NO_GAP_TO_WAIT_FOR = "what is seen below its level does not go on, so no gap is waited for"

EQUIVALENT: Mapping[Mutant, str] = {
    **{
        (Phase.QUIET, verdict, move): UNREACHED
        for verdict in (Verdict.HOLDING, Verdict.UNKNOWN)
        for move in Move
        if move is not Move.STAY
    },
    (Phase.QUIET, Verdict.CLEAR, Move.FORGET): NOTHING_TO_FORGET,
    (Phase.QUIET, Verdict.CLEAR, Move.FORGET_AFTER_GAP): NOTHING_TO_FORGET,
    (Phase.PENDING, Verdict.HOLDING, Move.FORGET_AFTER_GAP): NO_GAP_TO_WAIT_FOR,
    (Phase.PENDING, Verdict.CLEAR, Move.FORGET_AFTER_GAP): NO_GAP_TO_WAIT_FOR,
}
"""Wrong moves that cannot be told from the right one, and why."""

LONGEST_KILLER = 5
"""Verdicts that show any other wrong move: a breach and a gap of unknown ones."""


def described(setting: Setting) -> str:
    clear = "two clear polls" if setting.slow_clear is None else "a long clear"
    return f"for {setting.hold_for.seconds} s, {clear}"


def wrong_tables() -> Iterator[tuple[Mutant, Table]]:
    """The table with one cell changed, for every cell and every other move."""
    for phase, row in TABLE.items():
        for verdict, right in row.items():
            for move in Move:
                if move is not right:
                    yield (phase, verdict, move), {**TABLE, phase: {**row, verdict: move}}


def fault_of(
    table: Table, length: int, properties: tuple[Property, ...] = (*SAFETY, *LIVENESS)
) -> Fault | None:
    faults = (
        first_fault(setting, FOUR, longest, table=table, properties=properties)
        for longest in range(1, length + 1)
        for setting in SETTINGS
    )
    return next((fault for fault in faults if fault is not None), None)


@pytest.mark.no_cover  # a shorter walk covers the same lines, and tracing trebles the time
@pytest.mark.parametrize("setting", SETTINGS, ids=described)
def test_every_sequence_of_up_to_seven_verdicts_is_told_safely_and_in_time(
    setting: Setting,
) -> None:
    assert first_fault(setting, FOUR, 7) is None


@pytest.mark.parametrize("setting", SETTINGS, ids=described)
def test_every_sequence_with_two_severities_is_told_safely_and_in_time(setting: Setting) -> None:
    assert first_fault(setting, FIVE, 5) is None


@pytest.mark.no_cover
def test_every_wrong_move_in_the_table_breaks_a_property() -> None:
    unseen = [
        mutant
        for mutant, table in wrong_tables()
        if mutant not in EQUIVALENT and fault_of(table, LONGEST_KILLER) is None
    ]
    assert unseen == []


@pytest.mark.no_cover
def test_the_wrong_moves_said_to_be_equivalent_break_none() -> None:
    tables = dict(wrong_tables())
    told_apart = [
        mutant
        for mutant in EQUIVALENT
        for setting in SETTINGS
        if first_fault(setting, FOUR, 3, table=tables[mutant]) is not None
    ]
    assert told_apart == []


@pytest.mark.parametrize(
    ("properties", "mutant"),
    [
        (SAFETY, (Phase.QUIET, Verdict.BREACHED, Move.STAY)),
        (LIVENESS, (Phase.OPEN, Verdict.HOLDING, Move.RELAPSE)),
    ],
    ids=["safety lets an alert sleep", "liveness lets an alert talk"],
)
def test_safety_and_liveness_need_each_other(
    properties: tuple[Property, ...], mutant: Mutant
) -> None:
    table = dict(wrong_tables())[mutant]
    assert fault_of(table, 4, properties) is None
    assert fault_of(table, 4) is not None


def test_an_open_alert_that_lost_its_incident_is_a_defect_and_says_so() -> None:
    lost = replace(a_state(), incident=None)
    context = StepContext(at(60), "orders", INTERVAL)
    with pytest.raises(AssertionError, match="no incident in phase recovering"):
        step(lost, a_finding(), context)


def test_closing_an_alert_ends_its_incident_with_the_reason_given() -> None:
    state = replace(a_state(), version=7)
    closed, (event,) = close(state, at(600), "no longer watched")
    assert (closed.phase, closed.incident, closed.version) == (Phase.QUIET, None, 7)
    assert event.incident == replace(
        state.incident or event.incident,
        phase=Phase.QUIET,
        resolved_at=at(600),
        resolution="no longer watched",
    )


def test_closing_an_alert_without_an_incident_says_nothing() -> None:
    pending = replace(a_state(), phase=Phase.PENDING, incident=None)
    closed, events = close(pending, at(600), "no longer watched")
    assert (closed.phase, dict(closed.subjects), events) == (Phase.QUIET, {}, ())
