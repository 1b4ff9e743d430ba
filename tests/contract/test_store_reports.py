"""What readers are given, and what is forgotten with age."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from bot.domain.incidents import AlertState, Event, EventKind
from bot.domain.model import TaskKey, TaskSample
from bot.domain.notifications import Form
from bot.domain.policy import RuleType
from bot.domain.silences import Cover, Silence
from bot.ports import Change, HappenedFilter, IncidentFilter
from tests.builders import (
    a_card,
    a_history,
    a_key,
    a_sample,
    a_sample_of,
    a_state,
    a_topic,
    an_event,
    an_incident,
    an_intent,
    an_opening,
    at,
)
from tests.contract.store_shapes import AnyStore, Opener, claim_all, post


async def listed(samples: AsyncIterator[TaskSample]) -> list[TaskSample]:
    """All of them."""
    return [sample async for sample in samples]


# --- incidents -------------------------------------------------------------------------------


async def test_incidents_come_newest_first(store: AnyStore) -> None:
    incidents = [an_incident(at(60 * i), key=a_key(f"task-{i}")) for i in (2, 0, 1)]
    for incident in incidents:
        await store.commit(an_opening(incident))
    found = await store.incidents(IncidentFilter())
    assert [i.opened_at for i in found] == [at(120), at(60), at(0)]
    assert await store.incidents(IncidentFilter(limit=2)) == found[:2]


async def test_incidents_are_found_by_task_by_end_and_by_being_open(store: AnyStore) -> None:
    going_on = an_incident(at(60))
    ended = an_incident(at(0), rule_type=RuleType.STATUS, resolved_at=at(100))
    other = an_incident(at(30), key=a_key("payments"), resolved_at=at(200))
    for incident in (going_on, ended, other):
        await store.commit(Change(incident.key, at(300), events=(an_event(incident),)))
    every = IncidentFilter(open_only=False)
    assert await store.incidents(IncidentFilter()) == [going_on]
    assert await store.incidents(every) == [going_on, other, ended]
    assert await store.incidents(replace(every, key=a_key())) == [going_on, ended]
    assert await store.incidents(replace(every, since=at(100))) == [going_on, other, ended]
    assert await store.incidents(replace(every, since=at(101))) == [going_on, other]
    assert await store.incidents(replace(every, since=at(999))) == [going_on]


async def test_an_incident_is_found_by_the_beginning_of_its_id_in_any_case(
    store: AnyStore,
) -> None:
    incident = an_incident()
    await store.commit(an_opening(incident))
    letters = incident.id.removeprefix("i-")
    for typed in (incident.id, incident.id.lower(), letters[:4].lower(), f" I-{letters[:2]} "):
        assert await store.incident(typed) == [incident]


async def test_what_begins_no_id_finds_nothing(store: AnyStore) -> None:
    await store.commit(an_opening())
    for typed in ("", "i-", "%", "_", "i-%", "'; DROP TABLE incident; --", "0", "zzzzzzzzzzzz"):
        assert not await store.incident(typed)


async def test_a_short_prefix_finds_ten_at_most(store: AnyStore) -> None:
    incidents = [an_incident(at(i), key=a_key(f"task-{i}")) for i in range(300)]
    events = tuple(an_event(incident) for incident in incidents)
    await store.commit(Change(a_key(), at(300), events=events))
    letter = max("23456789ABCDEFGH", key=lambda c: sum(i.id[2] == c for i in incidents))
    expected = [i for i in reversed(incidents) if i.id[2] == letter]
    assert len(expected) > 10
    assert await store.incident(letter) == expected[:10]


async def test_an_unknown_incident_has_no_events(store: AnyStore) -> None:
    assert not await store.events("i-NOTHING")


# --- samples ---------------------------------------------------------------------------------


async def test_samples_come_oldest_first_per_task(store: AnyStore) -> None:
    orders = [a_sample(at(60 * i), lags=(i, None)) for i in range(34)]
    payments = [a_sample(at(60 * i), key=a_key("payments")) for i in range(3)]
    for batch in (orders[:3] + payments[:1], orders[3:25], [*payments[1:], *orders[25:]]):
        await store.append_samples(batch)
    assert await listed(store.samples(a_key(), at(0))) == orders
    assert await listed(store.samples(None, at(0))) == orders + payments
    assert await listed(store.samples(a_key(), at(60 * 15))) == orders[15:]
    assert await listed(store.samples(a_key("nothing"), at(0))) == []


async def test_many_samples_come_page_by_page(store: AnyStore) -> None:
    taken = [
        a_sample(at(60 * i), key=a_key(f"task-{task:02}")) for task in range(30) for i in range(41)
    ]
    await store.append_samples(taken)
    assert await listed(store.samples(None, at(0))) == taken


async def test_a_sample_that_comes_again_is_stored_once(store: AnyStore) -> None:
    taken = [a_sample(at(60 * i)) for i in range(4)]
    await store.append_samples(taken[:3])
    await store.append_samples(taken[1:])
    assert await listed(store.samples(None, at(0))) == taken


async def test_samples_go_on_after_a_restart(opener: Opener) -> None:
    taken = [a_sample(at(60 * i)) for i in range(14)]
    async with opener() as before:
        await before.append_samples(taken[:6])
    async with opener() as after:
        await after.append_samples(taken[6:])
        assert await listed(after.samples(None, at(0))) == taken


async def test_samples_whose_topics_change_come_back_as_they_were(store: AnyStore) -> None:
    taken = [
        a_sample_of(a_topic("a", lags=(1, 2)), when=at(0)),
        a_sample_of(a_topic("a", lags=(1, 2, 3)), a_topic("b"), when=at(60)),
        replace(a_sample_of(when=at(120), status=None), topics=None),
        a_sample_of(when=at(180), status="PAUSED", delivery_interval=None),
        a_sample_of(a_topic("a", lags=(10**30, None), status="FAILED"), when=at(240)),
    ]
    await store.append_samples(taken)
    assert await listed(store.samples(None, at(0))) == taken


async def test_keys_of_any_characters_are_told_apart(store: AnyStore) -> None:
    keys = [TaskKey("a", "b'c", "%"), TaskKey("a", "b", "c%"), TaskKey("ä", "b", "c")]
    await store.append_samples([a_sample(key=key) for key in keys])
    for key in keys:
        assert [s.key for s in await listed(store.samples(key, at(0)))] == [key]


# --- forgetting ------------------------------------------------------------------------------


async def test_old_samples_and_windows_are_forgotten(store: AnyStore) -> None:
    old = [a_sample(at(60 * i), key=a_key("old")) for i in range(25)]
    new = [a_sample(at(60 * i)) for i in range(20, 45)]
    await store.append_samples([*old, *new])
    await store.save_windows({a_key("old"): a_history(old[-1]), a_key(): a_history(new[-1])})
    await store.forget_older(samples=at(60 * 40), incidents=at(0))
    left = await listed(store.samples(None, at(60 * 40)))
    assert left == new[20:]
    assert not await listed(store.samples(a_key("old"), at(0)))
    assert list((await store.load()).windows) == [a_key()]


async def test_more_old_samples_than_one_step_deletes_are_forgotten(store: AnyStore) -> None:
    taken = [a_sample(at(task), key=a_key(f"task-{task}")) for task in range(2_100)]
    await store.append_samples(taken)
    await store.forget_older(samples=at(2_095), incidents=at(0))
    assert await listed(store.samples(None, at(0))) == sorted(taken[2_095:], key=lambda s: s.key)


async def test_a_task_whose_samples_were_forgotten_begins_anew(store: AnyStore) -> None:
    await store.append_samples([a_sample(at(0))])
    await store.forget_older(samples=at(60), incidents=at(0))
    await store.append_samples([a_sample(at(120))])
    assert await listed(store.samples(None, at(0))) == [a_sample(at(120))]


async def test_ended_incidents_are_forgotten_with_events_and_cards(store: AnyStore) -> None:
    old, kept = an_incident(), an_incident(at(60), key=a_key("payments"))
    for incident in (old, kept):
        await store.commit(an_opening(incident))
    for row in await claim_all(store):
        await post(store, row)
    ended = replace(old, resolved_at=at(100))
    closed = replace(a_card(old), version=1, closed_at=at(100))
    events = (an_event(ended, kind=EventKind.RESOLVED, when=at(100)),)
    stuck = an_intent(closed, form=Form.REPLY, when=at(100))
    quiet = AlertState(old.key, old.type, version=1)
    await store.commit(
        Change(old.key, at(100), events=events, cards=(closed,), intents=(stuck,), states=(quiet,))
    )
    await store.forget_older(samples=at(0), incidents=at(101))
    assert await store.incidents(IncidentFilter(open_only=False)) == [kept]
    assert not await store.events(old.id)
    assert len(await store.events(kept.id)) == 1
    assert [card.key for card in (await store.load()).cards] == [kept.key]
    assert await store.backlog(at(3600)) == (0, timedelta(0))


async def test_what_goes_on_is_never_forgotten(store: AnyStore) -> None:
    await store.commit(an_opening())
    await store.forget_older(samples=at(0), incidents=at(10**6))
    loaded = await store.load()
    assert len(loaded.states) == len(loaded.cards) == 1
    assert len(await store.incidents(IncidentFilter())) == 1
    assert len(await claim_all(store)) == 1


async def test_the_version_of_a_quiet_alert_is_never_forgotten(store: AnyStore) -> None:
    state = a_state()
    await store.commit(Change(state.key, at(0), states=(state,)))
    quiet = AlertState(state.key, state.type, version=1)
    await store.commit(Change(state.key, at(60), states=(quiet,)))
    await store.forget_older(samples=at(10**6), incidents=at(10**6))
    assert [s.version for s in (await store.load()).states] == [2]


# --- what people did -------------------------------------------------------------------------


def a_silence(name: str, ends_s: float) -> Silence:
    """A silence that ends then."""
    cover = Cover(key=a_key(), labels=(("team", "my team"),))
    return Silence(name, cover, "orders", at(0), at(ends_s), "U0ADA", at(0), "deploy 任务")


async def test_silences_come_in_the_order_of_their_end_until_they_are_over(
    store: AnyStore,
) -> None:
    long, short = a_silence("s-A", 900), a_silence("s-B", 300)
    for silence in (long, short):
        await store.save_silence(silence)
    assert await store.silences(at(0)) == [short, long]
    assert await store.silences(at(301)) == [long]
    ended = replace(long, ended_at=at(200), ended_by="U0EVE")
    await store.save_silence(ended)
    assert await store.silences(at(0)) == [ended, short]
    assert await store.silences(at(201)) == [short]
    await store.forget_older(samples=at(0), incidents=at(250))
    assert await store.silences(at(0)) == [short]


async def test_what_happened_comes_newest_first_by_task_and_by_person(store: AnyStore) -> None:
    first, other = an_incident(at(0)), an_incident(at(30), key=a_key("payments"))
    opened, grown = an_event(first), an_event(first, kind=EventKind.EVIDENCE_CHANGED, when=at(9))
    acked = Event(EventKind.ACKNOWLEDGED, at(60), first, "U0ADA", "on it")
    quiet = Event(EventKind.SILENCED, at(90), other, "U0EVE", "")
    await store.commit(Change(first.key, at(0), events=(opened,)))
    await store.commit(Change(other.key, at(30), events=(an_event(other),)))
    await store.commit(Change(first.key, at(60), events=(grown, acked)))
    await store.commit(Change(other.key, at(90), events=(quiet,)))
    assert await store.happened(HappenedFilter(at(0))) == [quiet, acked, an_event(other), opened]
    assert await store.happened(HappenedFilter(at(31), first.key)) == [acked]
    assert await store.happened(HappenedFilter(at(0), by="U0EVE")) == [quiet]
    assert await store.happened(HappenedFilter(at(0), limit=1)) == [quiet]
    assert await store.events(first.id) == [opened, grown, acked]
