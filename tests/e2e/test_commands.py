"""The command line and `/dumptask` against the simulated outside, as a person would use them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.world import World, named, outside, running, stall, until

VENDOR_SAMPLE = Path(__file__).parents[1] / "data" / "vendor-sink-task.json"
CONNECTOR = "11111111-2222-3333-4444-555555555555"
TASK = "66666666-7777-8888-9999-000000000000"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def ran(*arguments: str, environ: Mapping[str, str] | None = None, cwd: Path) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {})},
        cwd=cwd,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Ran(process.returncode or 0, out.decode(), err.decode())


def shown_to_everybody(pid: int) -> str:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[World]:
    async with outside(tmp_path, named("vendor"), speed=1) as made:
        yield made


async def query(world: World, *more: str, task: str = TASK, secret: str | None = None) -> Ran:
    tenant = world.cloud.tenant
    return await ran(
        "query",
        *("--endpoint", world.cloud_url, "--project-id", world.cloud.scenario.project_id),
        *("--connector-id", CONNECTOR, "--task-id", task, *more),
        environ={
            "HUAWEICLOUD_SDK_AK": tenant.access_key,
            "HUAWEICLOUD_SDK_SK": secret or tenant.secret_key,
        },
        cwd=world.folder,
    )


def _as_numbers(document: object) -> object:
    """The page's answer with its numbers in strings as numbers."""
    match document:
        case dict():
            return {key: _as_numbers(value) for key, value in document.items()}
        case list():
            return [_as_numbers(value) for value in document]
        case str() if document.isdigit():
            return int(document)
        case _:
            return document


async def test_query_prints_the_vendors_sample_as_a_table(vendor: World) -> None:
    answer = await query(vendor)
    assert (answer.code, answer.err) == (0, "")
    for value in ("obsTransfer-56997523", "RUNNING", "testobs", "5 min", "earliest"):
        assert value in answer.out
    rows = re.findall(r"topic-sdk-no-delete +(\d) +RUNNING +(\d) +(\d) +(\d)", answer.out)
    assert rows == [("0", "3", "3", "0"), ("1", "3", "3", "0"), ("2", "3", "3", "0")]


async def test_query_as_json_equals_the_vendors_sample_with_numbers_as_numbers(
    vendor: World,
) -> None:
    answer = await query(vendor, "--json")
    sample = json.loads(VENDOR_SAMPLE.read_text(encoding="utf-8"))
    assert answer.code == 0
    assert json.loads(answer.out) == _as_numbers(sample)


async def test_query_exits_1_for_an_absent_task_and_3_for_refused_keys(vendor: World) -> None:
    absent = await query(vendor, task="66666666-7777-8888-9999-000000000001")
    assert (absent.code, absent.out) == (1, "")
    assert "The dumping task does not exist" in absent.err
    refused = await query(vendor, secret="not-the-secret-key")
    assert (refused.code, refused.out) == (3, "")
    assert "APIGW.0301" in refused.err
    assert "not-the-secret-key" not in refused.err
    assert "Traceback" not in absent.err + refused.err


async def test_query_says_which_of_its_flags_it_cannot_read(tmp_path: Path) -> None:
    keys = {"HUAWEICLOUD_SDK_AK": "AKEXAMPLE", "HUAWEICLOUD_SDK_SK": "SKEXAMPLE"}
    flags = {"endpoint": "nowhere", "project-id": "a b", "connector-id": "c", "task-id": "x/y"}
    given = [word for name, value in flags.items() for word in (f"--{name}", value)]
    told = await ran("query", *given, environ=keys, cwd=tmp_path)
    assert told.code == 2
    lines = told.err.splitlines()
    wrong = ["endpoint", "project-id", "task-id"]
    assert [line.split(": ")[2].removeprefix("--") for line in lines] == wrong
    assert all(line.count("would be right") == 1 for line in lines)


async def test_query_by_name_asks_the_task_that_the_configuration_finds(world: World) -> None:
    file = str(world.config_file())
    name = next(iter(world.cloud.scenario.tasks())).name
    found = await ran("query", "-c", file, name, environ=world.environ(), cwd=world.folder)
    assert found.code == 0
    assert f"Dumping task {name}" in found.out
    wrong = await ran("query", "-c", file, "dump-0000x", environ=world.environ(), cwd=world.folder)
    assert wrong.code == 2
    assert "did you mean dump-0000" in wrong.err


