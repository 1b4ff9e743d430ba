"""From the bytes of an answer to values: the vendor's sample, and everything that may go wrong."""

import contextlib
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.dms.plain import PlainAnswers
from bot.adapters.dms.wire import number_of, query_answer, read_sample, sample_of
from bot.domain.model import Destination, TaskKey, TaskSample, TopicSample
from bot.ports import CloudProtocolError

SAMPLE = (Path(__file__).parents[1] / "data" / "vendor-sink-task.json").read_bytes()
KEY = TaskKey("prod", "c1", "t1")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def sample(document: object) -> TaskSample:
    return sample_of(json.dumps(document).encode(), KEY, AT)


def document(answer: object) -> dict[str, object]:
    return query_answer(json.dumps(answer).encode(), KEY, AT).document


def row(partition: object = "0", **changes: object) -> dict[str, object]:
    plain = {"status": "RUNNING", "last_transfer_offset": "7", "log_end_offset": "10", "lag": "3"}
    return {"partition_id": partition, **plain, **changes}


def topic(*rows: dict[str, object], name: object = "orders") -> dict[str, object]:
    return {"topic": name, "partitions": list(rows)}


def read_topic(*rows: dict[str, object]) -> TopicSample:
    topics = sample({"topics_info": [topic(*rows)]}).topics
    assert topics is not None
    return topics[0]


def refusal(document: object) -> str:
    with pytest.raises(CloudProtocolError) as caught:
        sample(document)
    return caught.value.detail


def test_the_vendors_sample_becomes_a_sample() -> None:
    assert sample_of(SAMPLE, KEY, AT) == TaskSample(
        key=KEY,
        at=AT,
        status="RUNNING",
        topics=(
            TopicSample(
                topic="topic-sdk-no-delete",
                partitions=(0, 1, 2),
                statuses=("RUNNING",) * 3,
                transferred=(3, 3, 3),
                log_end=(3, 3, 3),
                lags=(0, 0, 0),
            ),
        ),
        task_name="obsTransfer-56997523",
        destination_type="OBS",
        created_at=datetime(2021, 8, 5, 1, 23, 41, 283000, tzinfo=UTC),
        topics_text="topic-sdk-no-delete",
        destination=Destination(
            bucket="testobs",
            path="obsTransfer-56997523",
            partition_format="yyyy/MM/dd/HH/mm",
            file_type="TEXT",
            consumer_strategy="earliest",
            deliver_interval=timedelta(seconds=300),
        ),
    )


def test_the_vendors_sample_as_a_document_is_the_sample_with_numbers_as_numbers() -> None:
    page: dict[str, Any] = json.loads(SAMPLE)
    for each in page["topics_info"][0]["partitions"]:
        for name in ("partition_id", "last_transfer_offset", "log_end_offset", "lag"):
            each[name] = int(each[name])
    shown = query_answer(SAMPLE, KEY, AT).document
    assert shown == page
    assert list(shown) == list(page)


def test_a_document_of_an_empty_answer_has_every_documented_field_as_null() -> None:
    assert document({}) == dict.fromkeys(
        (
            "task_name",
            "destination_type",
            "create_time",
            "status",
            "topics",
            "obs_destination_descriptor",
            "topics_info",
        )
    )


def test_a_document_keeps_the_order_of_the_answer_and_shows_unknown_numbers_as_null() -> None:
    answer = {
        "obs_destination_descriptor": {"deliver_time_interval": "2", "flush_size": "-1"},
        "topics_info": [topic(row("2", lag="-"), row("1", log_end_offset=None), {})],
    }
    shown = document(answer)
    described = shown["obs_destination_descriptor"]
    assert isinstance(described, dict)
    assert described["deliver_time_interval"] == 2
    assert described["flush_size"] is None
    assert described["obs_bucket_name"] is None
    assert "connector_class" not in described
    assert shown["topics_info"] == [
        {
            "topic": "orders",
            "partitions": [
                {
                    "partition_id": 2,
                    "status": "RUNNING",
                    "last_transfer_offset": 7,
                    "log_end_offset": 10,
                    "lag": None,
                },
                {
                    "partition_id": 1,
                    "status": "RUNNING",
                    "last_transfer_offset": 7,
                    "log_end_offset": None,
                    "lag": 3,
                },
                dict.fromkeys(
                    ("partition_id", "status", "last_transfer_offset", "log_end_offset", "lag")
                ),
            ],
        }
    ]


def test_an_empty_answer_knows_nothing() -> None:
    assert sample({}) == TaskSample(key=KEY, at=AT, status=None, topics=None)


