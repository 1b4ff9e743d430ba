"""A critical look at valid configurations."""

from __future__ import annotations

import ast
import json
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain import policy
from bot.domain.checkup import CheckReport
from bot.domain.history import TaskHistory, fold
from bot.domain.model import Destination, TaskKey, TaskSample, topic_sample
from bot.ports import ListedTask, Snapshot
from bot.presenters.plain_check import as_json, render
from bot.settings import Source, parse, values
from bot.settings.checks import UNUSED, check_report
from tests.builders import START
from tests.configurations import ACCOUNTS, PROJECT, ROUTES, SLACK, settings

HTTP = "http: {host: 127.0.0.1}\n"
TASKS = """\
tasks:
  orders: {account: eu, connector_id: c1, task_id: t1, labels: {team: orders}}
  clicks: {account: eu, connector_id: c2, task_id: t2}
"""
SOCKET = 'slack: {bot_token: "${SLACK_BOT_TOKEN}", signing_secret: s}\n'


def report(
    more: str = TASKS,
    stored: Snapshot | None = None,
    *,
    routes: str = ROUTES,
    accounts: str = ACCOUNTS,
    slack: str = SOCKET,
) -> CheckReport:
    made = settings(HTTP + more, routes=routes, accounts=accounts, slack=slack)
    return check_report(made, stored)


def listed(name: str, *, connector: str = "c1", instance: str = "kafka-a") -> ListedTask:
    key = TaskKey("eu", connector, f"id-{name}")
    return ListedTask(key, name, "RUNNING", None, connector, f"id-{instance}", instance)


def window(key: TaskKey, seconds: int | None, topic: str = "orders") -> TaskHistory:
    """What is remembered of a task that delivers every so many seconds."""
    interval = None if seconds is None else timedelta(seconds=seconds)
    sample = TaskSample(
        key,
        START,
        "RUNNING",
        (topic_sample(topic, [(0, "RUNNING", 1, 1)]),),
        destination=Destination(deliver_interval=interval),
    )
    return fold(TaskHistory(), sample, interval=timedelta(seconds=60), stale_polls=3)


ORDERS, CLICKS = TaskKey("eu", "c1", "t1"), TaskKey("eu", "c2", "t2")


# --- what a task gets --------------------------------------------------------------------------


def test_each_task_is_shown_with_its_interval_and_deadlines() -> None:
    more = TASKS.replace("task_id: t2", "task_id: t2, interval: 5s")
    slow, fast = report(more).rows
    assert (slow.task.name, slow.task.interval) == ("orders", timedelta(seconds=60))
    assert slow.poll_deadline == timedelta(seconds=48)
    assert slow.request_deadline == timedelta(seconds=10)
    assert (fast.poll_deadline, fast.request_deadline) == (timedelta(seconds=4),) * 2


def test_a_timeout_of_the_account_is_the_deadline_of_a_request() -> None:
    accounts = "accounts: {eu: {region: eu-west-101, project_id: 1, timeout: 3s}}\n"
    assert report(accounts=accounts).rows[0].request_deadline == timedelta(seconds=3)


def test_discovered_tasks_are_those_last_stored() -> None:
    stored = Snapshot(discovered=(listed("orders"), listed("tmp-x")))
    made = report("discovery: [{account: eu, exclude: ['tmp-*']}]\n", stored)
    assert [row.task.name for row in made.rows] == ["orders"]


def test_the_rules_of_a_task_are_the_last_of_each_type_and_those_for_some_topics() -> None:
    made = report(
        TASKS
        + "rules:\n"
        + "  - {name: first, type: partition_lag, critical: 1}\n"
        + "  - {name: last, type: partition_lag, critical: 1}\n"
        + "  - {name: some, type: partition_lag, critical: 1, match: {topic: orders}}\n"
        + "  - {name: no-age, type: age, enabled: false}\n"
        + "  - {name: of-orders, type: task_lag, critical: 1, match: {task: orders}}\n"
    )
    names = [[rule.name for rule in row.rules] for row in made.rows]
    common = ["falling_behind", "offset_reset", "missing", "unreachable", "data_loss"]
    assert names == [
        ["status", "last", "some", "of-orders", *common],
        ["status", "last", "some", *common],
    ]


