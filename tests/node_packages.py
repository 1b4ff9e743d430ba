"""Packages of the npm registry that tests run as independent parties.

They are installed once, at a fixed version, under `node_modules/.tests` of the checkout (which git
ignores). Without Node.js, npm or its registry the tests that need them are skipped.
"""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent / "node_modules" / ".tests"
_INSTALL_SECONDS = 180


def npm_package(name: str, version: str) -> Path:
    """The folder of an installed package; skips the test where it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js with npm")
    prefix = _ROOT / f"{name.replace('/', '+')}@{version}"
    package = prefix / "node_modules" / name
    prefix.mkdir(parents=True, exist_ok=True)
    with (prefix / ".lock").open("w") as lock:
        # Test processes that run side by side wait for the first to install.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (prefix / ".installed").exists():
            _install(prefix, f"{name}@{version}")
    return package


def _install(prefix: Path, wanted: str) -> None:
    command = ["npm", "install", "--prefix", str(prefix), "--no-save", "--no-package-lock"]
    command += ["--no-audit", "--no-fund", "--ignore-scripts", wanted]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
    except (subprocess.SubprocessError, OSError):
        pytest.skip(f"npm cannot install {wanted}")
    (prefix / ".installed").touch()
