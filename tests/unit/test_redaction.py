"""No secret reaches the log, wherever it stands; and what is harmless stays readable."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.telemetry.redaction import MASK, TEXT_MOST, Redactor
from bot.domain.model import Severity, TaskKey, TaskState

SECRET = 'p4ss/w+rd "with" spaces'
HEX = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
IAM_TOKEN = "MIIaBwYJKoZIhvcNAQcCoIIZ" + "Q0FURS0t" * 20 + "+=="


# --- known values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"before{SECRET}after",
        f"query?key={quote(SECRET, safe='')}&x=1",
        json.dumps({"deep": SECRET}),
        f"{SECRET} and again {SECRET}",
    ],
)
def test_a_known_secret_is_masked_plain_percent_encoded_and_inside_json(text: str) -> None:
    told = Redactor([SECRET]).text(text)

    assert MASK in told
    for form in (SECRET, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], "p4ss"):
        assert form not in told


def test_a_secret_that_begins_another_leaves_no_rest() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("x abcdefgh y abcd z") == f"x {MASK} y {MASK} z"


def test_each_line_of_a_secret_of_several_lines_is_a_secret() -> None:
    told = Redactor(["first line\nsecond line\n"]).text("the second line was wrong")

    assert told == f"the {MASK} was wrong"


def test_secrets_of_a_new_configuration_are_learnt_and_the_old_are_not_forgotten() -> None:
    redactor = Redactor(["old-secret"])
    redactor.learn(["new-secret", ""])

    assert redactor.text("old-secret new-secret") == f"{MASK} {MASK}"


def test_a_very_short_secret_does_not_blacken_every_word() -> None:
    assert Redactor(["a", "", " "]).text("a banana") == "a banana"


# --- what looks like a secret -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("token xoxb-123456-abcdef refused", "123456-abcdef"),
        ("xoxe.xoxp-1-Mi0yLTk4", "Mi0yLTk4"),
        ("xapp-1-A111-222-deadbeef", "deadbeef"),
        ("posting to https://hooks.slack.com/commands/T1/2/abcDEF failed", "abcDEF"),
        ("https://hooks.slack-gov.com/services/T1/B2/xyz", "xyz"),
        ("https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2Fabc", "abc"),
        ("http://127.0.0.1:8080/commands/T1/7/s3cr3t-path is slow", "s3cr3t-path"),
        ("wss://wss-primary.slack.com/link/?ticket=0a1b-2c3d&app_id=A1", "0a1b-2c3d"),
        (f"X-Slack-Signature: v0={HEX}", HEX),
        (f"computed v0={HEX} instead", HEX),
        (
            f"Authorization: SDK-HMAC-SHA256 Access=QTWAO, SignedHeaders=host, Signature={HEX}",
            HEX,
        ),
        (
            f"sent SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, Signature={HEX}",
            "QTWAOYTTINDUT2QVKYUC",
        ),
        (f"{{'Authorization': 'SDK-HMAC-SHA256 Access=AK, Signature={HEX}'}}", HEX),
        ("{'Authorization': 'Bearer abc.def', 'Accept': '*/*'}", "abc.def"),
        ("('authorization', 'Token zzz111')", "zzz111"),
        ("Bearer eyJhbGciOi.J9", "eyJhbGciOi"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        (f"X-Auth-Token: {IAM_TOKEN}", "Q0FURS0t"),
        (f"the token {IAM_TOKEN} is of yesterday", "Q0FURS0t"),
        ("X-Subject-Token=whatever it is", "whatever"),
        ("Cookie: session=abc123", "abc123"),
        ("access_key=AK12345 secret_key=SK12345", "SK12345"),
        ("HUAWEICLOUD_SDK_SK=abcdef", "abcdef"),
        ('{"secret": "SKvalue", "securitytoken": "STvalue"}', "STvalue"),
        ('{\\"password\\": \\"hunter2\\"}', "hunter2"),
        ("SlackAccess(bot_token='tok-en', api_url='x')", "tok-en"),
        ("?password=hunter2&x=1", "hunter2"),
        ("postgresql://bot:hunter2@db.example/bot", "hunter2"),
        ("http://user:hunter2@proxy.example:3128", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    told = Redactor().text(text)

    assert secret not in told
    assert MASK in told


@pytest.mark.parametrize(
    "text",
    [
        "task=orders lag=4200",
        "the token is refused: invalid_auth",
        "basic authentication failed",
        "bearer of news",
        "chat.postMessage: missing_scope, needs chat:write",
        "https://dms.eu-west-101.myhuaweicloud.eu/v2/1234/connectors/5678",
        "https://hooks.slack.com",
        "account prod, instance kafka-1, topic orders[12]",
        "slack.signing_secret: is blank; copy it from the app's page",
        "authorization failed",
        "status RUNNING since 2026-03-02T10:00:00Z",
        "risk=low mask=3 desk: empty",
        "",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert Redactor(["some-secret"]).text(text) == text


def test_what_follows_a_masked_value_is_still_there() -> None:
    told = Redactor().text("{'Authorization': 'Bearer abc.def', 'Accept': '*/*'}")

    assert told.endswith(", 'Accept': '*/*'}")


def test_endless_text_is_cut_after_it_was_masked() -> None:
    told = Redactor([SECRET]).text("x" * (TEXT_MOST - 2) + SECRET)

    assert len(told) == TEXT_MOST + 1
    assert "p4" not in told


# --- values -----------------------------------------------------------------------------------


class WithoutWords:
    """Has no text of its own; its repr is Python's."""

    def __init__(self) -> None:
        self.token = SECRET

    def __repr__(self) -> str:
        return f"WithoutWords({self.token})"


