"""What is written is what is read, for any value; what is damaged is said to be."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.store import blocks, codec, samples, windows
from bot.adapters.store.codec import Undecodable
from bot.adapters.store.columns import Reader, signed_varint, varint, write_column, write_words
from bot.domain.history import TaskHistory
from bot.domain.incidents import AlertState, Event, Incident
from bot.domain.model import TaskSample, topic_sample
from bot.domain.notifications import Card, Notice
from bot.domain.silences import Silence
from bot.ports import ListedTask, StoreError
from tests.builders import (
    a_card,
    a_history,
    a_key,
    a_sample,
    a_sample_of,
    a_state,
    a_topic,
    an_incident,
    at,
)
from tests.contract.store_values import KEY, NUMBERS, histories, of_type, whole
from tests.contract.store_values import samples as any_sample

some_examples = settings(max_examples=40, deadline=None)

# --- documents -------------------------------------------------------------------------------


@some_examples
@given(whole(AlertState))
def test_an_alert_state_comes_back_as_it_was(state: AlertState) -> None:
    document = codec.state_document(state)
    again = codec.state_from(
        document, key=state.key, rule_type=state.type.value, version=state.version
    )
    assert again == state
    assert list(again.subjects) == list(state.subjects)


@some_examples
@given(whole(Card))
def test_a_card_comes_back_as_it_was(card: Card) -> None:
    document = codec.card_document(card)
    again = codec.card_from(document, version=card.version, rang_at=card.rang_at)
    assert again == card
    assert list(again.told) == list(card.told), "the order of opening"


@some_examples
@given(whole(Incident))
def test_an_incident_comes_back_as_it_was(incident: Incident) -> None:
    assert codec.incident_from(codec.incident_document(incident)) == incident


@some_examples
@given(whole(Notice))
def test_a_notice_comes_back_as_it_was(notice: Notice) -> None:
    assert codec.notice_from(codec.notice_document(notice)) == notice


@some_examples
@given(whole(Event))
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    document = codec.incident_document(event.incident)
    kind, by, note = event.kind.value, event.by, event.note
    assert codec.event_from(document, kind=kind, at=event.at, by=by, note=note) == event


@some_examples
@given(whole(Silence))
def test_a_silence_comes_back_as_it_was(silence: Silence) -> None:
    assert codec.silence_from(codec.silence_document(silence)) == silence


@some_examples
@given(whole(ListedTask))
def test_a_listed_task_comes_back_as_it_was(listed: ListedTask) -> None:
    assert codec.listed_from(codec.listed_document(listed)) == listed


def test_equal_values_make_equal_documents_whatever_their_version() -> None:
    card = a_card()
    assert codec.card_document(card) == codec.card_document(replace(card, version=7, rang_at=at(9)))


def test_a_value_of_words_and_one_of_numbers_are_told_apart() -> None:
    for value in ("12", 12, None, "", 2**70):
        incident = an_incident()
        incident = replace(incident, evidence=(replace(incident.evidence[0], value=value),))
        (judgement,) = codec.incident_from(codec.incident_document(incident)).evidence
        assert (judgement.value, type(judgement.value)) == (value, type(value))


def test_much_evidence_makes_a_small_document() -> None:
    incident = an_incident()
    evidence = tuple(
        replace(incident.evidence[0], subject=replace(incident.evidence[0].subject, partition=i))
        for i in range(100)
    )
    assert len(codec.incident_document(replace(incident, evidence=evidence))) < 3_000


def test_a_field_that_an_older_program_does_not_know_is_passed_over() -> None:
    document = codec.card_document(a_card())
    assert document[:2] == b"1j"
    newer = document[:-1] + b',"colour":"red"}'
    assert codec.card_from(newer, version=0, rang_at=None) == a_card()


def test_a_field_that_an_older_program_did_not_write_takes_its_default() -> None:
    document = codec.card_document(a_card())
    older = document.replace(b',"reminded_at":null', b"")
    assert older != document
    assert codec.card_from(older, version=0, rang_at=None) == a_card()


@pytest.mark.parametrize(
    "document",
    [b"", b"1", b"1j", b"1jnull", b'1j{"id":7}', b"1z\x00", b"1z", b"2j{}", b"\xff\xff\xff"],
)
def test_a_document_that_cannot_be_read_is_said_to_be(document: bytes) -> None:
    with pytest.raises(Undecodable):
        codec.incident_from(document)


def test_words_of_another_version_in_columns_are_said_to_be() -> None:
    document = codec.state_document(a_state())
    with pytest.raises(Undecodable, match="moon_phase"):
        codec.state_from(document, key=a_key(), rule_type="moon_phase", version=1)
    with pytest.raises(Undecodable, match="eclipsed"):
        codec.event_from(codec.incident_document(an_incident()), kind="eclipsed", at=at(0))


def test_half_a_surrogate_pair_is_an_error_of_the_store() -> None:
    with pytest.raises(StoreError):
        codec.incident_document(replace(an_incident(), name="\ud800"))


# --- columns ---------------------------------------------------------------------------------


@given(st.integers())
def test_a_number_comes_back_as_it_was(number: int) -> None:
    assert Reader(signed_varint(number)).signed_varint() == number
    assert Reader(varint(abs(number))).varint() == abs(number)


@some_examples
@given(st.lists(st.tuples(st.none() | NUMBERS, NUMBERS), max_size=20))
def test_a_column_comes_back_as_it_was(pairs: list[tuple[int | None, int]]) -> None:
    values, base = [value for value, _ in pairs], [was for _, was in pairs]
    written, following = write_column(values, base)
    reader = Reader(written)
    read, read_following = reader.column(base)
    assert list(read) == values
    assert list(read_following) == list(following)
    assert reader.done


@pytest.mark.parametrize("width", range(1, 12))
def test_columns_of_every_width_come_back(width: int) -> None:
    values = [0, 256**width - 1, 256 ** (width - 1), 1]
    written, _ = write_column(values, [0] * 4)
    assert list(Reader(written).column([0] * 4)[0]) == values


@some_examples
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), max_size=3))
def test_words_come_back_as_they_were(series: list[list[int]]) -> None:
    words = [number for numbers in series for number in numbers]
    reader = Reader(write_words(*(array("q", numbers) for numbers in series)))
    assert reader.words(len(words)) == array("q", words)
    assert reader.done


def test_words_of_more_bytes_than_they_can_have_are_damaged() -> None:
    with pytest.raises(ValueError, match="too wide"):
        Reader(varint(9) + bytes(9)).words(1)


# --- samples ---------------------------------------------------------------------------------


def packed(taken: Sequence[TaskSample]) -> list[bytes]:
    """The blocks these samples are stored in, by batches of one."""
    stored: dict[object, bytes] = {}
    opened: samples.OpenBlocks = {}
    for sample in taken:
        made = samples.batch([sample], opened)
        opened = {**opened, **made.open}
        for row in made.rows:
            block = row["block"]
            assert isinstance(block, bytes)
            stored[row["first_at"]] = block
    return list(stored.values())


def in_order(taken: Sequence[TaskSample]) -> list[TaskSample]:
    """The same samples at rising times, some of them repeated with other numbers."""
    return [
        replace(s, at=at(60 * place) + s.at.microsecond * timedelta(microseconds=1))
        for place, s in enumerate(taken)
    ]


@some_examples
@given(st.lists(any_sample(), min_size=1, max_size=14).map(in_order))
def test_samples_come_back_as_they_were(taken: list[TaskSample]) -> None:
    stored = packed(taken)
    assert [s for block in stored for s in blocks.unpack(KEY, block)] == taken
    assert len(stored) == (len(taken) + blocks.POLLS - 1) // blocks.POLLS


@some_examples
@given(st.lists(st.lists(st.none() | NUMBERS, min_size=3, max_size=3), min_size=2, max_size=12))
def test_samples_of_one_shape_with_any_numbers_come_back(columns: list[list[int | None]]) -> None:
    taken = [
        a_sample_of(
            topic_sample(
                "t",
                [
                    (i, "RUNNING", n, None if n is None else n + 7 * place)
                    for i, n in enumerate(column)
                ],
            ),
            when=at(60 * place),
        )
        for place, column in enumerate(columns)
    ]
    assert [s for block in packed(taken) for s in blocks.unpack(KEY, block)] == taken


def test_a_batch_and_single_samples_make_the_same_blocks() -> None:
    taken = [a_sample(at(60 * i), lags=(i, 2 * i)) for i in range(23)]
    made = samples.batch(taken, {})
    assert [row["block"] for row in made.rows] == packed(taken)
    assert [row["polls"] for row in made.rows] == [10, 10, 3]


def test_a_sample_that_is_not_newer_is_passed_over() -> None:
    first = samples.batch([a_sample(at(60))], {})
    assert samples.batch([a_sample(at(60)), a_sample(at(0))], first.open).rows == ()


def test_half_a_surrogate_pair_in_a_sample_is_kept() -> None:
    sample = a_sample_of(a_topic("\ud800"), status="\udfff")
    assert blocks.unpack(sample.key, blocks.begin(sample).packed()) == [sample]


def steady(partitions: int, polls: int) -> list[TaskSample]:
    """Uneven steady traffic of about 10 messages a second, dumped every fifth poll."""
    luck = random.Random(1)
    rates = [600 * luck.lognormvariate(0, 1) for _ in range(partitions)]
    ends = [luck.randrange(10**7, 10**9) for _ in range(partitions)]
    moved = ends
    taken = []
    for poll in range(polls):
        ends = [
            end + max(0, int(luck.gauss(r, r / 10))) for end, r in zip(ends, rates, strict=True)
        ]
        moved = ends if poll % 5 == 0 else moved
        rows = [(i, "RUNNING", moved[i], ends[i]) for i in range(partitions)]
        taken.append(a_sample_of(topic_sample("orders", rows), when=at(60 * poll)))
    return taken


@pytest.mark.parametrize(("partitions", "most_bytes"), [(50, 2.8), (500, 2.3)])
def test_steady_traffic_takes_two_to_three_bytes_for_a_partition_and_poll(
    partitions: int, most_bytes: float
) -> None:
    size = sum(map(len, packed(steady(partitions, 50))))
    assert size / partitions / 50 < most_bytes


# --- windows ---------------------------------------------------------------------------------


@some_examples
@given(histories())
def test_a_window_comes_back_as_it_was(history: TaskHistory) -> None:
    again = windows.unpack(KEY, windows.pack(history))
    assert again == history
    for name, topic in history.topics.items():
        kinds = [type(tile.minima) for tile in topic.tiles]
        assert [type(tile.minima) for tile in again.topics[name].tiles] == kinds


def test_a_long_window_comes_back_from_a_small_block() -> None:
    lags = [range(1_000 * poll, 1_000 * poll + 2_000) for poll in range(9)]
    history = a_history(*(a_sample(at(60 * n), lags=column) for n, column in enumerate(lags)))
    block = windows.pack(history)
    assert windows.unpack(KEY, block) == history
    assert len(block) < 4_000


def test_a_windows_time_is_that_of_its_latest_observation() -> None:
    assert windows.seen_at(a_history(a_sample(at(60)))) == at(60)
    assert windows.seen_at(TaskHistory()) < at(0)


# --- damage ----------------------------------------------------------------------------------

BLOCK = blocks.begin(a_sample(lags=(1, None, 70_000))).packed()
FULL = packed(steady(3, 10))[0]
WINDOW = windows.pack(a_history(a_sample(lags=(1, None, 3)), a_sample(at(60), lags=(2, 2, None))))


@pytest.mark.parametrize("unpack", [blocks.unpack, windows.unpack])
@pytest.mark.parametrize("block", [b"", b"\x00", b"\x09abc", b"\x01", b"\x01\x00", b"\x02\x00"])
def test_bytes_that_are_no_block_are_said_to_be(
    unpack: Callable[..., object], block: bytes
) -> None:
    if (unpack, block) == (blocks.unpack, b"\x01"):
        assert unpack(KEY, block) == []
        return
    with pytest.raises(Undecodable):
        unpack(KEY, block)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([BLOCK, FULL, WINDOW]), st.data())
def test_damage_is_found_or_harmless_but_never_a_crash(block: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(block) - 1))
    damaged = data.draw(
        st.sampled_from([block[:place], block[:place] + b"\x81" + block[place + 1 :]])
    )
    unpack: Callable[..., object] = windows.unpack if block is WINDOW else blocks.unpack
    try:
        unpack(KEY, damaged)
    except Undecodable as error:
        assert "damaged" in str(error)  # noqa: PT017 - most damage is found, some is harmless


def test_every_kind_of_annotation_of_the_domain_has_values() -> None:
    with pytest.raises(TypeError, match="no values"):
        of_type(list[int])