@pytest.mark.parametrize("nothing", [{}, {"topics_info": None}])
def test_no_word_about_topics_is_not_an_empty_list(nothing: object) -> None:
    assert sample(nothing).topics is None
    assert sample({"topics_info": []}).topics == ()


@pytest.mark.parametrize(
    "unknown",
    [
        "",
        None,
        "-",
        "-1",
        "-9",
        "- 1",
        "+3",
        " 3",
        "3.0",
        "1_000",
        "1,2",
        "٣",
        "NaN",
        "x",
        "9" * 4301,
        -1,
    ],
)
def test_an_unknown_offset_is_unknown_and_so_is_its_lag(unknown: object) -> None:
    read = read_topic(row("0"), row("1", last_transfer_offset=unknown))
    assert read.transferred == (7, None)
    assert read.log_end == (10, 10)
    assert read.lags == (3, None)


def test_an_absent_offset_is_unknown() -> None:
    bare = row("0")
    del bare["log_end_offset"]
    read = read_topic(bare)
    assert (read.transferred, read.log_end, read.lags) == ((7,), (None,), (None,))


@pytest.mark.parametrize("number", [str(2**63), str(10**30), "007", "9" * 4300])
def test_offsets_of_any_size_are_exact(number: str) -> None:
    assert read_topic(row("0", log_end_offset=number)).log_end == (int(number),)


def test_json_integers_are_numbers_too() -> None:
    read = read_topic(row(1, last_transfer_offset=2**64, log_end_offset=2**64 + 5))
    assert (read.partitions, read.transferred, read.lags) == ((1,), (2**64,), (5,))


def test_a_position_ahead_of_the_log_end_is_caught_up() -> None:
    assert read_topic(row("0", last_transfer_offset="11")).lags == (0,)


@pytest.mark.parametrize("given_lag", ["999", None, "-5", ""])
def test_lag_is_counted_from_the_offsets_whatever_the_answer_says(given_lag: object) -> None:
    assert read_topic(row("0", lag=given_lag)).lags == (3,)


def test_partitions_ascend_by_number_and_topics_by_name() -> None:
    answer = {
        "topics_info": [
            topic(row("10", log_end_offset="20"), row("9"), row("2"), name="b"),
            topic(row("0"), name="a"),
        ]
    }
    topics = sample(answer).topics
    assert topics is not None
    assert [each.topic for each in topics] == ["a", "b"]
    assert topics[1].partitions == (2, 9, 10)
    assert topics[1].log_end == (10, 10, 20)
    assert topics[1].lags == (3, 3, 13)


@pytest.mark.parametrize("shape", [lambda number: number, str])
def test_both_ways_of_reading_a_topic_agree(shape: Any) -> None:
    rows = [row(str(n), last_transfer_offset=str(n * n), status=f"S{n}") for n in (5, 1, 3)]
    odd = [{**each, "log_end_offset": shape(10)} for each in rows]
    assert read_topic(*odd) == read_topic(*rows)


def test_unknown_statuses_are_kept_as_they_came() -> None:
    assert sample({"status": "Réparé"}).status == "Réparé"
    assert read_topic(row(status="Odd"), row("1", status=""), row("2", status=None)).statuses == (
        "Odd",
        None,
        None,
    )


def test_identical_rows_of_a_partition_are_one_row() -> None:
    read = read_topic(row("0"), row("1"), row("0"))
    assert (read.partitions, read.lags, read.unreadable) == ((0, 1), (3, 3), 0)


def test_rows_that_contradict_each_other_leave_the_offsets_unknown() -> None:
    read = read_topic(row("0"), row("1"), row("0", log_end_offset="11"), row("0"))
    assert read.partitions == (0, 1)
    assert read.transferred == (None, 7)
    assert read.log_end == (None, 10)
    assert read.statuses == ("RUNNING", "RUNNING")


def test_contradicting_statuses_are_unknown() -> None:
    assert read_topic(row("0"), row("0", status="FAILED")).statuses == (None,)


@pytest.mark.parametrize("partition", ["", None, "-1", "x", "2147483648", "9" * 5000, -3])
def test_a_row_without_a_usable_partition_counts_as_unreadable(partition: object) -> None:
    read = read_topic(row("0"), row(partition))
    assert (read.partitions, read.unreadable) == ((0,), 1)
    assert not sample({"topics_info": [topic(row(partition))]}).complete


def test_a_row_without_any_field_counts_as_unreadable() -> None:
    assert read_topic({}, row("0")).unreadable == 1


