"""Every way Slack, or what stands before it, can fail, and the error each becomes.

Also: whatever fails, the error tells nothing that must stay secret.
"""

from datetime import timedelta

import pytest

from bot.adapters.slack.refusals import DEFAULT_WAIT, PLAN_WAIT, retry_after
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
    Rejection,
)
from tests.contract.scripted_slack import (
    HTML,
    JSON,
    PAGE,
    PLAIN,
    TEXT,
    TOKEN,
    Deed,
    Script,
    check,
    failure,
    hang_up,
    moves,
    post,
    refuses,
    reply,
    says,
    update,
    writes,
)

ANSWER_LOST: dict[str, tuple[Script, str]] = {
    "502 page": (writes(HTML, PAGE, status=502), "http_502"),
    "503 page": (writes(HTML, PAGE, status=503), "http_503"),
    "500 without a word": (writes(b"", PLAIN, status=500), "http_500"),
    "408": (writes(b"", PLAIN, status=408), "http_408"),
    "200 in plain text": (writes(b"ok", PLAIN), "http_200"),
    "200 page": (writes(HTML, PAGE), "http_200"),
    "200 gzip": (writes(b"x", "application/gzip"), "http_200"),
    "cut JSON": (writes(b'{"ok": tr', JSON), "http_200"),
    "empty JSON": (writes(b"", JSON), "http_200"),
    "JSON list": (says([1, 2]), ""),
    "JSON text": (says("ok"), ""),
    "JSON null": (says(None), "http_200"),
    "JSON true": (says(True), ""),
    "empty object": (says({}), "http_200"),
    "no error named": (says({"ok": False}), "http_200"),
    "error is no text": (says({"ok": False, "error": {"a": 1}}), "http_200"),
    "too deep": (writes(b"[" * 100_000, JSON), ""),
    "not UTF-8": (writes(b'{"ok": "\xff"}', JSON), ""),
    "odd charset": (writes(b"\xff\xfe", f"{JSON}; charset=klingon"), ""),
    "hang up": (hang_up, ""),
    "internal_error": (refuses("internal_error"), "internal_error"),
    "fatal_error": (refuses("fatal_error"), "fatal_error"),
    "503 with a code": (refuses("service_unavailable", status=503), "service_unavailable"),
}

NOT_DONE: dict[str, tuple[Script, type[ChatError], str]] = {
    "migrating": (
        refuses("external_channel_migrating"),
        ChatUnavailable,
        "external_channel_migrating",
    ),
    "403 of a proxy": (writes(HTML, PAGE, status=403), ChatUnavailable, "http_403"),
    "404 page": (writes(HTML, PAGE, status=404), ChatUnavailable, "http_404"),
    "302": (moves(302), ChatUnavailable, "http_302"),
    "307": (moves(307), ChatUnavailable, "http_307"),
    "413": (writes(HTML, PAGE, status=413), ChatRejected, "http_413"),
    "429": (refuses("ratelimited", status=429), ChatThrottled, "ratelimited"),
    "429 in plain text": (writes(b"slow down", PLAIN, status=429), ChatThrottled, "ratelimited"),
    "200 rate_limited": (refuses("rate_limited"), ChatThrottled, "rate_limited"),
    "unheard of": (refuses("some_new_error"), ChatRejected, "some_new_error"),
}


@pytest.mark.parametrize("name", ANSWER_LOST)
async def test_a_post_whose_answer_is_lost_is_ambiguous(name: str) -> None:
    script, code = ANSWER_LOST[name]

    error = await failure(script, post)

    assert type(error) is ChatAmbiguous
    assert error.code == code


@pytest.mark.parametrize("name", ANSWER_LOST)
async def test_an_edit_whose_answer_is_lost_can_simply_be_repeated(name: str) -> None:
    script, code = ANSWER_LOST[name]

    error = await failure(script, update)

    assert type(error) is ChatUnavailable
    assert error.code == code


