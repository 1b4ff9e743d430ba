"""The benchmark: `python -m tests.bench.pipeline`.

Three contestants ask the same canned server the same questions, in turns:

- `bare`: aiohttp's ClientSession as it comes, GET and read, nothing else;
- `ours`: the bot's own path, from the signed request to the row on the disk (see `ours`);
- `sdk`: the vendor's SDK, which signs, fetches and deserialises (skipped where it is missing).

How to read the table. Each line is a size of task, in partitions. The µs are CPU time for one task
polled: user and system, all threads, median over the rounds. Wall time is not shown, because on a
shared machine it tells what else the machine was doing. `ours/bare` and `ours/sdk` compare rates,
so higher is better for ours: 0.5 means that ours can poll half as many tasks per second and core.
The ratio is taken round by round; shown are its median and, in brackets, its range. The figure of
one and the same program moves by 5 to 30 % between rounds, so differences below a fifth mean
nothing, and a wide range says: again, on a calmer machine. `bare` does nothing per partition, so
`ours/bare` means something up to about 50 partitions. `incidents` are those that opened and
resolved in all rounds together, each with a durable transaction of its own.

What makes the figures hold. The server never sleeps and has a core to itself (waking it would cost
the client six times the CPU of a request). Each lap is a fresh process: a warm-up of 0.3 s, for
ours of twelve passes over its tasks, in which the first incidents open and resolve; then whole
passes until enough CPU time is used, 108 at most. Every answer differs from the one before. And no
figure counts before it is shown that nothing was dropped: as many incidents must have opened and
resolved as the script of the answers demands, and every sample must be read back as it was
answered.

Exit code: 0; 1 when a check fails or a contestant does; 2 for a wrong command line. A ratio lower
than a sound layout gives is remarked on, not gated. Then `--profile` shows where the time goes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from tests.bench.contestant import sdk_is_installed
from tests.bench.figures import faults, remarks, table
from tests.bench.rounds import Course, LapFailed, profile, run

PROFILED_FUNCTIONS = 40
MOST_PARTITIONS = 5_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.uvloop and find_spec("uvloop") is None:
        parser.error("--uvloop: uvloop is not installed; pip install uvloop, or leave it out")
    course = Course(options.rounds, tuple(options.sizes), options.seconds, options.uvloop)
    try:
        if options.profile:
            profile(course, PROFILED_FUNCTIONS)
            return 0
        return _report(course)
    except LapFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1


def _report(course: Course) -> int:
    if not sdk_is_installed():
        print("sdk: skipped, it is not installed (pip install huaweicloudsdkkafka==3.1.84)")
    results = run(course, _progress)
    print(*table(results), sep="\n")
    for remark in remarks(results):
        print(f"low: {remark}")
    wrong = faults(results)
    for fault in wrong:
        print(f"wrong: {fault}", file=sys.stderr)
    return 1 if wrong else 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    usual = Course()
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.pipeline",
        description="Measures the bot's pipeline against a bare client and the vendor's SDK.",
    )
    parser.add_argument(
        "--rounds", type=_positive, default=usual.rounds, help="default %(default)s"
    )
    parser.add_argument(
        "--sizes",
        type=_size,
        nargs="+",
        default=usual.sizes,
        metavar="PARTITIONS",
        help="partitions of a task; default 3 50 500",
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=usual.seconds,
        help="CPU time measured per lap, at least; default %(default)s",
    )
    parser.add_argument("--uvloop", action="store_true", help="runs ours on uvloop")
    parser.add_argument(
        "--profile", action="store_true", help="profiles ours, and measures nothing"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from 1 to 100 belongs here")
    return number


def _size(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= MOST_PARTITIONS:
        raise argparse.ArgumentTypeError(
            f"{text!r}: a whole number from 1 to {MOST_PARTITIONS} belongs here"
        )
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.05 <= number <= 30:
        raise argparse.ArgumentTypeError(f"{text!r}: seconds from 0.05 to 30 belong here")
    return number


if __name__ == "__main__":
    sys.exit(main())