@pytest.mark.parametrize("bare", [{"topic": "orders"}, {"topic": "orders", "partitions": None}])
def test_a_topic_that_does_not_say_its_partitions_makes_the_answer_incomplete(
    bare: dict[str, object],
) -> None:
    read = sample({"topics_info": [bare]})
    assert read.topics is not None
    assert read.topics[0].partitions == ()
    assert not read.complete


def test_a_topic_with_no_partitions_is_complete() -> None:
    read = sample({"topics_info": [topic()]})
    assert read.topics == (TopicSample("orders", (), (), (), (), ()),)
    assert read.complete


def test_a_topic_listed_twice_is_one_topic() -> None:
    topics = sample({"topics_info": [topic(row("0")), topic(row("1")), topic(name="z")]}).topics
    assert topics is not None
    assert [(each.topic, each.partitions) for each in topics] == [("orders", (0, 1)), ("z", ())]


@pytest.mark.parametrize("name", ["", None])
def test_a_topic_without_a_name_makes_the_answer_unusable(name: object) -> None:
    assert refusal({"topics_info": [topic(), topic(name=name)]}) == (
        "topics_info[1].topic: the topic has no name"
    )


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [(2, 2), ("300", 300), (0, None), (-5, None), ("soon", None), (10**12, None), (None, None)],
)
def test_the_delivery_interval_is_taken_as_it_comes(interval: object, seconds: int | None) -> None:
    read = sample({"obs_destination_descriptor": {"deliver_time_interval": interval}})
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert read.destination.deliver_interval == expected


@pytest.mark.parametrize("time", [0, -1, 1628126621, 10**30, "1", "", None, "yesterday"])
def test_an_absurd_creation_time_is_unknown(time: object) -> None:
    assert sample({"create_time": time}).created_at is None


def test_the_topics_may_stand_in_the_descriptor() -> None:
    assert sample({"obs_destination_descriptor": {"topics": "a,b"}}).topics_text == "a,b"
    assert sample({"obs_destination_descriptor": {"topics_regex": "a.*"}}).topics_text == "a.*"
    assert sample({"topics": "x", "obs_destination_descriptor": {"topics": "a"}}).topics_text == "x"


def test_unknown_fields_are_ignored_whatever_they_hold() -> None:
    answer = {"new": 1.5, "topics_info": [{"topic": "a", "partitions": [], "x": {"y": [None]}}]}
    assert sample(answer).complete


WRONG = {"fraction": 1.5, "whole fraction": 3.0, "bool": True, "list": ["1"], "object": {"a": 1}}
NUMBER_PLACES = [
    "create_time",
    "obs_destination_descriptor.deliver_time_interval",
    "obs_destination_descriptor.obs_part_size",
    "obs_destination_descriptor.flush_size",
    "topics_info[0].partitions[1].partition_id",
    "topics_info[0].partitions[1].last_transfer_offset",
    "topics_info[0].partitions[1].log_end_offset",
    "topics_info[0].partitions[1].lag",
]
TEXT_PLACES = [
    "task_name",
    "destination_type",
    "status",
    "topics",
    "obs_destination_descriptor.obs_bucket_name",
    "topics_info[0].topic",
    "topics_info[0].partitions[1].status",
]
OBJECT_PLACES = [
    "obs_destination_descriptor",
    "topics_info",
    "topics_info[0]",
    "topics_info[0].partitions",
    "topics_info[0].partitions[1]",
]


def with_value(place: str, value: object) -> dict[str, Any]:
    """The vendor's sample with another value in one place."""
    answer: dict[str, Any] = json.loads(SAMPLE)
    *way, last = place.replace("[", ".[").split(".")
    inner: Any = answer
    for step in way:
        inner = inner[int(step[1:-1]) if step.startswith("[") else step]
    inner[int(last[1:-1]) if last.startswith("[") else last] = value
    return answer


@pytest.mark.parametrize("place", NUMBER_PLACES)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_number_of_another_json_type_is_refused_by_its_place(place: str, wrong: object) -> None:
    said = refusal(with_value(place, wrong))
    assert said.startswith(f"{place}: ")
    assert said.endswith(" where a whole number or its digits as text belongs")


@pytest.mark.parametrize("place", TEXT_PLACES)
@pytest.mark.parametrize("wrong", [*WRONG.values(), 7])
def test_a_text_of_another_json_type_is_refused_by_its_place(place: str, wrong: object) -> None:
    said = refusal(with_value(place, wrong))
    assert said.startswith(f"{place}: ")
    assert said.endswith(" where text belongs")


