"""`why`: every rule of a task with its inputs, and what would change what it says."""

from __future__ import annotations

import yaml

from bot.domain.matching import Match, Patterns
from bot.domain.model import Severity
from bot.domain.policy import AgeRule, LagRule, Route, RuleType, View
from tests.builders import a_failure, a_key, a_sample, a_sample_of, a_topic, at
from tests.component.asking import TASKS, Asking
from tests.component.watching import LAG, policies
from tests.configurations import settings

ORDERS = TASKS[0].key


async def watched(*, stopped: bool = False) -> Asking:
    """Ten minutes of `orders`; of the others nothing yet."""
    asking = Asking()
    for second in range(0, 600, 60):
        done = 1_000 if stopped else 1_000 + second
        topic = a_topic(lags=(0, 1_060 + second - done, 0), transferred=done)
        await asking.watching.monitor.observe(a_sample_of(topic, when=at(second), key=ORDERS))
    return asking


async def test_why_tells_of_each_rule_what_it_looks_at_and_what_it_says() -> None:
    answer = await (await watched()).say("why orders")
    assert "orders: ok, and why" in answer
    assert "It uploads every 5 min." in answer
    for title in ("status", "age", "falling behind", "offset reset", "missing", "unreachable"):
        assert f"\n  {title} " in answer
    assert "clear; the cloud says RUNNING" in answer
    assert "clear; nothing waits; warning above 16 min, critical above 31 min" in answer
    assert "told to C0DATA from info" in answer


async def test_why_tells_how_long_is_left_and_the_yaml_that_would_fire() -> None:
    answer = await (await watched(stopped=True)).say("why orders")
    assert "the oldest message waits at least 9 min in orders partition 1" in answer
    assert "fires in 7 min if nothing is delivered" in answer
    (line,) = [line for line in answer.splitlines() if "type: age" in line]
    rule, _, effect = line.partition("  # ")
    assert effect == "would fire now"
    (given,) = settings(f"rules:\n{rule}\n").policies.rules[-1:]
    assert isinstance(given, AgeRule)
    assert given.warning.fixed.total_seconds() == 270
    assert given.match.hits_task(TASKS[0])


async def test_every_line_of_yaml_is_yaml_whatever_a_task_is_called() -> None:
    answer = await (await watched(stopped=True)).say("why orders")
    block = "\n".join(line for line in answer.splitlines() if line.strip().startswith("- {"))
    assert {rule["type"] for rule in yaml.safe_load(block)} >= {"age", "partition_lag"}


async def test_why_tells_of_a_rule_that_is_off_and_of_one_nobody_hears() -> None:
    asking = await watched()
    off = AgeRule(name="off", match=Match(task=Patterns(("orders",))), enabled=False)
    level = LagRule(name="mine", type=RuleType.TASK_LAG, warning=5_000, view=View.INSTANT)
    deaf = Route("C0DATA", min_severity=Severity.CRITICAL)
    asking.watching.policies = policies(deaf, rules=(LAG, off, level))
    asking.watching.watch(*TASKS)
    answer = await asking.say("why orders")
    assert "no rule is on for this task" in answer
    assert "task lag, rule mine" in answer
    assert "fires with 4,940 messages more" in answer
    assert "below that nowhere (warning and less)" in answer


async def test_why_of_a_task_that_was_never_read_and_of_one_that_fails() -> None:
    asking = await watched()
    assert "No reading yet: nothing is judged before the first." in await asking.say("why payments")
    for second in range(600, 900, 60):
        await asking.watching.monitor.observe(a_failure(at(second), key=a_key("orders")))
    asking.clock.time = at(900)
    answer = await asking.say("why orders")
    assert "unreachable" in answer
    assert "told, " in answer or ", told" in answer


async def test_why_tells_of_an_open_incident_since_when_and_what_would_quieten_it() -> None:
    asking = await watched()
    sample = a_sample(at(600), key=ORDERS, lags=(300_000, 0, 0))
    await asking.watching.monitor.observe(sample)
    answer = await asking.say("why orders")
    assert "breached for 0 s, since" in answer
    assert "300,000 messages in orders partition 0" in answer
    assert "# quiet now" in answer
