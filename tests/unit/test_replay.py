"""The past through the middle of the bot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.policy import BUILT_IN
from bot.domain.replay import Replay, Replayed, compared, last_states
from bot.domain.rules import rules_for
from tests.builders import a_sample_of, a_task, a_topic, an_incident, at


def stopped() -> Replay:
    """A dump that stops for forty minutes and goes on."""
    replay = Replay(a_task(), rules_for(a_task(), BUILT_IN))
    for second in range(0, 7_200, 60):
        halted = 1_800 <= second < 4_200
        done = 1_800 if halted else second // 300 * 300
        topic = a_topic(lags=(second - done,), transferred=done)
        replay.feed(a_sample_of(topic, when=at(second)))
    return replay


def test_the_same_samples_again_come_to_nothing() -> None:
    replay = stopped()
    assert replay.feed(a_sample_of(a_topic(), when=at(60))) == []


def test_an_incident_is_held_against_what_really_was_open_at_its_time() -> None:
    ours = an_incident(at(600))
    later = replace(ours, id="i-LATER", opened_at=at(9_000))
    other = replace(ours, id="i-OTHER", opened_at=at(700), resolved_at=at(800))
    whole = Replayed(at(0), at(7_200), tasks=1, samples=9)
    found = compared(whole, [ours], [later, other])
    assert [one.really for one in found.openings] == [True]
    assert found.only_really == ()
    alone = compared(whole, [], [later, other])
    assert alone.only_really == (other,)
    assert found.openings[0].lasted(at(7_200)) == timedelta(seconds=6_600)
    assert last_states([]) == []
