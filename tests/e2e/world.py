"""The outside of a bot that runs as a process: a simulated cloud and Slack in the test's loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from bot.demo.cloud import CLOUD, SimulatedCloud, make_cloud
from bot.demo.scenario import SCENARIOS, Scenario, fleet
from bot.demo.scenario.behaviours import Stall, Surge, Window
from bot.demo.serving import serve
from bot.demo.slack.messages import Message
from bot.demo.slack.simulator import SimulatedSlack

SPEED = 60.0
"""Of the scenario: a delivery interval of a minute passes in a second."""
PATIENCE_S = 30.0
"""The longest a test waits for anything; nothing here asserts how fast it came."""
CHANNEL = "C0DATA"
FOREVER = Window(timedelta(0), timedelta(days=1))

CONFIG = """
accounts:
  demo:
    endpoint: "${CLOUD_URL}"
    project_id: "${PROJECT_ID}"
    auth: {type: aksk, access_key: "${AK}", secret_key: "${SK}"}
poll: {interval: 1s}
discovery: [{account: demo, interval: 5s}]
rules:
  - {name: lag, type: partition_lag, warning: 100k, critical: 100M}
  - {name: no-age, type: age, enabled: false}
routes: [{channel: C0DATA}]
alerts: {group_wait: 0s, edit_every: 500ms}
slack: {bot_token: "${BOT_TOKEN}", signing_secret: "${SIGNING_SECRET}", api_url: "${SLACK_URL}"}
store: {path: "${STORE}"}
http: {host: 127.0.0.1, port: 0}
log: {format: json}
"""


@dataclass(slots=True)
class World:
    """Cloud and Slack, and where the bot keeps its things."""

    cloud: SimulatedCloud
    cloud_url: str
    slack: SimulatedSlack
    folder: Path
    config: str = CONFIG

    def environ(self) -> dict[str, str]:
        """What the configuration's placeholders ask for."""
        tenant, credentials = self.cloud.tenant, self.slack.options.credentials
        return {
            "CLOUD_URL": self.cloud_url,
            "PROJECT_ID": self.cloud.scenario.project_id,
            "AK": tenant.access_key,
            "SK": tenant.secret_key,
            "SLACK_URL": f"{self.slack.base_url}/api/",
            "BOT_TOKEN": credentials.bot_token,
            "SIGNING_SECRET": credentials.signing_secret,
            "STORE": str(self.folder / "dumptask.db"),
        }

    def config_file(self) -> Path:
        """The configuration as a file."""
        path = self.folder / "config.yaml"
        path.write_text(self.config, encoding="utf-8")
        return path

    def roots(self) -> list[Message]:
        """The messages of the channel that are no replies, oldest first."""
        return [m for m in self.slack.messages(CHANNEL) if not m.is_reply]

    def replies(self, root: Message) -> list[Message]:
        """The thread of a message, oldest first."""
        messages = self.slack.messages(CHANNEL)
        return [m for m in messages if m.is_reply and m.thread_ts == root.ts]

    def resolved(self) -> list[Message]:
        """The cards that say they are over."""
        return [m for m in self.roots() if "resolved" in m.content.text.lower()]

    def posts(self) -> int:
        """How often a message was posted, or tried to be."""
        return self.slack.calls.get("chat.postMessage", 0)


@asynccontextmanager
async def outside(
    folder: Path, scenario: Scenario | None = None, *, speed: float = SPEED
) -> AsyncIterator[World]:
    """A world with ten healthy tasks, or with the scenario given."""
    application = make_cloud(scenario or fleet(10, 3), speed=speed)
    cloud_runner, cloud_port = await serve(application)
    slack = SimulatedSlack()
    slack_runner, slack_port = await serve(slack.application())
    slack.base_url = f"http://127.0.0.1:{slack_port}"
    try:
        yield World(application[CLOUD], f"http://127.0.0.1:{cloud_port}", slack, folder)
    finally:
        await slack_runner.cleanup()
        await cloud_runner.cleanup()


def named(name: str) -> Scenario:
    """A scenario of the catalogue."""
    return SCENARIOS[name](1)


def stall(world: World, place: int = 0) -> str:
    """Lets a task stall while its traffic surges; its id. Those that upload often come first."""
    tasks = sorted(world.cloud.scenario.tasks(), key=lambda task: task.deliver_every)
    task = tasks[place]
    world.cloud.befall(task.task_id, Surge(FOREVER, factor=300))
    world.cloud.befall(task.task_id, Stall(FOREVER, catch_up=1))
    return task.task_id


@dataclass(slots=True)
class BotProcess:
    """The program, running."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    address: str = ""

    async def read_log(self) -> None:
        """Gathers its log until it ends."""
        stream = self.process.stderr
        assert stream is not None
        while line := await stream.readline():
            self.lines.append(line.decode())

    def logged(self, event: str) -> bool:
        """Whether a line with this phrase was written."""
        return any(f'"event":"{event}"' in line for line in self.lines)

    async def get(self, path: str) -> tuple[int, str]:
        """What one of its pages answers."""
        async with aiohttp.ClientSession() as session, session.get(self.address + path) as answer:
            return answer.status, await answer.text()

    async def ended(self, number: signal.Signals | None = None) -> int:
        """Waits until it has ended, after sending a signal if one is given; its exit code."""
        if number is not None and self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[BotProcess]:
    """The bot as a process of its own, listening; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "-c", str(world.config_file())),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **world.environ()},
        cwd=world.folder,
        limit=1024 * 1024,
    )
    bot = BotProcess(process)
    async with AsyncExitStack() as stack:
        reading = asyncio.create_task(bot.read_log())
        stack.push_async_callback(asyncio.wait, [reading])
        stack.push_async_callback(_killed, process)
        bot.address = await eventually(lambda: _address(bot))
        world.slack.command_url = f"{bot.address}/slack/commands"
        yield bot


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _address(bot: BotProcess) -> str:
    if bot.process.returncode is not None:
        raise AssertionError("the bot ended at its start:\n" + "".join(bot.lines))
    for line in bot.lines:
        if '"listening":"' in line:
            return line.split('"listening":"')[1].split('"')[0]
    return ""


async def eventually(look: Callable[[], str]) -> str:
    """Looks again and again until there is something; its value."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := look()):  # noqa: ASYNC110 - what is looked at lives elsewhere
            await asyncio.sleep(0.02)
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Waits until it holds."""
    await eventually(lambda: "yes" if condition() else "")
