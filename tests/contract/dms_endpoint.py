"""A cloud of a few lines for tests: answers on loopback with exactly the bytes it is given.

Unlike the simulated cloud it can say what no HTTP library would, and it keeps what it received as
it came over the wire.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.adapters.dms.account import AccountConfig, AkSk, CredentialsConfig
from bot.adapters.dms.client import DmsClient, open_client
from bot.domain.model import TaskKey, WatchedTask
from bot.ports import Clock, Jitter
from tests.fakes import NoJitter, SetClock

PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = AkSk("AKEXAMPLE0TESTONLY01", "made-up-secret-key-for-tests-only-0001")
TASK = WatchedTask(TaskKey("prod", "connector-1", "task-1"), "orders", "orders")
AT_ONCE = timedelta(seconds=0.3)
"""A budget too short for a second try."""


class Hasty:
    """A jitter that makes every delay short."""

    def between(self, low: float, high: float) -> float:  # noqa: ARG002 - the protocol's
        return 0.001


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it came over the wire."""

    head: bytes
    body: bytes = b""
    connection: int = 0

    @property
    def method(self) -> str:
        return self.head.split(b" ")[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ")[1].decode()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip()) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.fields if n.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered: raw bytes in pieces; then the connection is kept or closed."""

    pieces: tuple[bytes, ...]
    close: bool = False
    hang: bool = False


Answer = Callable[[Arrived], Said]


def said(
    body: bytes | str | object = b"",
    status: int = 200,
    *,
    reason: str = "Odd",
    **headers: str,
) -> Said:
    """A well-formed answer. A body that is no bytes or text is written as JSON."""
    if isinstance(body, str):
        body = body.encode()
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(written))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Said((f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode(), written))


def dms_error(status: int, code: str, message: str = "Said the cloud.", **headers: str) -> Said:
    """An error in the usual shape."""
    return said({"error_code": code, "error_msg": message}, status, **headers)


def in_turn(answers: Iterable[Said]) -> Answer:
    """One answer after the other, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Endpoint:
    """A listening endpoint. `answer` may be exchanged at any time."""

    answer: Answer
    port: int = 0
    scheme: str = "http"
    arrived: list[Arrived] = field(default_factory=list)
    connections: int = 0
    written_bytes: int = 0
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def config(self, credentials: CredentialsConfig = KEYS, **changes: Any) -> AccountConfig:
        """An account at this endpoint, quick to give up."""
        config = AccountConfig(
            name="prod",
            endpoint=self.url,
            project_id=PROJECT,
            credentials=credentials,
            iam_endpoint=self.url,
            metadata_endpoint=self.url,
            requests_per_second=1000,
            timeout=timedelta(seconds=5),
        )
        return replace(config, **changes)

    @asynccontextmanager
    async def client(
        self,
        credentials: CredentialsConfig = KEYS,
        *,
        clock: Clock | None = None,
        jitter: Jitter | None = None,
        **changes: Any,
    ) -> AsyncIterator[DmsClient]:
        """A client of that account."""
        config = self.config(credentials, **changes)
        async with open_client(
            config, clock=clock or SetClock(), jitter=jitter or NoJitter()
        ) as client:
            yield client

    async def until(self, count: int) -> None:
        """Waits until so many requests have come."""
        while len(self.arrived) < count:
            self._arrival.clear()
            await self._arrival.wait()

    async def serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        number = self.connections
        try:
            while (arrived := await _request(reader, number)) is not None:
                self.arrived.append(arrived)
                self._arrival.set()
                if not await self._reply(self.answer(arrived), writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _reply(self, reply: Said, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is still good."""
        for piece in reply.pieces:
            writer.write(piece)
            await writer.drain()
            self.written_bytes += len(piece)
        if reply.hang:
            await asyncio.Event().wait()
        return not reply.close


async def _request(reader: asyncio.StreamReader, connection: int) -> Arrived | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    bare = Arrived(head, connection=connection)
    return replace(bare, body=await reader.readexactly(int(bare.header("Content-Length") or 0)))


@asynccontextmanager
async def endpoint(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """An endpoint on a free port."""
    served = Endpoint(answer, scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(
        _tracked(served.serve_connection, tasks), "127.0.0.1", 0, ssl=tls, limit=2**20
    )
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _tracked(serve: Serve, tasks: set[asyncio.Task[None]]) -> Serve:
    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            tasks.discard(task)

    return tracked
