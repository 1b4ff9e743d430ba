"""Notices that the configuration has changed, and reads it again.

SIGHUP asks for it; else the file and every file it names in `${file:}` are looked at, through
links, so that a rotated key or a swapped mount is taken up. What is not valid leaves the old in
force, loudly: in the log, in `health` and in a metric. What belongs to the process (`store`,
`http`, environment variables) stays as it is until a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from bot.ports import ConfigError, Noted, Telemetry
from bot.settings import Settings, load

LOOKED_EVERY = timedelta(seconds=10)
_KEPT = ("store", "http")
_Stamp = Mapping[Path, tuple[int, int, int, int] | None]


@dataclass(slots=True)
class Reloading:
    """One configuration file over the life of a process."""

    path: Path
    environ: Mapping[str, str]
    read: Callable[[Path, Mapping[str, str]], Settings] = load
    error: str = ""
    """Why the file as it stands is not in force; empty while it is."""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: _Stamp = field(default_factory=dict)

    def ask(self) -> None:
        """Has the file read again soon, changed or not."""
        self._asked.set()

    async def next(self, settings: Settings, telemetry: Telemetry) -> Settings:
        """The next valid settings that differ from these; waits for them for ever."""
        if not self._seen:
            self._seen = await asyncio.to_thread(_stamp, settings.files)
        while True:
            asked = await self._asked_within(LOOKED_EVERY)
            stamp = await asyncio.to_thread(_stamp, settings.files)
            if not asked and stamp == self._seen:
                continue
            self._seen = stamp
            found = await self._read(telemetry)
            if found is None:
                continue
            kept = _kept(settings, found, telemetry)
            if kept != settings:
                self._seen = await asyncio.to_thread(_stamp, kept.files)
                return kept
            telemetry.record(Noted("configuration read again, unchanged"))

    async def _asked_within(self, wait: timedelta) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    async def _read(self, telemetry: Telemetry) -> Settings | None:
        try:
            found = await asyncio.to_thread(self.read, self.path, self.environ)
        except ConfigError as error:
            self.error = f"{len(error.problems)} in {self.path}: {error.problems[0]}"
            for problem in error.problems:
                fields = {"problem": problem}
                telemetry.record(Noted("configuration not valid, the old holds", "error", fields))
            return None
        self.error = ""
        return found


def _kept(settings: Settings, found: Settings, telemetry: Telemetry) -> Settings:
    """The new settings with what belongs to the process as it is."""
    for name in _KEPT:
        if getattr(found, name) != getattr(settings, name):
            fields = {"section": name}
            telemetry.record(Noted("a restart is needed for this section", "warning", fields))
    return replace(found, store=settings.store, http=settings.http)


def _stamp(files: Iterable[Path]) -> _Stamp:
    return {file: _of_file(file) for file in sorted(files)}


def _of_file(file: Path) -> tuple[int, int, int, int] | None:
    """What tells one content of a file from another; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