@pytest.mark.parametrize("place", OBJECT_PLACES)
@pytest.mark.parametrize("wrong", ["secret text", 7, True])
def test_a_wrong_structure_is_refused_by_its_place(place: str, wrong: object) -> None:
    said = refusal(with_value(place, wrong))
    assert said.startswith(f"{place}: ")
    assert "secret text" not in said


@pytest.mark.parametrize("wrong", [None, [], "x", 1, True])
def test_an_answer_that_is_no_object_is_refused(wrong: object) -> None:
    assert refusal(wrong).startswith("the answer: ")
    assert refusal({"topics_info": [None]}) == "topics_info[0]: null where an object belongs"


def test_a_refusal_never_shows_the_content_not_even_in_its_cause() -> None:
    with pytest.raises(CloudProtocolError) as caught:
        sample({"status": ["the-content"]})
    assert "the-content" not in caught.value.detail
    assert "the-content" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        SAMPLE[: len(SAMPLE) // 2],
        b"<html></html>",
        b'{"status": "\xff"}',
        b'{"status": "\\ud800"}',
        json.dumps({"status": "é"}).encode("utf-16"),
        b'{"create_time": NaN',
        b"[" * 100_000,
        b'{"x": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"create_time": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf" * 3 + b"{",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(CloudProtocolError, match="not JSON"):
        sample_of(body, KEY, AT)


def test_a_byte_order_mark_is_forgiven() -> None:
    assert sample_of(b"\xef\xbb\xbf" + SAMPLE, KEY, AT) == sample_of(SAMPLE, KEY, AT)


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e3", b"-0.0"])
def test_numbers_that_are_no_integers_are_refused(value: bytes) -> None:
    body = b'{"topics_info":[{"topic":"a","partitions":[{"lag":' + value + b"}]}]}"
    with pytest.raises(CloudProtocolError, match=r"topics_info\[0\].partitions\[0\].lag"):
        sample_of(body, KEY, AT)


def test_a_complaint_inside_a_success_is_refused() -> None:
    assert "error_code" in refusal({"error_code": "DMS.00404026", "error_msg": "gone"})


def test_a_number_longer_than_python_reads_is_unknown_and_no_crash() -> None:
    assert sys.get_int_max_str_digits() == 4300
    assert number_of("9" * 4301) is None
    assert number_of(10**4300) is None
    assert number_of(10**4299) == 10**4299


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "task_name",
                    "create_time",
                    "status",
                    "topics",
                    "obs_destination_descriptor",
                    "deliver_time_interval",
                    "topics_info",
                    "topic",
                    "partitions",
                    "partition_id",
                    "last_transfer_offset",
                    "log_end_offset",
                    "lag",
                    "other",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
offsets = st.integers(-3, 2**70) | st.integers(-3, 9).map(str) | st.sampled_from(["", "-", None])
near_rows = st.fixed_dictionaries(
    {},
    optional={
        "partition_id": st.integers(-1, 4).map(str) | st.integers(0, 3),
        "status": st.sampled_from(["RUNNING", "", None]),
        "last_transfer_offset": offsets,
        "log_end_offset": offsets,
        "lag": offsets,
    },
)
near_topics = st.fixed_dictionaries(
    {"topic": st.sampled_from(["a", "b"])},
    optional={"partitions": st.none() | st.lists(near_rows, max_size=6)},
)
near_answers = st.fixed_dictionaries({"topics_info": st.lists(near_topics, max_size=3)})


def check_whole(read: TaskSample) -> None:
    names = [each.topic for each in read.topics or ()]
    assert names == sorted(set(names))
    for each in read.topics or ():
        columns = (each.statuses, each.transferred, each.log_end, each.lags)
        assert {len(column) for column in columns} == {len(each.partitions)}
        assert list(each.partitions) == sorted(set(each.partitions))
        for reading in each.rows():
            known = reading.transferred is not None and reading.log_end is not None
            assert (reading.lag is None) is not known
            assert reading.lag is None or reading.lag >= 0


@given(value=json_values)
def test_any_json_gives_a_sample_or_a_protocol_error(value: object) -> None:
    body = json.dumps(value).encode()
    try:
        answer = query_answer(body, KEY, AT)
    except CloudProtocolError:
        return
    check_whole(answer.sample)
    json.dumps(answer.document)


@given(value=near_answers)
def test_any_answer_of_the_right_types_gives_a_whole_sample(value: object) -> None:
    check_whole(sample(value))


@given(body=st.binary(max_size=64))
def test_any_bytes_give_a_sample_or_a_protocol_error(body: bytes) -> None:
    with contextlib.suppress(CloudProtocolError):
        check_whole(sample_of(body, KEY, AT))


# --- the short way and the long way ----------------------------------------------------------

ODD_NUMBERS = [
    "",
    " 7",
    "7 ",
    "+7",
    "-7",
    "-0",
    "7.0",
    "7_0",
    "\u0667",
    None,
    True,
    7,
    7.0,
    1e3,
    "7",
]
near_numbers = st.sampled_from(ODD_NUMBERS) | st.integers(0, 10**20).map(str)
digits = st.integers(0, 10**20).map(str) | st.just("007")
names = st.sampled_from(["a", "a1", "a2", "b", ""])


def rows_of(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, object]]]:
    """Rows whose fields are there, and perhaps others that differ from them in a digit."""
    fields = {
        "partition_id": st.integers(0, 5).map(str) | numbers,
        "status": st.sampled_from(["RUNNING", "R1", "", None]),
        "last_transfer_offset": numbers,
        "log_end_offset": numbers,
        "lag": numbers,
    }
    other = {f"{name}1": near_numbers for name in fields} | {"par1tition_id": near_numbers}
    return st.lists(st.fixed_dictionaries(fields, optional=other), max_size=4)


