"""What must hold of the alert automaton after every sequence of verdicts, as data.

`first_fault` walks through every sequence of letters up to a length and asks every property after
every step. A property looks at the whole story, not at the automaton's memory, so
that it says what a person would: what was heard when, and what was said about it.

Beside each alert walks its shadow, which never hears an unknown: both must say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from bot.domain.incidents import (
    TABLE,
    AlertState,
    Event,
    EventKind,
    Incident,
    Phase,
    StepContext,
    Table,
    step,
)
from bot.domain.model import Severity
from bot.domain.policy import RuleType
from bot.domain.verdicts import Finding, Verdict
from tests.builders import INTERVAL, a_finding, a_judgement, a_key, at

STALE_POLLS = 3
LONGEST_GAP = STALE_POLLS * INTERVAL
"""A longer pause ends a breach that waits, and a clear that counts."""


class Letter(Enum):
    """What one sample says: its sign, and what the rule finds."""

    BREACHED = ("b", Verdict.BREACHED, Severity.WARNING)
    CRITICAL = ("B", Verdict.BREACHED, Severity.CRITICAL)
    HOLDING = ("h", Verdict.HOLDING, Severity.WARNING)
    CLEAR = ("c", Verdict.CLEAR, Severity.WARNING)
    UNKNOWN = ("u", Verdict.UNKNOWN, Severity.WARNING)

    def __init__(self, sign: str, verdict: Verdict, severity: Severity) -> None:
        self.sign = sign
        self.verdict = verdict
        self.severity = severity


FOUR = (Letter.BREACHED, Letter.HOLDING, Letter.CLEAR, Letter.UNKNOWN)
FIVE = tuple(Letter)


@dataclass(frozen=True, slots=True)
class Setting:
    """How the rule is configured."""

    hold_for: timedelta
    slow_clear: timedelta | None

    def finding(self, letter: Letter) -> Finding:
        """What a rule with one subject finds."""
        judgement = replace(
            a_judgement(verdict=letter.verdict, severity=letter.severity), hold_for=self.hold_for
        )
        judgements = () if letter is Letter.CLEAR else (judgement,)
        return a_finding(*judgements, slow_clear=self.slow_clear)

    def good_cycle(self, clears: Sequence[Heard]) -> bool:
        """Whether these clear samples in a row are enough to resolve."""
        if self.slow_clear is None:
            return len(clears) >= 2
        return bool(clears) and clears[-1].at - clears[0].at >= self.slow_clear

    @property
    def wait(self) -> timedelta:
        """From the first clear sample to the resolution."""
        return INTERVAL if self.slow_clear is None else self.slow_clear


SETTINGS = tuple(
    Setting(hold_for, slow_clear)
    for hold_for in (timedelta(0), 2 * INTERVAL)
    for slow_clear in (None, 3 * INTERVAL)
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One sample, and what the alert made of it."""

    letter: Letter
    at: datetime
    state: AlertState
    events: tuple[Event, ...]

    @property
    def kinds(self) -> set[EventKind]:
        return {event.kind for event in self.events}

    @property
    def incident(self) -> Incident | None:
        return self.state.incident


@dataclass(frozen=True, slots=True)
class Story:
    """All that was heard, oldest first; it begins with an alert that has heard nothing."""

    setting: Setting
    heard: tuple[Heard, ...]
    shadow: AlertState
    shadow_events: tuple[Event, ...] = ()

    @property
    def now(self) -> Heard:
        return self.heard[-1]

    @property
    def before(self) -> Heard:
        return self.heard[-2]

    @property
    def word(self) -> str:
        """The sequence of letters, to show."""
        return "".join(heard.letter.sign for heard in self.heard[1:])

    def run(self, verdict: Verdict) -> list[Heard]:
        """The latest samples in a row with this verdict; unknown ones do not count, a gap ends."""
        found: list[Heard] = []
        for heard in reversed(self.heard[1:]):
            if heard.letter is Letter.UNKNOWN:
                continue
            if heard.letter.verdict is not verdict:
                break
            if found and found[-1].at - heard.at > LONGEST_GAP:
                break
            found.append(heard)
        return found[::-1]

    def lasts(self, breaches: Sequence[Heard]) -> bool:
        """Whether these breached samples are enough to open."""
        return bool(breaches) and breaches[-1].at - breaches[0].at >= self.setting.hold_for


