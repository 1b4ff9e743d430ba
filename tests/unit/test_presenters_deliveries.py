"""What is said of incidents about deliveries: values, causes, shares, advice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.incidents import Incident
from bot.domain.model import FailureKind
from bot.domain.policy import BUILT_IN, AgeRule, LagRule, RuleType, View
from bot.domain.reports import TaskView, view_of
from bot.domain.shelf import Shelf
from bot.presenters import plain
from bot.presenters.advice import advice
from bot.presenters.answer import Answer, Line
from bot.presenters.delivery_words import age_words, cause, drain_words
from bot.presenters.incident_lines import peak, what
from tests.builders import TOPIC, a_task
from tests.unit.story import Row, Story
from tests.unit.test_drain import delivering, of

AGE, LOSS = RuleType.AGE, RuleType.DATA_LOSS


def shown(line: Line) -> str:
    """The line as a terminal shows it."""
    return plain.render(Answer(("x",), (line,))).removeprefix("x\n\n").strip() if line else ""


def view(story: Story) -> TaskView:
    now = story.sample.at
    return view_of(
        a_task(), story.history, story.open().values(), now=now, stale_after=timedelta(hours=1)
    )


def told(story: Story, rule_type: RuleType) -> tuple[str, str, str]:
    """What, why and what to do."""
    incident: Incident = story.open()[rule_type]
    return shown(what(incident)), shown(cause(incident, view(story))), advice(incident)


def polled(
    rows: list[Row], more: list[int], *, until: int = 3_600, story: Story | None = None
) -> Story:
    """Rows whose log ends grow by so many messages a minute."""
    story = story or Story()
    for minute in range(until // 60):
        story.poll(
            60 * minute,
            *(
                (position, end if end is None else end + minute * grows)
                for (position, end), grows in zip(rows, more, strict=True)
            ),
        )
    return story


def test_a_stop_of_all_partitions() -> None:
    what_is, why, do = told(polled([(5, 5)] * 3, [9, 9, 9]), AGE)
    assert what_is == (
        "messages wait 58 min to 59 min in orders partition 0, above the critical level of 31 min"
    )
    assert why == "nothing delivered since 2026-03-02 10:01 UTC; all 3 partitions"
    assert "Check that the bucket exists" in do
    assert "Do not restart the task" in do


def test_one_partition_of_many_and_some_of_many() -> None:
    _, one, _ = told(polled([(5, 5)] * 12, [9, *[0] * 11]), AGE)
    assert one.endswith("; only partition 0, the other 11 are well")
    _, some, _ = told(polled([(5, 5)] * 12, [9, 9, *[0] * 10]), AGE)
    assert some.endswith("; 2 of 12 partitions")
    _, alone, _ = told(polled([(5, 5)], [9]), AGE)
    assert alone == "nothing delivered since 2026-03-02 10:01 UTC"


def test_one_partition_of_several_topics_names_its_topic() -> None:
    story = Story()
    for second in range(0, 3_600, 60):
        story.poll(second, topics={"a": [(0, second)], "b": [(5, 5)]})
    assert told(story, AGE)[1].endswith("; only partition 0 of a, the other 1 are well")


def test_an_idle_tail_and_what_was_never_delivered() -> None:
    story = Story()
    story.poll(0, (5, 5))
    for second in range(60, 3_600, 60):
        story.poll(second, (5, 500))
    _, why, do = told(story, AGE)
    assert why == "the last messages of a topic that fell silent since 2026-03-02 10:01 UTC"
    assert "give `idle_tail` of the rule a longer time" in do
    _, never, _ = told(polled([(None, 5)], [9]), AGE)
    assert never == "never delivered; messages have come since 2026-03-02 10:01 UTC"


def test_a_sink_that_is_too_slow() -> None:
    rules = (*BUILT_IN, AgeRule(name="no-age", enabled=False))
    story = delivering([1.0] * 10 + [0.8] * 10, Story(rules=rules))
    what_is, why, do = told(story, RuleType.FALLING_BEHIND)
    assert "messages left behind in orders partition 0 (1,200 more each minute)" in what_is
    assert why == "it delivers, but less than comes in"
    assert "Compare the producers' rate" in do
    slow = of(story)
    assert slow is not None
    assert drain_words(slow).endswith(
        "never at this rate (6,000 come in each minute, 4,800 go out)"
    )


def test_a_reset_and_what_is_gone() -> None:
    story = polled([(9_000, 9_000), (5, 5)], [0, 0], until=300)
    for second in (300, 360):
        story.poll(second, (0, 40), (5, 5))
    what_is, why, do = told(story, RuleType.OFFSET_RESET)
    assert what_is == "log end fell in orders partition 0 (from 9,000 to 40)"
    assert why == ""
    assert "made anew" in do
    for second in (420, 480):
        story.poll(second, (0, 40))
    assert told(story, RuleType.MISSING)[0] == "orders partition 1 was there and is gone"


def test_a_task_that_is_gone_or_reports_nothing() -> None:
    empty = Story()
    for second in (0, 60):
        empty.poll(second)
    assert told(empty, RuleType.MISSING)[0] == "the task runs and reports no partitions"
    gone = polled([(5, 5)], [0], until=120)
    for second in (120, 180):
        gone.fail(second, FailureKind.MISSING)
    assert told(gone, RuleType.MISSING)[0].startswith("the cloud says that the task does not exist")


def test_a_loss_that_nears_and_one_that_is_there() -> None:
    near = polled([(5, 5)], [9], story=Story(shelf=Shelf({TOPIC: timedelta(hours=2)})), until=4_500)
    what_is, _, do = told(near, LOSS)
    assert what_is == (
        "first loss in about 47 min in orders partition 0, below the warning level of 1 h"
    )
    assert "Lengthen the topic's retention now" in do
    assert shown(peak(near.open()[LOSS])).startswith("; least left 47 min at ")
    lost = polled([(5, 5)], [9], story=Story(shelf=Shelf({TOPIC: timedelta(minutes=40)})))
    assert told(lost, LOSS)[0].startswith("messages are being lost in orders partition 0")


@pytest.mark.parametrize(("per_minute", "words"), [(0.25, "0.2"), (1.0, "1"), (0.0, "0")])
def test_small_rates_keep_their_size(per_minute: float, words: str) -> None:
    slow = of(delivering([1.0] * 10 + [0.8] * 10))
    assert slow is not None
    text = drain_words(type(slow)(5, per_minute, per_minute, None))
    assert f"({words} come in each minute, {words} go out)" in text


def test_a_lag_of_the_whole_task_says_so_and_an_unknown_age_too() -> None:
    total = LagRule(name="total", type=RuleType.TASK_LAG, warning=1_000, view=View.INSTANT)
    story = Story(rules=(*BUILT_IN, total))
    story.poll(0, (0, 2_000))
    what_is, why, _ = told(story, RuleType.TASK_LAG)
    assert what_is == "2,000 messages behind in the task, above the warning level of 1,000"
    assert why == ""
    assert age_words(None) == "unknown"