def answers_of(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, object]]:
    topics = st.fixed_dictionaries({"topic": names, "partitions": rows_of(numbers)})
    return st.fixed_dictionaries(
        {"topics_info": st.lists(topics, max_size=3)},
        optional={"status": names, "create_time": near_numbers, "error_code1": names},
    )


def outcome(read: Any, body: bytes) -> object:
    try:
        return read(body, KEY, AT)
    except CloudProtocolError as error:
        return error.detail


@given(first=answers_of(digits), then=answers_of(digits | near_numbers))
def test_the_short_way_says_what_the_long_way_says(first: object, then: object) -> None:
    for answer in (first, then):
        body = json.dumps(answer, ensure_ascii=False).encode()
        sample_of_first = outcome(sample_of, body)
        assert sample_of_first == outcome(read_sample, body)
        assert outcome(sample_of, body) == sample_of_first


@given(answer=answers_of(digits), luck=st.randoms(use_true_random=False))
def test_digits_that_come_and_go_anywhere_do_not_part_the_two_ways(
    answer: object, luck: random.Random
) -> None:
    body = json.dumps(answer).encode()
    outcome(sample_of, body)
    parts = [bytes([byte]) for byte in body if luck.random() > 0.02 or byte not in b"0123456789"]
    for _ in range(luck.randint(0, 4)):
        parts.insert(luck.randint(0, len(parts)), b"%d" % luck.randint(0, 9))
    changed = b"".join(parts)
    assert outcome(sample_of, changed) == outcome(read_sample, changed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"lag":"1","lag1":{}', '"lag1":"1","lag":{}'),
        ('"partition_id1":3.0,"partition_id":"1"', '"partition_id":"1","partition_id":3.0'),
        ('"partition_id1":3.0,"partition_id":"1"', '"partition_id":3.0,"partition_id1":"1"'),
        ('"partition_id":"\\u0031"', '"partition_id":"\\u0020"'),
        ('"partition_id":"1 "', '"partition_id":"1 "'),
    ],
)
def test_fields_that_trade_places_do_not_part_the_two_ways(before: str, after: str) -> None:
    plain = '"status":null,"last_transfer_offset":"1","log_end_offset":"2"'
    for fields in (before, after, before):
        body = f'{{"topics_info":[{{"topic":"a","partitions":[{{{plain},{fields}}}]}}]}}'.encode()
        assert outcome(sample_of, body) == outcome(read_sample, body)


def test_an_answer_is_known_to_be_plain_from_one_that_differs_in_digits_alone() -> None:
    def body(**changes: object) -> bytes:
        return json.dumps({"topics_info": [topic(row("0"), row("1", **changes))]}).encode()

    known = PlainAnswers()
    known.remember(body(), [{"topic": "orders", "partitions": [{}]}])
    assert not known.looks_plain(body())
    plain: Any = json.loads(body())["topics_info"]
    known.remember(body(), plain)
    assert known.looks_plain(body())
    assert known.looks_plain(body(log_end_offset="123456789"))
    for odd in ("-", "-1", " 7", "7.0", 7, None, True):
        assert not known.looks_plain(body(log_end_offset=odd))
    assert not known.looks_plain(body(status="PAUSED"))


def test_topics_of_the_same_partitions_share_them() -> None:
    ones, others = (read_topic(row("1"), row("0", log_end_offset=end)) for end in ("77", "8"))
    assert ones.lags == (70, 3)
    assert ones.partitions is others.partitions
