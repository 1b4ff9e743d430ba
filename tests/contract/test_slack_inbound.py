"""Signed requests over HTTP: what is let in, what is refused, and why."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TypedDict, cast
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.adapters.slack.inbound import BODY_BYTES
from bot.adapters.slack.signing import Refusal, RequestVerifier
from bot.demo.slack.signing import signed_headers
from bot.ports import ConfigError
from tests.contract.slack_door import COMMAND, NOW_S, SECRET, Door
from tests.fakes import SetClock

_SAMPLES = Path(__file__).parent.parent / "data" / "slack-signatures.json"


class Sample(TypedDict):
    name: str
    signing_secret: str
    timestamp_s: int
    body: str
    signature: str


def samples() -> list[Sample]:
    return cast("list[Sample]", json.loads(_SAMPLES.read_text(encoding="utf-8"))["vectors"])


# --- signatures -------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample["name"])
@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactions", "/slack/events"])
async def test_what_slack_signed_is_let_in_at_every_address(sample: Sample, path: str) -> None:
    door = Door(secret=sample["signing_secret"], at_s=sample["timestamp_s"])
    headers = {
        "X-Slack-Request-Timestamp": str(sample["timestamp_s"]),
        "X-Slack-Signature": sample["signature"],
    }
    async with door.open():
        status, _ = await door.knock(sample["body"].encode(), headers, path)

    assert status == 200
    assert door.reasons() == []


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample["name"])
async def test_a_changed_body_a_changed_time_and_another_secret_are_refused(sample: Sample) -> None:
    door = Door(secret=sample["signing_secret"], at_s=sample["timestamp_s"])
    body = sample["body"].encode()
    good = {
        "X-Slack-Request-Timestamp": str(sample["timestamp_s"]),
        "X-Slack-Signature": sample["signature"],
    }
    later = {**good, "X-Slack-Request-Timestamp": str(sample["timestamp_s"] + 1)}
    async with door.open():
        statuses = [
            (await door.knock(body + b" ", good))[0],
            (await door.knock(body, later))[0],
            (await door.knock(body, signed_headers("another", sample["timestamp_s"], body)))[0],
        ]

    assert statuses == [401, 401, 401]
    assert door.desk.taken == []


@pytest.mark.parametrize(("skew_s", "status"), [(300, 200), (-300, 200), (301, 401), (-301, 401)])
async def test_the_clocks_may_differ_by_five_minutes_and_not_a_second_more(
    skew_s: int, status: int
) -> None:
    door = Door()
    body = urlencode(COMMAND).encode()
    async with door.open():
        answered, _ = await door.knock(body, signed_headers(SECRET, NOW_S + skew_s, body))

    assert answered == status
    assert door.reasons() == ([Refusal.STALE_TIMESTAMP.value] if status == 401 else [])


_BODY = urlencode(COMMAND).encode()
_GOOD = signed_headers(SECRET, NOW_S, _BODY)
_TIME, _SIGN = "X-Slack-Request-Timestamp", "X-Slack-Signature"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({_TIME: None}, Refusal.NO_TIMESTAMP),
        ({_SIGN: None}, Refusal.NO_SIGNATURE),
        ({_TIME: ""}, Refusal.BAD_TIMESTAMP),
        ({_TIME: "abc"}, Refusal.BAD_TIMESTAMP),
        ({_TIME: f"{NOW_S}.0"}, Refusal.BAD_TIMESTAMP),
        ({_TIME: f"+{NOW_S}"}, Refusal.BAD_TIMESTAMP),
        ({_TIME: "1_700_000_000"}, Refusal.BAD_TIMESTAMP),
        ({_TIME: "９"}, Refusal.BAD_TIMESTAMP),
        ({_TIME: "9" * 5000}, Refusal.BAD_TIMESTAMP),
        ({_TIME: "0"}, Refusal.STALE_TIMESTAMP),
        ({_TIME: "9" * 15}, Refusal.STALE_TIMESTAMP),
        ({_SIGN: ""}, Refusal.BAD_SIGNATURE),
        ({_SIGN: "v0="}, Refusal.BAD_SIGNATURE),
        ({_SIGN: _GOOD[_SIGN].removeprefix("v0=")}, Refusal.BAD_SIGNATURE),
        ({_SIGN: _GOOD[_SIGN].upper()}, Refusal.BAD_SIGNATURE),
        ({_SIGN: "v0=" + "é" * 64}, Refusal.BAD_SIGNATURE),
        ({_SIGN: "v0=" + "0" * 64}, Refusal.WRONG_SIGNATURE),
    ],
)
async def test_headers_that_slack_would_not_send_are_refused_each_for_its_reason(
    changes: Mapping[str, str | None], refusal: Refusal
) -> None:
    merged = {**_GOOD, **changes}
    headers = {name: value for name, value in merged.items() if value is not None}
    door = Door()
    async with door.open():
        status, text = await door.knock(_BODY, headers)

    assert status == 401
    assert SECRET not in text
    assert door.reasons() == [refusal.value]
    assert door.desk.taken == []


async def test_a_body_that_is_not_utf8_is_refused_however_well_it_is_signed() -> None:
    door = Door()
    async with door.open():
        status, _ = await door.signed(b"text=\xff\xfe")

    assert status == 401
    assert door.reasons() == [Refusal.NOT_UTF8.value]


async def test_a_compressed_body_is_refused() -> None:
    door = Door()
    async with door.open():
        status, _ = await door.knock(b"\x1f\x8b broken", {**_GOOD, "Content-Encoding": "gzip"})

    assert status == 401
    assert door.reasons() == [Refusal.ENCODED.value]


async def test_a_header_given_twice_is_refused() -> None:
    door = Door()
    async with door.open():
        status = await _raw(
            door.port,
            b"Content-Length: 0\r\n"
            b"X-Slack-Request-Timestamp: 1700000000\r\nX-Slack-Request-Timestamp: 1\r\n"
            b"X-Slack-Signature: v0=00\r\n",
        )

    assert status == 401
    assert door.reasons() == [Refusal.REPEATED_HEADER.value]


async def test_bytes_in_a_header_that_are_no_text_are_refused() -> None:
    door = Door()
    async with door.open():
        status = await _raw(
            door.port,
            b"Content-Length: 0\r\nX-Slack-Request-Timestamp: 1700000000\r\n"
            b"X-Slack-Signature: v0=\xff\xfe\r\n",
        )

    assert status in {400, 401}
    assert door.desk.taken == []


async def _raw(port: int, headers: bytes, body: bytes = b"") -> int:
    """Sends headers that no client library would, and gives the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /slack/commands HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + body)
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_beyond_the_limit_is_not_read(chunked: bool) -> None:
    door = Door()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES // 4096 + 2):
            yield b"x" * 4096

    body = endless() if chunked else io.BytesIO(b"x" * (BODY_BYTES + 1))
    async with (
        door.open(),
        aiohttp.ClientSession() as session,
        session.post(door.url("/slack/commands"), data=body, headers=_GOOD) as response,
    ):
        assert response.status == 401

    assert door.reasons() == [Refusal.TOO_LARGE.value]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactions", "/slack/events"])