Property = Callable[[Story], bool]


# --- safety: what must never happen ----------------------------------------------------------


def unknown_says_nothing(story: Story) -> bool:
    if story.now.letter is not Letter.UNKNOWN:
        return True
    return not story.now.events and story.now.incident == story.before.incident


def without_its_unknowns_the_same_is_said(story: Story) -> bool:
    return story.now.events == story.shadow_events


def openings_and_resolutions_alternate(story: Story) -> bool:
    is_open = False
    for heard in story.heard:
        for event in heard.events:
            if (event.kind is EventKind.OPENED) is is_open:
                return False
            is_open = event.kind is not EventKind.RESOLVED
    return is_open is (story.now.incident is not None)


def inside_the_band_at_most_a_recovery_ends(story: Story) -> bool:
    if story.now.letter is not Letter.HOLDING:
        return True
    recovering = story.before.state.phase is Phase.RECOVERING
    return story.now.kinds == ({EventKind.RELAPSED} if recovering else set())


def an_opening_has_an_unbroken_breach(story: Story) -> bool:
    if EventKind.OPENED not in story.now.kinds:
        return True
    breaches = story.run(Verdict.BREACHED)
    return (
        story.lasts(breaches)
        and breaches[-1] is story.now
        and story.now.events[0].incident.breached_since == breaches[0].at
    )


def severity_never_falls(story: Story) -> bool:
    before, now = story.before.incident, story.now.incident
    return before is None or now is None or now.severity >= before.severity


def an_escalation_is_told_once_per_level(story: Story) -> bool:
    before, now = story.before.incident, story.now.incident
    rose = before is not None and now is not None and now.severity > before.severity
    return (EventKind.ESCALATED in story.now.kinds) is rose


def a_resolution_has_a_good_cycle(story: Story) -> bool:
    if EventKind.RESOLVED not in story.now.kinds:
        return True
    clears = story.run(Verdict.CLEAR)
    return story.setting.good_cycle(clears) and clears[-1] is story.now


def the_phase_says_what_is_going_on(story: Story) -> bool:
    state = story.now.state
    match state.phase:
        case Phase.QUIET:
            return state.incident is None and not state.subjects
        case Phase.PENDING:
            breaches = story.run(Verdict.BREACHED)
            return (
                state.incident is None
                and bool(state.subjects)
                and bool(breaches)
                and story.now.at - breaches[-1].at <= LONGEST_GAP
                and not story.lasts(breaches)
            )
        case Phase.OPEN | Phase.RECOVERING:
            return state.incident is not None and state.incident.phase is state.phase


def each_kind_of_event_has_its_cause(story: Story) -> bool:
    if not story.now.events:
        return True
    recovering = story.before.state.phase is Phase.RECOVERING
    breached = story.now.letter.verdict is Verdict.BREACHED
    causes = {
        EventKind.OPENED: breached,
        EventKind.ESCALATED: breached,
        EventKind.EVIDENCE_CHANGED: breached and not recovering,
        EventKind.RELAPSED: recovering and story.now.letter is not Letter.CLEAR,
        EventKind.RECOVERING: story.now.letter is Letter.CLEAR and not recovering,
        EventKind.RESOLVED: story.now.letter is Letter.CLEAR and recovering,
    }
    return all(causes[kind] for kind in story.now.kinds)


SAFETY: tuple[Property, ...] = (
    unknown_says_nothing,
    without_its_unknowns_the_same_is_said,
    openings_and_resolutions_alternate,
    inside_the_band_at_most_a_recovery_ends,
    an_opening_has_an_unbroken_breach,
    severity_never_falls,
    an_escalation_is_told_once_per_level,
    a_resolution_has_a_good_cycle,
    the_phase_says_what_is_going_on,
    each_kind_of_event_has_its_cause,
)


