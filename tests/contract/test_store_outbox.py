"""The outbox: what is claimed, in which order, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.notifications import Form
from bot.ports import Change, MessageRef, Postponement
from tests.builders import START, at
from tests.contract.store_shapes import (
    LATER,
    AnyStore,
    a_card_of,
    a_look,
    a_reply,
    claim_all,
    claim_one,
    enqueue,
    post,
    put_card,
)

# --- claiming --------------------------------------------------------------------------------


async def test_a_claimed_row_says_everything_its_delivery_needs(store: AnyStore) -> None:
    await put_card(store)
    look = replace(a_look(5, rings=True), due_at=at(15))
    await enqueue(store, look, when=at(6))
    row = await claim_one(store)
    assert row.intent == look
    assert row.created_at == at(6)
    assert (row.attempts, row.root, row.ambiguous, row.plain) == (0, None, False, False)


async def test_nothing_is_claimed_before_it_is_due(store: AnyStore) -> None:
    await enqueue(store, replace(a_look(0), due_at=at(10)))
    assert not await claim_all(store, at(9.999))
    assert len(await claim_all(store, at(10))) == 1


async def test_a_claimed_row_is_not_claimed_again(store: AnyStore) -> None:
    await enqueue(store, a_look(0))
    await claim_one(store)
    assert not await claim_all(store)


async def test_cards_are_claimed_together_oldest_row_first(store: AnyStore) -> None:
    looks = [a_look(i, a_card_of(f"task-{i}")) for i in (3, 1, 2)]
    await enqueue(store, *looks)
    assert [row.intent for row in await claim_all(store)] == looks


async def test_no_more_rows_are_claimed_than_asked_for(store: AnyStore) -> None:
    await enqueue(store, *(a_look(i, a_card_of(f"task-{i}")) for i in range(5)))
    assert [len(await claim_all(store, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_of_a_card_one_row_is_claimed_at_a_time_in_order(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1), a_reply(2))
    for expected in (a_look(0), a_reply(1), a_reply(2)):
        row = await claim_one(store)
        assert row.intent == expected
        assert not await claim_all(store)
        await post(store, row)
    assert not await claim_all(store)


async def test_a_postponed_row_holds_the_later_ones_of_its_card_back(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1))
    await store.postpone(await claim_one(store), Postponement(at(7200), "later"))
    assert not await claim_all(store, at(7199))
    assert (await claim_one(store, at(7200))).intent.form is Form.CARD


async def test_a_postponed_card_does_not_hold_others_back(store: AnyStore) -> None:
    other = a_look(1, a_card_of("payments"))
    await enqueue(store, a_look(0), other)
    first, second = await claim_all(store)
    await store.postpone(first, Postponement(at(7200), "later"))
    await store.postpone(second, Postponement(at(3700), "later"))
    assert [row.intent.id for row in await claim_all(store, at(3700))] == [other.id]


# --- looks become one ------------------------------------------------------------------------


async def test_waiting_looks_at_a_card_become_the_newest_in_the_place_of_the_oldest(
    store: AnyStore,
) -> None:
    await put_card(store)
    await enqueue(store, a_look(0, rings=True), when=at(0))
    await enqueue(store, a_reply(1))
    await enqueue(store, a_look(2), when=at(2))
    await enqueue(store, a_look(3), when=at(3))
    row = await claim_one(store)
    assert row.intent == replace(a_look(3), rings=True)
    assert row.created_at == at(0)
    await post(store, row)
    assert (await claim_one(store)).intent == a_reply(1)


async def test_a_look_that_came_while_another_was_claimed_becomes_one_with_it_when_it_fails(
    store: AnyStore,
) -> None:
    await put_card(store)
    await enqueue(store, a_look(0, rings=True))
    row = await claim_one(store)
    await enqueue(store, a_look(60))
    await enqueue(store, a_look(120))
    await store.postpone(row, Postponement(at(3700), "busy", plain=True))
    again = await claim_one(store, at(3700))
    assert again.intent == replace(a_look(120), rings=True)
    assert again.attempts == 1
    assert not again.plain, "new content has its blocks again"
    await post(store, again)
    assert await store.backlog(LATER) == (0, timedelta(0))


async def test_a_look_that_came_while_another_was_claimed_follows_its_delivery(
    store: AnyStore,
) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    row = await claim_one(store)
    await enqueue(store, a_look(60))
    ref = await post(store, row)
    after = await claim_one(store)
    assert after.intent == a_look(60)
    assert after.root == ref


async def test_a_post_that_may_have_arrived_is_repeated_unchanged(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    lost = Postponement(LATER, "no answer", ambiguous=True)
    await store.postpone(await claim_one(store), lost)
    await enqueue(store, a_look(60))
    await enqueue(store, a_look(120))
    again = await claim_one(store)
    assert again.intent == a_look(0)
    assert again.ambiguous
    await post(store, again)
    assert (await claim_one(store)).intent == a_look(120)


async def test_an_edit_that_may_have_arrived_gives_way_to_a_newer_one(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    await post(store, await claim_one(store))
    await enqueue(store, a_look(60))
    lost = Postponement(LATER, "no answer", ambiguous=True)
    await store.postpone(await claim_one(store), lost)
    await enqueue(store, a_look(120))
    assert (await claim_one(store)).intent == a_look(120)


async def test_an_outage_of_hours_leaves_one_look_per_card(store: AnyStore) -> None:
    await put_card(store)
    for minute in range(30):
        await enqueue(store, a_look(60 * minute))
    assert (await store.backlog(LATER))[0] == 1


# --- roots -----------------------------------------------------------------------------------


async def test_the_first_delivery_of_a_card_is_its_root(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1))
    ref = MessageRef("C0FALLBACK", "1700000000.000100")
    await store.delivered(await claim_one(store), ref, at(20))
    assert (await claim_one(store)).root == ref


async def test_a_replys_message_is_no_root(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1), a_reply(2))
    ref = await post(store, await claim_one(store))
    await post(store, await claim_one(store))
    assert (await claim_one(store)).root == ref


async def test_a_card_without_a_message_is_posted_before_its_replies(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_reply(0), a_reply(1), a_look(2))
    first = await claim_one(store)
    assert first.intent == a_look(2)
    assert not await claim_all(store)
    await post(store, first)
    assert (await claim_one(store)).intent == a_reply(0)


async def test_the_message_of_one_card_is_no_root_for_another(store: AnyStore) -> None:
    posted, other = await put_card(store), await put_card(store, a_card_of("payments"))
    await enqueue(store, a_look(0, posted))
    await post(store, await claim_one(store))
    await enqueue(store, a_reply(1, other), a_look(2, other), a_reply(1, posted))
    rows = await claim_all(store)
    assert [row.intent for row in rows] == [a_look(2, other), a_reply(1, posted)]
    assert [row.root is None for row in rows] == [True, False]


async def test_a_look_does_not_pass_a_reply_once_the_card_is_posted(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    await post(store, await claim_one(store))
    await enqueue(store, a_reply(1), a_look(2))
    assert (await claim_one(store)).intent == a_reply(1)


async def test_a_reply_does_not_pass_a_look_that_waits_for_its_time(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_reply(0), replace(a_look(1), due_at=at(7200)))
    assert not await claim_all(store, at(7199))


async def test_a_reply_goes_alone_when_its_card_was_given_up(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1))
    await store.give_up(await claim_one(store), "invalid_blocks", at(20))
    row = await claim_one(store)
    assert row.intent == a_reply(1)
    assert row.root is None


async def test_a_card_that_was_dropped_is_posted_again_before_what_waits(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0), a_reply(1))
    await post(store, await claim_one(store))
    reply = await claim_one(store)
    await store.drop_root(reply.intent.card_id)
    await store.postpone(reply, Postponement(LATER, "message_not_found"))
    again = await claim_one(store)
    assert again.intent == a_look(0)
    assert again.root is None
    await post(store, again)
    assert (await claim_one(store)).intent == a_reply(1)


async def test_an_edit_whose_message_is_gone_becomes_the_new_post(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    await post(store, await claim_one(store))
    await enqueue(store, a_look(60))
    edit = await claim_one(store)
    await store.drop_root(edit.intent.card_id)
    await store.postpone(edit, Postponement(LATER, "message_not_found"))
    again = await claim_one(store)
    assert again.intent == a_look(60)
    assert again.root is None
    await post(store, again)
    assert not await claim_all(store)


async def test_dropping_the_root_of_an_unknown_card_is_no_matter(store: AnyStore) -> None:
    await store.drop_root("c-NOTHING")


# --- what becomes of a row -------------------------------------------------------------------


async def test_only_what_rings_sets_the_cards_last_ring(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0, rings=True), a_reply(1), a_reply(2, rings=True))
    rang = []
    for seconds in (100, 200, 300):
        await post(store, await claim_one(store), at(seconds))
        rang.append((await store.load()).cards[0].rang_at)
    assert rang == [at(100), at(100), at(300)]


async def test_a_postponed_row_counts_its_tries_but_not_its_turns(store: AnyStore) -> None:
    await enqueue(store, a_look(0))
    for counts in (True, False, True):
        row = await claim_one(store)
        await store.postpone(row, Postponement(LATER, "busy", counts=counts))
    assert (await claim_one(store)).attempts == 2


async def test_a_postponed_row_still_says_when_it_was_wanted(store: AnyStore) -> None:
    await enqueue(store, a_look(5))
    await store.postpone(await claim_one(store), Postponement(LATER, "busy"))
    assert (await claim_one(store)).intent.due_at == at(5)


async def test_what_is_once_ambiguous_or_plain_stays_so(store: AnyStore) -> None:
    await enqueue(store, a_look(0))
    for postponement in (
        Postponement(LATER, "no answer", ambiguous=True),
        Postponement(LATER, "invalid_blocks", plain=True),
        Postponement(LATER, "ratelimited"),
    ):
        await store.postpone(await claim_one(store), postponement)
    row = await claim_one(store)
    assert row.ambiguous
    assert row.plain


async def test_a_row_given_up_is_never_claimed_again(store: AnyStore) -> None:
    await enqueue(store, a_look(0))
    await store.give_up(await claim_one(store), "invalid_blocks\0" * 1000, at(20))
    assert not await claim_all(store)
    assert await store.backlog(LATER) == (0, timedelta(0))


async def test_an_intent_is_taken_once(store: AnyStore) -> None:
    await enqueue(store, a_look(0))
    await post(store, await claim_one(store))
    await enqueue(store, a_look(0))
    assert not await claim_all(store)


async def test_a_row_without_a_card_is_delivered_all_the_same(store: AnyStore) -> None:
    await enqueue(store, replace(a_look(0), card_id="c-DRILL"))
    await post(store, await claim_one(store))
    assert not await claim_all(store)


# --- the backlog -----------------------------------------------------------------------------


async def test_the_backlog_counts_what_is_not_delivered_and_ages_what_is_due(
    store: AnyStore,
) -> None:
    card = await put_card(store)
    other = replace(a_look(30, a_card_of("payments")), due_at=at(500))
    change = Change(card.key, START, intents=(replace(a_look(0), due_at=at(10)), a_reply(1)))
    await store.commit(change)
    await store.commit(Change(card.key, at(30), intents=(other,)))
    assert await store.backlog(at(0)) == (3, timedelta(0))
    assert await store.backlog(at(60)) == (3, timedelta(seconds=60))
    await post(store, await claim_one(store, at(60)))
    await post(store, await claim_one(store, at(60)))
    assert await store.backlog(at(60)) == (1, timedelta(0))
    assert await store.backlog(at(530)) == (1, timedelta(seconds=500))


async def test_the_backlog_ages_what_waits_for_its_next_try(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    row = await claim_one(store, at(60))
    await store.postpone(row, Postponement(at(600), "connection refused"))
    assert (await store.backlog(at(300)))[1] > timedelta(0)
