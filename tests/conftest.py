"""What every test needs before it runs."""

import asyncio

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
"""No test fails by the clock of a busy machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where everything is installed, a test that does not run is a fault."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what was skipped where nothing may be."""
    skipped = terminalreporter.stats.get("skipped", [])
    if config.getoption("--no-skips") and skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped; none may be", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which something was skipped although nothing may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if session.config.getoption("--no-skips") and skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - pytest names it
    """Say that the main thread has no event loop.

    pytest-asyncio 1.5 asks for the current loop before it makes its own; on Python 3.11 the asking
    makes one that nobody closes, and the ResourceWarning then fails whatever test happens to run
    when it is collected.
    """
    asyncio.set_event_loop(None)
