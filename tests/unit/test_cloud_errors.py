"""From a refusal of the cloud to the error that is raised: codes, shapes, texts, times."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.dms.errors import EndOfPages, Refusal, complaint_of, error_of, safe_text
from bot.ports import (
    CloudDenied,
    CloudError,
    CloudForbidden,
    CloudProtocolError,
    CloudTaskMissing,
    CloudThrottled,
    CloudUnavailable,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EXPIRED = (
    "Incorrect IAM authentication information: calc aksk signature fail:signature expired,"
    " signature time:2026-01-02T02:04:05Z,server time:2026-01-02T03:04:05Z"
)
THROTTLED = "The throttling threshold has been reached: policy user over ratelimit,limit:{},time:{}"


def error(status: int, body: bytes | dict[str, object] = b"", **headers: str) -> CloudError:
    given_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of(Refusal(status, given_headers, written, NOW))


def dms(code: str, message: str = "said") -> dict[str, object]:
    return {"error_code": code, "error_msg": message}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "DMS.00404022", CloudTaskMissing),
        (404, "DMS.00404024", CloudTaskMissing),
        (404, "DMS.00404026", CloudTaskMissing),
        (404, "DMS.00404001", CloudProtocolError),
        (404, "DMS.10240406", CloudProtocolError),
        (404, "DMS.10240407", CloudThrottled),
        (404, "APIGW.0101", CloudProtocolError),
        (404, "APIG.0101", CloudProtocolError),
        (404, "DMS.00404099", CloudProtocolError),
        (404, "404026", CloudProtocolError),
        (400, "DMS.00400002", CloudProtocolError),
        (400, "DMS.00400070", CloudProtocolError),
        (400, "DMS.00400026", CloudUnavailable),
        (400, "DMS.00400975", CloudUnavailable),
        (400, "DMS.00500986", CloudDenied),
        (400, "DMS.00500987", CloudDenied),
        (400, "DMS.40050010", EndOfPages),
        (401, "DMS.10240101", CloudDenied),
        (401, "DMS.10240102", CloudDenied),
        (401, "APIGW.0301", CloudDenied),
        (403, "DMS.00403003", CloudForbidden),
        (403, "DMS.10240306", CloudDenied),
        (403, "DMS.10240312", CloudDenied),
        (405, "DMS.00405001", CloudProtocolError),
        (413, "APIGW.0201", CloudProtocolError),
        (429, "APIGW.0308", CloudThrottled),
        (429, "anything", CloudThrottled),
        (400, "APIG.0308", CloudThrottled),
        (494, "APIGW.0201", CloudProtocolError),
        (500, "DMS.00500000", CloudUnavailable),
        (502, "APIGW.0201", CloudUnavailable),
        (504, "APIGW.0201", CloudUnavailable),
    ],
)
def test_a_code_decides_the_kind_of_error(status: int, code: str, kind: type[CloudError]) -> None:
    found = error(status, dms(code))
    assert type(found) is kind
    assert found.detail.startswith(f"HTTP {status} {code}: said")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, CloudProtocolError),
        (301, CloudProtocolError),
        (302, CloudProtocolError),
        (400, CloudProtocolError),
        (401, CloudDenied),
        (403, CloudForbidden),
        (404, CloudProtocolError),
        (408, CloudUnavailable),
        (418, CloudProtocolError),
        (429, CloudThrottled),
        (500, CloudUnavailable),
        (503, CloudUnavailable),
        (599, CloudUnavailable),
    ],
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty body"),
        (b"<html>secret</html>", "an HTML page"),
        (b"plain secret", "not the API's"),
        (b'["secret"]', "not the API's"),
        (b'{"x": "secret"}', "not the API's"),
    ],
)
def test_without_a_code_the_status_decides(
    status: int, kind: type[CloudError], body: bytes, words: str
) -> None:
    found = error(status, body)
    assert type(found) is kind
    assert f"HTTP {status} with" in found.detail
    assert words in found.detail
    assert "secret" not in found.detail


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (dms("DMS.1", "m"), "DMS.1", "m"),
        ({"errorCode": "X.1", "errorMsg": "m"}, "X.1", "m"),
        ({"code": "X.1", "message": "m"}, "X.1", "m"),
        ({"error": {"message": "m", "code": 401, "title": "Unauthorized"}}, "401", "m"),
        ({"a": {"b": {"error_code": "X.1", "error_msg": "m"}}}, "X.1", "m"),
        ({"error_code": "X.1", "error_msg": "m", "code": "other"}, "X.1", "m"),
        ({"error_code": "X.1"}, "X.1", ""),
        ({"error_msg": "m"}, "", "m"),
        ({"error_code": "bad code\n", "error_msg": "m"}, "", "m"),
        ({"error_code": ["X"], "error_msg": {"m": 1}}, "", ""),
        ({"error_code": "X" * 100, "error_msg": "m"}, "", "m"),
        ({"a": {"b": {"c": {"d": {"error_code": "too.deep"}}}}}, "", ""),
        ({"error": None}, "", ""),
    ],
)
def test_every_body_shape_is_understood(body: dict[str, object], code: str, message: str) -> None:
    found = complaint_of(json.dumps(body).encode())
    assert (found.code, found.message) == (code, message)


@given(body=st.binary(max_size=200))
def test_any_body_gives_an_error(body: bytes) -> None:
    for status in (302, 400, 401, 404, 429, 500):
        assert error(status, body).detail


def test_deep_nesting_is_no_crash() -> None:
    assert complaint_of(b'{"a":' * 50_000 + b"1" + b"}" * 50_000).code == ""


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry_After": "7"}, "", 7),
        ({"Retry_After": " 7 "}, THROTTLED.format(200, "1 second"), 7),
        ({"Retry_After": "0"}, "", 0),
        ({"Retry_After": "Fri, 02 Jan 2026 03:05:05 GMT"}, "", 60),
        ({"Retry_After": "Fri, 02 Jan 2026 03:05:05 -0000"}, "", 60),
        ({"Retry_After": "Fri, 02 Jan 2026 03:00:00 GMT"}, "", 0),
        ({"Retry_After": "Fri, 02 Jan 2099 03:00:00 GMT"}, "", 3600),
        ({"Retry_After": "9" * 30}, "", 3600),
        ({"Retry_After": "soon"}, "", None),
        ({"Retry_After": "-5"}, "", None),
        ({"Retry_After": "soon"}, THROTTLED.format(5, "1 minute"), 60),
        ({}, THROTTLED.format(200, "1 second"), 1),
        ({}, THROTTLED.format(200, "30 seconds"), 30),
        ({}, THROTTLED.format(200, "2 hour"), 3600),
        ({}, "slow down", None),
    ],
)
def test_the_time_to_wait_is_the_headers_or_the_messages(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    found = error(429, dms("APIGW.0308", message), **headers)
    assert isinstance(found, CloudThrottled)
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert found.retry_after == expected


def test_an_expired_signature_comes_with_advice_about_the_clock() -> None:
    found = error(401, dms("APIGW.0301", EXPIRED))
    assert isinstance(found, CloudDenied)
    assert "set this machine's clock" in found.detail
    assert complaint_of(json.dumps(dms("APIGW.0301", EXPIRED)).encode()).clock_is_off


def test_an_unknown_address_comes_with_advice() -> None:
    assert "no longer offers the dumping task API" in error(404, dms("APIGW.0101")).detail


def test_a_lack_of_rights_names_the_rights() -> None:
    assert "dms:instance:getConnectorSinkTask" in error(403, dms("DMS.00403003")).detail


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"X_Request_Id": "a1b2"}, dms("X"), "a1b2"),
        ({"X_Request_Id": "a1b2"}, {**dms("X"), "request_id": "c3"}, "a1b2"),
        ({"X_IAM_Trace_Id": "t1"}, dms("X"), "t1"),
        ({}, {**dms("X"), "request_id": "c3"}, "c3"),
        ({"X_Request_Id": "with blank"}, dms("X"), None),
        ({}, {**dms("X"), "request_id": "x" * 500}, None),
        ({}, {**dms("X"), "request_id": 5}, None),
        ({}, b"", None),
    ],
)
def test_the_request_id_is_the_headers_or_the_bodys(
    headers: dict[str, str], body: bytes | dict[str, object], request_id: str | None
) -> None:
    assert error(500, body, **headers).request_id == request_id


@pytest.mark.parametrize(
    "secret",
    [
        "AKEXAMPLE0TESTONLY01",
        "9f98d9b4f7a00638e27aea620ff1bf786093f3d70612d8d9e7dce3cbc7c2ae27",
        "MIIatAYJKoZIhvcNAQcCoIIapTCCGqECAQExDTALBglghkgBZQMEAgEwg",
        "Access=SHORTAK",
        "Signature=abc",
    ],
)
def test_what_looks_like_a_secret_is_left_out_of_texts(secret: str) -> None:
    text = safe_text(f"ak {secret} not exist")
    assert secret not in text
    assert text == "ak … not exist"


def test_known_secrets_are_left_out_whatever_they_look_like() -> None:
    assert safe_text("the key my-key is wrong", ("my-key", "", "unused")) == "the key … is wrong"


def test_ordinary_texts_and_ids_are_kept() -> None:
    text = "Task 66666666-7777-8888-9999-000000000000 of 0123456789abcdef0123456789abcdef: PAUSED."
    assert safe_text(text) == text


def test_texts_are_one_short_printable_line() -> None:
    assert safe_text("a\r\n\tb\x00\x1b[31mc  d\u202e") == "a b [31mc d"
    long = safe_text("word " * 1000)
    assert len(long) == 200
    assert long.endswith("…")


def test_secrets_in_the_clouds_words_do_not_reach_the_error() -> None:
    body = dms("APIGW.0301", "ak AKSECRET not exist, Signature=abcdef")
    found = error_of(Refusal(401, {}, json.dumps(body).encode(), NOW), hidden=("AKSECRET",))
    assert "AKSECRET" not in found.detail
    assert "abcdef" not in found.detail