# --- liveness: what must happen in time ------------------------------------------------------


def a_lasting_breach_opens_at_once(story: Story) -> bool:
    if story.now.letter.verdict is not Verdict.BREACHED:
        return True
    return not story.lasts(story.run(Verdict.BREACHED)) or story.now.incident is not None


def a_lasting_clear_resolves_at_once(story: Story) -> bool:
    if story.now.letter is not Letter.CLEAR:
        return True
    return not story.setting.good_cycle(story.run(Verdict.CLEAR)) or story.now.incident is None


def a_worse_breach_escalates_at_once(story: Story) -> bool:
    before, now = story.before.incident, story.now.incident
    if before is None or story.now.letter is not Letter.CRITICAL:
        return True
    return now is not None and now.severity is Severity.CRITICAL


def every_breach_is_the_evidence(story: Story) -> bool:
    incident = story.now.incident
    if story.now.letter.verdict is not Verdict.BREACHED or incident is None:
        return True
    return (
        incident.phase is Phase.OPEN
        and incident.observed_at == story.now.at
        and bool(incident.evidence)
        and len(story.now.events) == 1
    )


def the_first_clear_is_told_with_its_end(story: Story) -> bool:
    incident = story.now.incident
    if story.now.letter is not Letter.CLEAR or incident is None:
        return True
    told = EventKind.RECOVERING in story.now.kinds or story.before.state.phase is Phase.RECOVERING
    ends = story.run(Verdict.CLEAR)[0].at + story.setting.wait
    return told and incident.phase is Phase.RECOVERING and incident.closes_at == ends


def a_pending_breach_ends_with_anything_else(story: Story) -> bool:
    if story.now.letter not in (Letter.HOLDING, Letter.CLEAR):
        return True
    return story.now.state.phase is not Phase.PENDING


LIVENESS: tuple[Property, ...] = (
    a_lasting_breach_opens_at_once,
    a_lasting_clear_resolves_at_once,
    a_worse_breach_escalates_at_once,
    every_breach_is_the_evidence,
    the_first_clear_is_told_with_its_end,
    a_pending_breach_ends_with_anything_else,
)


# --- the walk --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A story in which a property does not hold."""

    word: str
    broken: str


def first_fault(
    setting: Setting,
    letters: Sequence[Letter],
    length: int,
    *,
    table: Table = TABLE,
    properties: Iterable[Property] = (*SAFETY, *LIVENESS),
) -> Fault | None:
    """A story of at most this length in which something is wrong, None when there is none."""
    asked = tuple(properties)
    findings = {letter: setting.finding(letter) for letter in letters}
    blank = AlertState(a_key(), RuleType.PARTITION_LAG)
    stories = [Story(setting, (Heard(Letter.CLEAR, at(0), blank, ()),), blank)]
    while stories:
        story = stories.pop()
        for letter, finding in findings.items():
            try:
                longer = _next(story, letter, finding, table)
            except AssertionError as error:
                return Fault(story.word + letter.sign, str(error))
            broken = next((wanted for wanted in asked if not wanted(longer)), None)
            if broken is not None:
                return Fault(longer.word, broken.__name__)
            if len(longer.heard) <= length:
                stories.append(longer)
    return None


def _next(story: Story, letter: Letter, finding: Finding, table: Table) -> Story:
    now = at(0) + len(story.heard) * INTERVAL
    context = StepContext(now, "orders", INTERVAL, STALE_POLLS)
    state, events = step(story.now.state, finding, context, table=table)
    shadow: AlertState = story.shadow
    shadow_events: tuple[Event, ...] = ()
    if letter is not Letter.UNKNOWN:
        # Before the first unknown the two are one, and a step is a pure function.
        alike = story.shadow is story.now.state
        shadow, shadow_events = (
            (state, events) if alike else step(story.shadow, finding, context, table=table)
        )
    heard = (*story.heard, Heard(letter, now, state, events))
    return Story(story.setting, heard, shadow, shadow_events)
