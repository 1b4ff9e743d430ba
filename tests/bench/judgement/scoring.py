"""Runs detectors through worlds and counts: what was false, what was late, what was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bot.domain.policy import RuleType
from tests.bench.judgement.core import Core
from tests.bench.judgement.detectors import (
    Burrow,
    ByPartition,
    Detector,
    InstantLevel,
    InterpolatedAge,
    Spoken,
)
from tests.bench.judgement.intake import DAY_S
from tests.bench.judgement.scenarios import Fault, Scenario, Setting
from tests.bench.judgement.world import POLL_S, Poll, World, build


def _half_peak(world: World) -> Detector:
    cycle_s = world.setting.delivery_s + POLL_S

    def judge(partition: int) -> InstantLevel:
        peak = world.intakes[partition].produced(DAY_S) / DAY_S * cycle_s
        return InstantLevel(peak / 2)

    return ByPartition(judge)


def _interpolated(world: World) -> Detector:
    level_s = 2 * world.setting.delivery_s + POLL_S
    return ByPartition(lambda _partition: InterpolatedAge(level_s))


DETECTORS: Mapping[str, Callable[[World], Detector]] = {
    "ours": lambda world: Core(world.key, timedelta(seconds=POLL_S)),
    "level": _half_peak,
    "burrow": lambda _world: ByPartition(lambda _partition: Burrow()),
    "interpolated 60 s": lambda _world: ByPartition(lambda _partition: InterpolatedAge(60)),
    "interpolated 2D+P": _interpolated,
}
"""By name. `level` is half of the partition's own mean peak, rate x (D + P)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One detector in one world."""

    false_openings: int
    partition_days: float
    """How long it could have opened falsely, over all partitions."""
    noticed_s: float | None = None
    """From the moment the fault could be noticed; None: it was not, or there was none."""
    noticed_polls: int | None = None
    """The same in polls: 1 is the first after the fault."""
    kinds: tuple[str, ...] = ()
    """What opened falsely."""


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario at one D and one way to commit: what the seeds are gathered for."""

    scenario: Scenario
    delivery_s: int
    ticks: bool


@dataclass(frozen=True, slots=True)
class Score:
    """A detector in a case, over all seeds."""

    case: Case
    detector: str
    runs: tuple[Run, ...]

    @property
    def false_openings(self) -> int:
        """In all."""
        return sum(run.false_openings for run in self.runs)

    @property
    def false_per_partition_day(self) -> float:
        """Per partition and day in which nothing was wrong."""
        return self.false_openings / sum(run.partition_days for run in self.runs)

    @property
    def missed(self) -> int:
        """Seeds whose fault was not told."""
        if self.case.scenario.fault.harmless:
            return 0
        return sum(run.noticed_s is None for run in self.runs)

    def minutes(self) -> tuple[float, float] | None:
        """Median and maximum of the minutes to notice; None where nothing was noticed."""
        told = [run.noticed_s / 60 for run in self.runs if run.noticed_s is not None]
        return (median(told), max(told)) if told else None


def run(world: World, polls: Sequence[Poll], detector: Detector) -> Run:
    """Lets a detector hear the world's polls, or those up to when it notices the fault."""
    harmless = world.scenario.fault.harmless
    false_kinds: list[str] = []
    polls_since = 0
    noticed: float | None = None
    for poll in polls:
        polls_since += not harmless and poll.at_s >= world.since_s
        said = () if poll.observation is None else detector.feed(poll.observation)
        openings = [spoken for spoken in said if spoken.opened]
        if openings and polls_since:
            noticed = poll.at_s - world.since_s
            break
        false_kinds.extend(spoken.kind for spoken in openings if _false(spoken, world))
    quiet_s = DAY_S if harmless else world.since_s
    days = world.setting.partitions * min(quiet_s, DAY_S) / DAY_S
    told_after = polls_since if noticed is not None else None
    return Run(len(false_kinds), days, noticed, told_after, tuple(sorted(set(false_kinds))))


def _false(spoken: Spoken, world: World) -> bool:
    """Whether nothing of the kind was so. Outages and pauses are true when they are told."""
    match world.scenario.fault, spoken.kind:
        case Fault.OUTAGES, RuleType.UNREACHABLE.value:
            return False
        case Fault.PAUSED, RuleType.STATUS.value:
            return not world.paused(spoken.at_s)
        case _:
            return not world.late(spoken.at_s)


def score(
    cases: Sequence[Case], detectors: Sequence[str], *, seeds: int, processes: int
) -> Iterator[Score]:
    """The scores of every case and detector, in order, as they are ready."""
    worlds = [(case, seed) for case in cases for seed in range(seeds)]
    jobs = [(case, seed, tuple(detectors)) for case, seed in worlds]
    with ProcessPoolExecutor(processes) as pool:
        results = pool.map(_job, jobs, chunksize=2)
        for case in cases:
            by_seed = [next(results) for _ in range(seeds)]
            for place, detector in enumerate(detectors):
                yield Score(case, detector, tuple(runs[place] for runs in by_seed))


def _job(job: tuple[Case, int, tuple[str, ...]]) -> list[Run]:
    case, seed, detectors = job
    world = build(case.scenario, Setting(case.delivery_s, case.ticks, seed))
    polls = list(world.polls())
    return [run(world, polls, DETECTORS[name](world)) for name in detectors]
