"""The client of one account against a scripted endpoint: what it sends, and what it does next."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.dms.account import AkSk
from bot.adapters.dms.client import open_client
from bot.adapters.dms.signing import Unsigned, authorization
from bot.domain.model import TaskKey, WatchedTask
from bot.ports import (
    CloudError,
    CloudThrottled,
    CloudUnavailable,
    DumpingTaskSource,
)
from tests.contract.dms_endpoint import (
    AT_ONCE,
    KEYS,
    PROJECT,
    TASK,
    Hasty,
    Said,
    dms_error,
    endpoint,
    in_turn,
    said,
)
from tests.fakes import EPOCH, NoJitter, SetClock

DATA = Path(__file__).parents[1] / "data"
SAMPLE = (DATA / "vendor-sink-task.json").read_bytes()
GOOD = said(SAMPLE)
BUDGET = timedelta(seconds=10)
PATH = f"/v2/{PROJECT}/connectors/connector-1/sink-tasks/task-1"


async def test_the_request_on_the_wire_is_the_one_that_was_signed() -> None:
    async with endpoint(lambda _: GOOD) as cloud, cloud.client() as client:
        await client.observe(TASK, budget=BUDGET)
    (arrived,) = cloud.arrived
    assert arrived.head.startswith(f"GET {PATH}?topic-info=true HTTP/1.1\r\n".encode())
    sent = dict(arrived.fields)
    assert len(sent) == len(arrived.fields)
    assert sent["X-Sdk-Date"] == "20260102T030405Z"
    names = ("Content-Type", "Host", "X-Project-Id", "X-Sdk-Date")
    signed = Unsigned(
        "GET", arrived.path, [("topic-info", "true")], {name: sent[name] for name in names}
    )
    assert sent["Authorization"] == authorization(signed, KEYS, "20260102T030405Z")
    assert sent["Host"] == f"127.0.0.1:{cloud.port}"
    assert sent["Content-Type"] == "application/json"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"].startswith("dumptask-bot/")
    assert set(sent) == {*names, "Authorization", "Accept", "Accept-Encoding", "User-Agent"}


async def test_a_security_token_is_signed_and_sent() -> None:
    keys = AkSk(KEYS.access_key, KEYS.secret_key, "a+b/c==")
    async with endpoint(lambda _: GOOD) as cloud, cloud.client(keys) as client:
        await client.observe(TASK, budget=BUDGET)
    (arrived,) = cloud.arrived
    assert arrived.header("X-Security-Token") == "a+b/c=="
    assert "x-sdk-date;x-security-token," in (arrived.header("Authorization") or "")


async def test_ids_that_need_it_are_encoded_alike_on_the_wire_and_in_the_signature() -> None:
    task = WatchedTask(TaskKey("prod", "a b", "é*~"), "odd", "odd")
    async with endpoint(lambda _: GOOD) as cloud, cloud.client() as client:
        await client.observe(task, budget=BUDGET)
    (arrived,) = cloud.arrived
    assert arrived.path == f"/v2/{PROJECT}/connectors/a%20b/sink-tasks/%C3%A9%2A~"
    sent = dict(arrived.fields)
    names = ("Content-Type", "Host", "X-Project-Id", "X-Sdk-Date")
    headers = {name: sent[name] for name in names}
    signed = Unsigned("GET", arrived.path, [("topic-info", "true")], headers)
    assert sent["Authorization"] == authorization(signed, KEYS, sent["X-Sdk-Date"])


async def test_the_date_of_a_signature_is_that_of_its_sending() -> None:
    clock = SetClock()
    async with endpoint(lambda _: GOOD) as cloud, cloud.client(clock=clock) as client:
        await client.observe(TASK, budget=BUDGET)
        clock.time = EPOCH + timedelta(minutes=20)
        read = await client.observe(TASK, budget=BUDGET)
    assert [each.header("X-Sdk-Date") for each in cloud.arrived] == [
        "20260102T030405Z",
        "20260102T032405Z",
    ]
    assert read.at == clock.time


async def test_connections_are_kept_and_cookies_are_not() -> None:
    reply = said(SAMPLE, Set_Cookie="a=b")
    async with endpoint(lambda _: reply) as cloud, cloud.client() as client:
        for _ in range(5):
            await client.observe(TASK, budget=BUDGET)
    assert {each.connection for each in cloud.arrived} == {1}
    assert [each.header("Cookie") for each in cloud.arrived] == [None] * 5


async def test_a_connection_that_the_cloud_closed_meanwhile_is_no_failure() -> None:
    replies = [GOOD, Said(GOOD.pieces, close=True), GOOD]
    async with endpoint(in_turn(replies)) as cloud, cloud.client() as client:
        for _ in range(4):
            await client.observe(TASK, budget=AT_ONCE)
    assert cloud.connections == 2


async def test_the_client_is_the_port() -> None:
    async with endpoint(lambda _: GOOD) as cloud, cloud.client() as client:
        source: DumpingTaskSource = client
        assert source.account == "prod"
        answer = await client.query(TASK, budget=BUDGET)
        assert answer.sample == await source.observe(TASK, budget=BUDGET)
        assert answer.document["task_name"] == "obsTransfer-56997523"


# --- another try -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [said(b"", 503), Said((), close=True), dms_error(400, "DMS.00400026")],
    ids=["503", "closed", "busy"],
)
async def test_what_passes_is_tried_again_within_the_budget(failure: Said) -> None:
    async with endpoint(in_turn([failure, GOOD])) as cloud, cloud.client(jitter=Hasty()) as client:
        read = await client.observe(TASK, budget=BUDGET)
    assert read.status == "RUNNING"


async def test_a_slow_answer_is_given_up_and_asked_for_again() -> None:
    replies = [Said((), hang=True), GOOD]
    timeout = timedelta(seconds=0.1)
    async with (
        endpoint(in_turn(replies)) as cloud,
        cloud.client(timeout=timeout, jitter=Hasty()) as client,
    ):
        assert (await client.observe(TASK, budget=BUDGET)).complete
    assert len(cloud.arrived) == 2


async def test_nobody_is_asked_more_than_four_times() -> None:
    async with endpoint(lambda _: said(b"", 503)) as cloud, cloud.client(jitter=Hasty()) as client:
        with pytest.raises(CloudUnavailable):
            await client.observe(TASK, budget=timedelta(minutes=5))
    assert len(cloud.arrived) == 4


@pytest.mark.parametrize("budget", [AT_ONCE, timedelta(0), timedelta(seconds=-1)])
async def test_there_is_no_second_try_beyond_the_budget(budget: timedelta) -> None:
    async with endpoint(lambda _: said(b"", 503)) as cloud, cloud.client() as client:
        with pytest.raises(CloudUnavailable):
            await client.observe(TASK, budget=budget)
    assert len(cloud.arrived) <= 1


@pytest.mark.parametrize(
    "final",
    [
        dms_error(404, "DMS.00404026"),
        dms_error(403, "DMS.00403003"),
        dms_error(401, "APIGW.0301"),
        dms_error(404, "APIGW.0101"),
        said(b"not JSON"),
    ],
    ids=["missing", "forbidden", "denied", "retired", "broken"],
)
async def test_what_does_not_pass_is_asked_once(final: Said) -> None:
    async with endpoint(lambda _: final) as cloud, cloud.client() as client:
        with pytest.raises(CloudError):
            await client.observe(TASK, budget=BUDGET)
    assert len(cloud.arrived) == 1


async def test_an_error_carries_the_account_and_the_request_id() -> None:
    for reply in (dms_error(404, "DMS.00404026", X_Request_Id="a1"), said(b"x", X_Request_Id="a1")):
        async with endpoint(in_turn([reply])) as cloud, cloud.client() as client:
            with pytest.raises(CloudError) as caught:
                await client.observe(TASK, budget=BUDGET)
        assert (caught.value.account, caught.value.request_id) == ("prod", "a1")


async def test_a_cloud_that_is_not_there_is_unavailable() -> None:
    async with endpoint(lambda _: GOOD) as gone:
        config = gone.config()
    async with open_client(config, clock=SetClock(), jitter=NoJitter()) as client:
        with pytest.raises(CloudUnavailable, match=r"cannot connect to 127\.0\.0\.1"):
            await client.observe(TASK, budget=AT_ONCE)


# --- throttling and bounds -------------------------------------------------------------------


@pytest.mark.parametrize(
    "throttled",
    [
        dms_error(429, "APIGW.0308", Retry_After="30"),
        dms_error(404, "DMS.10240407", Retry_After="Fri, 02 Jan 2026 03:04:35 GMT"),
        dms_error(429, "APIGW.0308", "policy user over ratelimit,limit:9,time:30 second"),
    ],
    ids=["seconds", "date", "message"],
)
async def test_throttling_stops_the_whole_account_for_the_time_it_names(throttled: Said) -> None:
    other = WatchedTask(TaskKey("prod", "connector-2", "task-2"), "other", "other")
    async with endpoint(in_turn([throttled, GOOD])) as cloud, cloud.client() as client:
        with pytest.raises(CloudThrottled) as caught:
            await client.observe(TASK, budget=BUDGET)
        assert caught.value.retry_after == timedelta(seconds=30)
        with pytest.raises(CloudThrottled, match="of it are left") as later:
            await client.observe(other, budget=BUDGET)
        assert later.value.retry_after is not None
        assert later.value.account == "prod"
    assert len(cloud.arrived) == 1


async def test_a_short_throttling_is_waited_out_within_the_budget() -> None:
    throttled = dms_error(429, "APIGW.0308", "over ratelimit,limit:9,time:1 second")
    async with endpoint(in_turn([throttled, GOOD])) as cloud, cloud.client() as client:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert (await client.observe(TASK, budget=BUDGET)).complete
        assert loop.time() - started >= 1
    assert len(cloud.arrived) == 2


async def test_throttling_without_a_time_pauses_as_the_vendor_advises() -> None:
    async with endpoint(lambda _: said(b"", 429)) as cloud, cloud.client() as client:
        with pytest.raises(CloudThrottled) as caught:
            await client.observe(TASK, budget=timedelta(seconds=1))
        assert caught.value.retry_after is None
        with pytest.raises(CloudThrottled, match=r"a pause, 3\.[45] s of it are left"):
            await client.observe(TASK, budget=timedelta(seconds=1))
    assert len(cloud.arrived) == 1


async def test_no_more_requests_are_in_flight_than_allowed() -> None:
    async with (
        endpoint(lambda _: Said((), hang=True)) as cloud,
        cloud.client(concurrency=3, timeout=timedelta(seconds=30)) as client,
    ):
        polls = [asyncio.create_task(client.observe(TASK, budget=BUDGET)) for _ in range(8)]
        await cloud.until(3)
        await asyncio.sleep(0.05)
        assert len(cloud.arrived) == 3
        cloud.answer = lambda _: GOOD
        for poll in polls[:3]:
            poll.cancel()
        await asyncio.wait(polls)
    assert [poll.cancelled() for poll in polls] == [True] * 3 + [False] * 5
    assert len(cloud.arrived) == 8
