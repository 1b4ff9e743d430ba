"""What a valid configuration means: the text, placeholders, secrets and defaults."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.discovery import DiscoveryEntry
from bot.domain.names import ConfiguredTask
from bot.domain.policy import (
    BUILT_IN,
    AlertPolicy,
    PollPolicy,
    Route,
)
from bot.ports import ConfigError
from bot.settings import (
    AccountSettings,
    AkSkAuth,
    HttpSettings,
    LogSettings,
    Secret,
    SlackMode,
    SlackSettings,
    Source,
    StoreSettings,
    load,
    parse,
)
from tests.configurations import ACCOUNTS, ENVIRON, PROJECT, ROUTES, SLACK, settings

# --- the shortest useful file ------------------------------------------------------------------


def test_the_shortest_useful_file_watches_everything_with_the_built_in_rules() -> None:
    made = settings(
        slack='slack: {bot_token: "${SLACK_BOT_TOKEN}", app_token: "${APP}"}\n',
        environ={"APP": "xapp-1"},
    )
    assert made.accounts == {
        "eu": AccountSettings(
            "eu",
            endpoint="https://dms.eu-west-101.myhuaweicloud.eu",
            iam_endpoint="https://iam.eu-west-101.myhuaweicloud.eu",
            project_id=PROJECT,
            auth=AkSkAuth(Secret("AKEXAMPLE"), Secret("SKEXAMPLE")),
            region="eu-west-101",
        )
    }
    assert made.discovery == (DiscoveryEntry(("eu",)),)
    assert (made.tasks, made.labels) == ((), ())
    assert made.policies.rules == BUILT_IN
    assert made.policies.routes == (Route("C0DATA"),)
    assert (made.policies.poll, made.policies.alerts) == (PollPolicy(), AlertPolicy())
    assert made.slack == SlackSettings(Secret("xoxb-1234"), app_token=Secret("xapp-1"))
    assert (made.store, made.http, made.log) == (StoreSettings(), HttpSettings(), LogSettings())
    assert made.heartbeat is None


def test_defaults_are_those_of_the_documentation() -> None:
    made = settings()
    one = made.accounts["eu"]
    assert (one.requests_per_second, one.concurrency, one.timeout) == (20.0, 50, None)
    assert one.request_timeout == timedelta(seconds=10)
    assert made.policies.poll == PollPolicy(
        timedelta(minutes=1), stale_polls=3, caught_up_tolerance=5
    )
    assert made.policies.alerts == AlertPolicy(
        group_wait=timedelta(seconds=10),
        storm_tasks=5,
        storm_window=None,
        edit_every=timedelta(seconds=30),
        reopen_within=None,
        ack_expires=timedelta(hours=24),
    )
    assert made.store == StoreSettings(
        "dumptask.db", samples=timedelta(days=7), incidents=timedelta(days=400)
    )
    assert (made.http.host, made.http.port) == ("0.0.0.0", 8080)  # noqa: S104 - the documented default
    assert (made.log.level, made.log.format) == ("info", "auto")
    assert (made.slack.command, made.slack.timezone) == ("/dumptask", "UTC")
    assert made.slack.api_url == "https://slack.com/api/"
    assert made.slack.modes == (SlackMode.ALERTS_ONLY,)


# --- scalars as written ------------------------------------------------------------------------


def test_the_key_decides_what_a_scalar_is() -> None:
    made = settings(
        "tasks: {o: {account: eu, connector_id: 8_000, task_id: 0017,"
        " labels: {env: no, tier: 0x10, since: 2026-03-01, none: null, empty: ~}}}\n"
    )
    assert made.tasks == (
        ConfiguredTask(
            "o",
            account="eu",
            connector_id="8_000",
            task_id="0017",
            labels={
                "env": "no",
                "tier": "0x10",
                "since": "2026-03-01",
                "none": "null",
                "empty": "~",
            },
        ),
    )


def test_quoted_numbers_and_flags_are_the_same_as_plain_ones() -> None:
    made = settings('http: {port: "80"}\nrules: [{name: r, type: age, enabled: "false"}]\n')
    assert made.http.port == 80
    assert made.policies.rules[-1].enabled is False


def test_anchors_and_merges_work_and_keys_with_x_are_ignored() -> None:
    made = settings(
        "tasks: {o: {<<: *task, task_id: t1}, p: {task_id: t2, <<: [*task, {interval: 5m}]}}\n",
        accounts="x-task: &task {account: eu, connector_id: c1, interval: 30s}\n" + ACCOUNTS,
    )
    seconds = timedelta(seconds=30)
    assert made.tasks == (
        ConfiguredTask("o", "eu", "t1", connector_id="c1", interval=seconds),
        ConfiguredTask("p", "eu", "t2", connector_id="c1", interval=seconds),
    )


def test_a_key_beside_a_merge_wins_whatever_the_order() -> None:
    made = settings(
        "http: {port: 1, <<: *http}\n", accounts="x-http: &http {port: 2, host: '::1'}\n" + ACCOUNTS
    )
    assert made.http == HttpSettings("::1", 1)


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    with pytest.raises(ConfigError, match=r"http\.<<: unknown key"):
        settings('http: {"<<": {port: 1}}\n')


def test_keys_with_x_are_ignored_at_the_top_only() -> None:
    with pytest.raises(ConfigError, match=r"http\.x-port: unknown key"):
        settings("http: {x-port: 1}\n")


# --- placeholders ------------------------------------------------------------------------------


def test_placeholders_are_replaced_after_parsing() -> None:
    made = settings(
        'http: {host: "${HOST}", public_url: "https://${NAME}.example/$${x}/$x"}\n',
        environ={"HOST": "a: [b]", "NAME": "bot"},
    )
    assert made.http.host == "a: [b]"
    assert made.http.public_url == "https://bot.example/${x}/$x"


def test_a_value_is_not_looked_at_again_for_placeholders() -> None:
    made = settings('http: {host: "${A}"}\n', environ={"A": "${B}", "B": "b"})
    assert made.http.host == "${B}"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"s3cret\r\n", "s3cret"), (b"s 3\n", "s 3")],
)
def test_a_file_is_taken_without_its_final_newline(
    content: bytes, text: str, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_bytes(content)
    made = settings(f'http: {{token: "${{file:{secret}}}"}}\n')
    assert made.http.token == Secret(text)
    assert made.files == {secret}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"s3cret\n\n", "found a text, a secret on one line"),
        (b"\n", "found '${file:token}', empty"),
        (b"\xff", "the file 'token' is not UTF-8 text"),
        (b"x" * (2 << 20), "the file 'token' is larger than 1048576 bytes"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    file = tmp_path / "bot.yaml"
    file.write_text(ACCOUNTS + ROUTES + SLACK + 'http: {token: "${file:token}"}\n')
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRON)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}:4: http.token: {fault}")


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        settings(f'http: {{token: "${{file:{tmp_path}}}"}}\n')


def test_relative_paths_start_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("pem")
    (tmp_path / "token").write_text("s3cret")
    file = tmp_path / "bot.yaml"
    slack = "slack: {bot_token: xoxb-1, ca_file: ca.pem}\n"
    file.write_text(ACCOUNTS + ROUTES + slack + 'http: {token: "${file:token}"}\n')
    made = load(file, ENVIRON)
    assert made.slack.ca_file == tmp_path / "ca.pem"
    assert made.files == {file, tmp_path / "token"}


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_text(ACCOUNTS + ROUTES + SLACK, encoding="utf-8-sig")
    assert load(file, ENVIRON).policies.routes == (Route("C0DATA"),)


# --- secrets -----------------------------------------------------------------------------------


def test_no_secret_is_in_the_repr_of_the_settings() -> None:
    made = settings(
        "store: {url: 'postgresql://u:p%40ssw0rd@h/db'}\n"
        "heartbeat: {url: 'https://hc.example/capability'}\n"
        "http: {token: page-token}\n",
        slack="slack: {bot_token: xoxb-1234, proxy: 'http://u:pr0xypass@p:3128'}\n",
    )
    shown = f"{made!r} {made}"
    hidden = ("xoxb-1234", "ssw0rd", "capability", "page-token", "pr0xypass", "SKEXAMPLE")
    assert not [text for text in hidden if text in shown]


def test_every_secret_is_among_the_values_to_redact() -> None:
    made = settings(
        "store: {url: 'postgresql://u:p%40ssw0rd@h/db'}\n"
        "heartbeat: {url: 'https://hc.example/capability'}\n"
        "http: {token: abc}\n",
        slack="slack: {bot_token: xoxb-1234, proxy: 'http://u:pr0xy%2Fpass@p:3128'}\n",
    )
    assert made.secret_values == {
        "AKEXAMPLE",
        "SKEXAMPLE",
        "xoxb-1234",
        "http://u:pr0xy%2Fpass@p:3128",
        "pr0xy%2Fpass",
        "pr0xy/pass",
        "p@ssw0rd",
        "https://hc.example/capability",
    }


def test_a_secret_masks_itself_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("s3cret")
    logging.getLogger().warning("%s %r", secret, secret)
    shown = [f"{secret}", f"{secret:>9}", repr(secret), str([secret]), caplog.text]
    assert not [text for text in shown if "s3cret" in text]
    assert secret.reveal() == "s3cret"
    assert len({secret, Secret("s3cret"), Secret("other")}) == 2
    assert secret != "s3cret"
    with pytest.raises(TypeError, match="a secret is not written anywhere"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="a secret is not written anywhere"):
        copy.copy(secret)


def test_without_secrets_stand_ins_take_their_place_and_what_is_missing_is_named() -> None:
    text = """
