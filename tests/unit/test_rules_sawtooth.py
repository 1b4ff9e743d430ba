"""A day of a healthy dump, and a day on which it stops, through history, rules and automaton.

The lag of a healthy dump climbs until a file is uploaded, every D, so that its peak is about
rate x (D + P). Levels at half of that peak are the test: whoever looks at single readings flaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest

from bot.domain.history import TaskHistory, fold, window_of
from bot.domain.incidents import AlertState, Event, EventKind, StepContext, step
from bot.domain.model import TaskSample, topic_sample
from bot.domain.policy import RuleType, View
from bot.domain.rules import Moment, evaluate, rules_for
from tests.builders import INTERVAL, TOPIC, a_key, a_sample_of, a_task, at
from tests.unit.judging import lag_rule

RATE = 1_000
"""Messages a second."""
UPLOAD_S = 5
DAY_S = 24 * 3_600
STALE_POLLS = 3


@dataclass(frozen=True, slots=True)
class Dump:
    """A task that uploads a file every `every_s` seconds, but for a time in which it stands."""

    every_s: int
    phase_s: float = 0
    stands_from_s: float = float("inf")
    stands_until_s: float = float("inf")

    def position(self, now_s: float) -> int:
        """Where the latest finished upload began."""
        last = self._upload_before(now_s)
        if self.stands_from_s <= last < self.stands_until_s:
            last = self._upload_before(self.stands_from_s)
        return max(0, int(RATE * last))

    def _upload_before(self, now_s: float) -> float:
        uploads = (now_s - UPLOAD_S - self.phase_s) // self.every_s
        return uploads * self.every_s + self.phase_s

    def sample(self, now_s: float) -> TaskSample:
        end = int(RATE * now_s)
        topic = topic_sample(TOPIC, [(0, "RUNNING", min(self.position(now_s), end), end)])
        return a_sample_of(topic, when=at(now_s), delivery_interval=timedelta(seconds=self.every_s))

    @property
    def half_peak(self) -> int:
        return int(RATE * (self.every_s + INTERVAL.total_seconds())) // 2


def polls(seed: int) -> Iterator[float]:
    """The times of a day's polls: every minute, give or take a twentieth."""
    luck = Random(seed)
    now_s = 40 * luck.random()
    while now_s < DAY_S:
        yield now_s
        now_s += INTERVAL.total_seconds() * luck.uniform(0.95, 1.05)


def a_day(dump: Dump, view: View, *, seed: int = 1) -> list[Event]:
    """What is said of a dump in a day, by a rule with a level of half its peak."""
    rule = lag_rule(warning=dump.half_peak, critical=None, view=view)
    rules = rules_for(a_task(), [rule])
    history, state = TaskHistory(), AlertState(a_key(), RuleType.PARTITION_LAG)
    said: list[Event] = []
    for now_s in polls(seed):
        history = fold(history, dump.sample(now_s), interval=INTERVAL, stale_polls=STALE_POLLS)
        tracked = {state.type: state.levels} if state.subjects else {}
        moment = Moment(at(now_s), INTERVAL, STALE_POLLS)
        for finding in evaluate(history, rules, tracked, moment):
            context = StepContext(moment.now, "orders", INTERVAL, STALE_POLLS)
            state, events = step(state, finding, context)
            said.extend(events)
    return said


def of_kind(events: list[Event], kind: EventKind) -> list[datetime]:
    return [event.at for event in events if event.kind is kind]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("every_s", [30, 300, 900])
def test_a_healthy_sawtooth_opens_nothing_when_its_trough_is_looked_at(
    every_s: int, seed: int
) -> None:
    dump = Dump(every_s, phase_s=every_s * seed / 4)
    assert a_day(dump, View.TROUGH, seed=seed) == []


@pytest.mark.parametrize(("every_s", "openings"), [(300, 280), (900, 90)])
def test_a_healthy_sawtooth_opens_all_day_when_single_readings_are_looked_at(
    every_s: int, openings: int
) -> None:
    said = a_day(Dump(every_s), View.INSTANT)
    assert len(of_kind(said, EventKind.OPENED)) >= openings


@pytest.mark.parametrize("every_s", [30, 300, 900])
def test_a_full_stop_opens_once_in_time_and_resolves_after_one_good_delivery(
    every_s: int,
) -> None:
    stands_from, stands_until = 8 * 3_600, 14 * 3_600
    dump = Dump(every_s, stands_from_s=stands_from, stands_until_s=stands_until)
    said = a_day(dump, View.TROUGH)
    (opened,), (resolved,) = (
        of_kind(said, kind) for kind in (EventKind.OPENED, EventKind.RESOLVED)
    )
    window = window_of(timedelta(seconds=every_s), INTERVAL)
    level_passed = at(stands_from + dump.half_peak / RATE)
    assert opened - level_passed <= window * 1.25 + 3 * INTERVAL
    delivered = at(stands_until + every_s + UPLOAD_S)
    assert resolved - delivered <= timedelta(seconds=every_s) + 3 * INTERVAL
    assert len(of_kind(said, EventKind.RECOVERING)) == 1
