"""Broken configurations, and exactly what is said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ports import ConfigError
from bot.settings import Source, load, parse

BASE = """\
accounts: {eu: {region: eu-west-101, project_id: 0123456789abcdef0123456789abcdef}}
routes: [{channel: C0DATA}]
slack: {bot_token: "${SLACK_BOT_TOKEN}"}
"""
ENVIRON = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "HUAWEICLOUD_SDK_AK": "AKEXAMPLE",
    "HUAWEICLOUD_SDK_SK": "SKEXAMPLE",
    "HIDDEN": "s3cr3t",
}
DEMO = (Path(__file__).parents[2] / "config/demo.yaml").read_text("utf-8")
LETTERS = " :[]{}\n\t-#&*!|>'\"%@,x0$~é"
CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data/config/broken.yaml").read_text("utf-8")
)


def faults(text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What is said of a configuration called bot.yaml, without that name."""
    with pytest.raises(ConfigError) as caught:
        parse(Source(text, "bot.yaml", ENVIRON if environ is None else environ))
    return [problem.removeprefix("bot.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
def test_a_broken_configuration_is_told_exactly_what_is_wrong(case: dict[str, Any]) -> None:
    text = case["whole"] if "whole" in case else BASE + case["add"]
    assert faults(text, case.get("environ")) == case["says"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
def test_no_message_holds_a_secret_or_a_second_line(case: dict[str, Any]) -> None:
    text = case["whole"] if "whole" in case else BASE + case["add"]
    said = faults(text, case.get("environ"))
    assert not any("\n" in line or "s3cr3t" in line or "hidden" in line for line in said)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_told_what_is_wrong(data: st.DataObject) -> None:
    letters = list(DEMO)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(letters)))
        cut = data.draw(st.integers(0, 12))
        letters[start : start + cut] = data.draw(st.text(LETTERS, max_size=3))
    try:
        parse(Source("".join(letters), "f", {}, require_secrets=False))
    except ConfigError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(line.isprintable() for line in problems)


def test_a_file_that_is_not_there_is_said_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "bot.yaml", {})
    reason = "cannot be read: No such file or directory; a readable file would be right"
    assert caught.value.problems == (f"{tmp_path / 'bot.yaml'}: {reason}",)


def test_a_file_that_is_not_utf_8_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_bytes(b"log: {level: info}\nhttp: {host: \xff}\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert caught.value.problems == (f"{file}:2: not UTF-8 text; UTF-8 would be right",)


def test_aliases_that_multiply_without_end_are_refused() -> None:
    text = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        text += f"x-{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    assert faults(f"{text}log: *a8\n") == ["1: nested too deeply, or aliases without end"]


def test_a_file_nested_without_end_is_refused() -> None:
    assert faults("[" * 100_000) == ["1: nested too deeply, or aliases without end"]
