"""What must not stand in the repository: `python -m tests.housekeeping`.

Top-level names outside the agreed ones, modules and functions over their ceilings, paths of
somebody's machine, and anything that looks like a live credential.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TOP = {
    *("pyproject.toml", "README.md", "bot", "config", "tests", "Dockerfile"),
    *("LICENSE", "CHANGELOG.md"),
}
MODULE_LINES = 400
FUNCTION_LINES = 50
PARAMETERS = 6
FORBIDDEN = {
    "a machine's path": re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w"),
    "a live Slack token": re.compile(r"xox[abp]-\d{10,}-\d{10,}-\w{20,}"),
    "a package index": re.compile(r"files\.pythonhosted|registry\.npmjs|--(?:extra-)?index-url"),
    "a private key": re.compile(r"BEGIN (?:RSA |EC )?PRIVATE KEY"),
}
NAMELESS = re.compile(r"\b(?:manager|helper|util|utils|handler|processor)s?\b", re.IGNORECASE)


def main() -> int:
    """Prints what is wrong, one line each; 1 when anything is."""
    root = Path(__file__).parent.parent
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    files = [Path(name) for name in names if name]
    complaints = [*_places(files), *_texts(root, files), *_sizes(root, files)]
    for complaint in complaints:
        print(complaint)  # noqa: T201
    return int(bool(complaints))


def _places(files: list[Path]) -> Iterator[str]:
    for top in sorted({file.parts[0] for file in files}):
        if top not in TOP and not top.startswith("."):
            yield f"{top}: not one of the top-level names"
    for file in files:
        if file.suffix == ".py" and NAMELESS.search(file.stem.replace("_", " ")):
            yield f"{file}: named after a pattern, not after a noun of the field"


def _texts(root: Path, files: list[Path]) -> Iterator[str]:
    for file in files:
        # The loopback certificate of the tests has a key of its own, which opens nothing.
        if file.name in ("housekeeping.py", "loopback.pem"):
            continue
        try:
            lines = (root / file).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            for what, pattern in FORBIDDEN.items():
                if pattern.search(line):
                    yield f"{file}:{number}: {what}"


def _sizes(root: Path, files: list[Path]) -> Iterator[str]:
    for file in files:
        if file.suffix != ".py" or file.parts[0] != "bot":
            continue
        text = (root / file).read_text(encoding="utf-8")
        if text.count("\n") > MODULE_LINES:
            yield f"{file}: {text.count(chr(10))} lines, more than {MODULE_LINES}"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _of_function(file, node)


def _of_function(file: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
    if length > FUNCTION_LINES:
        yield f"{file}:{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_LINES}"


if __name__ == "__main__":
    sys.exit(main())
