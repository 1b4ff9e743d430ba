"""The signature, against the vectors of the vendor's own signer."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.adapters.dms.account import AkSk
from bot.adapters.dms.calls import Api
from bot.adapters.dms.signing import (
    DateStamp,
    QueryValue,
    Seal,
    Signer,
    Unsigned,
    authorization,
    canonical_query,
    canonical_request,
    encode_path,
    fits_header,
    request_target,
    signature,
    signed_names,
    string_to_sign,
)

WHOLE = json.loads((Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text())
VECTORS: list[dict[str, Any]] = WHOLE["vectors"]
DATE: str = WHOLE["date"]
NAMES = [vector["name"] for vector in VECTORS]
KEYS = AkSk("AKEXAMPLE0TESTONLY01", "made-up-secret-key-for-tests-only-0001")


def unsigned(made_from: dict[str, Any]) -> Unsigned:
    headers = dict(made_from["headers"])
    if made_from["project_id"]:
        headers["X-Project-Id"] = made_from["project_id"]
    if made_from["security_token"]:
        headers["X-Security-Token"] = made_from["security_token"]
    query: list[tuple[str, QueryValue]] = [(name, value) for name, value in made_from["query"]]
    return Unsigned(
        method=made_from["method"],
        path=made_from["path"],
        query=query,
        headers={**headers, "Host": made_from["host"]},
        body=made_from["body"].encode(),
    )


def test_there_are_fourteen_vectors() -> None:
    assert len(VECTORS) == 14


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_every_vector_is_reproduced_byte_for_byte(vector: dict[str, Any]) -> None:
    made_from, expected = vector["input"], vector["expected"]
    request = unsigned(made_from)
    assert canonical_request(request) == expected["canonical_request"]
    assert ";".join(signed_names(request.headers)) == expected["signed_headers"]
    assert string_to_sign(DATE, expected["canonical_request_sha256"]) == expected["string_to_sign"]
    assert signature(made_from["sk"], expected["string_to_sign"]) == expected["signature"]
    keys = AkSk(made_from["ak"], made_from["sk"])
    assert authorization(request, keys, DATE) == expected["authorization"]


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_what_is_sent_has_the_query_that_is_signed(vector: dict[str, Any]) -> None:
    request, expected = unsigned(vector["input"]), vector["expected"]
    target = request_target(request.path, request.query)
    canonical_path, canonical = expected["canonical_request"].split("\n")[1:3]
    path, _, query = target.partition("?")
    assert query == canonical
    assert path.rstrip("/") == canonical_path.rstrip("/")
    assert URL(f"https://{vector['input']['host']}{target}", encoded=True).raw_path_qs == target


@pytest.mark.parametrize("name", ["page-like-official-sdk", "security-token"])
def test_a_seal_makes_the_headers_that_the_vendors_sdk_makes_for_a_get(name: str) -> None:
    vector = VECTORS[NAMES.index(name)]
    made_from, expected = vector["input"], vector["expected"]
    target = request_target(
        made_from["path"], [(name, value) for name, value in made_from["query"]]
    )
    seal = Seal(made_from["host"], target, made_from["project_id"])
    keys = AkSk(made_from["ak"], made_from["sk"], made_from["security_token"])
    sent = Signer(keys).headers(seal, DATE) | {"Host": made_from["host"]}
    assert sent == expected["headers_after_signing"]


segments = st.text(st.characters(codec="utf-8", exclude_characters="/%"), min_size=1, max_size=20)


@given(path=st.lists(segments, min_size=1, max_size=4), token=st.none() | st.just("a+b/c=="))
def test_a_seal_equals_the_general_form_for_any_path(path: list[str], token: str | None) -> None:
    text = "/" + "/".join(path)
    query = [("b", "2"), ("a", "x y")]
    keys = AkSk(KEYS.access_key, KEYS.secret_key, token)
    seal = Seal("h.example:8443", request_target(text, query), "p1")
    sent = Signer(keys).headers(seal, DATE)
    made = sent.pop("Authorization")
    request = Unsigned("GET", text, query, {**sent, "Host": "h.example:8443"})
    assert made == authorization(request, keys, DATE)


def test_a_seal_signs_again_and_again() -> None:
    seal, signer = Seal("h.example", "/v2/p/instances?engine=kafka", "p"), Signer(KEYS)
    first = signer.headers(seal, DATE)
    assert signer.headers(seal, "20260102T030406Z") != first
    assert signer.headers(seal, DATE) == first


@given(secret=st.text(st.characters(codec="utf-8"), min_size=1, max_size=150))
def test_secrets_of_any_length_are_taken_as_hmac_takes_them(secret: str) -> None:
    keys, headers = AkSk("AK", secret), {"Host": "h", "X-Project-Id": "p"}
    sent = Signer(keys).headers(Seal("h", "/", "p"), DATE)
    made = sent.pop("Authorization")
    assert made == authorization(Unsigned("GET", "/", (), {**headers, **sent}), keys, DATE)


def test_the_pages_request_is_signed_as_it_is_sent() -> None:
    call = Api("https://dms.eu-west-101.myhuaweicloud.eu", "p1").sink_task("c 1", "t/1")
    assert str(call.url) == (
        "https://dms.eu-west-101.myhuaweicloud.eu/v2/p1/connectors/c%201/sink-tasks/t/1"
        "?topic-info=true"
    )
    sent = Signer(KEYS).headers(call.seal, DATE)
    made = sent.pop("Authorization")
    headers = {**sent, "Host": "dms.eu-west-101.myhuaweicloud.eu"}
    path = "/v2/p1/connectors/c 1/sink-tasks/t/1"
    request = Unsigned("GET", path, [("topic-info", "true")], headers)
    assert made == authorization(request, KEYS, DATE)


def test_an_encoded_slash_becomes_a_separator_and_nothing_is_encoded_twice() -> None:
    assert encode_path("/a%20b%2Fc/d e") == "/a%20b/c/d%20e"


def test_a_query_is_sorted_by_raw_name_then_value_and_lists_are_repeated() -> None:
    pairs: list[tuple[str, QueryValue]] = [("b", ["2", "1"]), ("a", True), ("B", "")]
    assert canonical_query(pairs) == "B=&a=true&b=1&b=2"


def test_the_date_is_written_in_utc_and_changes_with_the_second() -> None:
    stamp = DateStamp()
    start = datetime(2026, 1, 2, 3, 4, 5, 10, tzinfo=UTC)
    assert stamp.of(start) == "20260102T030405Z"
    assert stamp.of(start + timedelta(milliseconds=900)) == "20260102T030405Z"
    assert stamp.of(start + timedelta(seconds=1)) == "20260102T030406Z"
    assert stamp.of(start) == "20260102T030405Z"


def test_keys_never_show_in_a_repr() -> None:
    shown = repr(AkSk("AKVISIBLE", "hidden", "hidden too"))
    assert shown == "AkSk()"


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "a\r", "é", "a\x7f"])
def test_what_no_header_carries_is_recognised(value: str) -> None:
    assert not fits_header(value)
    assert fits_header("MIIatAYJKoZIhvcNAQcCoIIapTCCGqECAQExDTALBglghkgBZQMEAgEw+/=")
