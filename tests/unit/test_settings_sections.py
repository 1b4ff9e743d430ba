"""What each section of a valid configuration means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.discovery import DiscoveryEntry
from bot.domain.matching import Match, Patterns
from bot.domain.model import Severity
from bot.domain.names import LabelEntry
from bot.domain.policy import (
    AlertPolicy,
    PollPolicy,
    Route,
)
from bot.ports import ConfigError
from bot.settings import (
    AkSkAuth,
    HeartbeatSettings,
    HttpSettings,
    LogSettings,
    MetadataAuth,
    Operators,
    PasswordAuth,
    Secret,
    SlackMode,
    SlackSettings,
    StoreSettings,
    TokenAuth,
)
from tests.configurations import account, settings

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

# --- accounts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("cn-north-4", "myhuaweicloud.com"),
        ("ap-southeast-1", "myhuaweicloud.com"),
        ("xx-new-9", "myhuaweicloud.com"),
        ("eu-west-101", "myhuaweicloud.eu"),
        ("eu-de", "otc.t-systems.com"),
        ("eu-nl", "otc.t-systems.com"),
        ("eu-west-0", "prod-cloud-ocb.orange-business.com"),
    ],
)
def test_a_region_gives_both_endpoints(region: str, domain: str) -> None:
    made = account(f"region: {region}")
    assert made.endpoint == f"https://dms.{region}.{domain}"
    assert made.iam_endpoint == f"https://iam.{region}.{domain}"


def test_endpoints_that_are_given_stand_above_the_region() -> None:
    made = account(
        "region: eu-west-101, endpoint: 'https://dms.x.example:8443/',"
        " iam_endpoint: 'http://127.0.0.1:9'"
    )
    assert made.endpoint == "https://dms.x.example:8443"
    assert made.iam_endpoint == "http://127.0.0.1:9"


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:8080", "127.9.9.9"])
def test_plain_http_is_taken_for_loopback(host: str) -> None:
    made = account(f"endpoint: 'http://{host}'")
    assert (made.endpoint, made.iam_endpoint) == (f"http://{host}", None)


@pytest.mark.parametrize("host", ["127.0.0.1.example", "169.254.169.254", "10.0.0.1"])
def test_plain_http_is_taken_for_nothing_else(host: str) -> None:
    with pytest.raises(ConfigError, match="only for loopback"):
        account(f"endpoint: 'http://{host}'")


def test_the_four_kinds_of_credentials() -> None:
    region = "region: eu-west-101, auth: "
    given = "{type: aksk, access_key: a, secret_key: b, security_token: c}"
    assert account(region + given).auth == AkSkAuth(Secret("a"), Secret("b"), Secret("c"))
    assert account(region + "{type: token, token: t}").auth == TokenAuth(Secret("t"))
    password = "{type: password, domain: d, user: u, password: p}"
    assert account(region + password).auth == PasswordAuth("d", "u", Secret("p"))
    assert account(region + "{type: metadata}").auth == MetadataAuth("http://169.254.169.254")
    elsewhere = "{type: metadata, metadata_endpoint: 'http://127.0.0.1:1'}"
    assert account(region + elsewhere).auth == MetadataAuth("http://127.0.0.1:1")


def test_absent_credentials_come_from_the_vendor_s_variables_with_a_token_where_there_is_one() -> (
    None
):
    made = account("region: eu-west-101", HUAWEICLOUD_SDK_SECURITY_TOKEN="ST")
    assert made.auth == AkSkAuth(Secret("AKEXAMPLE"), Secret("SKEXAMPLE"), Secret("ST"))


def test_everything_else_of_an_account(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("pem")
    made = account(
        f"region: eu-west-101, requests_per_second: 0.5, concurrency: 3, timeout: 1500ms,"
        f" ca_file: {ca_file}, proxy: 'http://u:p@h:3128', console_url: 'https://c/{{task_id}}'"
    )
    assert (made.requests_per_second, made.concurrency) == (0.5, 3)
    assert made.request_timeout == timedelta(seconds=1.5)
    assert (made.ca_file, made.proxy) == (ca_file, Secret("http://u:p@h:3128"))
    assert made.console_url == "https://c/{task_id}"


def test_consoles_are_handed_to_telling() -> None:
    made = settings(
        accounts="accounts: {a: {region: eu-de, project_id: 1, console_url: 'https://c/'},"
        " b: {region: eu-de, project_id: 2}}\n"
    )
    assert made.policies.consoles == {"a": "https://c/"}


@pytest.mark.parametrize(
    ("timeout", "interval", "fits"), [("24s", "30s", True), ("24001ms", "30s", False)]
)
def test_a_request_must_fit_into_four_fifths_of_its_interval(
    timeout: str, interval: str, fits: bool
) -> None:
    accounts = f"accounts: {{a: {{region: eu-de, project_id: 1, timeout: {timeout}}}}}\n"
    poll = f"poll: {{interval: {interval}}}\n"
    if fits:
        settings(poll, accounts=accounts)
    else:
        with pytest.raises(ConfigError, match=r"at most 24s \(0.8 of poll.interval\)"):
            settings(poll, accounts=accounts)


def test_a_long_timeout_alone_is_no_conflict() -> None:
    made = account("region: eu-west-101, timeout: 90s")
    assert made.timeout == timedelta(seconds=90)


# --- tasks, discovery, labels ------------------------------------------------------------------


def test_tasks_turn_discovery_off_unless_it_is_asked_for() -> None:
    task = "tasks: {o: {account: eu, instance_id: i, task_id: t}}\n"
    assert settings(task).discovery == ()
    assert len(settings(task + "discovery: [{account: eu}]\n").discovery) == 1
    assert settings(task + "discovery: []\n").discovery == ()


def test_discovery_entries() -> None:
    made = settings(
        "discovery:\n"
        "  - {account: '*', instances: kafka-*, include: ['a*', 'b*'], exclude: ['tmp-*'],"
        " tags: [team, env], interval: 5m}\n"
        "  - {account: [us], connectors: [c1, c2]}\n",
        accounts="accounts: {eu: {region: eu-de, project_id: 1},"
        " us: {region: eu-de, project_id: 2}}\n",
    )
    assert made.discovery == (
        DiscoveryEntry(
            ("eu", "us"),
            instances=("kafka-*",),
            names=Patterns(("a*", "b*", "!tmp-*")),
            tags=("team", "env"),
            interval=5 * MINUTE,
        ),
        DiscoveryEntry(("us",), connectors=("c1", "c2")),
    )


def test_label_entries() -> None:
    made = settings(
        "labels: [{match: {task: [a*, '!ab'], labels: {env: prod}}, set: {team: x}},"
        " {match: {}, set: {env: prod}}]\n"
    )
    match = Match(task=Patterns(("a*", "!ab")), labels={"env": Patterns(("prod",))})
    assert made.labels == (LabelEntry(match, {"team": "x"}), LabelEntry(Match(), {"env": "prod"}))


# --- routes and the rest -----------------------------------------------------------------------


def test_routes() -> None:
    made = settings(
        routes="""
