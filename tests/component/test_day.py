"""Days of polling: the whole bot over an outside in memory, seen as a channel sees it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.domain.model import TaskKey
from bot.ports import (
    ChatUnavailable,
    CloudDenied,
    CloudUnavailable,
    PollMeasured,
)
from tests.component.days import HOUR, NO_AGE, Day, Dump
from tests.configurations import PROJECT

pytestmark = pytest.mark.looptime(noop_cycles=1)

DAY = 24 * HOUR
DOWN = CloudUnavailable("no answer within 10 s")


def calls(day: Day, method: str) -> list[float]:
    """When a method of the chat was called."""
    return day.chat.times(method)


# --- the plain course ------------------------------------------------------------------------


async def test_healthy_sawtooths_say_nothing_for_a_whole_day() -> None:
    day = Day([Dump("orders", 300), Dump("clicks", 60), Dump("audit", 1800), Dump("bills", 900)])
    async with day.running() as bot:
        await day.until(DAY)
        assert (await bot.health()).well
    assert day.chat.calls == []
    assert day.store.changes == []
    assert {m.result for m in day.recorder.of(PollMeasured)} == {"ok"}
    assert len(day.clouds["eu"].asked) >= 4 * 1430


async def test_a_stall_makes_one_card_edits_and_one_resolve() -> None:
    day = Day([Dump("orders", stalls=[(2 * HOUR, 4 * HOUR)]), Dump("clicks")])
    async with day.running() as bot:
        await day.until(2 * HOUR)
        assert day.chat.calls == []
        await day.until(3 * HOUR)
        assert len(day.chat.roots) == 1
        assert "warning" in day.texts()[0].lower()
        assert "orders: warning" in await day.ask(bot, "status orders")
        await day.until(6 * HOUR)
        assert await day.ask(bot, "incidents") != ""
    assert len(day.chat.roots) == 1
    (thread,) = day.threads()
    assert len(thread) == 1
    assert "resolved" in thread[0].lower()
    assert "resolved" in day.texts()[0].lower()
    assert len(day.chat.rings) == 2, "the card, and its end"
    edits = calls(day, "update")
    assert edits
    assert all(later - earlier >= 30 for earlier, later in pairwise(edits))
    assert len(edits) < 130


async def test_an_alert_waits_for_a_breach_that_lasts_and_comes_soon_after() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 3 * HOUR)])])
    async with day.running():
        await day.until(3 * HOUR)
    told = calls(day, "post")[0] - HOUR
    # The trough is above 50,000 once the oldest reading of D + 2P is: 500 s, and a window.
    assert 500 <= told <= 500 + 420 + 2 * 60 + 105 + 20


async def test_stall_after_stall_makes_a_card_each() -> None:
    stalls = [(HOUR * (1 + 4 * n), HOUR * (3 + 4 * n)) for n in range(3)]
    day = Day([Dump("orders", stalls=stalls)])
    async with day.running():
        await day.until(DAY / 2)
    assert [len(thread) for thread in day.threads()] == [1] * 3


async def test_two_incidents_of_a_task_share_a_card() -> None:
    dump = Dump("orders", stalls=[(HOUR, 4 * HOUR)])
    dump.statuses = [(2 * HOUR, "FAILED"), (3 * HOUR, "RUNNING")]
    day = Day([dump])
    async with day.running():
        await day.until(6 * HOUR)
    (thread,) = day.threads()
    words = [next(w for w in ("resolved", "failed") if w in line.lower()) for line in thread]
    assert words == ["failed", "resolved", "resolved"]
    assert len(day.chat.rings) == 4, "card, critical opening, and the end of each that rang"


async def test_a_breach_shorter_than_the_company_wait_is_told_as_it_ended() -> None:
    day = Day(
        [Dump("orders", statuses=[(HOUR, "FAILED"), (HOUR + 20, "RUNNING")])],
        config="poll: {interval: 5s}\nalerts: {group_wait: 60s}\n",
    )
    async with day.running():
        await day.until(HOUR + 300)
    assert len(day.chat.roots) == 1
    assert day.chat.roots[0].edits == 0
    assert "resolved" in day.texts()[0].lower()


async def test_a_fleet_of_no_tasks_lives_quietly() -> None:
    day = Day([], discovers=True)
    async with day.running() as bot:
        await day.until(6 * HOUR)
        assert (await bot.health()).well
        assert "No dumping task is watched yet." in await day.ask(bot, "")
    assert day.chat.calls == []


# --- routes ----------------------------------------------------------------------------------

ROUTES = """
routes:
  - match: {task: "orders*"}
    channel: C0TEAM
    mention: {critical: [S0ONCALL, here]}
    continue: true
  - {match: {task: "orders*"}, channel: C0PAGER, min_severity: critical, continue: true}
  - {channel: C0DATA, repeat: never}
