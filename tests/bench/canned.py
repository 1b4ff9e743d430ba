"""The canned server as a process of its own: C where there is a compiler, else Python.

Either reads one file of ready answers (see `canned.c` for its layout) and prints its port. It polls
without ever sleeping where it has a core to itself; on a machine with a single core it sleeps, and
the figures are only good for seeing that the bench works.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.script import ANSWERS, Kind, body

_HEAD = (
    "HTTP/1.1 200 OK\r\n"
    "Server: api-gateway\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 GMT\r\n"
    "Content-Type: application/json;charset=utf-8\r\n"
    "Content-Length: {length}\r\n"
    "Connection: keep-alive\r\n"
    "X-Request-Id: 4f6c1a2be8d04b1d9f3c5a7e21c0d9b8\r\n"
    "\r\n"
)


def answer_file(size: int) -> bytes:
    """All answers about tasks of this many partitions, as the server reads them."""
    parts = [struct.pack("=II", len(Kind), ANSWERS)]
    for kind in Kind:
        for answer in range(ANSWERS):
            content = body(kind, size, answer)
            whole = _HEAD.format(length=len(content)).encode() + content
            parts += [struct.pack("=I", len(whole)), whole]
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the server and the measured client run; None where that cannot be chosen."""

    server: int | None
    client: int | None

    @property
    def apart(self) -> bool:
        """Whether the two do not share a core."""
        if self.server is None:
            return (os.cpu_count() or 1) > 1
        return self.server != self.client


def cores() -> Cores:
    """The first two cores this process may use."""
    if not hasattr(os, "sched_setaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1] if len(usable) > 1 else usable[0])


def pin(pid: int, core: int | None) -> None:
    """Keeps a process on one core, where that can be chosen."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


def server_command(directory: Path) -> list[str]:
    """How the server is called, but for its arguments; compiled into `directory` if it can be."""
    source, program = Path(__file__).with_name("canned.c"), directory / "canned"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is not None and sys.platform == "linux":
        built = subprocess.run(
            [compiler, "-O2", "-o", str(program), str(source)],
            capture_output=True,
            timeout=60,
            check=False,
        )
        if built.returncode == 0:
            return [str(program)]
    return [sys.executable, "-m", "tests.bench.canned_protocol"]


@contextmanager
def running(command: Sequence[str], answers: Path, where: Cores) -> Iterator[int]:
    """The port of a server that begins every task's script anew; it ends with the context."""
    server = subprocess.Popen(
        [*command, str(answers), str(int(where.apart))], stdout=subprocess.PIPE, text=True
    )
    try:
        pin(server.pid, where.server)
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait(timeout=10)
        if server.stdout is not None:
            server.stdout.close()
