"""Whatever the cloud says, a message stays within Slack's limits and mentions only whom it may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.demo.slack.block_rules import check_blocks
from bot.domain.drain import Drain
from bot.domain.incidents import Event, EventKind, Incident, Phase
from bot.domain.marks import Age
from bot.domain.model import (
    Destination,
    PartitionReading,
    Severity,
    Subject,
    TaskKey,
    TaskState,
)
from bot.domain.notifications import Notice, Reason
from bot.domain.policy import RuleType
from bot.domain.reports import (
    AccountHealth,
    Ailment,
    HealthReport,
    LagRow,
    TaskView,
    TopicView,
    TopRow,
    Trend,
)
from bot.domain.syntax import CommandSyntaxError
from bot.domain.verdicts import Judgement, Level, Unit, Verdict
from bot.presenters import answers, limits, slack
from bot.presenters.answer import Answer, Column, Entries, Facts, Line, Moment, Name, Said, Table
from bot.presenters.message import Message
from bot.presenters.mrkdwn import Writer
from tests.unit.presented import NOW

# --- arbitrary content -----------------------------------------------------------------------

NASTY = (
    "<!channel>",
    "<!here|x>",
    "<@U0EVIL>",
    "<!subteam^S1>",
    "<https://evil.example|click>",
    "&lt;!channel&gt;",
    "`",
    "```",
    "*_~",
    "\n\n",
    "\x1b[2J",
    "\ud800",
    "\u202e",
    ":fire:",
    "任务",
    "🚨",
    "é",
    "&<>",
    " ",
    "",
)

LONG = tuple((part * 249)[:249] for part in NASTY) + tuple(
    (one + other * 124)[:249] for one in NASTY for other in NASTY[::3]
)
"""Names of 249 characters, which Kafka allows, each of one kind of trouble or of two."""

names = st.one_of(
    st.sampled_from(LONG), st.sampled_from(NASTY), st.text(st.characters(), max_size=12)
)
numbers = st.one_of(st.integers(0, 10**7), st.just(2**63), st.just(10**400))
known_or_not = st.none() | numbers
moments = st.integers(0, 10**7).map(lambda seconds: NOW - timedelta(seconds=seconds))
spans = st.one_of(names.map(Name), names.map(Said), moments.map(Moment), st.just("words "))
lines: st.SearchStrategy[Line] = st.lists(spans, max_size=6).map(tuple)


@st.composite
def judgements(draw: st.DrawFn) -> Judgement:
    return Judgement(
        Subject(draw(names), draw(st.integers(-1, 5000))),
        Verdict.BREACHED,
        draw(names),
        draw(st.sampled_from(Severity)),
        draw(st.one_of(numbers, names, st.none())),
        Level(draw(st.none() | st.integers(0, 10**9)), draw(st.none() | st.integers(0, 10**9))),
        detail=draw(names),
    )


@st.composite
def spreads(draw: st.DrawFn) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Up to 5,000 partitions over up to 200 topics, gapless or with a gap after each."""
    topic = draw(names)
    step = draw(st.sampled_from((1, 2)))
    return tuple(
        (f"{topic}{place}", tuple(range(0, 25 * step, step)))
        for place in range(draw(st.sampled_from((0, 1, 3, 200))))
    )


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    resolved_at = draw(st.none() | moments)
    return Incident(
        id=f"i-{draw(names)}",
        key=TaskKey("eu", "c", "t"),
        type=draw(st.sampled_from(RuleType)),
        name=draw(names),
        rule=draw(names),
        unit=draw(st.sampled_from(Unit)),
        severity=draw(st.sampled_from(Severity)),
        opened_at=draw(moments),
        breached_since=draw(moments),
        evidence=tuple(draw(st.lists(judgements(), max_size=4))),
        spread=draw(spreads()),
        observed_at=draw(st.none() | moments),
        peak=draw(known_or_not),
        peak_at=draw(st.none() | moments),
        phase=draw(st.sampled_from((Phase.OPEN, Phase.RECOVERING))),
        closes_at=draw(st.none() | moments),
        resolved_at=resolved_at,
        resolution=draw(names),
    )


@st.composite
def views(draw: st.DrawFn) -> TaskView:
    topic = draw(names)
    return TaskView(
        key=TaskKey(draw(names), "c", draw(st.sampled_from(("t", "")))),
        name=draw(names),
        labels=draw(st.dictionaries(names, names, max_size=3)),
        state=draw(st.sampled_from(TaskState)),
        cloud_status=draw(st.none() | names),
        status_since=draw(st.none() | moments),
        read_at=draw(st.none() | moments),
        failure=draw(st.none() | names),
        failing_since=draw(st.none() | moments),
        destination=Destination(draw(names), draw(names), draw(names)),
        topics_text=draw(st.none() | names),
        delivery_interval=draw(st.none() | st.just(timedelta(seconds=300))),
        lag=draw(known_or_not),
        known=draw(st.integers(0, 5000)),
        unknown=draw(st.integers(0, 5000)),
        topics=(TopicView(topic, 3, draw(known_or_not), 1), TopicView(f"{topic}2", 1, None, 1)),
        worst=tuple(draw(st.lists(rows(), max_size=10))),
        age=draw(ages()),
        drain=draw(st.none() | drains()),
    )


