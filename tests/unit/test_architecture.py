"""The rules of the house are enforced: each planted violation is caught."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VIOLATIONS = {
    "A block imports only blocks below it": (
        "bot/services/budgets.py",
        "import bot.settings",
    ),
    "The middle is pure": ("bot/domain/ids.py", "import asyncio"),
    "Services speak to the outside through ports": ("bot/services/budgets.py", "import aiohttp"),
    "The demo imports nothing of the bot": ("bot/demo/serving.py", "import bot.ports"),
    "The five adapters are independent": (
        "bot/adapters/web/page.py",
        "import bot.adapters.slack.access",
    ),
    "No import goes round in a circle": ("bot/domain/ids.py", "import bot.domain.incidents"),
}


def _linted(tree: Path) -> str:
    """What the import linter says of a tree."""
    # In a process of its own: the linter keeps what it has read of a package.
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONPATH": str(tree), "NO_COLOR": "1"},
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "bot", copy / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_tree_as_it_is_keeps_every_contract(tree: Path) -> None:
    said = _linted(tree)
    for contract in VIOLATIONS:
        assert f"{contract} KEPT" in said, said


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_is_caught(tree: Path, contract: str) -> None:
    place, line = VIOLATIONS[contract]
    file = tree / place
    before = file.read_text(encoding="utf-8")
    file.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        assert f"{contract} BROKEN" in _linted(tree)
    finally:
        file.write_text(before, encoding="utf-8")
