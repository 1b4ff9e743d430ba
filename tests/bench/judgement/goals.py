"""What ours must reach with default settings, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.bench.judgement.scenarios import Fault
from tests.bench.judgement.scoring import Score
from tests.bench.judgement.world import POLL_S

OURS = "ours"


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal and what came of it."""

    what: str
    reached: str
    """In words, with its unit."""
    met: bool


def goals(scores: Iterable[Score]) -> Iterator[Goal]:
    """The goals that some scores of ours speak of."""
    for score in scores:
        if score.detector == OURS:
            yield from _goals(score)


def _goals(score: Score) -> Iterator[Goal]:
    case = score.case
    where = f"{case.scenario.name}, D={case.delivery_s} s{', ticks' if case.ticks else ''}"
    kinds = sorted({kind for run in score.runs for kind in run.kinds})
    said = f"{score.false_openings} {' '.join(kinds)}".strip()
    yield Goal(f"{where}: no false opening", said, score.false_openings == 0)
    limit_s = _limit_s(case.scenario.fault, case.delivery_s)
    if limit_s is not None:
        minutes = score.minutes()
        told = "nothing told" if minutes is None else f"{minutes[1]:.1f} min"
        reached = f"{told}, {score.missed} missed" if score.missed else told
        met = not score.missed and minutes is not None and minutes[1] * 60 <= limit_s
        yield Goal(f"{where}: told within {limit_s / 60:.1f} min", reached, met)
    elif case.scenario.fault in {Fault.RECREATED, Fault.POSITION_KEPT}:
        polls = [run.noticed_polls for run in score.runs if run.noticed_polls is not None]
        reached = f"{max(polls, default=0)} polls, {score.missed} missed"
        met = not score.missed and max(polls) <= 2
        yield Goal(f"{where}: told within two polls", reached, met)


def _limit_s(fault: Fault, delivery_s: int) -> float | None:
    match fault:
        case Fault.STOP:
            return 3 * delivery_s + 3 * max(POLL_S, 60)
        case Fault.SLOW_SINK:
            return 3 * delivery_s + 20 * 60
        case _:
            return None