def ages() -> st.SearchStrategy[Age | None]:
    spans = st.timedeltas(timedelta(0), timedelta(days=400))
    return st.none() | st.builds(Age, spans, st.none() | spans)


def drains() -> st.SearchStrategy[Drain]:
    rates = st.floats(0, 1e12)
    lasts = st.none() | st.timedeltas(timedelta(0))
    return st.builds(Drain, st.integers(1), rates, rates, lasts)


@st.composite
def rows(draw: st.DrawFn) -> LagRow:
    aged = draw(st.booleans())
    reading = PartitionReading(
        draw(names),
        draw(st.integers(0, 10**6)),
        draw(st.none() | names),
        draw(known_or_not),
        draw(known_or_not),
        draw(known_or_not),
    )
    return LagRow(reading, timedelta(minutes=5) if aged else None)


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    told = draw(st.lists(incidents(), max_size=3))
    return Notice(
        reason=draw(st.sampled_from(Reason)),
        at=NOW,
        task=draw(views()),
        incidents=tuple(told) * draw(st.sampled_from((1, 1, 20))),
        mentions=tuple(draw(st.lists(st.sampled_from(("U1", "S1", "here", "<!channel>"))))),
        reminder_at=draw(st.none() | moments),
        links=tuple(
            draw(
                st.lists(
                    st.tuples(names, names.map(lambda name: f"https://wiki.example/{name}")),
                    max_size=8,
                )
            )
        ),
    )


@st.composite
def answered(draw: st.DrawFn) -> Answer:
    view = draw(views())
    name = draw(names)
    several = [draw(incidents()) for _ in range(draw(st.integers(0, 2)))]
    partitions = draw(st.lists(rows(), max_size=4)) * draw(st.sampled_from((1, 20)))
    events = [Event(draw(st.sampled_from(EventKind)), NOW, incident) for incident in several]
    report = HealthReport(
        name,
        NOW,
        (AccountHealth(name, 1, 0, name), AccountHealth(name, 1, 1)),
        store=name,
        ailments=(Ailment(name, name, NOW),) * draw(st.sampled_from((0, 1, 300))),
    )
    error = CommandSyntaxError(name, usage=name, suggestions=(name,) * 3)
    return draw(
        st.sampled_from(
            (
                answers.task_list([view] * 40, NOW, watched=40, typed=name),
                answers.task_list([], NOW, watched=40, typed=name),
                answers.task_status(view, several * 3, NOW, trend=Trend((1, 2), timedelta(1))),
                answers.lag_table(view, partitions, NOW, topic=name),
                answers.top([TopRow(name, row, NOW) for row in partitions], NOW),
                answers.incident_list(several * 15, NOW, open_only=False, task=name),
                *(answers.incident_detail(one, events * 9, NOW) for one in several),
                answers.health(report, NOW),
                answers.syntax_error(error),
                answers.suggestions(name, tasks=[name] * 9, commands=[name]),
                answers.refused(name),
                answers.refresh_failed(name, name, read_at=None, now=NOW),
                answers.usage(),
            )
        )
    )


# --- what must hold --------------------------------------------------------------------------

_ENTITY = re.compile("&(lt|gt|amp);")
_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>")


def _texts(value: object) -> Iterator[tuple[str, str]]:
    """Every text object: its type and its text."""
    if isinstance(value, Mapping):
        if value.get("type") in ("mrkdwn", "plain_text"):
            yield str(value["type"]), str(value["text"])
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _texts(item)


def _harmless(text: str, mentions: tuple[str, ...]) -> None:
    for mention in mentions:
        text = text.replace(mention, "")
    rest = _DATE.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert "&" not in _ENTITY.sub("", rest)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e]", rest)


def _within_limits(message: Message, mentions: tuple[str, ...] = ()) -> None:
    assert 0 < len(message.text.strip().encode()) <= limits.MESSAGE_TEXT_BYTES
    assert message.blocks
    assert len(json.dumps(message.blocks, separators=(",", ":"))) < 10_000
    assert check_blocks(json.loads(json.dumps(message.blocks))) == []
    found = [("text", message.text), *_texts(message.blocks)]
    for kind, text in found:
        assert text.strip()
        _harmless(text, mentions)
        if kind == "mrkdwn":
            assert len(text) <= limits.SECTION_TEXT
        if kind != "plain_text":
            assert text.count("`") % 2 == 0, "a code span is left open"


MENTIONS = ("<@U1>", "<!subteam^S1>", "<!here>")
SLOWLY = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@SLOWLY
@given(notices(), st.booleans())
def test_a_card_stays_within_limits_whatever_it_tells(notice: Notice, late: bool) -> None:
    waited = timedelta(hours=3) if late else None
    _within_limits(slack.card(notice, queued_for=waited, maybe_duplicate=late), MENTIONS)


