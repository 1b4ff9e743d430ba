"""Messages that leave retention before they are dumped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.incidents import EventKind
from bot.domain.loss import LossView, loss_of
from bot.domain.model import Severity, Subject
from bot.domain.policy import BUILT_IN, DataLossRule, LagRule, RuleType, View
from bot.domain.reports import lag_rows, view_of
from bot.domain.ruleset import rules_for
from bot.domain.shelf import Shelf
from tests.builders import TOPIC, a_task, at
from tests.unit.story import OPENED, RESOLVED, Story

LOSS = RuleType.DATA_LOSS
HOUR = timedelta(hours=1)
THREE_DAYS = Shelf({TOPIC: timedelta(hours=72)})


def stopped(hours: float, shelf: Shelf = THREE_DAYS, *, status: str = "RUNNING") -> Story:
    """A dump that stood still for so long, polled every ten minutes."""
    story = Story(shelf=shelf, interval_s=600)
    story.poll(0, (1_000, 1_000))
    for second in range(600, round(hours * 3_600), 600):
        story.poll(second, (1_000, 1_000 + second), status=status)
    return story


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(40, None), (49, Severity.WARNING), (60, Severity.WARNING), (67, Severity.CRITICAL)],
)
def test_levels_are_the_time_that_is_left(hours: float, severity: Severity | None) -> None:
    incident = stopped(hours).open().get(LOSS)
    assert (incident.severity if incident else None) == severity


def test_a_short_retention_has_levels_of_its_own() -> None:
    short = Shelf({TOPIC: 4 * HOUR})
    assert LOSS not in stopped(1.9, short).open()
    assert stopped(2.5, short).open()[LOSS].severity is Severity.WARNING
    assert stopped(3.4, short).open()[LOSS].severity is Severity.CRITICAL


def test_a_paused_task_loses_too() -> None:
    story = stopped(67, status="PAUSED")
    assert story.open()[LOSS].severity is Severity.CRITICAL
    assert RuleType.AGE not in story.open()


def test_the_value_is_what_is_left_and_the_least_is_the_worst() -> None:
    story = Story(shelf=Shelf({TOPIC: 2 * HOUR}), interval_s=600)
    story.poll(0, (1_000, 1_000), (1_000, 1_000))
    for second in range(600, 7_200, 600):
        done = 1_000 + min(second, 1_800)
        story.poll(second, (done, 1_000 + second), (1_000, 1_000 + second))
    worst, other = story.open()[LOSS].evidence
    assert (worst.subject.partition, other.subject.partition) == (1, 0)
    assert (worst.value, other.value) == (7_200 - 6_000, 7_200 - 4_200)
    assert story.open()[LOSS].peak == worst.value


def test_a_retention_that_nobody_knows_judges_nothing() -> None:
    story = stopped(100, Shelf())
    assert LOSS not in story.open()
    view = loss_of(story.history, rules_for(a_task(), BUILT_IN), Shelf())
    assert view == LossView(unknown=(TOPIC,))


def test_a_retention_in_the_rule_goes_before_what_the_instance_says() -> None:
    story = Story(
        shelf=Shelf({TOPIC: 700 * HOUR}),
        interval_s=600,
        rules=(*BUILT_IN, DataLossRule(name="mine", retention=10 * HOUR)),
    )
    story.poll(0, (0, 0))
    for second in range(600, 30_000, 600):
        story.poll(second, (0, second))
    assert story.open()[LOSS].rule == "mine"


def test_what_lies_before_the_begin_of_the_log_is_lost_and_named() -> None:
    story = stopped(1)
    story.shelf = Shelf(THREE_DAYS.retention, {Subject(TOPIC, 0): 1_500})
    assert story.poll(3_600, (1_000, 9_000)) == [(LOSS, OPENED)]
    (judgement,) = story.open()[LOSS].evidence
    assert judgement.severity is Severity.CRITICAL
    assert judgement.detail == "lost: offsets 1,000 to 1,499, 500 messages at most"
    view = loss_of(story.history, rules_for(a_task(), BUILT_IN), story.shelf)
    assert [(str(subject), lost.count) for subject, lost in view.lost] == [("orders[0]", 500)]


def test_a_begin_that_was_asked_of_a_topic_before_it_was_made_anew_loses_nothing() -> None:
    story = Story()
    story.shelf = Shelf(THREE_DAYS.retention, {Subject(TOPIC, 0): 10_060_000})
    for second in range(0, 1_200, 60):
        story.poll(second, (10_000_000 + second, 10_070_000 + second))
    assert LOSS in story.open()
    for second in range(1_200, 2_400, 60):
        story.poll(second, (500 + second, 600 + second))
    assert LOSS not in story.open()
    view = loss_of(story.history, rules_for(a_task(), BUILT_IN), story.shelf)
    assert view.lost == ()
    assert story.shelf.kept(story.sample) == story.sample


def test_it_ends_when_what_waited_is_dumped() -> None:
    story = stopped(50)
    said = []
    for second in range(180_000, 182_400, 600):
        said += story.poll(second, (1_000 + second, 1_000 + second))
    assert (LOSS, RESOLVED) in said
    kinds = [event.kind for event in story.events if event.incident.type is LOSS]
    assert kinds.count(EventKind.OPENED) == kinds.count(EventKind.RESOLVED) == 1


def test_a_healthy_dump_with_a_short_retention_is_never_told() -> None:
    story = Story(shelf=Shelf({TOPIC: HOUR}), delivery_s=900)
    for second in range(0, 40_000, 60):
        story.poll(second, (second // 900 * 900, second))
    assert story.events == []


def test_what_is_gone_is_no_lag_in_any_view() -> None:
    story = stopped(1)
    story.poll(3_600, (1_000, 9_000), (8_960, 9_000))
    shelf = Shelf(log_starts={Subject(TOPIC, 0): 8_500})
    view = view_of(a_task(), story.history, (), now=at(3_600), stale_after=3 * HOUR, shelf=shelf)
    assert (view.lag, view.topics[0].lag) == (540, 540)
    assert [row.reading.lag for row in lag_rows(story.history, shelf)] == [500, 40]
    assert [row.reading.lag for row in lag_rows(story.history)] == [8_000, 40]


@pytest.mark.parametrize("look", list(View))
def test_what_is_gone_is_no_lag_for_any_rule(look: View) -> None:
    rule = LagRule(name="lag", type=RuleType.PARTITION_LAG, warning=1_000, view=look)
    story = Story(rules=(rule,))
    for second in range(0, 3_600, 60):
        story.poll(second, (1_000, 3_000 + second))
    assert RuleType.PARTITION_LAG in story.open()
    story.shelf = Shelf(log_starts={Subject(TOPIC, 0): 6_100})
    for second in range(3_600, 4_200, 60):
        story.poll(second, (1_000, 6_600))
    assert not story.open()