accounts: {a: {endpoint: "${URL}", project_id: "${P}"}}
routes: [{channel: "${CHANNEL}", repeat: {critical: "${R}"}, mention: {critical: ["${M}"]}}]
slack: {bot_token: "${file:/nowhere}", ca_file: nowhere.pem}
rules: [{name: lag, type: task_lag, critical: "${L}", enabled: "${E}"}]
"""
    made = parse(Source(text, "bot.yaml", {}, require_secrets=False))
    assert made.missing == (
        "accounts.a.endpoint: the environment variable URL is not set",
        "accounts.a.project_id: the environment variable P is not set",
        "routes[0].channel: the environment variable CHANNEL is not set",
        "routes[0].repeat.critical: the environment variable R is not set",
        "routes[0].mention.critical[0]: the environment variable M is not set",
        "slack.bot_token: the file '/nowhere' cannot be read: No such file or directory",
        "rules[0].critical: the environment variable L is not set",
        "rules[0].enabled: the environment variable E is not set",
        "accounts.a.auth: not given, and the environment variable HUAWEICLOUD_SDK_AK is not set",
        "accounts.a.auth: not given, and the environment variable HUAWEICLOUD_SDK_SK is not set",
    )
    assert made.secret_values == frozenset()


def test_without_secrets_everything_else_is_still_checked() -> None:
    with pytest.raises(ConfigError, match=r"poll\.interval: found '60'"):
        parse(Source(ACCOUNTS + ROUTES + SLACK + "poll: {interval: 60}\n", "f", {}, Path(), False))
