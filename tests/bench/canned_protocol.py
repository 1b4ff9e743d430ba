"""The canned server where there is no C compiler: `python -m tests.bench.canned_protocol`.

It does what `canned.c` does, at a higher price for its own core: the client's CPU time is what is
measured, so the figures stay comparable as long as the server keeps up.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

LONGEST_LIFE_SECONDS = 900


class Answers:
    """Answers ready to be sent, one after the other per task."""

    def __init__(self, packed: bytes) -> None:
        self._kinds: int
        self._count: int
        self._kinds, self._count = struct.unpack_from("=II", packed)
        self._answers: list[bytes] = []
        self._asked: Counter[int] = Counter()
        at = 8
        for _ in range(self._kinds * self._count):
            (length,) = struct.unpack_from("=I", packed, at)
            self._answers.append(packed[at + 4 : at + 4 + length])
            at += 4 + length

    def to(self, request: bytes) -> bytes | None:
        """The next answer for the task in the request line; None where it names none."""
        _, found, rest = request.partition(b"/sink-tasks/")
        group = rest[24:36]
        try:
            kind, first, number = int(group[:2], 16), int(group[2:4], 16), int(group[4:], 16)
        except ValueError:
            return None
        if not found or kind >= self._kinds:
            return None
        place = (first + self._asked[number]) % self._count
        self._asked[number] += 1
        return self._answers[kind * self._count + place]


class _Canned(asyncio.Protocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance: uvloop's transports are no subclass.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *requests, self._held = (self._held + data).split(b"\r\n\r\n")
        for request in requests:
            answer = self._answers.to(request)
            if answer is None:
                self._transport.close()
                return
            self._transport.write(answer)


def _spin(loop: asyncio.AbstractEventLoop) -> None:
    """Keeps the loop from ever sleeping in its selector."""
    loop.call_soon(_spin, loop)


async def _serve(answers: Answers, *, spin: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Canned(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    if spin:
        _spin(loop)
    await asyncio.sleep(LONGEST_LIFE_SECONDS)


def main(path: str, spin: str) -> None:
    """Serves the answers in the file."""
    factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    answers = Answers(Path(path).read_bytes())
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(answers, spin=spin == "1"))


if __name__ == "__main__":
    main(*sys.argv[1:])
