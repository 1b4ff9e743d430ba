"""The commands that change who hears, as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.act_commands import (
    Acknowledge,
    History,
    Mute,
    ShowSilences,
    Unacknowledge,
    Unmute,
)
from bot.domain.commands import Command, parse
from bot.domain.quoting import quoted
from bot.domain.silences import Cover
from bot.domain.syntax import CommandSyntaxError
from bot.domain.times import Period, Spoken, span, spoken

TWO_HOURS = timedelta(hours=2)
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
"""A Monday, 11:30 in Berlin."""


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("ack i-7KQ2 on it", Acknowledge("i-7KQ2", "on it")),
        ("acknowledge orders", Acknowledge("orders")),
        ('ack "audit log" it\'s me', Acknowledge("audit log", "it's me")),
        ("unack audit log", Unacknowledge("audit log")),
        ("silences", ShowSilences()),
        ("silences ALL", ShowSilences(every=True)),
        ("unsilence s-4md9", Unmute("s-4md9")),
        ("history", History()),
        ("history orders 12h", History("orders", back=timedelta(hours=12))),
        ("history @U0ADA 7d", History(person="U0ADA", back=timedelta(days=7))),
        ("history i-7KQ2", History("i-7KQ2")),
    ],
)
def test_every_command_is_understood(text: str, command: Command) -> None:
    assert parse(text) == command


def muted(text: str) -> Mute:
    command = parse(text)
    assert isinstance(command, Mute)
    return command


@pytest.mark.parametrize(
    ("text", "task", "reason"),
    [
        ("silence orders 2h", "orders", ""),
        ("mute orders for 2h deploy of v3", "orders", "deploy of v3"),
        ("snooze orders 2 hours deploy", "orders", "deploy"),
        ('silence "audit log" for 2h', "audit log", ""),
        ("silence „заказы 任务“ 2h", "заказы 任务", ""),
        ('silence "a=b" 2h', "a=b", ""),
        ("silence orders 2h 18:00 was planned", "orders", "18:00 was planned"),
    ],
)
def test_one_task_is_silenced_for_a_while(text: str, task: str, reason: str) -> None:
    command = muted(text)
    assert (command.task, command.cover, command.reason) == (task, None, reason)
    assert command.period == Period(length=TWO_HOURS)


@pytest.mark.parametrize(
    ("text", "cover"),
    [
        ("silence team=orders 2h", Cover(labels=(("team", "orders"),))),
        ("silence TASK=orders-* rule=age 2h", Cover(task="orders-*", rule="age")),
        ("silence account=eu topic=clicks 2h", Cover(account="eu", topic="clicks")),
        ('silence team="my team, too" 2h', Cover(labels=(("team", "my team, too"),))),
        ("silence k=a=b 2h", Cover(labels=(("k", "a=b"),))),
    ],
)
def test_many_are_silenced_by_what_they_have_in_common(text: str, cover: Cover) -> None:
    assert muted(text).cover == cover


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("silence orders until 18:00", Period(end=Spoken(None, time(18)))),
        ("silence orders until 6pm", Period(end=Spoken(None, time(18)))),
        ("silence orders until tomorrow", Period(end=Spoken("tomorrow"))),
        (
            "maintenance orders from tomorrow 9:00 for 2h",
            Period(Spoken("tomorrow", time(9)), TWO_HOURS),
        ),
        (
            "silence orders from 2026-12-24 18:00 until 2026-12-25",
            Period(Spoken(date(2026, 12, 24), time(18)), None, Spoken(date(2026, 12, 25))),
        ),
        ("silence orders from mon 9:00 2h", Period(Spoken("monday", time(9)), TWO_HOURS)),
        ("silence orders from now 2h", Period(Spoken(), TWO_HOURS)),
        (
            "silence orders until 2026-12-24T18:30",
            Period(end=Spoken(date(2026, 12, 24), time(18, 30))),
        ),
    ],
)
def test_a_silence_says_from_when_to_when(text: str, period: Period) -> None:
    assert muted(text).period == period


NEEDED = "needs the id of an incident or the name of a task."
NO_TIME = "18:00, tomorrow 9:00, monday 9:00 or 2026-12-24 18:00 would be right."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ack", f'"ack" {NEEDED}'),
        ("unack", f'"unack" {NEEDED}'),
        ("unsilence", '"unsilence" needs the id of a silence, such as s-4MD9; see silences.'),
        ("unsilence s-1 s-2", '"unsilence" takes one word after it'),
        ("silences some", '"silences" takes all or nothing, not "some".'),
        ("silence", '"silence" needs a task, or something such as team=orders.'),
        ("silence orders", "A silence needs an end: 2h, or until 18:00."),
        ("silence orders deploy 2h", 'needs an end, and "deploy" is no duration: 2h, or until'),
        ("silence orders until dawn", f'"until" is followed by "dawn"; {NO_TIME}'),
        ("silence orders from", f'"from" is followed by nothing; {NO_TIME}'),
        ('silence team="" 2h', '"team=" says nothing after "=": a name or a glob would be right.'),
        ("silence rule=a rule=b 2h", '"rule" is given twice; one glob with * or ? may fit both.'),
        ("history orders clicks", '"history" takes one task or id; put a name with spaces in'),
        ("history 0h", '"0h" is not between a second and a year.'),
    ],
)
def test_what_cannot_be_understood_says_what_would_be_right(text: str, problem: str) -> None:
    with pytest.raises(CommandSyntaxError) as caught:
        parse(text)
    assert problem in caught.value.problem


def test_a_line_that_ends_in_yes_is_confirmed_and_can_be_typed_again() -> None:
    command = muted('silence team="my team" 2h planned yes')
    assert command.confirmed
    assert command.reason == "planned"
    assert command.typed == 'silence team="my team" 2h planned'
    assert not muted('silence team=a 2h "yes"').confirmed


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: (
        name.strip() == name
        and name.isprintable()
        and not {*"\"“”„'‘’‚«»`"} & set(name)
        and "=" not in name
    )
)


@given(NAMES, NAMES)
def test_names_and_values_round_trip_through_what_is_offered_to_type(name: str, value: str) -> None:
    one = muted(f"silence {quoted(name)} 2h")
    assert muted(one.typed).task == one.task == name
    many = muted(f"silence label={quoted(value)} 2h")
    assert muted(f"{many.typed} yes").cover == many.cover == Cover(labels=(("label", value),))


# --- times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("2H", TWO_HOURS),
        ("2hours", TWO_HOURS),
        ("1w", timedelta(days=7)),
        ("3mins", timedelta(minutes=3)),
        ("2", None),
        ("", None),
        ("h", None),
        ("2x", None),
        ("-2h", None),
    ],
)
def test_durations(word: str, length: timedelta | None) -> None:
    assert span(word) == length


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("now", "2026-03-02 10:30"),
        ("18:00", "2026-03-02 17:00"),
        ("11:00", "2026-03-03 10:00"),
        ("today 18:00", "2026-03-02 17:00"),
        ("tomorrow", "2026-03-02 23:00"),
        ("tomorrow 9:00", "2026-03-03 08:00"),
        ("monday 18:00", "2026-03-02 17:00"),
        ("monday 9:00", "2026-03-09 08:00"),
        ("sun 9am", "2026-03-08 08:00"),
        ("12am", "2026-03-02 23:00"),
        ("2026-03-29 12:00", "2026-03-29 10:00"),
        ("2026-12-24", "2026-12-23 23:00"),
    ],
)
def test_times_are_those_of_the_persons_zone(words: str, instant: str) -> None:
    said = spoken(words.split())
    assert said is not None
    assert f"{said[0].after(NOW, BERLIN):%Y-%m-%d %H:%M}" == instant
    assert said[1] == len(words.split())


@pytest.mark.parametrize("words", ["", "25:00", "13pm", "0am", "mo 9:00", "2026-02-30", "7", "t"])
def test_what_is_no_time(words: str) -> None:
    assert spoken(words.split()) is None


@pytest.mark.parametrize(
    ("period", "problem"),
    [
        (Period(end=Spoken("today", time(9))), "over before it begins"),
        (Period(end=Spoken(date(2026, 3, 1))), "over before it begins"),
        (Period(length=timedelta(0)), "over before it begins"),
        (Period(length=timedelta(days=367)), "more than a year"),
        (Period(end=Spoken(date(9999, 12, 31))), "more than a year"),
        (Period(length=timedelta(days=9_000_000)), "too far away"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(period: Period, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        period.instants(NOW, BERLIN)


def test_an_end_by_the_clock_is_the_next_one_after_the_beginning() -> None:
    begin, end = Period(Spoken("tomorrow", time(20)), end=Spoken(None, time(8))).instants(
        NOW, BERLIN
    )
    assert end - begin == timedelta(hours=12)
