"""Every broken answer we could think of, over real HTTP, and what becomes of it.

An answer becomes a sample that knows less, or an error of the right kind. It never becomes a wrong
number, a task that is taken for gone, a crash, or a process that runs out of memory.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.dms.account import Token
from bot.domain.model import TaskSample
from bot.ports import (
    CloudDenied,
    CloudError,
    CloudForbidden,
    CloudProtocolError,
    CloudTaskMissing,
    CloudThrottled,
    CloudUnavailable,
)
from tests.contract.dms_endpoint import AT_ONCE, TASK, Said, dms_error, endpoint, in_turn, said

SAMPLE = (Path(__file__).parents[1] / "data" / "vendor-sink-task.json").read_bytes()
MIB = 2**20
SECRETS = ("made-up-secret-key", "AKEXAMPLE0TESTONLY01", "Signature=", "the-given-token")


@dataclass(frozen=True, slots=True)
class Row:
    """One answer, and the error it becomes or what must hold for the sample."""

    name: str
    reply: Said
    kind: type[CloudError] | None = None
    says: str = ""
    holds: Callable[[TaskSample], bool] = bool
    timeout_seconds: float = 5.0


def changed(*places: tuple[str, object]) -> Said:
    """The vendor's sample with values replaced; `...` removes a place."""
    answer: dict[str, Any] = json.loads(SAMPLE)
    for place, value in places:
        *way, last = place.split(".")
        inner: Any = answer
        for step in way:
            inner = inner[int(step) if step.isdecimal() else step]
        key = int(last) if last.isdecimal() else last
        if value is ...:
            del inner[key]
        else:
            inner[key] = value
    return said(answer)


FIRST_ROW = "topics_info.0.partitions.0"  # the sample's partition 2
FIELDS = {
    "task_name": lambda s: s.task_name is None,
    "destination_type": lambda s: s.destination_type is None,
    "create_time": lambda s: s.created_at is None,
    "status": lambda s: s.status is None,
    "topics": lambda s: s.topics_text is None,
    "obs_destination_descriptor": lambda s: s.destination.bucket is None,
    "obs_destination_descriptor.consumer_strategy": lambda s: (
        s.destination.consumer_strategy is None
    ),
    "obs_destination_descriptor.destination_file_type": lambda s: s.destination.file_type is None,
    "obs_destination_descriptor.obs_bucket_name": lambda s: s.destination.bucket is None,
    "obs_destination_descriptor.obs_path": lambda s: s.destination.path is None,
    "obs_destination_descriptor.partition_format": lambda s: s.destination.partition_format is None,
    "obs_destination_descriptor.record_delimiter": lambda s: s.complete,
    "obs_destination_descriptor.deliver_time_interval": lambda s: (
        s.destination.deliver_interval is None
    ),
    "obs_destination_descriptor.obs_part_size": lambda s: s.complete,
    "topics_info": lambda s: s.topics is None and not s.complete,
    "topics_info.0.partitions": lambda s: s.topics[0].partitions == () and not s.complete,
    f"{FIRST_ROW}.partition_id": lambda s: s.topics[0].partitions == (0, 1) and not s.complete,
    f"{FIRST_ROW}.status": lambda s: s.topics[0].statuses == ("RUNNING", "RUNNING", None),
    f"{FIRST_ROW}.last_transfer_offset": lambda s: s.topics[0].lags == (0, 0, None),
    f"{FIRST_ROW}.log_end_offset": lambda s: s.topics[0].log_end == (3, 3, None),
    f"{FIRST_ROW}.lag": lambda s: s.topics[0].lags == (0, 0, 0) and s.complete,
}
"""What a sample lacks without this field; null is as good as absent."""


def fields() -> Iterator[Row]:
    for place, holds in FIELDS.items():
        yield Row(f"{place} absent", changed((place, ...)), holds=holds)
        yield Row(f"{place} null", changed((place, None)), holds=holds)
        for wrong, value in (("a fraction", 1.5), ("true", True), ("a list of one", [1])):
            path = place.replace(".0", "[0]")
            name = f"{place} {wrong}"
            yield Row(name, changed((place, value)), CloudProtocolError, f"{path}")
    yield Row("topic absent", changed(("topics_info.0.topic", ...)), CloudProtocolError, "no name")


