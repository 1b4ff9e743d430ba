"""Three partitions that do anything, against somebody who follows them with a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incidents import EventKind
from bot.domain.model import Severity
from bot.domain.verdicts import Judgement, Verdict
from tests.builders import INTERVAL
from tests.unit.alerting import MISSING_POLLS, STALE_POLLS, Alert, partition

BREACHED, HOLDING, UNKNOWN, GONE = (
    Verdict.BREACHED,
    Verdict.HOLDING,
    Verdict.UNKNOWN,
    Verdict.GONE,
)

Poll = tuple[int, Mapping[int, Judgement]]
"""Polls since the one before, and what is said of each partition; who is absent is clear."""


def judgements_of(number: int) -> st.SearchStrategy[Judgement]:
    return st.builds(
        partition,
        st.just(number),
        st.sampled_from([BREACHED, BREACHED, HOLDING, UNKNOWN, GONE]),
        hold_polls=st.just(number),
        severity=st.sampled_from([Severity.WARNING, Severity.CRITICAL]),
    )


polls = st.tuples(
    st.sampled_from([1, 1, 1, 1, 2, 5]),
    st.fixed_dictionaries({}, optional={number: judgements_of(number) for number in range(3)}),
)


@dataclass(slots=True)
class Witness:
    """What a person with a notebook knows of one partition."""

    number: int
    since: datetime | None = None
    """First sample of its unbroken breach."""
    breached_at: datetime | None = None
    absences: int = 0
    waited: bool = False
    """It has been due in this incident."""
    took_part: bool = False

    def hears(self, verdict: Verdict, now: datetime) -> None:
        self.absences = self.absences + 1 if verdict is GONE else self.absences
        if verdict in (HOLDING, Verdict.CLEAR, BREACHED):
            self.absences = 0
        if verdict in (HOLDING, Verdict.CLEAR) or self.absences >= MISSING_POLLS:
            self.since = None
        if verdict is BREACHED:
            self.since = self.since if self.goes_on(now) else now
            self.breached_at = now
            self.waited = self.waited or self.lasts(now)

    def goes_on(self, now: datetime) -> bool:
        if self.since is None or self.breached_at is None:
            return False
        return now - self.breached_at <= STALE_POLLS * INTERVAL

    def lasts(self, now: datetime) -> bool:
        return self.since is not None and now - self.since >= self.number * INTERVAL

    def votes_clear(self, verdict: Verdict) -> bool:
        gone = verdict is GONE and self.absences >= MISSING_POLLS
        return not self.took_part or verdict is Verdict.CLEAR or gone


@dataclass(slots=True)
class Notebook:
    """Follows the same polls in its own way and says what ought to be true."""

    witnesses: list[Witness] = field(default_factory=lambda: [Witness(n) for n in range(3)])
    clears: list[datetime] = field(default_factory=list)
    is_open: bool = False

    def hears(self, judged: Mapping[int, Judgement], now: datetime) -> None:
        verdicts = [judged[n].verdict if n in judged else Verdict.CLEAR for n in range(3)]
        for witness, verdict in zip(self.witnesses, verdicts, strict=True):
            witness.hears(verdict, now)
            if not self.is_open:
                witness.took_part = witness.took_part and witness.goes_on(now)
                witness.waited = verdict is BREACHED and witness.lasts(now)
        if BREACHED in verdicts:
            self.clears = []
            due = [w for w, v in zip(self.witnesses, verdicts, strict=True) if v is BREACHED]
            self.is_open = self.is_open or any(witness.lasts(now) for witness in due)
            for witness in due:
                witness.took_part = True
        elif self.is_open:
            self._hears_no_breach(verdicts, now)

    def _hears_no_breach(self, verdicts: Sequence[Verdict], now: datetime) -> None:
        voting = list(zip(self.witnesses, verdicts, strict=True))
        if all(witness.votes_clear(verdict) for witness, verdict in voting):
            if self.clears and now - self.clears[-1] > 3 * INTERVAL:
                self.clears = []
            self.clears.append(now)
            self.is_open = len(self.clears) < 2
        elif not any(
            w.took_part and v in (UNKNOWN, GONE) and not w.votes_clear(v) for w, v in voting
        ):
            self.clears = []

    def due(self, judged: Mapping[int, Judgement]) -> list[Judgement]:
        return [
            judged[witness.number]
            for witness in self.witnesses
            if witness.number in judged
            and judged[witness.number].verdict is BREACHED
            and witness.waited
        ]


@settings(max_examples=100, deadline=None)
@given(st.lists(polls, min_size=1, max_size=25))
def test_whatever_three_partitions_do_the_incident_is_what_a_notebook_says(
    story: Sequence[Poll],
) -> None:
    alert, notebook = Alert(), Notebook()
    severity = Severity.INFO
    for elapsed, judged in story:
        alert.hear(*judged.values(), after=elapsed * INTERVAL)
        notebook.hears(judged, alert.now)
        assert (alert.state.incident is not None) is notebook.is_open
        severity = max([severity, *(judgement.severity for judgement in notebook.due(judged))])
        if notebook.is_open:
            assert alert.incident.severity is severity
        else:
            severity = Severity.INFO
    kinds = [event.kind for event in alert.said]
    turns = [kind for kind in kinds if kind in (EventKind.OPENED, EventKind.RESOLVED)]
    assert turns[:1] in ([], [EventKind.OPENED])
    assert all(one is not other for one, other in pairwise(turns))
