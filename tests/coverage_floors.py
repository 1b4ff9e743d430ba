"""Floors of branch coverage: `python -m tests.coverage_floors coverage.json`.

The pure middle is covered wholly, because nothing excuses a branch nobody has tried there; the
rest to 95 %.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

FLOORS = {"bot/domain/": 100.0, "bot/presenters/": 100.0, "bot/": 95.0}


def main(path: Path) -> int:
    """Prints each floor with what was reached; 1 when one is not."""
    files = json.loads(path.read_text(encoding="utf-8"))["files"]
    failed = False
    for folder, floor in FLOORS.items():
        reached = covered(summary for name, summary in _summaries(files) if name.startswith(folder))
        failed |= reached < floor
        print(f"{folder:16} {reached:6.2f} %  (at least {floor:.0f} %)")  # noqa: T201
    return int(failed)


def _summaries(
    files: dict[str, dict[str, dict[str, float]]],
) -> Iterator[tuple[str, dict[str, float]]]:
    for name, file in files.items():
        yield name.replace("\\", "/"), file["summary"]


def covered(summaries: Iterator[dict[str, float]]) -> float:
    """Lines and branches that ran, in percent of those there are; 0 where there are none."""
    ran = every = 0.0
    for summary in summaries:
        ran += summary["covered_lines"] + summary["covered_branches"]
        every += summary["num_statements"] + summary["num_branches"]
    return 100 * ran / every if every else 0.0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