def numbers() -> Iterator[Row]:
    place = f"{FIRST_ROW}.log_end_offset"
    for value in ("", "-", "-1", "-7", "many", "3.0", " 3", "9" * 5000, -1):
        holds = FIELDS[place]
        yield Row(f"log_end_offset {value!r:.12}", changed((place, value)), holds=holds)
    yield Row(
        "log_end_offset beyond 64 bits",
        changed((place, str(2**80))),
        holds=lambda s: s.topics is not None and s.topics[0].lags == (0, 0, 2**80 - 3),
    )
    yield Row(
        "log_end_offset a JSON integer",
        changed((place, 9)),
        holds=lambda s: s.topics is not None and s.topics[0].lags == (0, 0, 6),
    )
    yield Row(
        "lag negative",
        changed((f"{FIRST_ROW}.lag", "-5")),
        holds=lambda s: s.topics is not None and s.topics[0].lags == (0, 0, 0),
    )
    raw = SAMPLE.replace(b'"lag": "0"', b'"lag": NaN', 1)
    assert raw != SAMPLE
    yield Row("lag NaN", said(raw), CloudProtocolError, "topics_info[0].partitions[0].lag")
    yield Row(
        "lag without end",
        said(raw.replace(b"NaN", b"9" * 5000)),
        CloudProtocolError,
        "not JSON",
    )


def structures() -> Iterator[Row]:
    one = "topics_info.0"
    yield Row("topics_info empty", changed(("topics_info", [])), holds=lambda s: s.topics == ())
    yield Row(
        "partitions empty",
        changed((f"{one}.partitions", [])),
        holds=lambda s: s.topics is not None and s.topics[0].partitions == () and s.complete,
    )
    yield Row("topic null", changed((one, None)), CloudProtocolError, "topics_info[0]: null")
    yield Row(
        "partition null",
        changed((f"{one}.partitions.1", None)),
        CloudProtocolError,
        "topics_info[0].partitions[1]: null",
    )
    yield Row("topic a text", changed((one, "orders")), CloudProtocolError, "topics_info[0]: text")
    yield Row("topics_info an object", changed(("topics_info", {})), CloudProtocolError, "a list")
    yield Row(
        "a partition twice, the same",
        changed((f"{one}.partitions.1.partition_id", "2")),
        holds=lambda s: s.topics is not None and s.topics[0].partitions == (0, 2) and s.complete,
    )
    yield Row(
        "a partition twice, different",
        changed((f"{one}.partitions.1.partition_id", "2"), (f"{FIRST_ROW}.log_end_offset", "8")),
        holds=lambda s: s.topics is not None and s.topics[0].lags == (0, None),
    )
    yield Row(
        "a partition id that is none",
        changed((f"{FIRST_ROW}.partition_id", "two")),
        holds=lambda s: s.topics is not None and s.topics[0].unreadable == 1,
    )
    yield Row("an empty object", said({}), holds=lambda s: s.topics is None and s.status is None)
    yield Row(
        "a status nobody knows",
        changed(("status", "Zerstört"), (f"{FIRST_ROW}.status", "odd")),
        holds=lambda s: s.status == "Zerstört",
    )
    yield Row("unknown fields", changed(("new", {"x": [1.5]})), holds=lambda s: s.complete)


