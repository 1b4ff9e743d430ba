"""Each documented error of each method the bot calls or will call has its class."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

import pytest

from bot.adapters.slack.classify import (
    _CODES,
    DUPLICATE_CODES,
    KINDS,
    METADATA_CODES,
    Kind,
    Nature,
    classify,
    code_in,
    pointers_in,
    scope_in,
)
from bot.ports import Rejection

_METHODS = Path(__file__).parent.parent / "data" / "slack-methods.json"


class Method(TypedDict):
    errors: list[str]


def methods() -> dict[str, Method]:
    """Methods of the Web API with their documented errors (slack-ruby/slack-api-ref, 2026-08)."""
    return cast("dict[str, Method]", json.loads(_METHODS.read_text(encoding="utf-8"))["methods"])


def documented() -> Iterator[tuple[str, str]]:
    for name, method in methods().items():
        for code in method["errors"]:
            yield name, code


def test_every_documented_error_of_every_method_is_classified_by_name() -> None:
    assert [pair for pair in documented() if pair[1] not in KINDS] == []


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "auth.test"])
def test_the_list_covers_the_methods_the_gateway_calls(method: str) -> None:
    assert len(methods()[method]["errors"]) >= 30


def test_no_code_stands_in_two_classes() -> None:
    words = [code for text in _CODES.values() for code in text.split()]

    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (Nature.WAIT, "ratelimited rate_limited message_limit_exceeded"),
        (
            Nature.AMBIGUOUS,
            (
                "internal_error fatal_error service_unavailable request_timeout"
                " duplicate_message_not_found duplicate_channel_not_found"
            ),
        ),
        (
            Nature.TRANSIENT,
            "team_added_to_org org_login_required external_channel_migrating update_failed",
        ),
        (
            Rejection.TARGET_GONE,
            "message_not_found cant_update_message edit_window_closed thread_not_found used_url",
        ),
        (
            Rejection.CHANNEL,
            (
                "channel_not_found not_in_channel is_archived is_inactive restricted_action"
                " restricted_action_thread_locked no_permission user_not_in_channel"
            ),
        ),
        (
            Rejection.CREDENTIAL,
            (
                "invalid_auth not_authed token_revoked token_expired account_inactive missing_scope"
                " not_allowed_token_type app_access_restricted"
            ),
        ),
        (
            Rejection.PAYLOAD,
            (
                "invalid_blocks invalid_blocks_format invalid_attachments msg_too_long no_text"
                " msg_blocks_too_long too_many_attachments metadata_too_large block_mismatch"
            ),
        ),
        (Rejection.HARMLESS, "already_reacted no_reaction already_pinned hash_conflict"),
        (Rejection.OTHER, "expired_trigger_id method_deprecated unknown_method"),
    ],
)
def test_a_code_means_what_would_have_to_happen_next(kind: Kind, codes: str) -> None:
    assert {code: classify(code) for code in codes.split()} == dict.fromkeys(codes.split(), kind)


def test_a_code_that_nobody_documented_is_refused_as_other() -> None:
    assert classify("brand_new_error") is Rejection.OTHER
    assert classify("") is Rejection.OTHER


def test_the_codes_the_gateway_learns_from_are_in_the_table() -> None:
    assert {classify(code) for code in METADATA_CODES} == {Rejection.PAYLOAD}
    assert {classify(code) for code in DUPLICATE_CODES} == {Nature.AMBIGUOUS}


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        True,
        {"error": "x"},
        "",
        "a sentence with words",
        "xoxb-1234-abcd",
        "https://hooks.slack.com/commands/T1/1/x",
        "Upper_Case",
        "x" * 81,
        "line\nbreak",
        "trailing_newline\n",
    ],
)
def test_what_is_not_spelled_like_a_code_is_none(value: object) -> None:
    assert code_in(value) == ""


def test_scopes_are_shown_and_anything_else_is_not() -> None:
    assert scope_in("chat:write,files:read") == "chat:write,files:read"
    assert scope_in("<script>") == ""
    assert scope_in(["chat:write"]) == ""


def test_pointers_are_read_from_both_places_once_each_and_in_order() -> None:
    body = {
        "errors": ["too long [json-pointer:/blocks/2/text]", "no pointer here"],
        "response_metadata": {
            "messages": [
                "[ERROR] too long [json-pointer:/blocks/2/text]",
                "[ERROR] a [json-pointer:/blocks/0] and b [json-pointer:/blocks/1/fields/3/text]",
            ]
        },
    }

    assert pointers_in(body) == ("/blocks/2/text", "/blocks/0", "/blocks/1/fields/3/text")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"errors": "text [json-pointer:/blocks/0]"},
        {"errors": None, "response_metadata": ["x"]},
        {"errors": [1, None, {"a": 1}], "response_metadata": {"messages": {"0": "x"}}},
        {"errors": ["[json-pointer:blocks/0]", "[json-pointer:/blocks 0]", "[json-pointer:]"]},
        {"errors": ["[json-pointer:/" + "a" * 300 + "]"]},
    ],
)
def test_answers_without_readable_pointers_have_none(body: dict[str, object]) -> None:
    assert pointers_in(body) == ()


def test_of_endless_pointers_only_the_first_fifty_are_kept() -> None:
    body = {"errors": [f"x [json-pointer:/blocks/{place}]" for place in range(80)]}

    assert len(pointers_in(body)) == 50