@dataclass(frozen=True)
class Shown:
    """A value with a text of its own."""

    text: str

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**70, 2**70),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (SECRET, MASK),
        (SECRET.encode(), MASK),
        (b"\xff", "�"),
        (timedelta(seconds=90), 90.0),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (TaskState.OK, "ok"),
        (Severity.WARNING, 2),
        (ValueError(f"bad {SECRET}"), f"ValueError: bad {MASK}"),
        (TaskKey("prod", "c", "t"), "prod/c/t"),
        (Shown(SECRET), MASK),
        (WithoutWords(), "<WithoutWords>"),
        ([SECRET, (SECRET, {SECRET})], [MASK, [MASK, [MASK]]]),
        ({SECRET: {"deep": [SECRET]}}, {MASK: {"deep": [MASK]}}),
        ({"token": "short", "x": 1}, {"token": MASK, "x": 1}),
        ({1: 2}, {"1": 2}),
    ],
)
def test_values_become_what_json_can_hold_without_secrets(value: object, told: object) -> None:
    assert Redactor([SECRET]).value(value) == told


def test_what_stands_under_a_secrets_name_is_masked_unless_it_is_empty() -> None:
    told = Redactor().value({"Authorization": "a", "response_url": ["b"], "password": ""})

    assert told == {"Authorization": MASK, "response_url": MASK, "password": ""}


def test_a_number_that_python_cannot_write_is_told_by_its_size() -> None:
    assert Redactor().value(1 << 20_000) == "a number of 20001 bits"


def test_what_is_nested_without_end_is_cut() -> None:
    nested: list[object] = []
    nested.append(nested)

    assert "…" in json.dumps(Redactor().value(nested), ensure_ascii=False)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_secrets = st.text(st.characters(codec="utf-8"), min_size=8, max_size=40).filter(
    lambda text: len(text.strip()) >= 8 and "*" not in text
)


@settings(max_examples=50, deadline=None)
@given(_secrets, _json_values, st.text(), st.text())
def test_no_secret_survives_in_any_value(
    secret: str, value: object, before: str, after: str
) -> None:
    hidden = {"deep": [value, {before: before + secret + after}], secret: value}

    told = json.dumps(Redactor([secret]).value(hidden), ensure_ascii=False)

    assert secret not in told
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in told


@settings(deadline=None)
@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    redactor = Redactor([SECRET])
    once = redactor.text(text)

    assert redactor.text(once) == once