@pytest.mark.parametrize("deed", [post, update])
@pytest.mark.parametrize("name", NOT_DONE)
async def test_a_call_that_was_refused_is_known_not_to_be_done(name: str, deed: Deed) -> None:
    script, kind, code = NOT_DONE[name]

    error = await failure(script, deed)

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize(("deed", "kind"), [(reply, ChatAmbiguous), (check, ChatUnavailable)])
async def test_a_reply_fails_like_a_post_and_a_question_like_an_edit(
    deed: Deed, kind: type[ChatError]
) -> None:
    assert type(await failure(hang_up, deed)) is kind


@pytest.mark.parametrize("body", [{"ok": True}, {"ok": True, "channel": "C1", "ts": 1}])
async def test_a_post_whose_answer_does_not_say_where_it_is_may_have_arrived(body: object) -> None:
    assert type(await failure(says(body), post)) is ChatAmbiguous


async def test_an_answer_that_does_not_say_who_we_are_is_no_answer() -> None:
    assert type(await failure(says({"ok": True}), check)) is ChatUnavailable


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "rejection"),
    [
        ("message_not_found", Rejection.TARGET_GONE),
        ("edit_window_closed", Rejection.TARGET_GONE),
        ("channel_not_found", Rejection.CHANNEL),
        ("not_in_channel", Rejection.CHANNEL),
        ("is_archived", Rejection.CHANNEL),
        ("invalid_auth", Rejection.CREDENTIAL),
        ("token_revoked", Rejection.CREDENTIAL),
        ("msg_too_long", Rejection.PAYLOAD),
        ("invalid_blocks", Rejection.PAYLOAD),
        ("already_reacted", Rejection.HARMLESS),
        ("never_heard_of_it", Rejection.OTHER),
    ],
)
async def test_a_refusal_says_what_would_have_to_change(code: str, rejection: Rejection) -> None:
    error = await failure(says({"ok": False, "error": code}), update)

    assert isinstance(error, ChatRejected)
    assert (error.code, error.rejection) == (code, rejection)
    assert str(error) == f"chat.update: {code}"


async def test_a_missing_scope_is_named() -> None:
    body = {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "commands"}

    error = await failure(says(body), post)

    assert str(error) == "chat.postMessage: missing_scope, needs chat:write, has commands"


async def test_refused_blocks_come_with_the_places_slack_points_at() -> None:
    sentence = "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    body = {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [sentence],
        "response_metadata": {"messages": [f"[ERROR] {sentence}", "x [json-pointer:/blocks/3]"]},
    }

    error = await failure(says(body), post)

    assert isinstance(error, ChatRejected)
    assert error.pointers == ("/blocks/0/text/text", "/blocks/3")


async def test_a_code_that_is_no_code_is_not_repeated_because_it_may_be_our_own_text() -> None:
    error = await failure(says({"ok": False, "error": f"bad token {TOKEN} for {TEXT}"}), post)

    assert type(error) is ChatAmbiguous


# --- waiting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("1.5", 1.5), ("0", 1), ("3600", 3600), ("1e9", 86400), (" 12 ", 12)],
)
def test_retry_after_is_read_in_seconds_whole_or_not(header: str, seconds: float) -> None:
    assert retry_after(header) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "header",
    [None, "", "abc", "-5", "nan", "inf", "1,5", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 5000],
)
def test_a_retry_after_that_cannot_be_read_is_the_default(header: str | None) -> None:
    assert retry_after(header) == DEFAULT_WAIT


@pytest.mark.parametrize("status", [200, 429])
async def test_the_wait_is_the_one_of_the_header(status: int) -> None:
    limited = says(
        {"ok": False, "error": "rate_limited"}, status=status, headers={"Retry-After": "7"}
    )

    error = await failure(limited, post)

    assert isinstance(error, ChatThrottled)
    assert error.retry_after == timedelta(seconds=7)


async def test_the_wait_is_read_from_an_answer_in_plain_text_too() -> None:
    limited = writes(b"", "text/plain", status=429, headers={"Retry-After": "9"})

    error = await failure(limited, post)

    assert isinstance(error, ChatThrottled)
    assert error.retry_after == timedelta(seconds=9)


async def test_the_limit_of_a_plan_lasts_longer() -> None:
    error = await failure(says({"ok": False, "error": "message_limit_exceeded"}), post)

    assert isinstance(error, ChatThrottled)
    assert error.retry_after == PLAN_WAIT