"""


async def test_without_any_rule_of_ones_own_a_stall_is_told_by_its_age_and_a_slow_dump_is_not() -> (
    None
):
    stalled = Dump("orders", stalls=[(HOUR, 2 * HOUR)])
    day = Day([stalled, Dump("bills"), Dump("logs", every=900)], config="rules: []\n")
    async with day.running():
        await day.until(HOUR + 3 * 300 + 180 + 30)
        (card,) = day.chat.roots
        assert "Warning: `orders` – age: messages wait 16 min" in card.message.text
        await day.until(4 * HOUR)
    assert len(day.chat.roots) == 1
    assert "resolved" in day.threads()[0][-1].lower()


async def test_routes_continue_mention_and_hear_from_their_severity_on() -> None:
    levels = (
        f"rules:\n  - {{name: lag, type: partition_lag, warning: 50k, critical: 300k}}\n{NO_AGE}"
    )
    stalled = Dump("orders", stalls=[(HOUR, 3 * HOUR)])
    day = Day([stalled, Dump("bills")], config=levels, routes=ROUTES)
    async with day.running():
        await day.until(1.5 * HOUR)
        assert len(day.chat.in_channel("C0TEAM")) == 1
        assert len(day.chat.in_channel("C0DATA")) == 1
        assert day.chat.in_channel("C0PAGER") == []
        assert "S0ONCALL" not in everything(day)
        await day.until(2.5 * HOUR)
        assert len(day.chat.in_channel("C0PAGER")) == 1
        escalated = [text for text in day.threads("C0TEAM")[0] if "S0ONCALL" in text]
        assert len(escalated) == 1
        assert "<!subteam^S0ONCALL> <!here>" in escalated[0]
        await day.until(4 * HOUR)
    assert "S0ONCALL" not in " ".join(text for text in day.threads("C0DATA")[0])
    for channel in ("C0TEAM", "C0PAGER", "C0DATA"):
        assert "resolved" in day.threads(channel)[0][-1].lower()
        assert len(day.chat.in_channel(channel)) == 1


def everything(day: Day) -> str:
    """All that was ever sent."""
    return "\n".join(sent.message.text for sent in day.chat.sent)


# --- reminders -------------------------------------------------------------------------------

HOURLY = "routes: [{channel: C0DATA, repeat: 1h}]\n"


def reminders(day: Day) -> list[float]:
    """When a reminder was delivered."""
    return [
        s.at for s in day.chat.sent if s.method == "reply" and "still" in s.message.text.lower()
    ]


async def test_reminders_come_every_repeat_and_mention_nobody() -> None:
    never_critical = f"rules:\n  - {{name: lag, type: partition_lag, warning: 50k}}\n{NO_AGE}"
    stalled = Dump("orders", stalls=[(HOUR, 6 * HOUR)])
    day = Day([stalled], config=never_critical, routes=HOURLY)
    async with day.running():
        await day.until(6 * HOUR)
    told = calls(day, "post")[0]
    times = reminders(day)
    assert len(times) == 4
    for earlier, later in pairwise([told, *times]):
        assert HOUR <= later - earlier <= HOUR + 150


async def test_reminders_count_from_the_last_delivery_and_none_waits_behind_another() -> None:
    day = Day([Dump("orders", stalls=[(HOUR, 12 * HOUR)])], routes=HOURLY)
    async with day.running():
        await day.until(2.5 * HOUR)
        day.chat.refuse = lambda _m, _c: ChatUnavailable("connection refused")
        before = len(day.chat.rings)
        await day.until(5 * HOUR)
        assert len(day.chat.rings) == before
        day.chat.refuse = lambda _m, _c: None
        day.chat.sent.clear()
        await day.until(5.5 * HOUR)
        assert len(reminders(day)) == 1
        await day.until(6.5 * HOUR)
    first, second = reminders(day)[:2]
    assert HOUR <= second - first <= HOUR + 150


async def test_a_poll_interval_longer_than_the_reminder_reminds_at_each_poll() -> None:
    day = Day(
        [Dump("orders", statuses=[(0, "FAILED")])],
        config="poll: {interval: 30m}\n",
        routes="routes: [{channel: C0DATA, repeat: 10m}]\n",
    )
    async with day.running():
        await day.until(6 * HOUR)
    assert len(day.chat.roots) == 1
    assert 8 <= len(day.threads()[0]) <= 12


# --- the account as a whole ------------------------------------------------------------------


async def test_an_outage_of_the_cloud_is_one_incident_of_the_account() -> None:
    dumps = [Dump(f"task-{number}", outages=[(HOUR, 2 * HOUR, DOWN)]) for number in range(6)]
    day = Day(dumps)
    async with day.running() as bot:
        await day.until(1.5 * HOUR)
        assert len(day.chat.roots) == 1
        assert [part.part for part in (await bot.health()).ailments] == ["cloud eu"]
        await day.until(2.5 * HOUR)
        assert (await bot.health()).well
    assert len(day.chat.roots) == 1
    assert "eu" in day.texts()[0]
    thread = [text.lower() for text in day.threads()[0]]
    assert len(thread) == 2
    assert "critical" in thread[0]
    assert "resolved" in thread[1]


async def test_refused_credentials_are_told_within_a_poll() -> None:
    denied = CloudDenied("the signature was refused")
    dumps = [Dump(f"task-{number}", outages=[(HOUR, 2 * HOUR, denied)]) for number in range(6)]
    day = Day(dumps)
    async with day.running():
        await day.until(2.5 * HOUR)
    assert len(day.chat.roots) == 1
    assert calls(day, "post")[0] <= HOUR + 100
    assert "resolved" in day.threads()[0][-1].lower()


async def test_a_stall_that_lasts_through_an_outage_stays_one_incident() -> None:
    dumps = [Dump(f"task-{number}", outages=[(2 * HOUR, 3 * HOUR, DOWN)]) for number in range(4)]
    dumps[0].stalls = [(HOUR, 4 * HOUR)]
    day = Day(dumps)
    async with day.running():
        await day.until(5 * HOUR)
    assert len(day.chat.roots) == 2
    assert [text.lower().count("resolved") > 0 for text in day.texts()] == [True, True]
    ends = [thread[-1].lower() for thread in day.threads()]
    assert all("resolved" in end for end in ends)
    assert len(day.threads()[0]) <= 2


async def test_two_accounts_with_equal_task_ids_do_not_mix() -> None:
    accounts = (
        "accounts:\n"
        f"  eu: {{region: eu-west-101, project_id: {PROJECT}}}\n"
        f"  us: {{region: eu-west-101, project_id: {PROJECT}}}\n"
    )
    here = Dump("orders", stalls=[(HOUR, 3 * HOUR)])
    refused = [(HOUR, 2 * HOUR, CloudDenied("refused"))]
    there = Dump("orders-there", account="us", outages=refused, task_id=here.key.task_id)
    assert there.key == TaskKey("us", here.key.connector_id, here.key.task_id)
    day = Day([here, there], accounts=accounts)
    async with day.running():
        await day.until(5 * HOUR)
    assert len(day.chat.roots) == 2
    assert all("resolved" in text.lower() for text in day.texts())