async def test_other_methods_are_not_allowed(method: str, path: str) -> None:
    door = Door()
    async with (
        door.open(),
        aiohttp.ClientSession() as session,
        session.request(method, door.url(path)) as response,
    ):
        assert response.status == 405


async def test_the_same_reason_is_noted_once_and_then_counted() -> None:
    door = Door()
    async with door.open():
        for _ in range(5):
            await door.knock(_BODY, {})
        await door.knock(_BODY, {**_GOOD, _TIME: "abc"})

    assert door.reasons() == [Refusal.NO_TIMESTAMP.value, Refusal.BAD_TIMESTAMP.value]


def test_a_blank_secret_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"slack\.signing_secret"):
        RequestVerifier("  ", SetClock())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Transfer-Encoding: chunked\r\n", b"ZZ\r\nnot a length\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nabcdeXX"),
        (b"Content-Length: -1\r\n", b""),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"abcde"),
    ],
)
async def test_a_body_that_breaks_the_protocol_is_no_error_of_ours(
    headers: bytes, body: bytes
) -> None:
    door = Door()
    async with door.open():
        status = await _raw(door.port, headers, body)

    assert status in {400, 401}
    assert door.desk.taken == []


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    door = Door()
    async with door.open():
        status = await _raw(door.port, b"Content-Length: 10\r\n", b"abc")

    assert status == 401
    assert door.reasons() == [Refusal.TOO_SLOW.value]


async def test_a_body_that_breaks_off_is_refused() -> None:
    door = Door(hangs_up=False)
    async with door.open():
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            while not door.reasons():  # noqa: ASYNC110 - the request arrives over a real socket
                await asyncio.sleep(0.001)

    assert door.reasons() == [Refusal.BROKEN.value]
