"""PostgreSQL: several processes at once, and what is said when it cannot be reached or used."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.store import Store, open_store
from bot.domain.notifications import Form
from bot.ports import (
    Change,
    Postponement,
    StoreConflict,
    StoreError,
    StoreUnavailable,
    StoreUnusable,
)
from tests.builders import a_card, a_key, a_sample, a_state, an_incident, an_intent, an_opening, at
from tests.contract.postgres_cluster import Cluster
from tests.contract.store_shapes import LATER, claim_all, claim_one, enqueue, put_card

pytest.importorskip("asyncpg", reason="asyncpg is not installed (the extra postgres)")
pytestmark = pytest.mark.postgres

CLAIM_UNTIL_NOTHING_IS_LEFT = """
import asyncio, json, sys
from datetime import timedelta
from bot.adapters.store.config import Access, StoreConfig
from bot.adapters.store.store import open_store
from bot.ports import MessageRef
from tests.builders import at

async def main():
    url, password, owner = sys.argv[1:]
    claimed = []
    async with open_store(StoreConfig(url=url, password=password), owner=owner) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        async def work():
            idle = 0
            while idle < 5:
                rows = await store.claim(at(3600), lease=timedelta(hours=1), limit=7)
                idle = 0 if rows else idle + 1
                for row in rows:
                    claimed.append(row.intent.id)
                    await store.delivered(row, MessageRef("C", str(row.seq)), at(3600))
        await asyncio.gather(work(), work())
    print(json.dumps(claimed), flush=True)

