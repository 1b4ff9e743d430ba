"""The simulator signs as Slack does: published and independently computed samples, both ways."""

import json
from pathlib import Path
from typing import TypedDict, cast

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from bot.demo.slack.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature, signed_headers

_SAMPLES = Path(__file__).parent.parent / "data" / "slack-signatures.json"


class Sample(TypedDict):
    name: str
    signing_secret: str
    timestamp_s: int
    body: str
    signature: str


def samples() -> list[Sample]:
    return cast("list[Sample]", json.loads(_SAMPLES.read_text(encoding="utf-8"))["vectors"])


class _StoppedClock(Clock):
    def __init__(self, at_s: int) -> None:
        self._at_s = at_s

    def now(self) -> float:
        return float(self._at_s)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample["name"])
def test_the_signature_equals_the_sample(sample: Sample) -> None:
    made = signature(sample["signing_secret"], sample["timestamp_s"], sample["body"].encode())

    assert made == sample["signature"]


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample["name"])
@pytest.mark.parametrize(("skew_s", "accepted"), [(0, True), (300, True), (-301, False)])
def test_the_official_verifier_accepts_our_headers_within_five_minutes(
    sample: Sample, skew_s: int, accepted: bool
) -> None:
    body = sample["body"].encode()
    headers = signed_headers(sample["signing_secret"], sample["timestamp_s"], body)
    clock = _StoppedClock(sample["timestamp_s"] + skew_s)
    verifier = SignatureVerifier(sample["signing_secret"], clock)

    assert verifier.is_valid_request(body, headers) is accepted


def test_one_changed_byte_of_the_body_makes_another_signature() -> None:
    headers = signed_headers("secret", 1_700_000_000, b"text=status")

    assert headers[TIMESTAMP_HEADER] == "1700000000"
    assert headers[SIGNATURE_HEADER] != signature("secret", 1_700_000_000, b"text=statuS")
