"""Answers to commands, for a terminal and for Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incidents import Event, EventKind
from bot.domain.model import PartitionReading, Severity, TaskState
from bot.domain.reports import (
    AccountHealth,
    Ailment,
    FleetSummary,
    HealthReport,
    LagRow,
    TopRow,
    Trend,
)
from bot.domain.syntax import CommandSyntaxError
from bot.domain.verbs import VERBS
from bot.presenters import answers, plain, slack
from bot.presenters.answer import Answer
from tests.unit.golden import as_json, check_golden
from tests.unit.presented import (
    FAILED,
    LAGGING,
    NOW,
    ORDERS,
    QUIET,
    RECOVERING,
    RESOLVED,
    UNREAD,
    ago,
)

FLEET = FleetSummary(
    states={TaskState.CRITICAL: 2, TaskState.PAUSED: 4, TaskState.OK: 306},
    open_incidents={Severity.CRITICAL: 2, Severity.WARNING: 1},
    oldest_read_at=ago(seconds=58),
    never_read=1,
)
ROWS = tuple(
    LagRow(PartitionReading("orders", place, "RUNNING", 10 * place, 40, lag))
    for place, lag in enumerate((40, None, 0, 10))
)
AGED = tuple(
    LagRow(row.reading, timedelta(minutes=place), timedelta(minutes=place + 1))
    for place, row in enumerate(ROWS)
)
TREND = Trend((0, 5, None, 2_000_000), timedelta(hours=2))
SICK = HealthReport(
    version="0.1.0",
    started_at=ago(days=3, hours=2),
    accounts=(
        AccountHealth("eu", 300, 299),
        AccountHealth("ap", 12, 0, "HTTP 401, verify aksk signature fail"),
    ),
    lateness=timedelta(seconds=2),
    outbox_waiting=3,
    outbox_oldest=timedelta(minutes=2),
    given_up=1,
    store="SQLite dumptask.db",
    ailments=(Ailment("cloud ap", "credentials refused", ago(minutes=9)), Ailment("slack", "slow")),
)


def _events() -> tuple[Event, ...]:
    kinds = [
        (EventKind.OPENED, replace(LAGGING, severity=Severity.WARNING)),
        (EventKind.EVIDENCE_CHANGED, LAGGING),
        (EventKind.ESCALATED, LAGGING),
        (EventKind.RECOVERING, RECOVERING),
        (EventKind.RELAPSED, LAGGING),
        (EventKind.RESOLVED, RESOLVED),
    ]
    return tuple(
        Event(kind, ago(minutes=14 - 2 * place), incident)
        for place, (kind, incident) in enumerate(kinds)
    )


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("answer_overview", answers.overview(FLEET, NOW)),
        ("answer_help_silence", answers.usage("mute")),
        ("answer_list", answers.task_list([QUIET, UNREAD, ORDERS], NOW, watched=3)),
        ("answer_list_none", answers.task_list([], NOW, watched=3, typed="orders")),
        ("answer_status", answers.task_status(ORDERS, [LAGGING, FAILED], NOW, trend=TREND)),
        ("answer_status_unread", answers.task_status(UNREAD, [], NOW)),
        ("answer_lag", answers.lag_table(ORDERS, ROWS, NOW, topic="orders")),
        ("answer_lag_aged", answers.lag_table(ORDERS, AGED, NOW)),
        ("answer_top", answers.top([TopRow("orders", row, ago(seconds=42)) for row in AGED], NOW)),
        ("answer_incidents", answers.incident_list([LAGGING, FAILED], NOW, open_only=True)),
        ("answer_incident", answers.incident_detail(RESOLVED, _events(), NOW)),
        ("answer_health", answers.health(SICK, NOW)),
        (
            "answer_suggestions",
            answers.suggestions("ordes", tasks=["orders", "my task"], commands=["list"]),
        ),
        ("answer_not_yet", answers.not_yet("silence")),
        (
            "answer_syntax",
            answers.syntax_error(
                CommandSyntaxError("No <!here>.", usage="top [N]", suggestions=("top", "list"))
            ),
        ),
    ],
)
def test_an_answer_reads_as_it_was_approved(name: str, answer: Answer) -> None:
    lines = plain.render(answer).split("\n")
    check_golden(name, {"terminal": lines, **as_json(slack.render(answer))})


# --- the fleet -------------------------------------------------------------------------------


def test_an_empty_fleet_is_said_to_be_empty() -> None:
    assert plain.line(answers.fleet_line(FleetSummary(), NOW)) == (
        "No dumping task is watched yet. What was found so far: health"
    )
    assert "No dumping task is watched yet." in plain.render(answers.task_list([], NOW, watched=0))


def test_a_fleet_without_trouble_or_readings_says_so() -> None:
    fleet = FleetSummary({TaskState.UNKNOWN: 1}, never_read=1)
    assert plain.line(answers.fleet_line(fleet, NOW)) == (
        "1 dumping task: 1 unknown. No open incident. No reading yet."
    )


def test_a_list_is_worst_first_and_one_screenful() -> None:
    views = [replace(QUIET, name=f"audit-{place:02}", lag=place) for place in range(30)]
    text = plain.render(answers.task_list([*views, ORDERS], NOW, watched=31))
    rows = text.splitlines()
    assert rows[3].startswith("critical  orders")
    assert rows[4].startswith("ok        audit-29")
    assert "… and 11 more: narrow it with a filter, such as list critical" in rows
    assert "5,234,567+" in rows[3]


def test_a_filtered_list_says_how_many_of_how_many() -> None:
    text = plain.render(answers.task_list([QUIET], NOW, watched=9, typed="team=orders"))
    assert text.startswith("Dumping tasks: 1 of 9, filter team=orders\n")


def test_unread_tasks_are_counted_beside_the_age_of_the_readings() -> None:
    text = plain.render(answers.task_list([UNREAD, QUIET], NOW, watched=2))
    assert text.endswith("Readings are at most 58 s old · 1 task not read yet\n")
    only = plain.render(answers.task_list([UNREAD], NOW, watched=1))
    assert only.endswith("\n1 task not read yet\n")


# --- one task --------------------------------------------------------------------------------


def test_more_incidents_than_fit_are_counted() -> None:
    text = plain.render(answers.task_status(ORDERS, [LAGGING] * 8, NOW))
    assert "… and 3 more  incidents open" in text


def test_a_recovering_incident_is_marked_in_the_status() -> None:
    assert "critical, partition lag, recovering: " in plain.render(
        answers.task_status(ORDERS, [RECOVERING], NOW)
    )


def test_a_trend_without_readings_or_end_says_only_what_is_known() -> None:
    blind = Trend((None, None), timedelta(hours=2))
    endless = Trend((1, 2), timedelta(hours=2))
    assert "Trend" not in plain.render(answers.task_status(ORDERS, [], NOW, trend=blind))
    text = plain.render(answers.task_status(replace(ORDERS, drain=None), [], NOW, trend=endless))
    assert "▄█ over 2 h, highest 2" in text
    assert "Drains" not in text


def test_an_assumed_interval_is_said_to_be_assumed() -> None:
    text = plain.render(answers.task_status(replace(ORDERS, interval_assumed=True), [], NOW))
    assert "every 5 min (assumed: the answer names no interval)" in text


def test_a_failing_task_says_why_and_since_when_it_is_not_read() -> None:
    text = plain.render(answers.task_status(UNREAD, [], NOW))
    assert "No reading yet; polls fail since 2026-03-01 09:26 UTC: HTTP 503" in text
    briefly = replace(UNREAD, failing_since=None, read_at=ago(minutes=3))
    assert "Reading 3 min old; polls fail: HTTP 503" in plain.render(
        answers.task_status(briefly, [], NOW)
    )


def test_partitions_stand_in_order_while_all_fit() -> None:
    text = plain.render(answers.lag_table(ORDERS, list(reversed(ROWS)), NOW))
    rows = [line.split() for line in text.splitlines() if line.startswith("  ")]
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]


def test_of_too_many_partitions_the_worst_and_the_unknown_are_shown() -> None:
    rows = [
        LagRow(PartitionReading("t", place, "RUNNING", 0, place, place if place != 7 else None))
        for place in range(60)
    ]
    text = plain.render(answers.lag_table(replace(ORDERS, cloud_status="RUNNING"), rows, NOW))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert shown[:3] == ["59", "58", "57"]
    assert "… and 20 more" in text
    assert "Total: 1,763 messages (total over 59 known, 1 unknown)" in text
    assert text.endswith("Reading 42 s old · the worst partitions are shown\n")


def test_partitions_without_backlog_come_after_those_that_are_unknown() -> None:
    rows = [
        LagRow(PartitionReading("t", place, None, None, None, None if place > 38 else 0))
        for place in range(50)
    ]
    text = plain.render(answers.lag_table(ORDERS, rows, NOW))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("       ")]
    assert shown[0] == "39"


def test_a_task_without_partitions_says_so() -> None:
    assert "No partition is known." in plain.render(answers.lag_table(UNREAD, [], NOW))
    assert "No partition is behind." in plain.render(answers.top([], NOW))


def test_a_top_list_without_ages_has_no_column_for_them() -> None:
    text = plain.render(answers.top([TopRow("orders", ROWS[0], NOW)], NOW))
    assert "age" not in text
    assert "Worst partitions: 1, in 1 task" in text


# --- incidents -------------------------------------------------------------------------------


def test_a_list_of_incidents_counts_those_that_were_not_fetched() -> None:
    text = plain.render(
        answers.incident_list([RESOLVED] * 25, NOW, open_only=False, task="orders", more=175)
    )
    assert text.startswith("Incidents of orders: 200\n")
    assert "… and 180 more: name a task, such as incidents all TASK" in text


def test_no_incidents_are_said_to_be_none() -> None:
    assert "Nothing is open." in plain.render(answers.incident_list([], NOW, open_only=True))
    assert "None is remembered." in plain.render(answers.incident_list([], NOW, open_only=False))


def test_an_incident_without_timeline_or_resolution_still_has_its_facts() -> None:
    bare = replace(FAILED, observed_at=None)
    text = plain.render(answers.incident_detail(bare, (), NOW))
    assert "State:     open" in text
    assert "Peak" not in text
    ended = replace(RESOLVED, resolution="")
    assert "after 14 min\n" in plain.render(answers.incident_detail(ended, (), NOW))


def test_a_long_timeline_shows_its_end() -> None:
    events = [Event(EventKind.RELAPSED, ago(minutes=40 - n), LAGGING) for n in range(20)]
    text = plain.render(answers.incident_detail(LAGGING, events, NOW))
    assert text.count("back: ") == 15
    assert "5 earlier steps not shown" in text


def test_a_recovery_without_a_known_end_is_just_called_recovering() -> None:
    event = Event(EventKind.RECOVERING, NOW, LAGGING)
    assert "  recovering\n" in plain.render(answers.incident_detail(LAGGING, [event], NOW))


# --- the bot ---------------------------------------------------------------------------------


def test_all_is_well_is_said_in_the_title() -> None:
    report = HealthReport("0.1.0", ago(hours=1), (AccountHealth("eu", 1, 1),), store="SQLite")
    text = plain.render(answers.health(report, NOW))
    assert text.startswith("Health: all is well\n")
    assert "0 messages wait\n" in text
    assert text.endswith("As of 2026-03-01 09:30 UTC\n")


def test_help_names_every_command_and_what_comes_later() -> None:
    text = plain.render(answers.usage())
    for verb in VERBS:
        assert verb.word in text
    assert text.endswith("With a later version: chart, test\n")


def test_help_on_an_unknown_word_is_help_on_everything() -> None:
    assert answers.usage("xyzzy") == answers.usage()


def test_help_on_one_command_shows_its_usage_alone() -> None:
    assert plain.render(answers.usage("lag")) == (
        "lag\n\nlag TASK [TOPIC] – every partition: offsets, lag, status\n"
    )


def test_a_later_command_is_answered_honestly_even_if_nobody_knows_it() -> None:
    text = plain.render(answers.not_yet("xyzzy"))
    assert "comes with a later version" in text
    assert "Nothing was done." in text


def test_a_syntax_error_may_have_no_usage() -> None:
    text = plain.render(answers.syntax_error(CommandSyntaxError("The quote is not closed.")))
    assert text == "That was not understood\n\nThe quote is not closed.\n"


def test_without_anything_near_all_tasks_are_offered() -> None:
    assert "All tasks: list" in plain.render(answers.suggestions("xyzzy"))


def test_no_more_suggestions_than_a_person_reads() -> None:
    tasks = [f"t{place}" for place in range(20)]
    text = plain.render(answers.suggestions("t", tasks=tasks))
    assert text.count("status t") == 8
    assert "12 more are near" in text
    both = plain.render(answers.several("t", tasks))
    assert "t names 20 tasks" in both
    assert "and 12 more" in both
    assert "more" not in plain.render(answers.several("t", tasks[:2]))


def test_a_suggested_command_that_nobody_knows_is_shown_without_description() -> None:
    assert "  xyzzy\n" in plain.render(answers.suggestions("x", commands=["xyzzy"]))


def test_a_refusal_is_the_answer() -> None:
    assert plain.render(answers.refused("Only operators may do that.")) == (
        "That cannot be done\n\nOnly operators may do that.\n"
    )


def test_a_refresh_says_that_the_answer_follows_or_why_there_is_none() -> None:
    assert plain.render(answers.refreshing("orders")) == (
        "Asking the cloud about orders; the answer follows.\n"
    )
    failed = answers.refresh_failed("orders", "HTTP 503", read_at=ago(minutes=3), now=NOW)
    assert plain.render(failed) == (
        "No fresh reading of orders\n\nHTTP 503\n\nLast reading: 3 min ago\n"
    )


def test_the_slash_command_is_called_as_it_is_here() -> None:
    shown = slack.render(answers.usage("lag"), command="/dump")
    assert "`/dump lag TASK [TOPIC]`" in shown.text
    assert "`/dump lag TASK [TOPIC]`" in str(shown.blocks)
