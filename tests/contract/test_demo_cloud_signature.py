"""The simulated gateway accepts what the vendor's signer signs, and nothing else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.cloud.signature import (
    RawRequest,
    SignatureRefused,
    canonical_request,
    sign,
    string_to_sign,
    verified_access_key,
)
from tests.contract.cloud_world import signed_headers

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text()
)["vectors"]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY, SECRET = "AKEXAMPLE0TESTONLY01", "made-up-secret-key-for-tests-only-0001"
PATH = "/v2/0123456789abcdef0123456789abcdef/instances"


def arrived(vector: dict[str, Any]) -> RawRequest:
    """The vector's request as a gateway would receive it."""
    target = vector["expected"]["request_target"]
    path, _, query = target.partition("?")
    return RawRequest(
        method=vector["input"]["method"],
        path=path,
        query=query,
        headers=tuple(vector["expected"]["headers_after_signing"].items()),
        body=vector["input"]["body"].encode(),
    )


def names(vectors: list[dict[str, Any]]) -> list[str]:
    return [vector["name"] for vector in vectors]


@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_every_vector_of_the_vendors_signer_is_recomputed(vector: dict[str, Any]) -> None:
    expected = vector["expected"]
    canonical = canonical_request(arrived(vector), expected["signed_headers"])
    assert canonical == expected["canonical_request"]
    text = string_to_sign(canonical, "20260102T030405Z")
    assert text == expected["string_to_sign"]
    assert sign(text, vector["input"]["sk"]) == expected["signature"]


def secret_of(access_key: str) -> str | None:
    return SECRET if access_key == KEY else None


def verdict(request: RawRequest, *, now: datetime = NOW) -> str:
    try:
        return verified_access_key(request, now=now, secret_of=secret_of)
    except SignatureRefused as refused:
        return str(refused)


@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_every_vector_is_accepted_at_its_time(vector: dict[str, Any]) -> None:
    assert len(VECTORS) == 14
    assert verdict(arrived(vector)) == KEY


def signed(secret: str = SECRET, **changes: Any) -> RawRequest:
    plain = {
        "method": "GET",
        "path": PATH,
        "query": "engine=kafka&offset=0",
        "headers": (("Host", "dms.example"), ("X-Sdk-Date", "20260102T030405Z")),
    } | changes
    request = RawRequest(**plain)
    headers = signed_headers(request, access_key=KEY, secret=secret)
    return RawRequest(**plain | {"headers": tuple(headers.items())})


def altered(request: RawRequest, **changes: Any) -> RawRequest:
    parts = {
        name: getattr(request, name) for name in ("method", "path", "query", "headers", "body")
    }
    return RawRequest(**parts | changes)


def with_header(request: RawRequest, name: str, value: str) -> RawRequest:
    headers = tuple((key, value if key == name else text) for key, text in request.headers)
    return altered(request, headers=headers)


WRONG = "verify aksk signature fail"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (altered(signed(), method="PUT"), WRONG),
        (altered(signed(), path=PATH + "/x"), WRONG),
        (altered(signed(), query="engine=kafka&offset=1"), WRONG),
        (altered(signed(), query=""), WRONG),
        (altered(signed(), body=b"{}"), WRONG),
        (with_header(signed(), "Host", "elsewhere.example"), WRONG),
        (with_header(signed(), "X-Sdk-Date", "20260102T030406Z"), WRONG),
        (with_header(signed(), "X-Sdk-Date", "yesterday"), WRONG),
        (with_header(signed(), "X-Sdk-Date", ""), WRONG),
        (signed(secret="another"), WRONG),
        (altered(signed(), headers=(("Host", "dms.example"),)), WRONG),
        (with_header(signed(), "Authorization", ""), WRONG),
        (with_header(signed(), "Authorization", "Bearer xyz"), WRONG),
        (with_header(signed(), "Authorization", f"SDK-HMAC-SHA256 Access={KEY}"), WRONG),
        (
            with_header(
                signed(),
                "Authorization",
                f"SDK-HMAC-SHA256 Access=AKSTRANGER, SignedHeaders=host, Signature={'0' * 64}",
            ),
            "ak AKSTRANGER not exist",
        ),
        (signed(query="name=a+b"), KEY),
        (altered(signed(query="name=a%20b"), query="name=a+b"), WRONG),
        (altered(signed(query="b=1&a=2"), query="a=2&b=1"), KEY),
        (altered(signed(), query="offset=0&engine=%6bafka"), KEY),
    ],
)
def test_a_request_that_is_not_what_was_signed_is_refused(
    request_: RawRequest, reason: str
) -> None:
    assert verdict(request_) == reason


@pytest.mark.parametrize("seconds", [-900, -1, 0, 899, 900])
def test_a_signature_of_up_to_fifteen_minutes_ago_or_ahead_is_accepted(seconds: int) -> None:
    assert verdict(signed(), now=NOW + timedelta(seconds=seconds)) == KEY


@pytest.mark.parametrize(
    ("seconds", "server"), [(901, "20260102T031906Z"), (-901, "20260102T024904Z")]
)
def test_an_expired_signature_is_told_both_times(seconds: int, server: str) -> None:
    assert verdict(signed(), now=NOW + timedelta(seconds=seconds)) == (
        "calc aksk signature fail:signature expired, "
        f"signature time:20260102T030405Z,server time:{server}"
    )


def test_an_unsigned_payload_may_be_anything() -> None:
    headers = (
        ("Host", "dms.example"),
        ("X-Sdk-Date", "20260102T030405Z"),
        ("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"),
    )
    request = signed(method="POST", body=b"one", headers=headers)
    assert verdict(altered(request, body=b"two")) == KEY


def test_a_refusal_does_not_tell_the_secret_or_the_signature() -> None:
    request = altered(signed(), query="")
    told = verdict(request)
    assert SECRET not in told
    assert (request.header("Authorization") or "")[-64:] not in told
