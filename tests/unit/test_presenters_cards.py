"""Cards and replies: what a channel sees of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incidents import Incident
from bot.domain.model import FailureKind, Severity, Subject
from bot.domain.notifications import Notice, Reason
from bot.domain.policy import RuleType
from bot.domain.verdicts import Unit
from bot.presenters import plain
from bot.presenters.advice import advice
from bot.presenters.cards import card_answer
from bot.presenters.incident_lines import TITLES, closing, what, where, worst, worst_value
from bot.presenters.message import Message
from bot.presenters.slack import card, mention_text, reply
from tests.unit.golden import as_json, check_golden
from tests.unit.presented import (
    ACCOUNT,
    FAILED,
    LAGGING,
    NOW,
    ORDERS,
    RECOVERING,
    REFUSED,
    RESOLVED,
    UNREAD,
    ago,
    judged,
    notice,
)

LINKS = (("Runbook", "https://wiki.example/lag"), ("Grafana", "https://grafana.example/d/x?a=b&c"))
NEXT = NOW + timedelta(hours=4)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "card_opened",
            replace(notice(LAGGING, mentions=("S0ONCALL",), reminder_at=NEXT), links=LINKS),
        ),
        ("card_two_alerts", notice(LAGGING, FAILED, reminder_at=NEXT)),
        ("card_recovering", notice(RECOVERING, reason=Reason.EVIDENCE_CHANGED)),
        ("card_one_ended", notice(FAILED, RESOLVED, reason=Reason.RESOLVED)),
        ("card_resolved", notice(RESOLVED, reason=Reason.RESOLVED)),
        ("card_account", notice(REFUSED, task=ACCOUNT, reminder_at=NEXT)),
        ("card_unread", notice(LAGGING, task=UNREAD)),
    ],
)
def test_a_card_reads_as_it_was_approved(name: str, told: Notice) -> None:
    check_golden(name, as_json(card(told)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reply_opened", notice(LAGGING, mentions=("here",))),
        ("reply_escalated", notice(LAGGING, reason=Reason.ESCALATED, mentions=("U1", "S1"))),
        ("reply_reminder", notice(LAGGING, FAILED, reason=Reason.REMINDER)),
        ("reply_resolved", notice(RESOLVED, reason=Reason.RESOLVED)),
        ("reply_account", notice(REFUSED, task=ACCOUNT)),
    ],
)
def test_a_reply_reads_as_it_was_approved(name: str, told: Notice) -> None:
    check_golden(name, as_json(reply(told)))


@pytest.mark.parametrize("show", [card, reply])
def test_an_end_that_is_no_recovery_says_what_it_is(show: Callable[..., Message]) -> None:
    unwatched = replace(RESOLVED, resolution="no longer watched")
    gone = replace(RESOLVED, resolution="gone")
    reason = Reason.RESOLVED
    closed = show(notice(unwatched, reason=reason))
    assert "ended: no longer watched" in closed.text
    assert "Resolved" not in closed.text + str(closed.blocks)
    assert "what was alerted is gone" in show(notice(gone, reason=reason)).text


@pytest.mark.parametrize("show", [card, reply])
def test_a_late_or_doubtful_message_says_so(show: Callable[..., Message]) -> None:
    shown = show(notice(LAGGING), queued_for=timedelta(minutes=16), maybe_duplicate=True)
    for text in (shown.text, str(shown.blocks[-1])):
        assert "late: waited 16 min to be sent" in text
        assert "possible duplicate" in text


@pytest.mark.parametrize("show", [card, reply])
def test_a_message_in_time_says_nothing_of_delays(show: Callable[..., Message]) -> None:
    shown = show(notice(LAGGING), queued_for=timedelta(0))
    assert "late" not in shown.text + str(shown.blocks)
    assert "duplicate" not in shown.text + str(shown.blocks)


def test_the_lock_screen_shows_severity_task_what_and_since() -> None:
    assert card(notice(LAGGING)).text == (
        "Critical: `orders` – partition lag: 1,234,567 messages behind in `orders` partition 3, "
        "above the critical level of 1,000,000, since 2026-03-01 09:16 UTC (14 min)"
    )


def test_a_card_counts_the_alerts_it_has_no_room_for() -> None:
    open_ones = [replace(FAILED, id=f"i-{place:04}") for place in range(12)]
    ended = [replace(RESOLVED, id=f"i-{place:04}") for place in range(20, 23)]
    text = plain.render(card_answer(notice(*open_ones, *ended)))
    assert "Critical: orders – 12 alerts" in text
    assert "… and 5 more alerts" in text
    assert text.count("Do not restart") == 3


def test_a_card_without_alerts_says_that_nothing_is_wrong_any_more() -> None:
    shown = card(notice())
    assert shown.text == "Nothing is wrong any more with `orders`"
    assert "Nothing is wrong any more with orders" in str(shown.blocks)


def test_an_unread_task_says_so_on_its_card_instead_of_showing_zero() -> None:
    text = plain.render(card_answer(notice(LAGGING, task=UNREAD)))
    assert "Lag:           unknown" in text
    assert "Reading:       none yet" in text


def test_a_reading_on_a_card_names_why_there_is_no_newer_one() -> None:
    text = plain.render(card_answer(notice(LAGGING, task=replace(ORDERS, failure="HTTP 503"))))
    assert "42 s old when this was written, none since: HTTP 503" in text


@pytest.mark.parametrize(
    ("targets", "shown"),
    [
        ((), ""),
        (("U0A", "W0B", "S0C", "here"), "<@U0A> <@W0B> <!subteam^S0C> <!here>"),
        (("U0A", "U0A"), "<@U0A>"),
        (("channel", "U0A> <!channel", "", "C0D"), ""),
        (tuple(f"U{place:029}" for place in range(100)), None),
    ],
)
def test_only_known_kinds_of_targets_are_mentioned(
    targets: tuple[str, ...], shown: str | None
) -> None:
    text = mention_text(targets)
    assert text == shown if shown is not None else 500 < len(text) <= 600


def test_a_link_that_slack_would_refuse_costs_its_button_not_the_message() -> None:
    links = (
        ("No scheme", "wiki.example/lag"),
        ("No host", "https:///lag"),
        ("", "https://wiki.example"),
        ("Odd \ud800", "https://wiki.example/任务 x"),
        ("Too long", "https://wiki.example/" + "x" * 3000),
        *((f"L{place}", "https://wiki.example") for place in range(30)),
    )
    shown = card(replace(notice(LAGGING), links=links)).blocks[-1]
    assert shown["type"] == "actions"
    text = str(shown)
    assert "https://wiki.example/%E4%BB%BB%E5%8A%A1%20x" in text
    assert "L0" in text
    assert not any(title in text for title in ("No scheme", "No host", "Too long", "L29"))
    assert text.count("action_id") == 25


# --- the facts of an incident ----------------------------------------------------------------


def test_many_partitions_are_ranges_worst_topic_first_and_the_rest_is_counted() -> None:
    spread = (
        ("a", tuple(range(0, 40, 2))),
        ("b", (1, 2, 3)),
        *((f"c{place}", (0,)) for place in range(9)),
    )
    incident = replace(LAGGING, spread=spread, evidence=(judged(Subject("b", 2), 5),))
    line = plain.line(where(incident))
    assert line == ("32 partitions: b 1-3; a 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, and 18 more")


def test_at_most_five_topics_are_named() -> None:
    spread = tuple((f"t{place}", ()) for place in range(7))
    assert plain.line(where(replace(LAGGING, spread=spread, evidence=()))) == (
        "affected: t0; t1; t2; t3; t4, and 2 more"
    )


def test_a_task_beside_its_partitions_is_named_as_such() -> None:
    incident = replace(FAILED, spread=(("", ()), ("orders", (3, 4))))
    assert plain.line(where(incident)) == "2 partitions: the task itself; orders 3-4"


def test_one_subject_alone_needs_no_list_of_places() -> None:
    assert where(FAILED) == ()
    assert worst(FAILED) == ()


@pytest.mark.parametrize(
    ("incident", "text"),
    [
        (replace(LAGGING, evidence=()), "no evidence kept"),
        (
            replace(LAGGING, evidence=(replace(judged(Subject("t"), None), detail="why"),)),
            "unknown in t, above the critical level of 1,000,000 (why)",
        ),
        (
            replace(
                LAGGING,
                type=RuleType.AGE,
                unit=Unit.SECONDS,
                evidence=(judged(Subject("t", 1), 720, Severity.WARNING),),
            ),
            "messages wait at least 12 min in t partition 1, above the warning level of 1 d 3 h",
        ),
        (FAILED, "the cloud says FAILED"),
        (
            replace(FAILED, evidence=(judged(Subject("t", 1), "FAILED"),)),
            "the cloud says FAILED of t partition 1",
        ),
        (
            replace(REFUSED, key=LAGGING.key),
            "no reading of the task: denied (12 of 12 tasks: HTTP 401, verify aksk signature fail)",
        ),
    ],
)
def test_the_evidence_is_told_by_its_worst_subject(incident: Incident, text: str) -> None:
    assert plain.line(what(incident)) == text


def test_a_breach_is_told_against_the_only_level_there_is() -> None:
    only = judged(Subject("t"), 5)
    low = replace(only, level=replace(only.level, critical=None))
    none = replace(only, level=replace(low.level, warning=None))
    assert "critical level of 100,000" in plain.line(what(replace(LAGGING, evidence=(low,))))
    assert plain.line(what(replace(LAGGING, evidence=(none,)))) == "5 messages behind in t"


def test_the_worst_value_stands_alone_in_a_cell() -> None:
    assert worst_value(LAGGING) == "1,234,567"
    assert worst_value(FAILED) == "FAILED"
    assert worst_value(replace(LAGGING, evidence=())) == ""


def test_when_it_would_close_is_told_only_while_it_recovers() -> None:
    assert closing(LAGGING) == ()
    assert closing(replace(RECOVERING, closes_at=None)) == ("recovering",)
    assert "closes about 2026-03-01 09:36 UTC" in plain.line(closing(RECOVERING))


@pytest.mark.parametrize(
    ("resolution", "ending"),
    [("cleared", ""), ("gone", "is gone"), ("no longer watched", "ended: no longer watched")],
)
def test_the_record_says_why_it_ended_where_it_did_not_just_clear(
    resolution: str, ending: str
) -> None:
    ended = replace(RESOLVED, resolution=resolution, peak_at=None, resolved_at=ago(minutes=4))
    text = plain.render(card_answer(notice(ended)))
    assert "Lasted 10 min, from 2026-03-01 09:16 UTC to 2026-03-01 09:26 UTC" in text
    assert "peak 1,300,000 messages" in text
    assert ending in text


# --- advice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule_type", RuleType)
def test_every_kind_of_alert_has_a_title_and_advice(rule_type: RuleType) -> None:
    assert TITLES[rule_type]
    assert len(advice(replace(LAGGING, type=rule_type))) > 40


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("FAILED", "bucket"),
        ("failed", "quota"),
        ("ERROR", "key"),
        ("PAUSED", "intended"),
        ("STOPPED", "intended"),
        ("WAITING", "never started"),
        ("CREATING", "being created"),
        ("RESTARTING", "dump everything again"),
        ("UNASSIGNED", "node"),
        ("EXPLODED", "nobody documents"),
    ],
)
def test_a_status_has_its_own_advice(status: str, words: str) -> None:
    incident = replace(FAILED, evidence=(judged(Subject(), status),))
    assert words in advice(incident)


@pytest.mark.parametrize("status", ["FAILED", "ERROR"])
def test_a_failed_task_must_never_be_restarted(status: str) -> None:
    incident = replace(FAILED, evidence=(judged(Subject(), status),))
    assert "Do not restart" in advice(incident)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_its_own_advice(kind: FailureKind) -> None:
    texts = {advice(replace(REFUSED, evidence=(judged(Subject(), k.value),))) for k in FailureKind}
    assert len(texts) == len(FailureKind)
    assert advice(replace(REFUSED, evidence=(judged(Subject(), kind.value),))) in texts


def test_an_unreachable_alert_without_evidence_still_has_advice() -> None:
    assert "does not answer" in advice(replace(REFUSED, evidence=()))