def test_the_routes_of_a_task_are_those_that_may_take_an_alert_of_it() -> None:
    routes = """\
routes:
  - {channel: C0STATUS, match: {rule: status}}
  - {channel: C0AUDIT, continue: true}
  - {channel: C0ORDERS, match: {labels: {team: orders}}}
  - {channel: C0DATA, continue: true}
"""
    made = report(routes=routes)
    channels = [[route.channel for route in row.routes] for row in made.rows]
    assert channels == [["C0STATUS", "C0AUDIT", "C0ORDERS"], ["C0STATUS", "C0AUDIT", "C0DATA"]]


# --- intervals and rates -----------------------------------------------------------------------


def test_nothing_is_said_of_a_sound_configuration() -> None:
    made = report(stored=Snapshot(windows={ORDERS: window(ORDERS, 300)}))
    weight = "store: 7d of samples of 1 partitions will weigh about 635 kB"
    assert (made.warnings, made.notes) == ((), (weight,))
    assert made.rows[0].delivery_interval == timedelta(seconds=300)


@pytest.mark.parametrize(("lags", "weight"), [(3, "696 kB"), (300, "9.7 MB"), (40_000, "1.2 GB")])
def test_what_the_store_will_weigh_is_said(lags: int, weight: str) -> None:
    known = window(ORDERS, 300)
    ((name, topic),) = known.topics.items()
    many = replace(topic, partitions=tuple(range(lags)))
    stored = Snapshot(windows={ORDERS: replace(known, topics={name: many})})
    assert any(weight in note for note in report(stored=stored).notes)


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        (60, "so readings meet the same point of each delivery; an interval of at most 30s"),
        (90, "so a delivery may pass unseen between two readings; an interval of at most 45s"),
        (
            119,
            "so a delivery may pass unseen between two readings; an interval of at most 59s500ms",
        ),
    ],
)
def test_an_interval_above_half_the_delivery_interval_is_a_warning(seconds: int, why: str) -> None:
    windows = {key: window(key, seconds) for key in (ORDERS, CLICKS)}
    (warning,) = report(stored=Snapshot(windows=windows)).warnings
    assert warning.startswith("orders, clicks: polled every 1m and delivered every ")
    assert why in warning


@pytest.mark.parametrize("seconds", [120, None])
def test_an_interval_of_half_the_delivery_interval_or_an_unknown_one_is_none(
    seconds: int | None,
) -> None:
    assert report(stored=Snapshot(windows={ORDERS: window(ORDERS, seconds)})).warnings == ()


def test_many_names_are_cut() -> None:
    names = [f"t{number}" for number in range(8)]
    tasks = "".join(f"  {n}: {{account: eu, connector_id: c1, task_id: {n}}}\n" for n in names)
    keys = [TaskKey("eu", "c1", name) for name in names]
    stored = Snapshot(windows={key: window(key, 60) for key in keys})
    (warning,) = report("tasks:\n" + tasks, stored).warnings
    assert warning.startswith("t0, t1, t2, t3, t4 and 3 more: polled every 1m")


def test_a_rate_that_cannot_hold_the_intervals_is_a_warning() -> None:
    accounts = (
        "accounts: {eu: {region: eu-west-101, project_id: 1, requests_per_second: 0.03},"
        " us: {region: eu-west-101, project_id: 2, requests_per_second: 0.05}}\n"
    )
    more = TASKS + "  other: {account: us, connector_id: c1, task_id: t1}\n"
    assert report(more, accounts=accounts).warnings == (
        (
            "accounts.eu: 2 tasks at their intervals need 0.0333 requests a second,"
            " and requests_per_second is 0.03: polls will come late"
        ),
    )