def bodies() -> Iterator[Row]:
    html = b"<html><body>Login to the company proxy: the-content</body></html>"
    yield Row("empty", said(b""), CloudProtocolError, "not JSON")
    yield Row("null", said(b"null"), CloudProtocolError, "the answer: null")
    yield Row("a list", said(b"[]"), CloudProtocolError, "the answer: a list")
    yield Row("a number", said(b"7"), CloudProtocolError, "the answer: a whole number")
    yield Row("a text", said(b'"the-content"'), CloudProtocolError, "the answer: text")
    yield Row("HTML", said(html, Content_Type="text/html"), CloudProtocolError, "not JSON")
    yield Row("HTML called JSON", said(html), CloudProtocolError, "not JSON")
    yield Row("truncated", said(SAMPLE[:-20]), CloudProtocolError, "not JSON")
    yield Row("two answers", said(SAMPLE + SAMPLE), CloudProtocolError, "not JSON")
    yield Row("a byte order mark", said(b"\xef\xbb\xbf" + SAMPLE), holds=lambda s: s.complete)
    yield Row("UTF-16", said(SAMPLE.decode().encode("utf-16")), CloudProtocolError, "not JSON")
    latin = SAMPLE.replace(b"testobs", "gespräch".encode("latin-1"))
    yield Row(
        "Latin-1",
        said(latin, Content_Type="application/json; charset=iso-8859-1"),
        CloudProtocolError,
        "not JSON",
    )
    yield Row(
        "UTF-8 under another name",
        said(SAMPLE, Content_Type="application/json; charset=gbk"),
        holds=lambda s: s.complete,
    )
    yield Row("no content type", said(SAMPLE, Content_Type=""), holds=lambda s: s.complete)
    yield Row("lone surrogate", said(b'{"status":"\\ud800"}'), CloudProtocolError, "not JSON")
    yield Row("nested for ever", said(b"[" * 100_000), CloudProtocolError, "not JSON")
    packed = gzip.compress(SAMPLE)
    yield Row(
        "gzip unasked", said(packed, Content_Encoding="gzip"), CloudProtocolError, "compressed"
    )
    bomb = gzip.compress(b" " * (50 * MIB))
    yield Row("gzip bomb", said(bomb, Content_Encoding="gzip"), CloudProtocolError, "compressed")
    yield Row("gzip unsaid", said(packed), CloudProtocolError, "not JSON")
    yield Row(
        "a complaint inside a success",
        said({"error_code": "DMS.00404026", "error_msg": "gone"}),
        CloudProtocolError,
        "error_code",
    )


def sizes() -> Iterator[Row]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    blanks = b" " * MIB
    chunk = b"%x\r\n" % MIB + blanks + b"\r\n"
    yield Row(
        "50 MB, announced",
        Said((head + b"Content-Length: 52428800\r\n\r\n",), close=True),
        CloudProtocolError,
        "larger than 16 MiB",
    )
    yield Row(
        "50 MB, in chunks without end",
        Said((head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 50), hang=True),
        CloudProtocolError,
        "larger than 16 MiB",
    )
    yield Row(
        "50 MB until the connection ends",
        Said((head + b"\r\n", *[blanks] * 50), close=True),
        CloudProtocolError,
        "larger than 16 MiB",
    )
    yield Row(
        "an error of 50 MB",
        Said((b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 50), hang=True),
        CloudUnavailable,
        "HTTP 500",
    )
    padded = SAMPLE + b" " * (16 * MIB - len(SAMPLE))
    yield Row("16 MiB to the byte", said(padded), holds=lambda s: s.complete)
    yield Row("a byte more", said(padded + b" "), CloudProtocolError, "larger than 16 MiB")
    yield Row(
        "a header field of 60 KiB", said(SAMPLE, X_Big="x" * 60 * 1024), holds=lambda s: s.complete
    )
    yield Row(
        "a header field of 100 KiB",
        said(SAMPLE, X_Big="x" * 100 * 1024),
        CloudProtocolError,
        "HTTP as it should",
    )


