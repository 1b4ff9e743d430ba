"""Every arm of `why`: what is said of each kind of rule in each state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.inquiry import Inquiry, inquire
from bot.domain.matching import Match, Patterns, literal
from bot.domain.model import FailureKind, Severity
from bot.domain.policy import (
    BUILT_IN,
    AgeRule,
    AnyRule,
    DataLossRule,
    LagRule,
    MissingRule,
    Route,
    RuleType,
    Span,
    View,
)
from bot.domain.reports import TaskView, view_of
from bot.domain.rules import Moment, rules_for
from bot.domain.shelf import Shelf
from bot.presenters import plain
from bot.presenters.why_answers import why
from tests.builders import TOPIC, a_task, at
from tests.unit.story import Story, minutes
from tests.unit.test_drain import delivering

EVERYWHERE = (Route("C0DATA"),)


def asked(story: Story, *routes: Route) -> tuple[Inquiry, ...]:
    now = story.history.seen_at or at(0)
    return inquire(
        a_task(),
        story.history,
        rules_for(a_task(), story.rules),
        states=story.states,
        routes=routes or EVERYWHERE,
        moment=Moment(now, minutes(story.interval_s / 60), shelf=story.shelf),
    )


def view(story: Story) -> TaskView:
    now = story.history.seen_at or at(0)
    return view_of(a_task(), story.history, (), now=now, stale_after=timedelta(hours=1))


def told(story: Story, *routes: Route) -> str:
    now = story.history.seen_at or at(0)
    return plain.render(why(view(story), asked(story, *routes), now))


def level(rule_type: RuleType, **changes: object) -> LagRule:
    rule = LagRule(name="mine", type=rule_type, warning=1_000)
    return replace(rule, **changes)  # type: ignore[arg-type]  # as the test says


def watched(*rules: AnyRule, grows: int = 0) -> Story:
    story = Story(rules=(*BUILT_IN, *rules))
    for second in range(0, 1_200, 60):
        story.poll(second, (100, 700 + grows * second), (100, None))
    return story


def test_lag_by_each_view_and_of_each_subject() -> None:
    for rule_type in (RuleType.PARTITION_LAG, RuleType.TOPIC_LAG, RuleType.TASK_LAG):
        for seen in View:
            text = told(watched(level(rule_type, view=seen)))
            assert "clear; 600 messages" in text
            assert "fires with 400 messages more" in text


def test_a_rule_for_some_topics_is_told_with_its_topics() -> None:
    some = Match(topic=Patterns(("b*",)))
    story = Story(rules=(*BUILT_IN, AgeRule(name="mine", match=some, warning=Span(minutes(1)))))
    topics = {name: [(5, 5)] for name in ("a", "b1", "b2", "b3", "b4")}
    for second in range(0, 300, 60):
        story.poll(second, topics={**topics, "b1": [(0, second)]})
    text = told(story)
    assert "age, rule mine (b1, b2, b3 and 1 more)" in text
    assert "age (a)" in text
    assert "breached for" in text


def test_what_waits_for_its_time_and_what_recovers() -> None:
    pending = watched(
        level(RuleType.TASK_LAG, view=View.INSTANT, hold_for=Span(minutes(60))), grows=9
    )
    assert "waits for its time to run" in told(pending)
    story = watched(level(RuleType.PARTITION_LAG, view=View.INSTANT), grows=9)
    assert "told; " in told(story)
    story.poll(1_200, (12_000, 12_000), (100, None))
    assert "told, recovering" in told(story)


def test_an_idle_tail_has_its_own_level() -> None:
    story = Story()
    story.poll(0, (0, 0))
    for second in range(60, 3_000, 60):
        story.poll(second, (0, 1_000))
    text = told(story)
    assert "warning above 31 min, for an idle tail" in text
    assert "idle_tail: " in text
    assert "# quiet now" in text


def test_what_it_really_does_is_told_beside_its_settings() -> None:
    story = Story(delivery_s=300)
    for second in range(0, 20_000, 60):
        story.poll(second, (second // 600 * 600, second))
    assert "every 5 min by its settings, and every 10 min by what it does" in told(story)


def test_troughs_that_rise_are_counted() -> None:
    quiet = delivering([1.0] * 10 + [0.8] * 2)
    assert "rising trough" in told(quiet)
    rules = (*BUILT_IN, AgeRule(name="no-age", enabled=False))
    behind = delivering([1.0] * 10 + [0.8] * 10, Story(rules=rules))
    text = told(behind)
    assert "falling behind        breached" in " ".join(text.split()) or "breached for" in text
    assert "type: falling_behind" in text
    assert "enabled: false" in text


def test_a_task_that_cannot_be_reached_and_one_that_was_never_asked() -> None:
    never = Story()
    assert "its input is unknown" in told(never)
    story = watched()
    for second in range(1_200, 1_500, 60):
        story.fail(second, FailureKind.THROTTLED)
    assert "throttled" in told(story)


def test_a_reset_something_gone_and_a_loss() -> None:
    story = Story(shelf=Shelf({TOPIC: timedelta(hours=2)}))
    for second in range(0, 7_000, 60):
        story.poll(second, (9_000, 9_000), (0, second), (5, 5))
    for second in (7_020, 7_080):
        story.poll(second, (0, 40), (0, second))
    text = told(story)
    assert "log end fell in orders partition 0" in text
    assert "gone in orders partition 2" in text
    assert "first loss in 3 min" in text
    assert "nothing of the kind is seen" in told(watched())


def test_a_status_that_is_not_well_names_the_words_that_would_be() -> None:
    story = Story()
    story.poll(0, (5, 5), status="ODD")
    assert 'ok: [RUNNING, "ODD"]' in told(story)


def test_who_would_hear_and_who_would_not() -> None:
    story = watched()
    text = told(story, Route("C0LOUD", min_severity=Severity.WARNING, continues=True), *EVERYWHERE)
    assert "told to C0DATA from info, C0LOUD from warning" in text
    nowhere = Route("C0DATA", match=Match(task=Patterns(("other",))))
    assert "told nowhere: no route takes it" in told(story, nowhere)
    warnings = Match(severity=Patterns(("warning",)))
    deaf = Route("C0DATA", match=warnings, min_severity=Severity.CRITICAL, continues=True)
    assert "told nowhere" in told(story, deaf)


def rows(text: str, kind: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(kind)]


def test_what_cannot_be_judged_is_unknown_and_nothing_is_offered_to_turn_it() -> None:
    story = watched(level(RuleType.PARTITION_LAG))
    (loss,) = rows(told(story), "data loss")
    assert "unknown; the retention is not known" in loss
    for second in range(1_200, 1_800, 60):
        story.fail(second)
    text = told(story)
    for kind in ("partition lag", "age", "falling behind", "offset reset", "missing"):
        assert all("unknown" in row for row in rows(text, kind))
    assert "the latest poll says nothing of it" in text
    assert "would fire now" not in text


def test_what_is_missing_is_told_by_its_own_rule_whatever_the_others_match() -> None:
    own = MissingRule(name="mine", match=Match(topic=Patterns(("a",))))
    story = Story(rules=(*BUILT_IN, own))
    for second in range(0, 600, 60):
        story.poll(second, topics={"a": [(5, 5)], "b": [(5, 5)]})
    for second in range(600, 900, 60):
        story.poll(second, topics={"a": [(5, 5)]})
    first, second_row = rows(told(story), "missing")
    assert "rule mine" in first
    assert "clear" in first
    assert "breached" in second_row
    for second in range(900, 1_200, 60):
        story.fail(second, FailureKind.MISSING)
    assert any("breached" in row for row in rows(told(story), "missing"))


def test_time_in_which_a_task_is_halted_is_no_age_of_the_rule() -> None:
    story = Story()
    story.poll(0, (1_000, 1_000))
    for second in range(60, 12_000, 60):
        story.poll(second, (1_000, 1_000 + second), status="PAUSED")
    (age,) = rows(told(story), "age")
    assert "its time stands still while the task is halted" in age
    assert "my-age" not in told(story)


def test_the_yaml_names_rules_apart_and_says_their_topics() -> None:
    rules = [
        level(RuleType.PARTITION_LAG, name=name, match=Match(topic=Patterns((name,))))
        for name in ("a", "b")
    ]
    story = Story(rules=(*BUILT_IN, *rules))
    for second in range(0, 900, 60):
        story.poll(second, topics={"a": [(100, 600)], "b": [(100, 700)]})
    text = told(story)
    assert 'my-partition_lag, type: partition_lag, match: {task: "orders", topic: ["a"]}' in text
    assert "{name: my-partition_lag-2, " in text


@pytest.mark.parametrize("name", ["orders[1]", "what?*", "!orders", "a[b]*c", "plain"])
def test_a_literal_glob_fits_its_own_text(name: str) -> None:
    assert Patterns((literal(name),)).hit(name)
    assert not Patterns((literal(name),)).hit(f"{name}x")


def test_a_retention_in_the_rule_is_known() -> None:
    own = DataLossRule(name="mine", retention=timedelta(days=3))
    (loss,) = rows(told(watched(own)), "data loss")
    assert "clear; nothing of the kind is seen" in loss