def test_a_timeout_that_never_runs_out_is_a_warning() -> None:
    accounts = "accounts: {eu: {region: eu-west-101, project_id: 1, timeout: 50s}}\n"
    assert report(accounts=accounts).warnings == (
        "accounts.eu.timeout: 50s is more than a poll may take (48s of 1m), which ends it earlier",
    )


def test_an_unknown_region_is_a_warning() -> None:
    accounts = "accounts: {eu: {region: eu-west-011, project_id: 1}}\n"
    assert report(accounts=accounts).warnings == (
        "accounts.eu: no known region is called eu-west-011, did you mean 'eu-west-101'?",
    )


# --- patterns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "warning"),
    [
        ("{task: ordrs}", ": task 'ordrs' matches nothing known, did you mean 'orders'?"),
        ("{task: ['o*', 'x*']}", ": task 'x*' matches nothing known"),
        ("{account: us}", ": account 'us' matches nothing known"),
        ("{connector_id: c3}", ": connector_id 'c3' matches nothing known"),
        ("{labels: {env: prod}}", ": no known task has the label 'env'"),
        ("{labels: {team: clicks}}", ": label team 'clicks' matches nothing known"),
        (
            "{labels: {team: ordres}}",
            ": label team 'ordres' matches nothing known, did you mean 'orders'?",
        ),
        ("{task: clicks, labels: {team: orders}}", ": matches none of the 2 known tasks"),
    ],
)
def test_a_rule_or_route_that_matches_nothing_is_a_warning(match: str, warning: str) -> None:
    rule = f"rules: [{{name: r, type: age, match: {match}}}]\n"
    assert report(TASKS + rule).warnings == (f"rules[0] (r){warning}",)
    routes = f"routes: [{{channel: C0X, match: {match}}}, {{channel: C0DATA}}]\n"
    assert report(routes=routes).warnings == (f"routes[0] (C0X){warning}",)


@pytest.mark.parametrize(
    "match", ["{}", "{task: '*'}", "{task: ['!tmp-*']}", "{account: 'e*'}", "{task: eu/orders}"]
)
def test_a_match_that_fits_something_is_no_warning(match: str) -> None:
    assert report(TASKS + f"rules: [{{name: r, type: age, match: {match}}}]\n").warnings == ()


def test_a_route_for_a_rule_that_there_is_not_is_a_warning() -> None:
    routes = "routes: [{channel: C0X, match: {rule: [lags, 'ag*']}}, {channel: C0DATA}]\n"
    rule = "rules: [{name: lag, type: task_lag, critical: 1}]\n"
    assert report(TASKS + rule, routes=routes).warnings == (
        "routes[0] (C0X): rule 'lags' matches nothing known, did you mean 'lag'?",
    )


def test_a_topic_is_judged_once_every_task_was_read() -> None:
    more = TASKS + "rules: [{name: r, type: age, match: {topic: [orders, odrers]}}]\n"
    said = "rules[0] (r): topic 'odrers' matches nothing known, did you mean 'orders'?"
    windows = {ORDERS: window(ORDERS, 300)}
    some = report(more, Snapshot(windows=windows))
    assert (some.warnings, said in some.not_judged) == ((), True)
    every = report(more, Snapshot(windows={**windows, CLICKS: window(CLICKS, 300)}))
    assert (every.warnings, said in every.not_judged) == ((said,), False)


def test_label_entries_are_looked_at_without_their_labels() -> None:
    entries = (
        "labels: [{match: {labels: {team: orders}}, set: {team: x}},"
        " {match: {task: ordrs}, set: {a: b}}]\n"
    )
    assert report(TASKS + entries).warnings == (
        "labels[1]: task 'ordrs' matches nothing known, did you mean 'orders'?",
    )


