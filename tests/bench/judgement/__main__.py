"""Scores detectors of late dumps: `python -m tests.bench.judgement`.

Exit code 1 when ours misses a goal, 2 for a wrong argument.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.bench.judgement.goals import Goal, goals
from tests.bench.judgement.scenarios import DELIVERIES_S, SCENARIOS
from tests.bench.judgement.scoring import DETECTORS, Case, score
from tests.bench.judgement.tables import brief, markdown, plain, rows

BRIEF_S = 300


def main(words: Sequence[str] | None = None) -> int:
    """Plays, prints, and says whether every goal is met."""
    options = _parser().parse_args(words)
    scenarios = [s for s in SCENARIOS if not options.only or options.only in s.name]
    if not scenarios:
        names = "\n  ".join(scenario.name for scenario in SCENARIOS)
        print(
            f"no scenario has {options.only!r} in its name; there are\n  {names}", file=sys.stderr
        )
        return 2
    commits, deliveries = ((False,), (BRIEF_S,)) if options.brief else ((False, True), DELIVERIES_S)
    cases = [Case(s, d, t) for s in scenarios for t in commits for d in deliveries]
    detectors = options.detectors or list(DETECTORS)
    scores = list(score(cases, detectors, seeds=options.seeds, processes=options.processes))
    table = list((brief if options.brief else rows)(scores))
    print("False openings per partition-day / minutes to notice, median and maximum.")
    print("\n".join((markdown if options.markdown else plain)(table)))
    return _judged(list(goals(scores)))


def _judged(reached: Sequence[Goal]) -> int:
    missed = [goal for goal in reached if not goal.met]
    for goal in missed:
        print(f"not met  {goal.what}: {goal.reached}")
    if reached:
        print(f"{len(reached) - len(missed)} of {len(reached)} goals met")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.judgement", description=__doc__)
    parser.add_argument("--seeds", type=_positive, default=20, help="days per case (20)")
    parser.add_argument("--only", metavar="SCENARIO", help="a part of a scenario's name")
    parser.add_argument("--detectors", nargs="+", choices=list(DETECTORS), metavar="NAME")
    parser.add_argument("--processes", type=_positive, default=os.cpu_count() or 1)
    parser.add_argument(
        "--brief", action="store_true", help=f"only D = {BRIEF_S} s, a column per detector"
    )
    parser.add_argument("--markdown", action="store_true", help="print a table for a page")
    return parser


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is not a number from 1 on")
    return number


if __name__ == "__main__":
    sys.exit(main())
