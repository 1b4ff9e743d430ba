"""What a process leaves behind in the outbox when it dies or answers too late."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import Postponement
from tests.builders import at
from tests.contract.store_shapes import (
    LATER,
    LEASE,
    AnyStore,
    Opener,
    a_card_of,
    a_look,
    a_reply,
    claim_all,
    claim_one,
    enqueue,
    post,
    put_card,
)


async def test_a_claim_ends_by_itself_and_its_post_is_marked(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    await claim_one(store, at(100))
    assert not await claim_all(store, at(100) + LEASE - timedelta(microseconds=1))
    row = await claim_one(store, at(100) + LEASE)
    assert row.ambiguous
    assert row.attempts == 1


async def test_an_edit_that_was_interrupted_is_not_marked(store: AnyStore) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    await post(store, await claim_one(store))
    await enqueue(store, a_look(60))
    await claim_one(store, at(100))
    assert not (await claim_one(store, at(100) + LEASE)).ambiguous


async def test_a_process_that_starts_again_gives_back_its_own_claims(opener: Opener) -> None:
    async with opener("bot") as before:
        await enqueue(before, a_look(0), a_reply(1, a_card_of("payments")))
        assert len(await claim_all(before)) == 2
    async with opener("bot") as after:
        assert not await claim_all(after)
        await after.release_claims()
        rows = await claim_all(after)
    assert [(row.attempts, row.ambiguous) for row in rows] == [(1, True), (1, True)]


async def test_what_was_delivered_by_one_process_stays_so_for_the_next(opener: Opener) -> None:
    async with opener() as before:
        await put_card(before)
        await enqueue(before, a_look(0), a_reply(1))
        ref = await post(before, await claim_one(before))
    async with opener() as after:
        await after.release_claims()
        row = await claim_one(after)
    assert row.intent == a_reply(1)
    assert row.root == ref


async def test_a_late_answer_after_the_claim_ended_still_marks_the_row_done(
    store: AnyStore,
) -> None:
    await put_card(store)
    await enqueue(store, a_look(0))
    slow = await claim_one(store, at(100))
    again = await claim_one(store, at(100) + LEASE)
    ref = await post(store, slow)
    await store.postpone(again, Postponement(LATER, "busy"))
    assert not await claim_all(store)
    await enqueue(store, a_look(60))
    assert (await claim_one(store)).root == ref
