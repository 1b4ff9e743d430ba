"""The life of an alert: one automaton per task and rule type.

Everything that decides a transition stands in `TABLE` and in the guards beside it: whether a
breach has lasted long enough to open (`for`), and whether a clear has lasted long enough to
resolve (a good cycle). Subjects vote first (`aggregate`), then the table moves.

Two rules hold whatever happens. Unknown is inert: it opens nothing, resolves nothing and keeps no
timer running that a gap should stop. And openings and resolutions alternate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.domain.alerts import (
    AlertState,
    Event,
    EventKind,
    Incident,
    Phase,
    StepContext,
    SubjectState,
)
from bot.domain.evidence import EVIDENCE_KEPT, with_evidence, worst_first
from bot.domain.ids import derived_id
from bot.domain.model import Subject
from bot.domain.policy import RuleType
from bot.domain.verdicts import Finding, Judgement, Verdict

__all__ = [
    "EVIDENCE_KEPT",
    "TABLE",
    "AlertState",
    "Event",
    "EventKind",
    "Incident",
    "Move",
    "Phase",
    "StepContext",
    "SubjectState",
    "Table",
    "aggregate",
    "close",
    "step",
]


class Move(StrEnum):
    """The moves of the table; each is a function below."""

    STAY = "stay"
    WAIT_OR_OPEN = "wait_or_open"
    FORGET = "forget"
    FORGET_AFTER_GAP = "forget_after_gap"
    CONTINUE = "continue"
    RECOVER = "recover"
    RELAPSE = "relapse"
    RESOLVE_WHEN_GOOD = "resolve_when_good"


Table = Mapping[Phase, Mapping[Verdict, Move]]

TABLE: Table = {
    Phase.QUIET: {
        Verdict.BREACHED: Move.WAIT_OR_OPEN,
        Verdict.HOLDING: Move.STAY,
        Verdict.CLEAR: Move.STAY,
        Verdict.UNKNOWN: Move.STAY,
    },
    Phase.PENDING: {
        Verdict.BREACHED: Move.WAIT_OR_OPEN,
        Verdict.HOLDING: Move.FORGET,
        Verdict.CLEAR: Move.FORGET,
        Verdict.UNKNOWN: Move.FORGET_AFTER_GAP,
    },
    Phase.OPEN: {
        Verdict.BREACHED: Move.CONTINUE,
        Verdict.HOLDING: Move.STAY,
        Verdict.CLEAR: Move.RECOVER,
        Verdict.UNKNOWN: Move.STAY,
    },
    Phase.RECOVERING: {
        Verdict.BREACHED: Move.RELAPSE,
        Verdict.HOLDING: Move.RELAPSE,
        Verdict.CLEAR: Move.RESOLVE_WHEN_GOOD,
        Verdict.UNKNOWN: Move.STAY,
    },
}


def aggregate(state: AlertState, finding: Finding, *, missing_polls: int) -> Verdict:
    """The verdict over all subjects.

    Any breached subject decides. Otherwise only the subjects that breached in this alert vote:
    unknown before holding before clear. A subject gone for `missing_polls` answers votes clear.
    """
    judged = finding.by_subject()
    if any(judgement.verdict is Verdict.BREACHED for judgement in judged.values()):
        return Verdict.BREACHED
    votes = {
        _vote(judged.get(subject), subject_state, missing_polls)
        for subject, subject_state in state.subjects.items()
    }
    for verdict in (Verdict.UNKNOWN, Verdict.HOLDING):
        if verdict in votes:
            return verdict
    return Verdict.CLEAR


def _vote(judgement: Judgement | None, state: SubjectState, missing_polls: int) -> Verdict:
    if judgement is None:
        return Verdict.CLEAR
    if judgement.verdict is not Verdict.GONE:
        return judgement.verdict
    return Verdict.CLEAR if state.gone_polls + 1 >= missing_polls else Verdict.UNKNOWN


def step(
    state: AlertState, finding: Finding, context: StepContext, *, table: Table = TABLE
) -> tuple[AlertState, tuple[Event, ...]]:
    """Moves the alert by one finding. Pure: the given state is not changed.

    A finding must not be older than the one before; the poller never overlaps a task with itself.
    """
    verdict = aggregate(state, finding, missing_polls=context.missing_polls)
    move = table[state.phase][verdict]
    return _MOVES[move](_heard(state, finding, context.missing_polls), finding, context)


def close(
    state: AlertState, now: datetime, resolution: str
) -> tuple[AlertState, tuple[Event, ...]]:
    """Ends the alert for a reason outside the rules, such as "no longer watched"."""
    quiet = AlertState(state.key, state.type, version=state.version)
    if state.incident is None:
        return quiet, ()
    return quiet, (_resolved(state.incident, now, resolution),)


def _heard(state: AlertState, finding: Finding, missing_polls: int) -> AlertState:
    """The alert after its subjects heard who is gone, and who does not breach any more."""
    if not state.subjects:
        return state
    judged = finding.by_subject()
    subjects = {
        s: _told(known, judged.get(s), missing_polls) for s, known in state.subjects.items()
    }
    return replace(state, subjects=subjects)


def _told(state: SubjectState, judgement: Judgement | None, missing_polls: int) -> SubjectState:
    verdict = Verdict.CLEAR if judgement is None else judgement.verdict
    gone_polls, broken = 0, state.broken
    match verdict:
        case Verdict.UNKNOWN:
            return state
        case Verdict.GONE:
            gone_polls = state.gone_polls + 1
            broken = broken or gone_polls >= missing_polls
        case Verdict.HOLDING | Verdict.CLEAR:
            broken = True
        case Verdict.BREACHED:
            pass
        case _:
            assert_never(verdict)
    if (gone_polls, broken) == (state.gone_polls, state.broken):
        return state
    return replace(state, gone_polls=gone_polls, broken=broken)


# --- moves -----------------------------------------------------------------------------------

Step = tuple[AlertState, tuple[Event, ...]]


def _stay(state: AlertState, _finding: Finding, _context: StepContext) -> Step:
    return state, ()


def _forget(state: AlertState, _finding: Finding, _context: StepContext) -> Step:
    return AlertState(state.key, state.type, version=state.version), ()


def _forget_after_gap(state: AlertState, finding: Finding, context: StepContext) -> Step:
    waiting = {s: known for s, known in state.subjects.items() if _goes_on(known, context)}
    if not waiting:
        return _forget(state, finding, context)
    return replace(state, subjects=waiting), ()


def _wait_or_open(state: AlertState, finding: Finding, context: StepContext) -> Step:
    subjects = _breaching(state, finding, context)
    pending = replace(state, phase=Phase.PENDING, subjects=subjects)
    due = _due(subjects, finding, context.now)
    if not due:
        return pending, ()
    incident = _open(pending, finding, context, due)
    opened = replace(pending, phase=Phase.OPEN, incident=incident)
    return opened, (Event(EventKind.OPENED, context.now, incident),)


def _continue(state: AlertState, finding: Finding, context: StepContext) -> Step:
    before = _incident(state)
    subjects = {**state.subjects, **_breaching(state, finding, context)}
    due = _due(subjects, finding, context.now)
    severity = max((judgement.severity for judgement in due), default=before.severity)
    after = with_evidence(before, finding, context.now, severity=severity)
    escalated = after.severity > before.severity
    kind = EventKind.ESCALATED if escalated else EventKind.EVIDENCE_CHANGED
    return (
        replace(state, phase=Phase.OPEN, subjects=subjects, incident=after),
        (Event(kind, context.now, after),),
    )


def _recover(state: AlertState, finding: Finding, context: StepContext) -> Step:
    begun = replace(
        state,
        phase=Phase.RECOVERING,
        clear_since=context.now,
        cleared_at=context.now,
        clear_polls=1,
    )
    incident = _recovering(begun, finding, context)
    return (
        replace(begun, incident=incident),
        (Event(EventKind.RECOVERING, context.now, incident),),
    )


def _resolve_when_good(state: AlertState, finding: Finding, context: StepContext) -> Step:
    # Unknown for more than two polls between two clear samples breaks the good cycle. Counting
    # the gap here, instead of the unknown ones as they come, keeps unknown inert.
    if state.cleared_at is None or context.now - state.cleared_at > 3 * context.interval:
        incident = _recovering(
            replace(state, clear_since=context.now, clear_polls=1), finding, context
        )
        restarted = replace(
            state,
            clear_since=context.now,
            cleared_at=context.now,
            clear_polls=1,
            incident=incident,
        )
        return restarted, ()
    counted = replace(state, cleared_at=context.now, clear_polls=state.clear_polls + 1)
    if not _good_cycle(counted, finding, context.now):
        return counted, ()
    gone = bool(state.subjects) and all(s.gone_polls for s in state.subjects.values())
    return close(counted, context.now, "gone" if gone else "cleared")


def _relapse(state: AlertState, finding: Finding, context: StepContext) -> Step:
    incident = replace(_incident(state), phase=Phase.OPEN, closes_at=None)
    reopened = replace(
        state,
        phase=Phase.OPEN,
        incident=incident,
        clear_since=None,
        cleared_at=None,
        clear_polls=0,
    )
    if not any(judgement.verdict is Verdict.BREACHED for judgement in finding.judgements):
        return reopened, (Event(EventKind.RELAPSED, context.now, incident),)
    after, events = _continue(reopened, finding, context)
    if events[0].kind is EventKind.ESCALATED:
        return after, events
    return after, (replace(events[0], kind=EventKind.RELAPSED),)


_MOVES: Mapping[Move, Callable[[AlertState, Finding, StepContext], Step]] = {
    Move.STAY: _stay,
    Move.WAIT_OR_OPEN: _wait_or_open,
    Move.FORGET: _forget,
    Move.FORGET_AFTER_GAP: _forget_after_gap,
    Move.CONTINUE: _continue,
    Move.RECOVER: _recover,
    Move.RELAPSE: _relapse,
    Move.RESOLVE_WHEN_GOOD: _resolve_when_good,
}


# --- guards and evidence ---------------------------------------------------------------------


def _breaching(
    state: AlertState, finding: Finding, context: StepContext
) -> Mapping[Subject, SubjectState]:
    """The subjects that go on breaching, and, while pending, those that are merely unknown."""
    kept: dict[Subject, SubjectState] = {}
    for judgement in finding.judgements:
        before = state.subjects.get(judgement.subject)
        if judgement.verdict is Verdict.BREACHED:
            kept[judgement.subject] = _breached(before, judgement, context)
        elif before is not None and _goes_on(before, context):
            kept[judgement.subject] = before
    return kept


def _breached(
    before: SubjectState | None, judgement: Judgement, context: StepContext
) -> SubjectState:
    if before is None:
        return SubjectState(judgement.level, context.now, context.now)
    # What has once lasted long enough takes part in the incident; it need not wait again.
    takes_part = before.breached_at - before.breached_since >= judgement.hold_for
    went_on = takes_part or _goes_on(before, context)
    return SubjectState(
        level=before.level,
        breached_since=before.breached_since if went_on else context.now,
        breached_at=context.now,
    )


def _goes_on(state: SubjectState, context: StepContext) -> bool:
    """Whether a breach may count as unbroken: nothing else was seen since, and not for too long."""
    gap = context.interval * context.stale_polls
    return not state.broken and context.now - state.breached_at <= gap


def _due(
    subjects: Mapping[Subject, SubjectState], finding: Finding, now: datetime
) -> list[Judgement]:
    return [
        judgement
        for judgement in finding.judgements
        if judgement.verdict is Verdict.BREACHED
        and now - subjects[judgement.subject].breached_since >= judgement.hold_for
    ]


def _good_cycle(state: AlertState, finding: Finding, now: datetime) -> bool:
    if finding.slow_clear is None:
        return state.clear_polls >= 2
    return state.clear_since is not None and now - state.clear_since >= finding.slow_clear


def _open(
    state: AlertState, finding: Finding, context: StepContext, due: list[Judgement]
) -> Incident:
    worst = worst_first(due, low_is_bad=finding.type is RuleType.DATA_LOSS)[0]
    since = min(state.subjects[judgement.subject].breached_since for judgement in due)
    blank = Incident(
        id=derived_id("i", str(state.key), state.type, context.now.isoformat()),
        key=state.key,
        type=state.type,
        name=context.name,
        rule=worst.rule,
        unit=finding.unit,
        severity=worst.severity,
        opened_at=context.now,
        breached_since=since,
    )
    return with_evidence(blank, finding, context.now, severity=worst.severity)


def _recovering(state: AlertState, finding: Finding, context: StepContext) -> Incident:
    wait = finding.slow_clear if finding.slow_clear is not None else context.interval
    since = state.clear_since or context.now
    return replace(
        _incident(state), phase=Phase.RECOVERING, closes_at=since + wait, observed_at=context.now
    )


def _resolved(incident: Incident, now: datetime, resolution: str) -> Event:
    ended = replace(
        incident, phase=Phase.QUIET, closes_at=None, resolved_at=now, resolution=resolution
    )
    return Event(EventKind.RESOLVED, now, ended)


def _incident(state: AlertState) -> Incident:
    if state.incident is None:
        raise AssertionError(f"no incident in phase {state.phase}")
    return state.incident
