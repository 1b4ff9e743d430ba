"""What every test needs before it runs."""

import asyncio

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
"""No test fails by the clock of a busy machine."""


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - pytest names it
    """Say that the main thread has no event loop.

    pytest-asyncio 1.5 asks for the current loop before it makes its own; on Python 3.11 the asking
    makes one that nobody closes, and the ResourceWarning then fails whatever test happens to run
    when it is collected.
    """
    asyncio.set_event_loop(None)
