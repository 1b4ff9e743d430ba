"""A change is written whole, once, and only over what it came from; a restart finds it all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.incidents import AlertState, EventKind, Phase
from bot.domain.model import Subject
from bot.domain.policy import RuleType
from bot.ports import Change, IncidentFilter, Snapshot, StoreConflict
from tests.builders import (
    START,
    a_card,
    a_decision,
    a_failure,
    a_history,
    a_key,
    a_listed_task,
    a_sample,
    a_state,
    an_event,
    an_incident,
    an_intent,
    an_opening,
    at,
)
from tests.contract.store_shapes import AnyStore, Opener, claim_all, post, put_card


async def test_an_empty_store_knows_nothing(store: AnyStore) -> None:
    loaded = await store.load()
    assert loaded == Snapshot()
    assert await store.incidents(IncidentFilter()) == []


async def test_what_was_committed_is_found_after_a_restart(opener: Opener) -> None:
    opening = an_opening()
    async with opener() as before:
        await before.commit(opening)
    async with opener() as after:
        loaded = await after.load()
        rows = await claim_all(after)
        incidents = await after.incidents(IncidentFilter())
    assert loaded.states == (replace(opening.states[0], version=1),)
    assert loaded.cards == (replace(opening.cards[0], version=1),)
    assert loaded.windows == {opening.key: opening.window}
    assert [row.intent for row in rows] == list(opening.intents)
    assert incidents == [opening.events[0].incident]


async def test_what_is_known_of_one_task_can_be_recalled(store: AnyStore) -> None:
    for name in ("orders", "payments"):
        await store.commit(an_opening(an_incident(key=a_key(name))))
    everything = await store.load()
    recalled = await store.recall(a_key("payments"))
    assert recalled.states == tuple(s for s in everything.states if s.key == a_key("payments"))
    assert recalled.cards == tuple(c for c in everything.cards if c.key == a_key("payments"))
    assert (len(recalled.states), len(recalled.cards)) == (1, 1)
    assert recalled.windows == {}
    assert await store.recall(a_key("nobody")) == Snapshot()


async def test_each_saved_version_is_one_higher(store: AnyStore) -> None:
    state = a_state()
    for version in range(3):
        change = Change(state.key, at(version), states=(replace(state, version=version),))
        await store.commit(change)
    (loaded,) = (await store.load()).states
    assert loaded.version == 3


async def test_an_alert_saved_by_somebody_else_meanwhile_is_a_conflict(store: AnyStore) -> None:
    state = a_state()
    await store.commit(Change(state.key, at(0), states=(state,)))
    theirs = replace(state, version=1, clear_polls=1)
    await store.commit(Change(state.key, at(1), states=(theirs,)))
    ours = replace(state, version=1, clear_polls=2)
    with pytest.raises(StoreConflict):
        await store.commit(Change(state.key, at(2), states=(ours,)))
    assert (await store.load()).states == (replace(theirs, version=2),)


async def test_a_new_alert_where_one_is_stored_is_a_conflict(store: AnyStore) -> None:
    state = a_state()
    await store.commit(Change(state.key, at(0), states=(state,)))
    with pytest.raises(StoreConflict):
        await store.commit(Change(state.key, at(1), states=(replace(state, clear_polls=1),)))


async def test_an_alert_that_was_never_stored_cannot_have_a_version(store: AnyStore) -> None:
    state = replace(a_state(), version=4)
    with pytest.raises(StoreConflict):
        await store.commit(Change(state.key, at(0), states=(state,)))


async def test_a_card_saved_by_somebody_else_meanwhile_is_a_conflict(store: AnyStore) -> None:
    card = await put_card(store)
    await store.commit(Change(card.key, at(1), cards=(replace(card, shown="theirs"),)))
    with pytest.raises(StoreConflict):
        await store.commit(Change(card.key, at(2), cards=(replace(card, shown="ours"),)))


async def test_a_conflict_writes_nothing_at_all(store: AnyStore) -> None:
    await store.commit(an_opening())
    later = an_opening(an_incident(at(600)))
    late = replace(later, key=a_key(), states=(replace(later.states[0], version=0),))
    with pytest.raises(StoreConflict):
        await store.commit(late)
    loaded = await store.load()
    assert [card.opened_at for card in loaded.cards] == [START]
    assert loaded.windows == {a_key(): an_opening().window}
    assert [incident.opened_at for incident in await store.incidents(IncidentFilter())] == [START]
    assert len(await claim_all(store)) == 1


async def test_the_very_same_change_again_writes_nothing_new(store: AnyStore) -> None:
    opening = an_opening()
    await store.commit(opening)
    await store.commit(opening)
    loaded = await store.load()
    assert [state.version for state in loaded.states] == [1]
    assert [card.version for card in loaded.cards] == [1]
    assert len(await claim_all(store)) == 1
    assert len(await store.events(opening.events[0].incident.id)) == 1


async def test_the_same_change_after_its_message_was_delivered_says_nothing_twice(
    store: AnyStore,
) -> None:
    opening = an_opening()
    await store.commit(opening)
    (row,) = await claim_all(store)
    await post(store, row)
    await store.commit(opening)
    assert not await claim_all(store)


async def test_a_change_written_in_part_is_a_conflict(store: AnyStore) -> None:
    opening = an_opening()
    await store.commit(replace(opening, cards=(), intents=()))
    with pytest.raises(StoreConflict):
        await store.commit(opening)
    assert (await store.load()).cards == ()


async def test_a_quiet_alert_keeps_its_version(store: AnyStore) -> None:
    state = a_state()
    await store.commit(Change(state.key, at(0), states=(state,)))
    quiet = AlertState(state.key, state.type, version=1)
    await store.commit(Change(state.key, at(60), states=(quiet,)))
    (loaded,) = (await store.load()).states
    assert loaded == replace(quiet, version=2)
    assert loaded.phase is Phase.QUIET
    with pytest.raises(StoreConflict):
        await store.commit(Change(state.key, at(120), states=(state,)))
    await store.commit(Change(state.key, at(180), states=(replace(state, version=2),)))
    assert [s.version for s in (await store.load()).states] == [3]


async def test_the_alerts_of_a_task_have_versions_of_their_own(store: AnyStore) -> None:
    lag = a_state()
    status = a_state(an_incident(at(60), rule_type=RuleType.STATUS))
    await store.commit(Change(lag.key, at(0), states=(lag,)))
    await store.commit(Change(lag.key, at(60), states=(replace(lag, version=1), status)))
    assert {s.type: s.version for s in (await store.load()).states} == {
        RuleType.PARTITION_LAG: 2,
        RuleType.STATUS: 1,
    }


async def test_a_closed_card_is_not_loaded_again(store: AnyStore) -> None:
    card = await put_card(store)
    await store.commit(Change(card.key, at(60), cards=(replace(card, closed_at=at(60)),)))
    assert (await store.load()).cards == ()


async def test_when_a_card_rang_is_the_notifiers_word(store: AnyStore) -> None:
    opening = an_opening()
    await store.commit(opening)
    (row,) = await claim_all(store)
    await post(store, row, at(30))
    stale = replace(opening.cards[0], version=1, rang_at=None, shown="later")
    await store.commit(Change(opening.key, at(60), cards=(stale,)))
    (card,) = (await store.load()).cards
    assert card.shown == "later"
    assert card.rang_at == at(30)


async def test_a_new_card_brings_its_last_ring(store: AnyStore) -> None:
    await put_card(store, replace(a_card(), rang_at=at(5)))
    assert [card.rang_at for card in (await store.load()).cards] == [at(5)]


# --- incidents, events, decisions ------------------------------------------------------------


async def test_an_incident_is_as_the_latest_change_says(store: AnyStore) -> None:
    incident = an_incident()
    await store.commit(Change(incident.key, at(0), events=(an_event(incident),)))
    worse = replace(incident, peak=900_000, peak_at=at(60))
    event = an_event(worse, kind=EventKind.EVIDENCE_CHANGED, when=at(60))
    await store.commit(Change(incident.key, at(60), events=(event,)))
    assert await store.incidents(IncidentFilter()) == [worse]


async def test_what_an_alert_holds_of_its_incident_is_reported(store: AnyStore) -> None:
    incident = an_incident()
    await store.commit(an_opening(incident))
    recovering = replace(incident, phase=Phase.RECOVERING, closes_at=at(500))
    state = replace(a_state(recovering), version=1)
    await store.commit(Change(incident.key, at(60), states=(state,)))
    assert await store.incidents(IncidentFilter()) == [recovering]


async def test_an_older_event_does_not_turn_an_incident_back(store: AnyStore) -> None:
    incident = an_incident()
    ended = replace(incident, resolved_at=at(90), phase=Phase.QUIET)
    resolved = an_event(ended, kind=EventKind.RESOLVED, when=at(90))
    await store.commit(Change(incident.key, at(90), events=(resolved,)))
    await store.commit(Change(incident.key, at(0), events=(an_event(incident),)))
    assert await store.incidents(IncidentFilter()) == []
    assert [e.kind for e in await store.events(incident.id)] == [
        EventKind.OPENED,
        EventKind.RESOLVED,
    ]


async def test_events_come_oldest_first_each_with_its_incident_as_it_was(store: AnyStore) -> None:
    incident = an_incident()
    kinds = (EventKind.OPENED, EventKind.ESCALATED, EventKind.RECOVERING, EventKind.RESOLVED)
    events = [
        an_event(replace(incident, peak=i), kind=kind, when=at(60 * i))
        for i, kind in enumerate(kinds)
    ]
    for event in events:
        await store.commit(Change(incident.key, event.at, events=(event,)))
    assert await store.events(incident.id) == events


async def test_events_of_one_moment_keep_their_order(store: AnyStore) -> None:
    incident = an_incident()
    events = tuple(
        an_event(incident, kind=kind, when=at(0))
        for kind in (EventKind.RESOLVED, EventKind.OPENED, EventKind.ESCALATED)
    )
    await store.commit(Change(incident.key, at(0), events=events))
    assert tuple(await store.events(incident.id)) == events


async def test_of_an_incidents_evidence_only_the_latest_is_kept(store: AnyStore) -> None:
    incident = an_incident()
    other = an_incident(key=a_key("payments"))
    for polls in range(5):
        events = [
            an_event(replace(i, peak=polls), kind=EventKind.EVIDENCE_CHANGED, when=at(60 * polls))
            for i in (incident, other)
        ]
        await store.commit(Change(incident.key, at(60 * polls), events=tuple(events)))
    for i in (incident, other):
        (event,) = await store.events(i.id)
        assert (event.at, event.incident.peak) == (at(240), 4)


async def test_decisions_without_an_incident_row_are_taken(store: AnyStore) -> None:
    decisions = (a_decision(), a_decision(), a_decision(said=False))
    await store.commit(Change(a_key(), at(0), decisions=decisions))


# --- windows and discovery -------------------------------------------------------------------


async def test_windows_are_saved_in_one_batch(store: AnyStore) -> None:
    windows = {
        a_key(name): a_history(
            a_sample(at(60), key=a_key(name)), a_failure(at(120), key=a_key(name))
        )
        for name in ("orders", "payments", "clicks")
    }
    await store.save_windows(windows)
    assert (await store.load()).windows == windows


async def test_a_window_is_never_replaced_by_an_older_one(store: AnyStore) -> None:
    newer, older = a_history(a_sample(at(120))), a_history(a_sample(at(60)))
    await store.save_windows({a_key(): newer})
    await store.save_windows({a_key(): older})
    assert (await store.load()).windows == {a_key(): newer}


async def test_samples_stored_after_a_window_come_with_it(store: AnyStore) -> None:
    tasks = [a_key(name) for name in ("orders", "payments", "clicks")]
    taken = [a_sample(at(60 * poll), key=key) for poll in range(25) for key in tasks]
    await store.append_samples(taken)
    seen = dict(zip(tasks, (-1, 3, 17), strict=True))
    await store.save_windows(
        {key: a_history(a_sample(at(60 * poll), key=key)) for key, poll in seen.items()}
    )
    newer = (await store.load()).newer
    assert {key: list(samples) for key, samples in newer.items()} == {
        key: [s for s in taken if s.key == key and s.at > at(60 * poll)]
        for key, poll in seen.items()
    }


async def test_nothing_comes_with_a_window_that_saw_the_latest_sample(store: AnyStore) -> None:
    await store.append_samples([a_sample(at(60 * poll)) for poll in range(25)])
    await store.append_samples([a_sample(at(0), key=a_key("never judged"))])
    await store.save_windows({a_key(): a_history(a_sample(at(24 * 60)))})
    assert (await store.load()).newer == {}


async def test_an_empty_batch_is_no_matter(store: AnyStore) -> None:
    await store.save_windows({})
    await store.append_samples([])
    await store.save_discovered("prod", [])
    assert (await store.load()).windows == {}


async def test_discovery_replaces_what_was_known_of_its_account_only(store: AnyStore) -> None:
    other = a_listed_task("clicks", account="test")
    await store.save_discovered("test", [other])
    await store.save_discovered("prod", [a_listed_task("orders"), a_listed_task("payments")])
    await store.save_discovered("prod", [a_listed_task("payments")])
    assert (await store.load()).discovered == (a_listed_task("payments"), other)


async def test_a_task_listed_twice_is_known_once(store: AnyStore) -> None:
    await store.save_discovered("prod", [a_listed_task(), a_listed_task()])
    assert (await store.load()).discovered == (a_listed_task(),)


async def test_numbers_beyond_64_bits_are_kept(store: AnyStore) -> None:
    huge = 10**40
    window = a_history(a_sample(lags=(huge, None, 3), transferred=huge))
    incident = replace(an_incident(value=huge), spread=(("orders", (huge,)),))
    await store.commit(replace(an_opening(incident), window=window, states=(a_state(incident),)))
    loaded = await store.load()
    assert loaded.windows == {a_key(): window}
    assert loaded.states[0].incident == incident
    assert Subject("orders", 0) in loaded.states[0].subjects


async def test_text_of_any_language_is_kept(store: AnyStore) -> None:
    strange = "\u0000\u202e<!channel> & „größer“ \U0001f525"
    incident = replace(an_incident(), name=strange)
    intent = an_intent(replace(a_card(incident), channel="C1"))
    await store.commit(replace(an_opening(incident), intents=(intent,)))
    loaded = await store.load()
    assert loaded.states[0].incident == incident
    assert (await store.incidents(IncidentFilter()))[0].name == strange