@SLOWLY
@given(notices(), st.booleans())
def test_a_reply_stays_within_limits_whatever_it_tells(notice: Notice, late: bool) -> None:
    waited = timedelta(hours=3) if late else None
    _within_limits(slack.reply(notice, queued_for=waited, maybe_duplicate=late), MENTIONS)


@SLOWLY
@given(answered())
def test_an_answer_stays_within_limits_whatever_it_says(answer: Answer) -> None:
    _within_limits(slack.render(answer))


@st.composite
def composed(draw: st.DrawFn) -> Answer:
    """Parts of every kind and size, more than any of ours has."""
    cells = st.tuples(names, names)
    parts = st.one_of(
        lines.filter(bool),
        st.lists(st.tuples(st.just("Label"), lines), max_size=30).map(tuple).map(Facts),
        st.lists(st.tuples(lines, lines), max_size=9).map(lambda i: Entries(tuple(i) * 20)),
        st.lists(cells, min_size=1, max_size=5).map(
            lambda found: Table(
                (Column("a"), Column("b", "right")), tuple(found) * 25, 3, ("hint",), ("all",)
            )
        ),
    )
    several = draw(st.lists(parts, max_size=6)) * draw(st.sampled_from((1, 1, 30)))
    return Answer(("Title ", *draw(lines)), tuple(several), draw(lines))


@SLOWLY
@given(composed())
def test_any_answer_at_all_stays_within_limits(answer: Answer) -> None:
    _within_limits(slack.render(answer))


@given(lines, st.integers(20, 400))
def test_a_line_is_cut_to_its_room(line: Line, most: int) -> None:
    for measure in (limits.json_text_bytes, limits.utf8_bytes):
        text = Writer(measure).line(line, most)
        assert measure(text) <= most
        _harmless(text, ())


# --- what is cut is counted ------------------------------------------------------------------


def test_entries_that_do_not_fit_are_counted() -> None:
    entries = Entries(tuple(((f"e{place:03}",), ("x" * 50,)) for place in range(100)))
    text = Writer().part(entries, 3000)
    shown = text.count("• e")
    assert text.endswith(f"\n… and {100 - shown} more")
    assert 30 < shown < 60


def test_rows_that_do_not_fit_are_counted_with_those_left_out_before() -> None:
    rows_ = tuple((f"r{place:03}", "x" * 30) for place in range(100))
    text = Writer().part(Table((Column("a"), Column("b")), rows_, more=7), 3000)
    shown = text.count("\nr")
    assert text.endswith(f"```\n… and {107 - shown} more")


def test_a_table_without_room_for_a_row_is_only_counted() -> None:
    table = Table((Column("a"),), (("x" * 30,),) * 9, caption=("All",))
    assert Writer().part(table, 280) == "All\n… and 9 more"


def test_parts_that_do_not_fit_are_counted() -> None:
    blocks = slack.render(Answer(("T",), (("x" * 2900,),) * 9)).blocks
    assert "… and 5 more, for which there was no room" in str(blocks[-1])


def test_no_more_than_fifty_blocks_are_made() -> None:
    blocks = slack.render(Answer(("T",), (("x",),) * 99, ("note",))).blocks
    assert len(blocks) == 50
    assert "… and 52 more" in str(blocks[-2])


def test_facts_that_do_not_fit_leave_the_others() -> None:
    wide = Facts(tuple((f"L{place}", ("x" * 500,)) for place in range(12)))
    blocks = slack.render(Answer((), (("y" * 2900,), ("y" * 2900,), ("y" * 2000,), wide))).blocks
    assert "*L0*" in str(blocks[3])
    assert "*L3*" not in str(blocks[3])


def test_a_message_of_nothing_but_facts_too_wide_for_it_has_no_block_of_them() -> None:
    empty = Facts(())
    assert slack.render(Answer(("T",), (empty,))).blocks[1:] == ()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (("a & b",), "a &amp; b"),
        ((Name("a`b<c"),), "`a'b&lt;c`"),
        ((Name(""),), "`(no name)`"),
        ((Moment(NOW),), "<!date^1772357400^{date_short_pretty} {time}|2026-03-01 09:30 UTC>"),
        ((), ""),
    ],
)
def test_spans_become_mrkdwn(line: Line, text: str) -> None:
    assert Writer().line(line, 1000) == text


def test_times_are_utc_where_tokens_may_be_shown_raw() -> None:
    assert Writer(date_tokens=False).line((Moment(NOW),), 99) == "2026-03-01 09:30 UTC"


def test_a_title_may_hold_anything_that_a_line_may() -> None:
    answer = Answer((Name("a<b"), " ", Said("c\nd"), " ", Moment(NOW)))
    header = slack.render(answer).blocks[0]
    assert header == {
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": "a&lt;b c d 2026-03-01 09:30 UTC",
            "emoji": False,
        },
    }
