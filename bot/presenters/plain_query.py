"""One live answer of the cloud as a table: what `query` prints.

Nothing is judged and nothing is left out: every partition stands there, with what the cloud said.
"""

from __future__ import annotations

from bot.domain.model import PartitionReading, TaskSample
from bot.presenters.answer import Answer, Column, Facts, Line, Moment, Name, Table
from bot.presenters.plain import render as render_plain
from bot.presenters.task_answers import destination, offsets
from bot.presenters.words import UNKNOWN, counted, in_words, total


def render(sample: TaskSample) -> str:
    """The answer as text: facts, then every partition with status, offsets and lag."""
    return render_plain(query_answer(sample))


def query_answer(sample: TaskSample) -> Answer:
    """The same as an answer."""
    title: Line = ("Dumping task ", Name(sample.task_name or sample.key.task_id))
    facts = Facts(_facts(sample))
    if sample.topics is None:
        return Answer(title, (facts, ("The answer said nothing about topics.",)))
    readings = list(sample.rows())
    if not readings:
        return Answer(title, (facts, ("The answer lists no partition.",)))
    return Answer(title, (facts, _table(readings)), _note(sample))


def _facts(sample: TaskSample) -> tuple[tuple[str, Line], ...]:
    to = sample.destination
    return (
        ("Status", _word(sample.status)),
        ("Created", UNKNOWN_LINE if sample.created_at is None else (Moment(sample.created_at),)),
        ("Destination", (*_word(sample.destination_type), ", ", *destination(to))),
        ("File type", _word(to.file_type)),
        ("Starts from", _word(to.consumer_strategy)),
        ("Uploads", _interval(sample)),
        ("Topics", _word(sample.topics_text)),
        ("Lag", (_lag(sample),)),
        ("Read", (Moment(sample.at),)),
    )


UNKNOWN_LINE: Line = (UNKNOWN,)


def _word(text: str | None) -> Line:
    return (Name(text),) if text else UNKNOWN_LINE


def _interval(sample: TaskSample) -> Line:
    every = f"every {in_words(sample.delivery_interval)}"
    if sample.destination.deliver_interval is None:
        return (f"{every} (assumed: the answer names no interval)",)
    return (every,)


def _lag(sample: TaskSample) -> str:
    lags = [lag for topic in sample.topics or () for lag in topic.lags]
    known = [lag for lag in lags if lag is not None]
    unread = sum(topic.unreadable for topic in sample.topics or ())
    lag = sum(known) if known else None
    return total(lag, known=len(known), unknown=len(lags) - len(known) + unread)


def _table(readings: list[PartitionReading]) -> Table:
    return Table(
        (
            Column("topic"),
            Column("partition", "right"),
            Column("status"),
            Column("last transferred", "right"),
            Column("log end", "right"),
            Column("lag", "right"),
        ),
        tuple(map(_row, readings)),
    )


def _row(reading: PartitionReading) -> tuple[str, ...]:
    partition, *figures = offsets(reading)
    return (reading.topic, partition, reading.status or UNKNOWN, *figures)


def _note(sample: TaskSample) -> Line:
    unread = sum(topic.unreadable for topic in sample.topics or ())
    if not unread:
        return ()
    return (f"{counted(unread, 'row')} of the answer could not be told apart and are not shown",)
