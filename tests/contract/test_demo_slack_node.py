"""The official JavaScript clients against the simulator.

They send every call as a form and check signatures with code of their own. Node.js runs the scripts
in `node/`; their two packages are installed there on first use (the folder is ignored by git).
"""

import asyncio
import fcntl
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bot.demo.slack import Fault, FaultKind
from bot.demo.slack.signing import signature
from tests.contract.slack_world import TOKEN, running

pytestmark = pytest.mark.node

_NODE = Path(__file__).parent / "node"
_SAMPLES = Path(__file__).parent.parent / "data" / "slack-signatures.json"
_INSTALL = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
_RUN_WITHIN_S = 60


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Node.js with the packages in place; one test process installs, others wait for it."""
    executable = shutil.which("node")
    if executable is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js with npm")
    lock = tmp_path_factory.getbasetemp().parent / "npm-install.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (_NODE / "node_modules" / "@slack" / "bolt").is_dir():
            done = subprocess.run(
                _INSTALL, cwd=_NODE, capture_output=True, timeout=300, check=False
            )
            if done.returncode != 0:
                pytest.skip("npm could not install the packages of tests/contract/node")
    return executable


async def output(node: str, script: str, *arguments: str, given: str = "") -> object:
    """What the script printed, as JSON."""
    process = await asyncio.create_subprocess_exec(
        node,
        script,
        *arguments,
        cwd=_NODE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_RUN_WITHIN_S):
        told, complaints = await process.communicate(given.encode())
    assert process.returncode == 0, complaints.decode()
    value: object = json.loads(told)
    return value


async def test_the_web_client_posts_edits_threads_and_is_refused_as_by_slack(node: str) -> None:
    async with running() as world:
        for method in ("usergroups.list", "users.info"):
            world.slack.faults.add(Fault(FaultKind.RATE_LIMITED, method))
        seen = await output(node, "web-api.js", f"{world.base_url}/api/", TOKEN)

    assert isinstance(seen, dict)
    root, reply = seen["root"], seen["reply"]
    assert seen["user"] == "U0DUMPTASK"
    assert "chat:write" in seen["scopes"]
    assert seen["thread"] == [[root, "root, edited"], [reply, "reply"]]
    assert seen["names"] == ["alerts", "elsewhere", "archived", "small"]
    refused = seen["refused"]
    assert refused["archived"]["error"] == "is_archived"
    assert refused["nothing"]["error"] == "no_text"
    assert refused["header"] == {
        "code": "slack_webapi_platform_error",
        "error": "invalid_blocks",
        "errors": ["must be less than 151 characters [json-pointer:/blocks/0/text/text]"],
    }
    assert refused["token"]["error"] == "invalid_auth"
    assert refused["limited"]["code"] == "slack_webapi_rate_limited_error"
    assert seen["afterLimit"] == "Asia/Shanghai"
    assert world.slack.calls["users.info"] == 2
    assert len(world.slack.messages("C1")[0].versions) == 2
    assert world.slack.messages("C1")[0].reactions == {"eyes": ["U0DUMPTASK"]}


async def test_the_javascript_check_of_signatures_agrees_with_ours(node: str) -> None:
    samples = json.loads(_SAMPLES.read_text(encoding="utf-8"))["vectors"]
    now_s = int(time.time())
    fresh = {
        "signing_secret": "another-secret",
        "timestamp_s": now_s,
        "body": "payload=%7B%7D",
        "signature": signature("another-secret", now_s, b"payload=%7B%7D"),
    }
    asked = [{**sample, "now_s": sample["timestamp_s"] + 300} for sample in [*samples, fresh]]
    late = {**fresh, "now_s": now_s + 301}
    forged = {**fresh, "now_s": now_s, "body": "payload=%7B%22a%22%7D"}

    verdicts = await output(node, "verify.js", given=json.dumps([*asked, late, forged]))
    assert isinstance(verdicts, list)
    assert verdicts[:-2] == [None] * len(asked)
    assert all("Failed to verify authenticity" in verdict for verdict in verdicts[-2:])
