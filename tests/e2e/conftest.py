"""The world that most tests of the process need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.world import World, outside


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A cloud with ten healthy tasks, and a Slack."""
    async with outside(tmp_path) as made:
        yield made
