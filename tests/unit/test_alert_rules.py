"""The Prometheus rules in config/ speak of metrics and labels that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

import pytest
import yaml

_ROOT = Path(__file__).parent.parent
_RULES = _ROOT.parent / "config" / "alerts.yaml"
_METRICS = _ROOT / "data" / "metrics.json"
_SELECTOR = re.compile(r"\b(dumptask_\w+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


class Rule(TypedDict, total=False):
    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


def rules() -> list[Rule]:
    groups = yaml.safe_load(_RULES.read_text(encoding="utf-8"))["groups"]
    return [cast("Rule", rule) for group in groups for rule in group["rules"]]


def labels_of() -> dict[str, set[str]]:
    """Each series name that can stand in an expression, with its labels."""
    metrics = json.loads(_METRICS.read_text(encoding="utf-8"))["metrics"]
    known: dict[str, set[str]] = {}
    for name, promise in metrics.items():
        known[name] = set(promise["labels"])
        if promise["type"] == "histogram":
            known |= {f"{name}_sum": set(), f"{name}_count": set(), f"{name}_bucket": {"le"}}
            del known[name]
    return known


def selectors(rule: Rule) -> Iterator[tuple[str, set[str]]]:
    """The series an expression selects, each with the labels it asks for."""
    for name, matchers in _SELECTOR.findall(rule["expr"]):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def carried(rule: Rule) -> set[str]:
    """The labels that the result of an expression carries."""
    grouped = _GROUPED.findall(rule["expr"])
    if grouped:
        return set.union(*({word.strip() for word in labels.split(",")} for labels in grouped))
    return set.union(*(labels_of()[name] for name, _ in selectors(rule)))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_expression_selects_series_that_exist_by_labels_they_have(rule: Rule) -> None:
    found = list(selectors(rule))

    assert found
    for name, labels in found:
        assert name in labels_of()
        assert labels <= labels_of()[name]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_grouping_is_by_labels_of_what_is_grouped(rule: Rule) -> None:
    available = set.union(*(labels_of()[name] for name, _ in selectors(rule)))

    for labels in _GROUPED.findall(rule["expr"]):
        assert {word.strip() for word in labels.split(",")} <= available


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_the_texts_speak_of_labels_that_the_result_carries(rule: Rule) -> None:
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= carried(rule)
        assert text.count("{{") == text.count("}}")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_how_bad_it_is_and_what_to_do(rule: Rule) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_a_rule_waits_a_time_that_prometheus_can_read() -> None:
    for rule in rules():
        wait = cast("dict[str, str]", rule).get("for", "0s")
        assert re.fullmatch(r"\d+[smhd]", wait)


def test_names_of_rules_differ() -> None:
    names = [rule["alert"] for rule in rules()]

    assert sorted(names) == sorted(set(names))


def test_incidents_and_the_bot_itself_are_both_watched() -> None:
    watched = {name for rule in rules() for name, _ in selectors(rule)}

    assert watched >= {
        "dumptask_incidents_open",
        "dumptask_build_info",
        "dumptask_poll_lateness_seconds_bucket",
        "dumptask_outbox_oldest_seconds",
        "dumptask_task_reading_age_seconds",
        "dumptask_config_reload_success",
    }
