"""The client against the simulated cloud, which verifies signatures and tokens on its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.dms.account import (
    AccountConfig,
    AkSk,
    CredentialsConfig,
    Metadata,
    Password,
    Token,
)
from bot.adapters.dms.client import DmsClient, open_client
from bot.adapters.dms.wire import query_answer
from bot.demo.cloud import Fault, MetadataForm, Shape, Terms, of_task
from bot.demo.cloud.faults import Charset, Drop, Edit, Hang, Huge, Raw, Reply, Throttle, Truncate
from bot.demo.cloud.faults import Misdeed as Does
from bot.demo.scenario import SCENARIOS, Instance, NoPosition, Scenario, SinkTask, Topic
from bot.demo.scenario.behaviours import Deleted, NotYetTransferred
from bot.demo.scenario.seed import uuid_for
from bot.demo.scenario.weather import Restraint
from bot.domain.model import TaskKey, WatchedTask
from bot.ports import (
    CloudDenied,
    CloudError,
    CloudForbidden,
    CloudProtocolError,
    CloudTaskMissing,
    CloudThrottled,
    CloudUnavailable,
    Scope,
)
from tests.contract.cloud_world import MovedClock, Running, running
from tests.contract.dms_endpoint import AT_ONCE, Hasty
from tests.fakes import NoJitter

SAMPLE = (Path(__file__).parents[1] / "data" / "vendor-sink-task.json").read_bytes()
VENDOR = TaskKey(
    "eu", "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
)
BUDGET = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class CloudTime:
    """The bot's clock, in step with the cloud's."""

    clock: MovedClock

    def now(self) -> datetime:
        return self.clock()


def watched(key: TaskKey = VENDOR) -> WatchedTask:
    return WatchedTask(key, "task", "task")


def keys_of(world: Running) -> AkSk:
    return AkSk(world.tenant.access_key, world.tenant.secret_key)


def password_of(world: Running, password: str | None = None) -> Password:
    tenant = world.tenant
    return Password(tenant.domain, tenant.user, password or tenant.password)


@asynccontextmanager
async def client_of(
    world: Running, credentials: CredentialsConfig | None = None, **changes: Any
) -> AsyncIterator[DmsClient]:
    settings: dict[str, Any] = {
        "name": "eu",
        "endpoint": world.base_url,
        "iam_endpoint": world.base_url,
        "metadata_endpoint": world.base_url,
        "project_id": world.cloud.scenario.project_id,
        "credentials": credentials or keys_of(world),
        "requests_per_second": 1000,
        **changes,
    }
    config = AccountConfig(**settings)
    async with open_client(config, clock=CloudTime(world.clock), jitter=Hasty()) as client:
        yield client


@pytest.fixture
async def vendor() -> AsyncIterator[Running]:
    async with running(SCENARIOS["vendor"](1)) as world:
        yield world


async def test_the_vendors_page_is_read_over_http(vendor: Running) -> None:
    async with client_of(vendor) as client:
        answer = await client.query(watched(), budget=BUDGET)
    assert answer == query_answer(SAMPLE, VENDOR, vendor.clock())
    assert (await client_ask(vendor)).topics == answer.sample.topics


async def client_ask(world: Running, credentials: CredentialsConfig | None = None) -> Any:
    async with client_of(world, credentials) as client:
        return await client.observe(watched(), budget=BUDGET)


# --- credentials -----------------------------------------------------------------------------


async def test_a_password_logs_in_once_and_its_long_token_is_accepted(vendor: Running) -> None:
    async with client_of(vendor, password_of(vendor)) as client:
        for _ in range(3):
            await client.observe(watched(), budget=BUDGET)
    assert vendor.cloud.iam.logins == 1
    assert {each.authenticated_as for each in vendor.cloud.journal.matching("/v2/*")} == {
        "token demo-monitor"
    }


async def test_revoked_tokens_are_replaced_by_one_login(vendor: Running) -> None:
    async with client_of(vendor, password_of(vendor)) as client:
        await client.observe(watched(), budget=BUDGET)
        vendor.cloud.iam.revoke_tokens()
        for _ in range(3):
            await client.observe(watched(), budget=BUDGET)
    assert vendor.cloud.iam.logins == 2


async def test_a_wrong_password_never_locks_the_user(vendor: Running) -> None:
    async with client_of(vendor, password_of(vendor, "wrong")) as client:
        for _ in range(20):
            with pytest.raises(CloudDenied, match="lock the user"):
                await client.observe(watched(), budget=BUDGET)
    assert vendor.cloud.iam.failures_in_a_row == 1
    await client_ask(vendor, password_of(vendor))


async def test_a_given_token_works_until_it_expires(vendor: Running) -> None:
    login = await vendor.login()
    token = Token(login.headers["X-Subject-Token"])
    async with client_of(vendor, token) as client:
        await client.observe(watched(), budget=BUDGET)
        vendor.clock.move(hours=25)
        with pytest.raises(CloudDenied, match=r"DMS\.10240102"):
            await client.observe(watched(), budget=BUDGET)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(metadata=MetadataForm.OPEN, metadata_put_status=404),
        Terms(metadata=MetadataForm.OPEN, metadata_put_status=405),
        Terms(metadata=MetadataForm.OPEN, metadata_put_status=503),
        Terms(metadata=MetadataForm.GUARDED),
    ],
)
async def test_a_servers_keys_are_fetched_and_exchanged_when_they_end(terms: Terms) -> None:
    async with (
        running(SCENARIOS["vendor"](1), terms=terms) as world,
        client_of(world, Metadata()) as client,
    ):
        await client.observe(watched(), budget=BUDGET)
        world.clock.move(hours=25)
        await client.observe(watched(), budget=BUDGET)
    asked = world.cloud.journal.matching("/openstack/*")
    assert len(asked) == 2
    who = {each.authenticated_as for each in world.cloud.journal.matching("/v2/*")} - {None}
    assert len(who) == 2
    assert all(name is not None and name.startswith("aksk AKTEMP") for name in who)


async def test_a_server_without_an_agency_is_denied() -> None:
    terms = Terms(metadata=MetadataForm.NO_AGENCY)
    async with running(SCENARIOS["vendor"](1), terms=terms) as world:
        with pytest.raises(CloudDenied, match="agency"):
            await client_ask(world, Metadata())


async def test_keys_of_nobody_and_a_wrong_secret_are_denied_without_showing_the_key(
    vendor: Running,
) -> None:
    for keys in (AkSk("AKNOBODY000000000001", "x"), AkSk(vendor.tenant.access_key, "wrong")):
        with pytest.raises(CloudDenied, match=r"APIGW\.0301") as caught:
            await client_ask(vendor, keys)
        assert keys.access_key not in caught.value.detail
        assert caught.value.request_id


async def test_a_wrong_clock_is_told_as_one(vendor: Running) -> None:
    slow = MovedClock()
    slow.move(minutes=-16)
    config = AccountConfig("eu", vendor.base_url, vendor.cloud.scenario.project_id, keys_of(vendor))
    async with open_client(config, clock=CloudTime(slow), jitter=NoJitter()) as client:
        with pytest.raises(CloudDenied, match="set this machine's clock"):
            await client.observe(watched(), budget=BUDGET)


async def test_revoked_keys_are_denied_and_work_again_when_they_are_given_back(
    vendor: Running,
) -> None:
    async with client_of(vendor) as client:
        vendor.cloud.credentials_revoked = True
        with pytest.raises(CloudDenied):
            await client.observe(watched(), budget=BUDGET)
        vendor.cloud.credentials_revoked = False
        assert (await client.observe(watched(), budget=BUDGET)).complete


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("does", "kind"),
    [
        *((Reply(500, shape=shape), CloudUnavailable) for shape in Shape),
        *((Reply(403, "DMS.00403003", "No.", shape), CloudForbidden) for shape in Shape),
        (Reply(404, "DMS.00404026", "Gone."), CloudTaskMissing),
        (Reply(404, "DMS.00404026", "Gone.", Shape.CAMEL), CloudTaskMissing),
        (Reply(404, "DMS.00404026", "Gone.", Shape.NESTED), CloudTaskMissing),
        (Reply(404, "DMS.00404026", "Gone.", Shape.HTML), CloudProtocolError),
        (Reply(404, "APIGW.0101", "No API.", Shape.GATEWAY), CloudProtocolError),
        (Throttle(Restraint.GATEWAY, retry_after="60"), CloudThrottled),
        (Throttle(Restraint.FLOW_CONTROL), CloudThrottled),
        (Throttle(Restraint.GATEWAY, per="1 minute"), CloudThrottled),
        (Drop(), CloudUnavailable),
        (Drop(after_bytes=100), CloudUnavailable),
        (Hang(), CloudUnavailable),
        (Truncate(), CloudProtocolError),
        (Charset(), CloudProtocolError),
        (Huge(), CloudProtocolError),
        (Huge(declares_length=True), CloudProtocolError),
        (Raw("<html>"), CloudProtocolError),
        (Edit("/topics_info/0/partitions/1/lag", 1.5), CloudProtocolError),
    ],
)
async def test_a_lasting_fault_becomes_the_right_error(
    vendor: Running, does: Does, kind: type[CloudError]
) -> None:
    vendor.cloud.faults.program(Fault(does=does, path=of_task(VENDOR.task_id)))
    timeout = timedelta(seconds=0.2) if isinstance(does, Hang) else timedelta(seconds=5)
    async with client_of(vendor, timeout=timeout) as client:
        with pytest.raises(kind) as caught:
            await client.observe(watched(), budget=AT_ONCE if does == Hang() else timeout)
    assert type(caught.value) is kind
    assert vendor.tenant.access_key not in caught.value.detail


@pytest.mark.parametrize("does", [Reply(502, "", "x", Shape.HTML), Drop(), Drop(after_bytes=50)])
async def test_a_passing_fault_is_overcome_within_the_budget(vendor: Running, does: Does) -> None:
    vendor.cloud.faults.program(Fault(does=does, times=3))
    assert (await client_ask(vendor)).complete


async def test_the_clouds_own_limit_is_obeyed(vendor: Running) -> None:
    vendor.cloud.requests_per_second = 1
    async with client_of(vendor) as client:
        await client.observe(watched(), budget=BUDGET)
        with pytest.raises(CloudThrottled) as caught:
            await client.observe(watched(), budget=AT_ONCE)
        assert caught.value.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize("form", NoPosition)
async def test_a_task_that_never_transferred_has_no_position_and_no_lag(form: NoPosition) -> None:
    task = SinkTask(
        task_id=uuid_for(1, 1),
        name="new",
        topics=(Topic("orders", partitions=4),),
        behaviours=(NotYetTransferred(),),
        no_position=form,
    )
    instance = Instance(
        instance_id=uuid_for(1, 2), name="kafka", connector_id=uuid_for(1, 3), tasks=(task,)
    )
    async with (
        running(Scenario(name="new", instances=(instance,))) as world,
        client_of(world) as client,
    ):
        key = TaskKey("eu", instance.connector_id, task.task_id)
        read = await client.observe(watched(key), budget=BUDGET)
    assert read.topics is not None
    (topic,) = read.topics
    assert topic.transferred == (None,) * 4
    assert topic.lags == (None,) * 4
    assert all(end is not None for end in topic.log_end)


# --- the whole fleet -------------------------------------------------------------------------


async def test_every_listed_task_of_the_demo_can_be_observed() -> None:
    async with running(SCENARIOS["default"](1)) as world:
        world.clock.move(minutes=30)
        async with client_of(world) as client:
            found = await client.list_tasks(Scope(), smart_connect=True)
            samples = {
                task.task_name: await client.observe(watched(task.key), budget=BUDGET)
                for task in found.tasks
            }
    instances = world.cloud.scenario.instances
    existing = [state for each in instances for state in world.cloud.states(each)]
    assert len(samples) == len(existing) > 3
    assert found.refused == ()
    assert found.instances == len(instances)
    assert found.connectors == sum(bool(each.connector_id) for each in instances)
    assert found.smart_connect_tasks == sum(len(each.smart_tasks) for each in instances)
    assert all(sample.complete for sample in samples.values())
    assert {task.instance_name for task in found.tasks} <= {each.name for each in instances}


async def test_a_deleted_task_is_missing_and_no_longer_listed() -> None:
    async with running(SCENARIOS["vendor"](1)) as world, client_of(world) as client:
        world.cloud.befall(VENDOR.task_id, Deleted(timedelta(0)))
        with pytest.raises(CloudTaskMissing, match=r"DMS\.00404026"):
            await client.observe(watched(), budget=BUDGET)
        assert (await client.list_tasks(Scope())).tasks == ()