routes:
  - {match: {rule: [lag*, status], severity: "!info", labels: {team: orders}}, channel: G0ORDERS,
     min_severity: warning, mention: {critical: [S1, U1, here], warning: W9},
     repeat: {critical: 1h, info: never}, continue: true}
  - {channel: D0DIRECT, match: {account: eu}, repeat: never}
  - {channel: C0DATA, repeat: 2h, continue: false}
"""
    )
    assert made.policies.routes == (
        Route(
            "G0ORDERS",
            match=Match(
                rule=Patterns(("lag*", "status")),
                severity=Patterns(("!info",)),
                labels={"team": Patterns(("orders",))},
            ),
            min_severity=Severity.WARNING,
            mention={Severity.CRITICAL: ("S1", "U1", "here"), Severity.WARNING: ("W9",)},
            repeat={Severity.CRITICAL: HOUR, Severity.INFO: None},
            continues=True,
        ),
        Route(
            "D0DIRECT",
            match=Match(account=Patterns(("eu",))),
            repeat=dict.fromkeys(Severity, None),
        ),
        Route("C0DATA", repeat=dict.fromkeys(Severity, 2 * HOUR)),
    )


def test_alerting() -> None:
    made = settings(
        "alerts: {group_wait: 0s, storm_tasks: 9, storm_window: 20m, edit_every: 1m,"
        " reopen_within: 1h, ack_expires: 2d, links: {Wiki: 'https://w/{rule}'}}\n"
    )
    assert made.policies.alerts == AlertPolicy(
        group_wait=timedelta(0),
        storm_tasks=9,
        storm_window=20 * MINUTE,
        edit_every=MINUTE,
        reopen_within=HOUR,
        ack_expires=timedelta(days=2),
        links={"Wiki": "https://w/{rule}"},
    )
    auto = settings("alerts: {storm_window: auto, reopen_within: auto}\n").policies.alerts
    assert auto == AlertPolicy()


@pytest.mark.parametrize(
    ("keys", "modes"),
    [
        ("app_token: xapp-1", (SlackMode.SOCKET,)),
        ("signing_secret: s", (SlackMode.HTTP,)),
        ("app_token: xapp-1, signing_secret: s", (SlackMode.SOCKET, SlackMode.HTTP)),
    ],
)
def test_how_slack_reaches_the_bot(keys: str, modes: tuple[SlackMode, ...]) -> None:
    made = settings(slack=f"slack: {{bot_token: xoxb-1, {keys}}}\n")
    assert made.slack.modes == modes


def test_everything_of_slack() -> None:
    made = settings(
        slack="slack: {bot_token: xoxe.xoxb-1, fallback_channel: C0OPS, command: /dumps,"
        " operators: {users: U1, usergroups: [S1], channels: [C1]}, timezone: Asia/Tokyo,"
        " api_url: 'http://127.0.0.1:9/api', proxy: 'http://p:1'}\n"
    )
    assert made.slack == SlackSettings(
        Secret("xoxe.xoxb-1"),
        fallback_channel="C0OPS",
        command="/dumps",
        operators=Operators(("U1",), ("S1",), ("C1",)),
        timezone="Asia/Tokyo",
        api_url="http://127.0.0.1:9/api/",
        proxy=Secret("http://p:1"),
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("path: ':memory:'", StoreSettings(":memory:")),
        ("samples: 1d, incidents: 2d", StoreSettings(samples=24 * HOUR, incidents=48 * HOUR)),
        (
            "url: 'postgresql://u@h:5/db?sslmode=require', password: pw",
            StoreSettings(None, "postgresql://u@h:5/db?sslmode=require", Secret("pw")),
        ),
        (
            "url: 'postgres://u:p%2Fw@h/db'",
            StoreSettings(None, "postgresql://u@h/db", Secret("p/w")),
        ),
        ("url: 'postgresql://h/db'", StoreSettings(None, "postgresql://h/db")),
    ],
)
def test_stores(keys: str, expected: StoreSettings) -> None:
    assert settings(f"store: {{{keys}}}\n").store == expected


def test_the_bot_itself() -> None:
    made = settings(
        "http: {host: 127.0.0.1, port: 0, admin_port: 8081, token: t, public_url: 'http://b'}\n"
        "log: {level: debug, format: json}\n"
        "heartbeat: {url: 'https://hc.example/x', interval: 2m}\n"
        "poll: {interval: 30s, stale_polls: 5, caught_up_tolerance: 1k}\n"
    )
    assert made.http == HttpSettings("127.0.0.1", 0, 8081, Secret("t"), "http://b")
    assert made.log == LogSettings("debug", "json")
    assert made.heartbeat == HeartbeatSettings(Secret("https://hc.example/x"), 2 * MINUTE)
    assert made.policies.poll == PollPolicy(timedelta(seconds=30), 5, 1000)


def test_settings_are_values_that_can_be_varied() -> None:
    made = settings()
    assert replace(made, http=HttpSettings(port=0)) != made
    assert settings() == made