async def test_discover_prints_a_block_that_check_accepts(world: World) -> None:
    file, environ = str(world.config_file()), world.environ()
    found = await ran("discover", "-c", file, environ=environ, cwd=world.folder)
    assert found.code == 0
    assert "10 dumping tasks" in found.out
    block = found.out[found.out.index("tasks:") :]
    world.config = world.config.replace("discovery:", f"{block}\ndiscovery:")
    again = str(world.config_file())
    checked = await ran("check", "-c", again, environ=environ, cwd=world.folder)
    assert (checked.code, checked.err) == (0, "")
    assert "10 tasks known" in checked.out
    as_json = await ran("discover", "-c", file, "--json", environ=environ, cwd=world.folder)
    assert len(json.loads(as_json.out)[0]["tasks"]) == 10


async def test_a_broken_configuration_is_told_whole_and_without_a_traceback(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("accounts: {}\nroutes: [{chanel: C0DATA}]\nslack: {}\n", encoding="utf-8")
    for command in ("check", "run", "discover"):
        told = await ran(command, "-c", str(file), cwd=tmp_path)
        assert told.code == 2
        assert "Traceback" not in told.err
        assert "did you mean 'channel'?" in told.err
        assert len(told.err.splitlines()) >= 3


async def test_a_store_held_by_another_process_ends_the_start_with_3(world: World) -> None:
    async with running(world) as bot:
        second = await ran(
            "run", "-c", str(world.config_file()), environ=world.environ(), cwd=world.folder
        )
        assert second.code == 3
        assert f"in use by process {bot.process.pid}" in second.err
        assert "Traceback" not in second.err


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", "http.port: cannot listen on 127.0.0.1 port {port}: it is taken; "),
        ("192.0.2.1", "http.host: cannot listen on 192.0.2.1 port {port}: it is no address of "),
        ("no-such-name.invalid", "http.host: cannot listen on no-such-name.invalid port {port}: "),
    ],
)
async def test_an_address_that_cannot_be_had_is_one_line_and_3(
    world: World, host: str, said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        world.config = world.config.replace("127.0.0.1, port: 0", f"{host}, port: {port}")
        file = world.config_file()
        told = await ran("run", "-c", str(file), environ=world.environ(), cwd=world.folder)
    assert told.code == 3
    last = [line for line in told.err.splitlines() if line.startswith("dumptask-bot:")]
    assert len(last) == 1
    assert said.format(port=port) in last[0]
    assert "Traceback" not in told.err


async def test_every_slash_command_is_answered_from_what_is_known(world: World) -> None:
    async with running(world) as bot:
        stall(world)
        await until(lambda: len(world.roots()) == 1)
        requests = world.cloud.journal.total
        texts = ("", "help", "list", "dump-00000", "lag dump-00000", "top", "incidents", "health")
        for text in texts:
            delivery = await world.slack.command(world.slack.command_url, text)
            assert (delivery.status, delivery.error) == (200, None), text
            assert delivery.shown is not None
        mistyped = await world.slack.command(world.slack.command_url, "dmup-00000")
        assert mistyped.shown is not None
        assert "dump-00000" in mistyped.shown.content.text
        assert (await bot.get("/api/tasks/demo%2Fdump-00000"))[0] == 200
        assert (await bot.get("/api/incidents?task=demo/dump-00000"))[0] == 200
        assert (await bot.get("/api/tasks/demo%2Fdump-0000"))[0] == 404
        del requests
        before = len(world.slack.ephemeral())
        await world.slack.command(world.slack.command_url, "refresh dump-00000")
        await until(lambda: len(world.slack.ephemeral()) == before + 2)
        assert await bot.ended(signal.SIGTERM) == 0


async def test_no_secret_reaches_a_log_a_page_or_the_store(world: World) -> None:
    secrets = [
        world.cloud.tenant.secret_key,
        world.slack.options.credentials.bot_token,
        world.slack.options.credentials.signing_secret,
    ]
    world.cloud.credentials_revoked = True
    async with running(world) as bot:
        await until(lambda: bot.logged("discovery failed"))
        paths = ("/", "/metrics", "/api/health", "/api/tasks")
        pages = [(await bot.get(path))[1] for path in paths]
        command_line = shown_to_everybody(bot.process.pid)
        await bot.ended(signal.SIGTERM)
    store = b"".join(path.read_bytes() for path in world.folder.glob("dumptask.db*"))
    for secret in secrets:
        assert not any(secret in text for text in [*pages, *bot.lines, command_line])
        assert secret.encode() not in store


async def test_the_demo_ends_by_itself_with_a_summary_and_leaves_nothing(tmp_path: Path) -> None:
    ended = await ran("demo", "--duration", "3s", "--port", "0", cwd=tmp_path)
    assert ended.code == 0
    assert "http://127.0.0.1:" in ended.out
    assert "requests to the cloud" in ended.out
    assert names_in(tmp_path) == []
    wrong = await ran("demo", "--scenario", "nothing", cwd=tmp_path)
    assert wrong.code == 2
    assert "there are default" in wrong.err
