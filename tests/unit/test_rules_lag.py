"""Lag in messages: which rule decides, which reading counts, and what unknown means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.history import TaskHistory
from bot.domain.matching import Match, Patterns
from bot.domain.model import TASK, Severity, Subject, topic_sample
from bot.domain.policy import AnyRule, RuleType, Span, View
from bot.domain.verdicts import Level, Verdict
from tests.builders import INTERVAL, TOPIC, a_history, a_sample_of
from tests.unit.judging import (
    DELIVERY,
    Lagging,
    found,
    history_of,
    joined,
    judged,
    lag_rule,
    matching,
)

LAG = RuleType.PARTITION_LAG
FIRST, SECOND = Subject(TOPIC, 0), Subject(TOPIC, 1)
BREACHED, HOLDING, CLEAR, UNKNOWN, GONE = (
    Verdict.BREACHED,
    Verdict.HOLDING,
    Verdict.CLEAR,
    Verdict.UNKNOWN,
    Verdict.GONE,
)


def verdicts(
    history: TaskHistory, *rules: AnyRule, tracked: Sequence[Subject] = ()
) -> dict[Subject, Verdict]:
    """What is listed by one partition rule type, as verdicts."""
    held = joined(LAG, *tracked) if tracked else None
    return {s: j.verdict for s, j in judged(history, *rules, tracked=held).items()}


# --- one reading against the levels ----------------------------------------------------------


@pytest.mark.parametrize(
    ("lag", "verdict", "severity"),
    [
        (0, None, None),
        (79, None, None),
        (80, HOLDING, Severity.WARNING),
        (100, HOLDING, Severity.WARNING),
        (101, BREACHED, Severity.WARNING),
        (1_000, BREACHED, Severity.WARNING),
        (1_001, BREACHED, Severity.CRITICAL),
        (2**80, BREACHED, Severity.CRITICAL),
    ],
)
def test_a_lag_is_breached_above_a_level_and_clear_below_a_share_of_the_lowest(
    lag: int, verdict: Verdict | None, severity: Severity | None
) -> None:
    judgement = judged(history_of({TOPIC: [lag]}), lag_rule()).get(FIRST)
    if judgement is None:
        assert verdict is None
    else:
        assert (judgement.verdict, judgement.severity) == (verdict, severity)
        assert (judgement.value, judgement.level) == (lag, Level(100, 1_000, 0.8))


@pytest.mark.parametrize(
    ("warning", "critical", "severity"),
    [(None, 50, Severity.CRITICAL), (50, None, Severity.WARNING)],
)
def test_one_level_alone_is_enough(
    warning: int | None, critical: int | None, severity: Severity
) -> None:
    rule = lag_rule(warning=warning, critical=critical)
    assert judged(history_of({TOPIC: [51]}), rule)[FIRST].severity is severity


def test_a_rule_without_levels_finds_nothing() -> None:
    assert judged(history_of({TOPIC: [10**9]}), lag_rule(warning=None, critical=None)) == {}


def test_no_lag_at_all_is_clear_even_at_a_level_of_zero() -> None:
    rule = lag_rule(warning=0, critical=None)
    assert verdicts(history_of({TOPIC: [0, 1]}), rule) == {SECOND: BREACHED}


def test_for_is_said_in_time_or_in_delivery_intervals() -> None:
    rule = replace(lag_rule(), hold_for=Span(intervals=2))
    assert judged(history_of({TOPIC: [500]}), rule)[FIRST].hold_for == 2 * DELIVERY


def test_only_what_is_not_clear_is_listed() -> None:
    history = history_of({TOPIC: [5, 500, 0, None], "returns": [7, None]})
    assert verdicts(history, lag_rule()) == {SECOND: BREACHED}
    assert found(history_of({TOPIC: [5, 5]}), lag_rule()) == {}


# --- which rule decides ----------------------------------------------------------------------


def test_the_last_rule_that_matches_a_topic_decides_whole() -> None:
    general = lag_rule("general", warning=10, critical=20)
    special = replace(
        lag_rule("special", warning=300, critical=None), match=matching("orders"), clear=0.5
    )
    history = history_of({"orders": [200, 400], "returns": [25]})
    expected = {
        Subject("orders", 0): ("special", HOLDING),
        Subject("orders", 1): ("special", BREACHED),
        Subject("returns", 0): ("general", BREACHED),
    }
    assert {
        s: (j.rule, j.verdict) for s, j in judged(history, general, special).items()
    } == expected
    assert {j.rule for j in judged(history, special, general).values()} == {"general"}


def test_a_disabled_rule_that_matches_last_leaves_its_topics_without_a_rule() -> None:
    off = replace(lag_rule("off"), match=matching("ord*"), enabled=False)
    history = history_of({"orders": [500], "returns": [500]})
    assert verdicts(history, lag_rule(), off) == {Subject("returns", 0): BREACHED}
    assert len(verdicts(history, off, lag_rule())) == 2


def test_a_rule_for_other_tasks_says_nothing() -> None:
    other = replace(lag_rule(), match=Match(task=Patterns(("payments",))))
    assert found(history_of({TOPIC: [500]}), other) == {}


@pytest.mark.parametrize(
    ("warning", "critical", "expected"),
    [(6_000, None, (CLEAR, None)), (400, 450, (BREACHED, Severity.CRITICAL))],
)
def test_an_edited_level_holds_for_who_joined_with_another(
    warning: int, critical: int | None, expected: tuple[Verdict, Severity | None]
) -> None:
    history = history_of({TOPIC: [500, 500]})
    before = joined(LAG, FIRST, level=Level(450, 9_000))
    now = judged(history, lag_rule(warning=warning, critical=critical), tracked=before)
    judgement = now.get(FIRST)
    verdict, severity = expected
    assert (judgement.verdict if judgement else CLEAR) is verdict
    assert judgement is None or judgement.severity is severity


def test_a_joined_subject_without_any_rule_left_is_clear() -> None:
    finding = found(history_of({TOPIC: [500]}), tracked=joined(LAG, FIRST))[LAG]
    assert (finding.judgements, finding.slow_clear) == ((), None)


# --- unknown, gone, silent -------------------------------------------------------------------


def test_unknown_is_listed_only_for_who_takes_part_in_an_alert() -> None:
    history = history_of({TOPIC: [None, None, 500]})
    listed = verdicts(history, lag_rule(), tracked=[SECOND])
    assert listed == {SECOND: UNKNOWN, Subject(TOPIC, 2): BREACHED}


def test_a_partition_that_left_a_complete_answer_is_gone_and_otherwise_unknown() -> None:
    away = (Subject(TOPIC, 9), Subject("empty", 0), Subject("returns", 0))
    complete = a_history(Lagging().sample({TOPIC: [0], "empty": []}))
    partial = a_history(Lagging(unreadable=1).sample({TOPIC: [0], "empty": []}))
    assert verdicts(complete, lag_rule(), tracked=away) == dict.fromkeys(away, GONE)
    assert verdicts(partial, lag_rule(), tracked=away) == dict.fromkeys(away, UNKNOWN)


def test_an_answer_without_topics_says_nothing_of_anybody() -> None:
    history = a_history(replace(Lagging().sample({}), topics=None))
    assert verdicts(history, lag_rule(), tracked=[FIRST]) == {FIRST: UNKNOWN}
    assert found(history, lag_rule()) == {}


def test_a_partition_unknown_now_is_unknown_whatever_the_window_remembers() -> None:
    polls = [{TOPIC: [500]}] * 9 + [{TOPIC: [None]}]
    rule = lag_rule(view=View.TROUGH)
    assert verdicts(history_of(*polls), rule, tracked=[FIRST]) == {FIRST: UNKNOWN}


# --- the trough ------------------------------------------------------------------------------


def test_until_the_window_is_covered_a_high_trough_is_unknown_and_a_low_one_is_clear() -> None:
    rule = lag_rule(view=View.TROUGH)
    by_polls = [
        verdicts(history_of(*[{TOPIC: [500, 50, 90]}] * polls), rule)[FIRST]
        for polls in range(1, 10)
    ]
    assert by_polls == [UNKNOWN] * 7 + [BREACHED] * 2
    first = verdicts(history_of({TOPIC: [500, 50, 90]}), rule, tracked=[FIRST, SECOND])
    assert first == {FIRST: UNKNOWN, Subject(TOPIC, 2): HOLDING}


def test_the_trough_sees_the_low_reading_between_two_high_ones() -> None:
    polls = [{TOPIC: [500]}] * 9 + [{TOPIC: [20]}] + [{TOPIC: [700]}] * 3
    history = history_of(*polls)
    assert verdicts(history, lag_rule(view=View.TROUGH)) == {}
    assert verdicts(history, lag_rule(view=View.INSTANT)) == {FIRST: BREACHED}


def test_the_severity_of_a_trough_is_that_of_its_lowest_reading() -> None:
    polls = [{TOPIC: [500]}] * 9 + [{TOPIC: [5_000]}]
    judgement = judged(history_of(*polls), lag_rule(view=View.TROUGH))[FIRST]
    assert (judgement.severity, judgement.value) == (Severity.WARNING, 500)


@pytest.mark.parametrize("rule_type", [LAG, RuleType.TOPIC_LAG])
def test_a_good_cycle_is_as_long_as_the_view_that_decides_for_who_takes_part(
    rule_type: RuleType,
) -> None:
    general = lag_rule("general", rule_type=rule_type, view=View.TROUGH)
    quick = replace(lag_rule("quick", rule_type=rule_type), match=matching("returns"))
    history = history_of({"orders": [5], "returns": [5]})
    partition = 0 if rule_type is LAG else -1
    for topic, slow in (("orders", True), ("returns", False)):
        held = joined(rule_type, Subject(topic, partition))
        finding = found(history, general, quick, tracked=held)[rule_type]
        assert finding.slow_clear == (DELIVERY + INTERVAL if slow else None)


def test_one_trough_among_those_who_take_part_makes_the_good_cycle_long() -> None:
    quick = replace(lag_rule("quick"), match=matching("returns"))
    history = history_of({"orders": [5], "returns": [5]})
    held = joined(LAG, Subject("orders", 0), Subject("returns", 0))
    finding = found(history, lag_rule(view=View.TROUGH), quick, tracked=held)[LAG]
    assert finding.slow_clear == DELIVERY + INTERVAL


# --- sums ------------------------------------------------------------------------------------


def test_a_topic_lag_is_the_sum_of_its_partitions() -> None:
    rule = lag_rule(rule_type=RuleType.TOPIC_LAG)
    history = history_of({"orders": [60, 41], "returns": [50, 40], "small": [1, 2]})
    listed = {s: (j.verdict, j.value) for s, j in judged(history, rule).items()}
    assert listed == {Subject("orders"): (BREACHED, 101), Subject("returns"): (HOLDING, 90)}


def test_a_task_lag_is_the_sum_over_all_topics() -> None:
    rule = lag_rule(rule_type=RuleType.TASK_LAG)
    history = history_of({"orders": [600, 300], "returns": [101]})
    judgement = judged(history, rule)[TASK]
    assert (judgement.value, judgement.severity) == (1_001, Severity.CRITICAL)


def test_each_topic_is_summed_by_the_rule_that_decides_for_it() -> None:
    rule = lag_rule(rule_type=RuleType.TOPIC_LAG)
    off = replace(rule, name="off", match=matching("returns"), enabled=False)
    history = history_of({"orders": [200], "returns": [200]})
    assert set(judged(history, rule, off)) == {Subject("orders")}


def test_a_disabled_task_lag_says_nothing() -> None:
    rule = replace(lag_rule(rule_type=RuleType.TASK_LAG), enabled=False)
    assert found(history_of({TOPIC: [10**9]}), rule) == {}


@pytest.mark.parametrize(
    ("lags", "verdict"),
    [
        ([101, None], BREACHED),
        ([99, None], UNKNOWN),
        ([0, None], UNKNOWN),
        ([90, 0], HOLDING),
        ([50, 30], HOLDING),
        ([9, 0], CLEAR),
        ([], GONE),
    ],
    ids=str,
)
def test_a_sum_is_breached_on_what_is_known_and_clear_only_when_nothing_is_unknown(
    lags: list[int | None], verdict: Verdict
) -> None:
    rule = lag_rule(rule_type=RuleType.TASK_LAG)
    history = history_of({TOPIC: lags})
    told = judged(history, rule, tracked=joined(RuleType.TASK_LAG, TASK))
    assert (told[TASK].verdict if told else CLEAR) is verdict
    quiet = judged(history, rule)
    assert set(quiet) == ({TASK} if verdict in (BREACHED, HOLDING) else set())


def test_rows_that_could_not_be_told_apart_leave_a_sum_unknown() -> None:
    history = a_history(Lagging(unreadable=2).sample({TOPIC: [5]}))
    told = judged(
        history,
        lag_rule(rule_type=RuleType.TASK_LAG),
        tracked=joined(RuleType.TASK_LAG, TASK),
    )
    assert (told[TASK].verdict, told[TASK].detail) == (UNKNOWN, "2 partitions unknown")


def test_a_task_whose_answer_lists_no_topic_any_more_is_gone_not_caught_up() -> None:
    history = history_of({})
    told = judged(
        history,
        lag_rule(rule_type=RuleType.TASK_LAG),
        tracked=joined(RuleType.TASK_LAG, TASK),
    )
    assert told[TASK].verdict is GONE


def test_a_topic_that_left_the_answer_is_gone_for_its_sum_too() -> None:
    rule = lag_rule(rule_type=RuleType.TOPIC_LAG)
    held = joined(RuleType.TOPIC_LAG, Subject("returns"))
    told = judged(history_of({TOPIC: [5]}), rule, tracked=held)
    assert told[Subject("returns")].verdict is GONE


def test_a_sum_of_troughs_is_breached_only_by_partitions_whose_window_is_covered() -> None:
    rule = lag_rule(rule_type=RuleType.TOPIC_LAG, view=View.TROUGH)
    short, long = history_of({TOPIC: [500]}), history_of(*[{TOPIC: [500]}] * 9)
    assert judged(short, rule)[Subject(TOPIC)].verdict is UNKNOWN
    assert judged(long, rule)[Subject(TOPIC)].verdict is BREACHED
    grown = history_of(*[{TOPIC: [90]}] * 9, {TOPIC: [90, 500]})
    assert judged(grown, rule)[Subject(TOPIC)].verdict is UNKNOWN


# --- whatever the lags are -------------------------------------------------------------------

RANK = (CLEAR, UNKNOWN, HOLDING, BREACHED)
RULES = tuple(lag_rule(rule_type=t) for t in (LAG, RuleType.TOPIC_LAG, RuleType.TASK_LAG))
known = st.integers(0, 2_000) | st.sampled_from([79, 80, 100, 101, 1_000, 1_001, 2**70])
columns = st.lists(known, min_size=1, max_size=5)


def rank(history: TaskHistory, rules: Sequence[AnyRule]) -> dict[tuple[str, Subject], int]:
    """How bad each listed subject is; severity counts within breached."""
    return {
        (rule_type, j.subject): RANK.index(j.verdict) * 10
        + (j.severity if j.verdict is BREACHED else 0)
        for rule_type, finding in found(history, *rules).items()
        for j in finding.judgements
    }


@given(lags=columns, choice=st.data(), view=st.sampled_from(View))
def test_more_lag_is_never_judged_better(
    lags: list[int], choice: st.DataObject, view: View
) -> None:
    place = choice.draw(st.integers(0, len(lags) - 1))
    more = [lag + choice.draw(known) * (i == place) for i, lag in enumerate(lags)]
    rules = [replace(rule, view=view) for rule in RULES]
    polls = 9 if view is View.TROUGH else 1
    before = rank(history_of(*[{TOPIC: lags}] * polls), rules)
    after = rank(history_of(*[{TOPIC: more}] * polls), rules)
    assert all(after.get(subject, 0) >= badness for subject, badness in before.items())


@given(st.lists(known | st.none(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_partitions_and_topics_in_an_answer_does_not_matter(
    lags: list[int | None], luck: object
) -> None:
    rows = [
        (partition, "RUNNING", 5, None if lag is None else 5 + lag)
        for partition, lag in enumerate(lags)
    ]
    shuffled = list(rows)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    straight = a_history(a_sample_of(topic_sample("a", rows), topic_sample("b", rows)))
    crooked = a_history(a_sample_of(topic_sample("b", shuffled), topic_sample("a", shuffled)))
    assert found(straight, *RULES) == found(crooked, *RULES)


@given(st.lists(known | st.none(), min_size=1, max_size=5))
def test_an_unknown_partition_neither_opens_nor_resolves(lags: list[int | None]) -> None:
    subjects = [Subject(TOPIC, partition) for partition in range(len(lags))]
    tracked = {**joined(LAG, *subjects), **joined(RuleType.TASK_LAG, TASK)}
    findings = found(history_of({TOPIC: lags}), *RULES, tracked=tracked)
    partitions = findings[LAG].by_subject()
    for subject, lag in zip(subjects, lags, strict=True):
        assert (lag is None) is (subject in partitions and partitions[subject].verdict is UNKNOWN)
    total = sum(lag for lag in lags if lag is not None)
    whole = findings[RuleType.TASK_LAG].by_subject().get(TASK)
    if total > 100:
        assert whole is not None
        assert whole.verdict is BREACHED
    elif None in lags:
        assert whole is not None
        assert whole.verdict is UNKNOWN
    else:
        assert whole is None or whole.verdict is HOLDING


def test_the_moment_of_judgement_does_not_change_what_a_lag_means() -> None:
    history = history_of({TOPIC: [500]})
    later = found(history, lag_rule(), after=timedelta(days=3))
    assert later == found(history, lag_rule())
