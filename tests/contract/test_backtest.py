"""`export` and `backtest` over a real store: what was seen, replayed through another file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.store.config import StoreConfig
from bot.adapters.store.store import open_store
from bot.cli.main import main
from bot.cli.samplefile import read_file
from bot.domain.model import TaskKey, TaskSample
from bot.domain.policy import RuleType
from tests.builders import a_sample_of, a_topic, an_incident, an_opening
from tests.configurations import PROJECT

KEY = TaskKey("eu", "c1", "t1")
FILE = f"""
accounts: {{eu: {{endpoint: "http://127.0.0.1:1", project_id: {PROJECT},
  auth: {{type: aksk, access_key: "${{AK}}", secret_key: "${{SK}}"}}}}}}
tasks: {{orders: {{account: eu, connector_id: c1, task_id: t1}}}}
routes: [{{channel: C0DATA}}]
slack: {{bot_token: "${{TOKEN}}"}}
http: {{host: 127.0.0.1}}
"""
UNEVEN = (
    '{"kind": "sample", "account": "a", "connector_id": "c", "task_id": "t",'
    ' "at": "2026-01-01T00:00:00Z", "topics": [{"topic": "x", "partitions": [0],'
    ' "statuses": [], "last_transferred_offsets": [1], "log_end_offsets": [1]}]}'
)
STRICT = "rules: [{name: strict, type: age, warning: 2m, critical: 2x}]\n"


def samples() -> list[TaskSample]:
    """Two hours until lately: a healthy hour, a stop of half an hour, and health again."""
    begin = datetime.now(UTC) - timedelta(hours=2, minutes=5)
    taken: list[TaskSample] = []
    position = 0
    for second in range(0, 7_200, 60):
        if second % 300 == 0 and not 3_600 <= second < 5_400:
            position = second * 10
        topic = a_topic(lags=(second * 10 - position,), transferred=position)
        taken.append(a_sample_of(topic, when=begin + timedelta(seconds=second), key=KEY))
    return taken


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """A configuration whose store has these samples, and an incident that really was."""
    taken = samples()
    store = StoreConfig(path=tmp_path / "dumptask.db")
    opened = taken[80].at
    incident = replace(
        an_incident(opened, key=KEY),
        type=RuleType.AGE,
        resolved_at=opened + timedelta(minutes=10),
    )
    async with open_store(store, owner="bot") as made:
        await made.append_samples(taken)
        await made.commit(an_opening(incident))
    file = tmp_path / "bot.yaml"
    file.write_text(FILE + f"store: {{path: {tmp_path / 'dumptask.db'}}}\n", encoding="utf-8")
    return file


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main(list(map(str, words)))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_backtest_tells_what_would_have_opened_and_whether_it_really_did(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ran(capsys, "backtest", "-c", config, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["tasks"], found["samples"]) == (1, 120)
    (opening,) = found["openings"]
    assert (opening["task"], opening["rule"], opening["severity"]) == ("orders", "age", "critical")
    assert opening["really"] is True
    assert 15 * 60 < opening["lasted_seconds"] < 25 * 60
    assert found["only_really"] == []


def test_another_file_is_tried_on_the_same_past(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text("utf-8") + STRICT, encoding="utf-8")
    code, out, _ = ran(capsys, "backtest", "-c", config)
    assert code == 0
    assert "120 samples of 1 task over 1 h 59 min" in out
    rows = [line.split() for line in out.splitlines() if line.strip().startswith("strict")]
    (openings,) = {int(row[2]) for row in rows if row[1] == "age"}
    assert openings == 1  # A level below the sawtooth never clears for a whole delivery.
    assert "unreachable is not replayed" in out


def test_what_would_be_told_no_more_is_named(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    off = "rules: [{name: off, type: age, enabled: false}]\n"
    config.write_text(config.read_text("utf-8") + off, encoding="utf-8")
    code, out, _ = ran(capsys, "backtest", "-c", config)
    assert code == 0
    assert "Backtest: 0 openings" in out
    assert "Really told, and by this file not" in out


def test_an_export_is_a_file_that_backtests_alike(
    config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = ran(capsys, "export", "-c", config, "--task", "orders", "--since", "1d")
    assert (code, err) == (0, "")
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert (kinds.count("sample"), kinds.count("incident")) == (120, 1)
    file = tmp_path / "samples.jsonl"
    file.write_text(out, encoding="utf-8")
    assert {name for name, _ in read_file(file).samples} == {"orders"}
    whole = json.loads(ran(capsys, "backtest", "-c", config, "--json")[1])
    again = json.loads(ran(capsys, "backtest", "-c", config, "--samples", file, "--json")[1])
    assert [one["opened_at"] for one in again["openings"]] == [
        one["opened_at"] for one in whole["openings"]
    ]
    assert again["openings"] == whole["openings"]
    assert again["openings"][0]["really"] is True


def test_an_export_carries_labels_and_what_could_not_be_read(
    config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config.write_text(
        config.read_text("utf-8").replace("task_id: t1}", "task_id: t1, labels: {team: shop}}"),
        encoding="utf-8",
    )
    first, *rest = ran(capsys, "export", "-c", config)[1].splitlines()
    assert json.loads(first)["labels"] == {"team": "shop"}
    lines = [first, *(line.replace('"unreadable": 0', '"unreadable": 3') for line in rest)]
    file = tmp_path / "samples.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    contents = read_file(file)
    assert not contents.samples[0][1].complete
    other = tmp_path / "other.yaml"
    rules = "rules: [{name: shop, type: age, match: {labels: {team: shop}}, warning: 2m}]\n"
    text = config.read_text("utf-8").replace("tasks: {orders", "x-tasks: {orders")
    other.write_text(text + rules, encoding="utf-8")
    found = json.loads(ran(capsys, "backtest", "-c", other, "--samples", file, "--json")[1])
    assert {one["rule"] for one in found["openings"]} == {"shop"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "samples.jsonl:1: no JSON"),
        (["[]"], 'samples.jsonl:1: no "kind"'),
        (['{"kind": "sample"}'], "samples.jsonl:1: account: field required"),
        (['{"kind": "task"}'], "samples.jsonl:1: account: field required"),
        (['{"kind": "incident"}'], "samples.jsonl:1: account: field required"),
        (["[" * 100_000], "samples.jsonl:1: no line of an export"),
        ([f'{{"kind": {"9" * 5_000}}}'], "samples.jsonl:1: no line of an export"),
        ([UNEVEN.replace("topics", 'deliver_interval_seconds": 1e300, "x')], "less than or equal"),
        (["", '{"kind": "other"}'], "samples.jsonl holds no samples; lines as export"),
        (['{"kind": "other"}', "x"], "samples.jsonl:2: no JSON"),
        (
            [UNEVEN],
            "samples.jsonl:1: the columns of a topic differ in length",
        ),
    ],
)
def test_a_file_that_is_none_is_one_line_and_exit_2(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    lines: Sequence[str],
    words: str,
) -> None:
    file = config.parent / "samples.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    code, out, err = ran(capsys, "backtest", "-c", config, "--samples", file)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["export", "--task", "ordrs"], 2, "did you mean orders?"),
        (["export", "--since", "yesterday"], 2, "--since: found 'yesterday'"),
        (
            ["export", "--since", "9999999d"],
            2,
            "'9999999d', a duration of at most 36500d would be right\n",
        ),
        (["backtest", "--samples", "nowhere.jsonl"], 2, "nowhere.jsonl cannot be read"),
        (["backtest", "--since", "1ms"], 0, "No samples are stored for this time"),
    ],
)
def test_what_cannot_be_done_says_why(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    says: str,
) -> None:
    command, *rest = words
    done, out, err = ran(capsys, command, "-c", config, *rest)
    assert done == code
    assert says in out + err


def test_check_learns_normal_peaks_from_what_is_stored(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = "rules: [{name: low, type: partition_lag, warning: 1k, view: instant}]\n"
    config.write_text(config.read_text("utf-8") + low, encoding="utf-8")
    code, out, _ = ran(capsys, "check", "-c", config, "--no-secrets")
    assert code == 0
    assert "low: the level of 1,000 lies below the normal peak of orders" in out
    assert "times a day" in out
    assert "that needs stored readings" not in out
