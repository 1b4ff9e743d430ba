"""Rounds: every contestant once per size, each in a process of its own against a fresh server.

The contestants take turns inside a round, and in every other round in reverse, so that a machine
that grows busier or calmer meanwhile is unfair to none of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.canned import answer_file, cores, running, server_command
from tests.bench.contestant import sdk_is_installed
from tests.bench.figures import BARE, OURS, SDK, Round
from tests.bench.lap import Lap
from tests.bench.setting import Setting

LONGEST_LAP_SECONDS = 120
ROOT = Path(__file__).parents[2]

Announce = Callable[[str], None]


class LapFailed(Exception):
    """A contestant ended without a figure. What it said is on standard error already."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is run."""

    rounds: int = 5
    sizes: tuple[int, ...] = (3, 50, 500)
    seconds: float = 0.8
    uvloop: bool = False


def contestants() -> list[str]:
    """Who takes part here."""
    return [BARE, OURS, SDK] if sdk_is_installed() else [BARE, OURS]


class Track:
    """The servers' answers, made once, and how a lap is run against them."""

    def __init__(self, stack: ExitStack, sizes: Sequence[int]) -> None:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        self._cores = cores()
        self._command = server_command(directory)
        self._answers = {size: directory / f"answers-{size}" for size in sizes}
        for size, path in self._answers.items():
            path.write_bytes(answer_file(size))

    def lap(self, name: str, setting: Setting) -> Lap:
        """One lap; the setting's port and core are chosen here. Raises: LapFailed."""
        with running(self._command, self._answers[setting.size], self._cores) as port:
            setting = replace(setting, port=port, core=self._cores.client)
            arguments = [name, json.dumps(asdict(setting))]
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.contestant", *arguments],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                timeout=LONGEST_LAP_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise LapFailed(f"{name} at {setting.size} partitions ended with {done.returncode}")
        return Lap(**json.loads(done.stdout))


def run(course: Course, announce: Announce) -> dict[int, list[Round]]:
    """All rounds, by size. Raises: LapFailed."""
    names = contestants()
    results: dict[int, list[Round]] = {size: [] for size in course.sizes}
    with ExitStack() as stack:
        track = Track(stack, course.sizes)
        for number in range(course.rounds):
            for size in course.sizes:
                announce(f"round {number + 1} of {course.rounds}, {size} partitions")
                setting = Setting(0, size, course.seconds, uvloop=course.uvloop)
                laps = {name: track.lap(name, setting) for name in names}
                results[size].append(laps)
            names.reverse()
    return results


def profile(course: Course, functions: int) -> None:
    """Runs ours once per size under a profiler; the costliest functions go to standard error."""
    with ExitStack() as stack:
        track = Track(stack, course.sizes)
        for size in course.sizes:
            track.lap(OURS, Setting(0, size, course.seconds, course.uvloop, profile=functions))