def test_patterns_of_discovery_are_looked_at() -> None:
    discovery = """\
discovery:
  - {account: eu, instances: [kafka-a, id-kafka-a, kafka-b], include: ['ord*', 'x*'], exclude: [y]}
  - {account: eu, connectors: [c1, c9]}
"""
    stored = Snapshot(discovered=(listed("orders"),))
    assert report(discovery, stored).warnings == (
        "discovery[0]: instance 'kafka-b' matches nothing known, did you mean 'kafka-a'?",
        "discovery[0]: include 'x*' matches nothing known",
        "discovery[1]: connector 'c9' matches nothing known",
    )


def test_while_nothing_was_discovered_patterns_are_not_judged() -> None:
    more = "rules: [{name: r, type: age, match: {task: ordrs}}]\n"
    made = report(more)
    assert made.warnings == ()
    assert "rules[0] (r): task 'ordrs' matches nothing known" in made.not_judged
    assert (
        "tasks that discovery finds: none are stored yet, they are known once the bot has run"
        in made.not_judged
    )


# --- routes, page, notes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "warning"),
    [
        (
            "[{channel: C0A}, {channel: C0B}]",
            "routes[0] (C0A): takes everything, the route behind it is never asked",
        ),
        (
            "[{channel: C0A, match: {}}, {channel: C0B}, {channel: C0C}]",
            "routes[0] (C0A): takes everything, the routes behind it are never asked",
        ),
    ],
)
def test_a_route_that_is_never_asked_is_a_warning(routes: str, warning: str) -> None:
    assert report(routes=f"routes: {routes}\n").warnings == (warning,)


@pytest.mark.parametrize(
    ("http", "open_to_all"),
    [
        ("http: {port: 80}", True),
        ("http: {host: '::'}", True),
        ("http: {token: t}", False),
        ("http: {admin_port: 81}", False),
        ("http: {host: localhost}", False),
    ],
)
def test_a_page_that_nobody_guards_is_a_warning(http: str, open_to_all: bool) -> None:
    warnings = check_report(settings(f"{http}\n{TASKS}")).warnings
    assert [one.partition(" reaches")[0] for one in warnings] == (
        ["http: the page and /api are open to everybody who"] if open_to_all else []
    )


def test_what_a_min_severity_silences_is_noted() -> None:
    routes = """\
routes:
  - {channel: C0A, match: {labels: {team: orders}}, min_severity: critical}
  - {channel: C0D, match: {severity: critical}, min_severity: critical}
  - {channel: C0B, min_severity: warning, continue: true}
  - {channel: C0C}
"""
    assert report(routes=routes).notes == (
        (
            "routes[0] (C0A): of what it matches info or warning is told nowhere,"
            " no later route is asked"
        ),
    )


def test_alerts_without_commands_are_noted() -> None:
    (note,) = report(slack=SLACK).notes
    assert note.startswith("slack: neither app_token nor signing_secret is given")


# --- not judged --------------------------------------------------------------------------------


def test_missing_secrets_are_named() -> None:
    text = ACCOUNTS + ROUTES + SLACK + HTTP + TASKS
    made = check_report(parse(Source(text, "f", {}, require_secrets=False)))
    assert made.not_judged[0] == (
        "slack.bot_token: the environment variable SLACK_BOT_TOKEN is not set"
    )


# --- the report as text and as values ----------------------------------------------------------

GOLDEN = Path(__file__).parents[1] / "data/config"
EVERYTHING = (
    TASKS
    + """\
rules:
  - {name: lag, type: partition_lag, warning: 100k, critical: 1M, for: 5m}
  - {name: lag-of-task, type: task_lag, critical: 20M, view: instant, for: 2x}
  - {name: lag-of-topic, type: topic_lag, warning: 5}
  - {name: steady, type: status, for: 1m}
  - {name: gone, type: missing, severity: info}
  - {name: tests, type: age, match: {task: ordrs}}
"""
)
EVERY_ROUTE = """\
routes:
  - {channel: C0ORDERS, match: {rule: lag*, severity: critical}, min_severity: critical}
  - {channel: C0DATA}
"""


