"""Globs, lists of them, and what a match speaks of."""

from __future__ import annotations

import pytest

from bot.domain.matching import Match, Patterns, glob_hits
from bot.domain.model import Severity, TaskKey, WatchedTask
from tests.builders import a_key, a_task


@pytest.mark.parametrize(
    ("glob", "text", "hits"),
    [
        ("orders", "orders", True),
        ("orders", "orders-eu", False),
        ("orders*", "orders-eu", True),
        ("*", "", True),
        ("o?ders", "orders", True),
        ("o?ders", "oders", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("Orders", "orders", False),
        ("a.b", "axb", False),
        ("or*", "or\nders", True),
        ("(x|y)+", "(x|y)+", True),
    ],
)
def test_a_glob_is_matched_whole_and_with_case(*, glob: str, text: str, hits: bool) -> None:
    assert glob_hits(glob, text) is hits


@pytest.mark.parametrize(
    ("globs", "names", "hits"),
    [
        ((), ("anything",), True),
        (("a*", "b*"), ("beta",), True),
        (("a*", "b*"), ("gamma",), False),
        (("!a*",), ("alpha",), False),
        (("!a*",), ("beta",), True),
        (("b*", "!beta"), ("beta",), False),
        (("b*", "!beta"), ("bravo",), True),
        (("!a*", "!b*"), ("gamma",), True),
        (("prod/*",), ("orders", "prod/orders"), True),
        (("!prod/*",), ("orders", "prod/orders"), False),
        (("orders",), (), False),
    ],
)
def test_a_list_hits_by_any_glob_unless_a_negated_one_hits(
    *, globs: tuple[str, ...], names: tuple[str, ...], hits: bool
) -> None:
    assert Patterns(globs).hit(*names) is hits


TASK = WatchedTask(
    key=TaskKey("prod", "connector-1", "id-1"),
    name="prod/orders",
    task_name="orders",
    labels={"team": "orders", "env": "live"},
)


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        (Match(), True),
        (Match(task=Patterns(("orders",))), True),
        (Match(task=Patterns(("prod/orders",))), True),
        (Match(task=Patterns(("prod/*",))), True),
        (Match(task=Patterns(("returns",))), False),
        (Match(task=Patterns(("!orders",))), False),
        (Match(account=Patterns(("prod",))), True),
        (Match(account=Patterns(("p*", "!prod"))), False),
        (Match(connector_id=Patterns(("connector-1",))), True),
        (Match(connector_id=Patterns(("connector-2",))), False),
        (Match(labels={"team": Patterns(("orders",))}), True),
        (Match(labels={"team": Patterns(("o*",)), "env": Patterns(("test",))}), False),
        (Match(labels={"region": Patterns(("*",))}), False),
        (Match(account=Patterns(("prod",)), task=Patterns(("returns",))), False),
        (Match(topic=Patterns(("x",)), rule=Patterns(("y",)), severity=Patterns(("z",))), True),
    ],
)
def test_the_keys_of_a_match_about_the_task_must_all_hit(*, match: Match, hits: bool) -> None:
    assert match.hits_task(TASK) is hits


def test_a_configured_name_is_tried_beside_the_clouds_own() -> None:
    task = WatchedTask(key=a_key(), name="my-orders", task_name="orders")
    for glob in ("my-orders", "orders", "prod/orders"):
        assert Match(task=Patterns((glob,))).hits_task(task)
    assert not Match(task=Patterns(("my-orders",))).hits_task(a_task())


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        (Match(), True),
        (Match(account=Patterns(("prod",))), True),
        (Match(account=Patterns(("!prod",))), False),
        (Match(severity=Patterns(("critical",)), rule=Patterns(("x",))), True),
        (Match(task=Patterns(("*",))), False),
        (Match(connector_id=Patterns(("*",))), False),
        (Match(labels={"team": Patterns(("*",))}), False),
        (Match(topic=Patterns(("*",))), False),
    ],
)
def test_only_a_match_by_account_speaks_of_an_account(*, match: Match, hits: bool) -> None:
    assert match.hits_account(TaskKey("prod")) is hits


@pytest.mark.parametrize(
    ("rule", "severity", "hits"),
    [
        ((), (), True),
        (("lag-orders",), (), True),
        (("partition_lag",), ("critical", "warning"), True),
        (("partition_lag",), ("critical",), False),
        (("status",), (), False),
        (("!lag-*",), (), False),
    ],
)
def test_an_alert_is_matched_by_rule_name_or_type_and_by_severity(
    *, rule: tuple[str, ...], severity: tuple[str, ...], hits: bool
) -> None:
    match = Match(rule=Patterns(rule), severity=Patterns(severity))
    assert (
        match.hits_alert(rule="lag-orders", rule_type="partition_lag", severity=Severity.WARNING)
        is hits
    )