def statuses() -> Iterator[Row]:
    for code in ("DMS.00404022", "DMS.00404024", "DMS.00404026"):
        yield Row(f"404 {code}", dms_error(404, code), CloudTaskMissing, code)
    yield Row("404 flow control", dms_error(404, "DMS.10240407"), CloudThrottled, "10240407")
    for code in ("DMS.00404001", "DMS.10240406", "APIGW.0101", "APIG.0101"):
        yield Row(f"404 {code}", dms_error(404, code), CloudProtocolError, "endpoint")
    yield Row("404 without a body", said(b"", 404), CloudProtocolError, "404 with an empty body")
    yield Row("404 HTML", said(b"<h1>nginx</h1>", 404), CloudProtocolError, "an HTML page")
    yield Row("404 of another code", dms_error(404, "DMS.00404027"), CloudProtocolError, "none of")
    yield Row("401 of the gateway", dms_error(401, "APIGW.0301"), CloudDenied, "keys")
    yield Row(
        "401 for the clock",
        dms_error(401, "APIGW.0301", "calc aksk signature fail:signature expired, ..."),
        CloudDenied,
        "clock",
    )
    yield Row(
        "401 that repeats the key",
        dms_error(401, "APIGW.0301", "ak AKEXAMPLE0TESTONLY01 not exist"),
        CloudDenied,
        "ak … not exist",
    )
    yield Row("403 for the role", dms_error(403, "DMS.00403003"), CloudForbidden, "dms:instance")
    yield Row("403 frozen", dms_error(403, "DMS.10240306"), CloudDenied, "10240306")
    yield Row("400 no balance", dms_error(400, "DMS.00500987"), CloudDenied, "00500987")
    yield Row("400 bad id", dms_error(400, "DMS.00400070"), CloudProtocolError, "00400070")
    yield Row("400 for a while", dms_error(400, "DMS.00400975"), CloudUnavailable, "00400975")
    yield Row("429", dms_error(429, "APIGW.0308"), CloudThrottled, "0308")
    yield Row("429 bare", said(b"", 429), CloudThrottled, "429")
    for status in (500, 502, 503, 504):
        yield Row(f"{status} HTML", said(b"<h1>no</h1>", status), CloudUnavailable, str(status))
    no_content = Said((b"HTTP/1.1 204 No Content\r\n\r\n",))
    yield Row("204", no_content, CloudProtocolError, "HTTP 204")
    yield Row("206", said(SAMPLE, 206), CloudProtocolError, "HTTP 206")
    for status in (301, 302, 307, 308):
        away = said(b"", status, Location="http://127.0.0.1:9/elsewhere")
        yield Row(f"{status} elsewhere", away, CloudProtocolError, "redirects are not followed")
    yield Row("304", Said((b"HTTP/1.1 304 Same\r\n\r\n",)), CloudProtocolError, "HTTP 304")


def connections() -> Iterator[Row]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(SAMPLE)
    yield Row("closed at once", Said((), close=True), CloudUnavailable, "ended before")
    yield Row(
        "closed within the body",
        Said((head + length, SAMPLE[:100]), close=True),
        CloudUnavailable,
        "ended before",
    )
    yield Row(
        "closed within a chunk",
        Said((head + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", SAMPLE[:100]), close=True),
        CloudUnavailable,
        "ended before",
    )
    yield Row(
        "not HTTP", Said((b"SSH-2.0-OpenSSH\r\n\r\n",), close=True), CloudProtocolError, "HTTP"
    )
    yield Row("no answer", Said((), hang=True), CloudUnavailable, "within", timeout_seconds=0.2)
    yield Row(
        "an answer that stops",
        Said((head + length, SAMPLE[:100]), hang=True),
        CloudUnavailable,
        "within",
        timeout_seconds=0.2,
    )
    yield Row("until the connection ends", Said((head + b"\r\n", SAMPLE), close=True), holds=bool)


ROWS = [
    *fields(),
    *numbers(),
    *structures(),
    *bodies(),
    *sizes(),
    *statuses(),
    *connections(),
]


def leaks(error: BaseException) -> bool:
    """Whether a secret or the answer's content shows in an error, its causes or its contexts."""
    seen: BaseException | None = error
    while seen is not None:
        shown = f"{seen} {seen!r} {getattr(seen, 'request_info', '')}"
        if any(secret in shown for secret in (*SECRETS, "the-content")):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_a_broken_answer_has_the_right_outcome(row: Row) -> None:
    timeout = timedelta(seconds=row.timeout_seconds)
    async with endpoint(lambda _: row.reply) as cloud, cloud.client(timeout=timeout) as client:
        if row.kind is None:
            assert row.holds(await client.observe(TASK, budget=timeout))
            return
        budget = timeout if row.kind is CloudProtocolError else AT_ONCE
        with pytest.raises(CloudError) as caught:
            await client.observe(TASK, budget=budget)
    assert type(caught.value) is row.kind
    assert row.says in caught.value.detail
    assert caught.value.account == "prod"
    assert not leaks(caught.value)
    assert cloud.written_bytes < 25 * MIB


def test_the_table_has_all_of_its_rows() -> None:
    assert len(ROWS) >= 180
    assert len({row.name for row in ROWS}) == len(ROWS)


async def test_no_error_shows_the_token_it_was_sent_with() -> None:
    rows = [*bodies(), *statuses(), *connections()]
    for row in (row for row in rows if row.kind is not None and not row.reply.hang):
        async with (
            endpoint(in_turn([row.reply])) as cloud,
            cloud.client(Token("the-given-token")) as client,
        ):
            with pytest.raises(CloudError) as caught:
                await client.observe(TASK, budget=AT_ONCE)
        assert not leaks(caught.value), row.name
