"""`ask`: /dumptask texts from a terminal, over a real store that a bot may hold open."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import Store, open_store
from bot.cli.main import main
from bot.domain.alerts import EventKind
from bot.ports import HappenedFilter
from tests.builders import an_incident, an_opening
from tests.contract.test_backtest import FILE, KEY, samples

pytestmark = pytest.mark.usefixtures("held")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with one task."""
    return written(tmp_path / "bot.yaml", tmp_path / "dumptask.db")


def written(file: Path, store: Path) -> Path:
    """A configuration over a store."""
    file.write_text(f"{FILE}store: {{path: {store}}}\n", encoding="utf-8")
    return file


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Store]:
    """Its store, held by a bot that runs, with an open incident and its card."""
    incident = an_incident(datetime.now(UTC) - timedelta(minutes=5), key=KEY)
    async with open_store(StoreConfig(path=tmp_path / "dumptask.db"), owner="bot") as made:
        await made.append_samples(samples())
        await made.commit(an_opening(incident))
        yield made


async def ask(
    capsys: pytest.CaptureFixture[str], config: Path, *words: str
) -> tuple[int, str, str]:
    """The exit code and what was printed."""
    code = await asyncio.to_thread(main, ["ask", "-c", str(config), *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


async def test_questions_are_answered_from_the_store(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = await ask(capsys, config, "list")
    assert (code, err) == (0, "")
    assert "orders" in out
    assert "critical" in out or "warning" in out
    code, out, _ = await ask(capsys, config, "status", "orders")
    assert code == 0
    assert "RUNNING" in out
    assert (await ask(capsys, config))[0] == 0


async def test_an_act_beside_the_bot_is_written_with_who_did_it(
    held: Store, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = await ask(capsys, config, "ack", "orders", "on", "it")
    assert (code, err) == (0, "")
    assert "Acknowledged: orders" in out
    beginning = datetime.now(UTC) - timedelta(hours=1)
    happened = await held.happened(HappenedFilter(beginning, by=getpass.getuser()))
    assert [(e.kind, e.note) for e in happened] == [(EventKind.ACKNOWLEDGED, "on it")]
    code, out, _ = await ask(capsys, config, "silence orders 2h deploy")
    assert code == 0
    (silence,) = await held.silences(datetime.now(UTC))
    assert (silence.by, silence.reason) == (getpass.getuser(), "deploy")
    assert (await ask(capsys, config, "unsilence", silence.id))[0] == 0
    assert await held.silences(datetime.now(UTC)) == []


async def test_machines_get_the_same_words_as_json(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = await ask(capsys, config, "--json", "lag orders")
    found = json.loads(out)
    assert code == 0
    assert "orders" in found["title"]
    assert found["refused"] is False
    tables = [part for part in found["parts"] if "rows" in part]
    assert tables[0]["rows"][0]["partition"] == "0"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("silence orders", "A silence needs an end"),
        ("status ordres", "No task is called ordres"),
        ("unsilence s-ZZZZ", "No silence"),
    ],
)
async def test_what_is_not_done_is_exit_2(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    code, out, _ = await ask(capsys, config, text)
    assert code == 2
    assert words in out


@pytest.mark.parametrize(
    ("text", "words"), [("health", "a bot that runs"), ("refresh orders", "dumptask-bot query")]
)
async def test_what_only_a_running_bot_can_do_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    code, out, err = await ask(capsys, config, text)
    assert code == 2
    assert words in out + err


async def test_a_store_that_is_not_there_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = written(tmp_path / "other.yaml", tmp_path / "other.db")
    for words in ("list", "ack orders"):
        code, out, err = await ask(capsys, other, words)
        assert (code, out) == (3, "")
        assert "does not exist; it is made when the bot first runs" in err
        assert not (tmp_path / "other.db").exists()