asyncio.run(main())
"""


def claiming(config: StoreConfig, owner: str) -> subprocess.Popen[str]:
    """A process with two connections that claim and deliver until nothing is left."""
    command = [sys.executable, "-c", CLAIM_UNTIL_NOTHING_IS_LEFT]
    return subprocess.Popen(
        [*command, str(config.url), str(config.password), owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def fill(config: StoreConfig, *, cards: int, replies: int) -> set[str]:
    """Cards with a look and some replies each; the ids of all rows."""
    ids: set[str] = set()
    async with open_store(config, owner="filler") as store:
        for number in range(cards):
            card = a_card(an_incident(key=a_key(f"task-{number}")))
            rows = [an_intent(card)] + [
                an_intent(card, form=Form.REPLY, when=at(n)) for n in range(1, replies + 1)
            ]
            ids |= {row.id for row in rows}
            await store.commit(Change(card.key, at(0), cards=(card,), intents=tuple(rows)))
    return ids


async def test_processes_that_claim_at_once_never_claim_the_same_row(postgres: StoreConfig) -> None:
    ids = await fill(postgres, cards=30, replies=3)
    processes = [claiming(postgres, f"process-{number}") for number in range(2)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        claimed = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait(30)
    together = [row for each in claimed for row in each]
    assert len(together) == len(set(together)), "nothing was claimed twice"
    assert set(together) == ids, "nothing was left"
    assert min(map(len, claimed)) > 0, "they did race"


async def test_connections_that_claim_at_once_keep_the_order_of_each_card(
    postgres: StoreConfig,
) -> None:
    await fill(postgres, cards=12, replies=5)
    order: dict[str, list[int]] = {}

    async def work(store: Store) -> None:
        while rows := await store.claim(LATER, lease=timedelta(hours=1), limit=3):
            for row in rows:
                order.setdefault(row.intent.card_id, []).append(row.seq)
                await store.delivered(row, None, LATER)

    async with (
        open_store(postgres, owner="one") as one,
        open_store(postgres, owner="two") as two,
    ):
        await asyncio.gather(work(one), work(two), work(one), work(two))
        await work(one)
    assert len(order) == 12
    for places in order.values():
        assert places == sorted(places)
        assert len(places) == 6


async def test_of_two_processes_that_change_an_alert_one_is_refused(postgres: StoreConfig) -> None:
    state = a_state()
    async with (
        open_store(postgres, owner="one") as one,
        open_store(postgres, owner="two") as two,
    ):
        await one.commit(Change(state.key, at(0), states=(state,)))
        for version in range(1, 11):
            changes = [
                Change(state.key, at(60), states=(replace(state, version=version, clear_polls=n),))
                for n in (1, 2)
            ]
            ends = await asyncio.gather(
                one.commit(changes[0]), two.commit(changes[1]), return_exceptions=True
            )
            assert [type(end) for end in ends if end is not None] == [StoreConflict]
        assert [s.version for s in (await one.load()).states] == [11]


async def test_the_same_change_from_two_connections_at_once_is_written_once(
    postgres: StoreConfig,
) -> None:
    opening = an_opening()
    async with open_store(postgres, owner="one") as store:
        await asyncio.gather(*(store.commit(opening) for _ in range(4)))
        assert [s.version for s in (await store.load()).states] == [1]
        assert len(await claim_all(store)) == 1


async def test_a_process_gives_back_its_own_claims_and_no_others(postgres: StoreConfig) -> None:
    cards = [a_card(an_incident(key=a_key(name))) for name in ("orders", "payments")]
    async with (
        open_store(postgres, owner="one") as one,
        open_store(postgres, owner="two") as two,
    ):
        await enqueue(one, *map(an_intent, cards))
        (mine,) = await claim_all(one, limit=1)
        (theirs,) = await claim_all(two, limit=1)
        await one.release_claims()
        assert [row.intent.id for row in await claim_all(two)] == [mine.intent.id]
        await one.postpone(theirs, Postponement(LATER, "busy"))
        assert not await claim_all(one)


async def test_many_cards_that_change_and_are_claimed_at_once_come_to_an_end(
    postgres: StoreConfig,
) -> None:
    async with (
        open_store(postgres, owner="one") as one,
        open_store(postgres, owner="two") as two,
    ):
        cards = [a_card(an_incident(key=a_key(f"task-{n}"))) for n in range(8)]
        for card in cards:
            await put_card(one, card)

        async def change(n: int) -> None:
            for turn in range(12):
                await enqueue(one, an_intent(cards[n], when=at(turn)))

        async def deliver() -> None:
            for _ in range(40):
                for row in await claim_all(two, limit=3):
                    await two.delivered(row, None, LATER)

        await asyncio.gather(*(change(n) for n in range(8)), deliver(), deliver())
        await deliver()
        assert await two.backlog(LATER) == (0, timedelta(0))


async def test_a_reader_writes_nothing(postgres: StoreConfig) -> None:
    async with open_store(postgres, owner="bot") as store:
        await store.commit(an_opening())
    async with open_store(postgres, owner="reader", access=Access.READER) as reader:
        assert len((await reader.load()).states) == 1
        with pytest.raises(StoreError):
            await reader.append_samples([a_sample()])


async def test_replicas_that_start_together_make_the_tables_once(postgres_cluster: Cluster) -> None:
    postgres_cluster.sql("CREATE DATABASE together")
    config = StoreConfig(url=postgres_cluster.url("together"), password=postgres_cluster.password)

    async def start(owner: str) -> int:
        async with open_store(config, owner=owner) as store:
            return len((await store.load()).states)

    assert await asyncio.gather(*(start(f"replica-{n}") for n in range(3))) == [0, 0, 0]


# --- what is said ----------------------------------------------------------------------------


async def said(config: StoreConfig, kind: type[StoreError]) -> str:
    """What is said when the database cannot be opened."""
    with pytest.raises(StoreError) as caught:
        async with open_store(config, owner="bot"):
            pass
    assert type(caught.value) is kind
    return str(caught.value)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    config = StoreConfig(url="postgresql://bot:hunter2@127.0.0.1:1/bot", password="hunter3")
    words = await said(config, StoreUnavailable)
    assert "127.0.0.1:1/bot" in words
    assert "hunter" not in words


async def test_a_wrong_password_is_said_without_the_password(postgres: StoreConfig) -> None:
    words = await said(replace(postgres, password="hunter2"), StoreUnusable)
    assert "user or password" in words
    assert "hunter2" not in words


async def test_a_database_that_does_not_exist_is_said_to(postgres_cluster: Cluster) -> None:
    config = StoreConfig(url=postgres_cluster.url("nowhere"), password=postgres_cluster.password)
    assert "does not exist" in await said(config, StoreUnusable)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/db", "begin with postgresql://"),
        ("nonsense", "not an address"),
        ("", "not an address"),
    ],
)
async def test_an_address_of_another_kind_is_refused(url: str, words: str) -> None:
    assert words in await said(StoreConfig(url=url), StoreUnusable)


async def test_a_connection_that_breaks_is_tried_again_for_what_must_not_be_lost(
    postgres: StoreConfig, postgres_cluster: Cluster
) -> None:
    async with open_store(postgres, owner="bot") as store:
        await store.load()
        postgres_cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'dumptask-bot'"
        )
        await store.commit(an_opening())
        assert (await claim_one(store)).attempts == 0


async def test_the_servers_name_for_ssl_is_understood(postgres: StoreConfig) -> None:
    config = replace(postgres, url=f"{postgres.url}?sslmode=disable")
    async with open_store(config, owner="bot") as store:
        assert store.described.startswith("PostgreSQL 127.0.0.1:")