def everything() -> CheckReport:
    more = EVERYTHING.replace("task_id: t2", "task_id: t2, interval: 1500ms")
    stored = Snapshot(windows={ORDERS: window(ORDERS, 300)})
    return report(more, stored, routes=EVERY_ROUTE)


def test_the_report_reads_well() -> None:
    assert render(everything()) == (GOLDEN / "check.txt").read_text("utf-8")


def test_a_report_without_tasks_and_warnings_reads_well() -> None:
    assert render(CheckReport(())) == (
        "The configuration is valid, 0 tasks known\n\nNo warnings.\n"
    )


def test_the_report_is_json() -> None:
    expected = json.loads((GOLDEN / "check.json").read_text("utf-8"))
    assert json.loads(json.dumps(as_json(everything()))) == expected


def test_keys_that_nothing_comes_of_are_named_and_others_are_not() -> None:
    unused = """
alerts: {storm_tasks: 9, storm_window: 5m, reopen_within: 1h, ack_expires: 2h, edit_every: 2m}
heartbeat: {url: "https://example.com/ping"}
http: {public_url: "https://bot.example.com", host: 127.0.0.1}
"""
    slack = (
        'slack: {bot_token: "${SLACK_BOT_TOKEN}", app_token: "xapp-1-A-2-b", timezone: Asia/Tokyo, '
        "fallback_channel: C0LAST, operators: {users: [U0ONCALL]}}\n"
    )
    notes = check_report(settings(unused, slack=slack)).notes
    expected = {f"{section}.{key}" for section, keys in UNUSED.items() for key in keys}
    named = {note.split(":")[0] for note in notes if "this version" in note}
    assert named == expected | {"slack.app_token"}
    assert not [note for note in check_report(settings()).notes if "this version" in note]


READ_BY_THE_SETTINGS = {"region", "console_url"}
NAMED_OTHERWISE = {"app_token"}
"""With a sentence of their own, or inside a key that is named."""


def test_every_key_that_no_part_of_the_bot_reads_is_in_the_table() -> None:
    root = Path(values.__file__).parents[1]
    rooms = ("adapters", "app", "cli", "domain", "presenters", "services")
    files = (file for room in rooms for file in (root / room).rglob("*.py"))
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    kept = {
        field.name
        for module in (values, policy)
        for each in vars(module).values()
        if isinstance(each, type) and is_dataclass(each) and each.__module__ == module.__name__
        for field in fields(each)
    }
    table = {key for keys in UNUSED.values() for key in keys}
    assert kept - read == table | READ_BY_THE_SETTINGS | NAMED_OTHERWISE


def test_a_store_that_cannot_be_read_is_not_called_empty() -> None:
    made = settings("discovery: [{account: eu}]\n")
    report = check_report(made, None, unreadable="bot.db is a directory")
    assert "what the store knows: bot.db is a directory" in report.not_judged
    assert not any("none are stored yet" in line for line in report.not_judged)


@pytest.mark.parametrize("endpoint", ["https://dms.example.com", "https://DMS.example.com:443/"])
def test_two_accounts_for_one_project_are_warned_of(endpoint: str) -> None:
    place = f'endpoint: "{endpoint}", project_id: {PROJECT}'
    other = f'endpoint: "https://dms.example.com", project_id: {PROJECT}'
    twins = f"accounts: {{us: {{{place}}}, eu: {{{other}}}}}\n"
    warnings = check_report(settings(accounts=twins)).warnings
    assert [w for w in warnings if w.startswith("accounts us and eu: the same endpoint")]
    assert not [w for w in check_report(settings()).warnings if "same endpoint" in w]
