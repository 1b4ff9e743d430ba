"""What the client reads of topics, from the simulated cloud and from odd answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.demo.cloud import Fault
from bot.demo.cloud.faults import Raw
from bot.demo.scenario import Instance, Scenario, SinkTask, Topic
from bot.demo.scenario.seed import uuid_for
from bot.ports import CloudError, CloudProtocolError
from tests.contract.cloud_world import running
from tests.contract.test_dms_simulated_cloud import client_of

TOPICS = tuple(
    Topic(name=f"topic-{n:03}", retention=timedelta(hours=n + 1), messages_per_second=9)
    for n in range(120)
)
MANY = Instance(
    instance_id=uuid_for(1, "instance"),
    name="kafka",
    connector_id=uuid_for(1, "connector"),
    tasks=(SinkTask(task_id=uuid_for(1, "task"), name="dump", topics=TOPICS),),
)
WORLD = Scenario(name="many", instances=(MANY,))


async def test_retentions_of_all_pages_are_read() -> None:
    async with running(WORLD) as world, client_of(world) as client:
        found = await client.retentions(MANY.instance_id)
    assert found == {f"topic-{n:03}": timedelta(hours=n + 1) for n in range(120)}


async def test_where_the_log_of_each_partition_begins_is_read() -> None:
    async with running(WORLD) as world:
        world.clock.move(hours=5)
        async with client_of(world) as client:
            starts = await client.log_starts(MANY.instance_id, "topic-000")
    assert sorted(starts) == [0, 1, 2]
    assert all(start > 0 for start in starts.values())


@pytest.mark.parametrize("body", ["{}", '{"topics": 5}', '{"topics": [{"name": 5}]}', "<html>"])
async def test_an_answer_about_topics_that_is_not_understood_is_an_error(body: str) -> None:
    async with running(WORLD) as world, client_of(world) as client:
        world.cloud.faults.program(Fault(does=Raw(body), path="*/topics*"))
        with pytest.raises(CloudProtocolError):
            await client.retentions(MANY.instance_id)


async def test_a_topic_without_a_retention_is_left_out() -> None:
    body = """{"topics": [{"name": "a", "retention_time": "72"}, {"name": "b"},
        {"name": "c", "retention_time": 0}, {"name": "d", "retention_time": "-"}]}"""
    async with running(WORLD) as world, client_of(world) as client:
        world.cloud.faults.program(Fault(does=Raw(body), path="*/topics*"))
        assert await client.retentions(MANY.instance_id) == {"a": timedelta(hours=72)}


async def test_partitions_that_are_not_there_are_an_error_and_odd_ones_are_left_out() -> None:
    async with running(WORLD) as world, client_of(world) as client:
        world.cloud.faults.program(Fault(does=Raw("{}"), path="*/management/*", times=1))
        with pytest.raises(CloudProtocolError, match="partitions"):
            await client.log_starts(MANY.instance_id, "topic-000")
        body = '{"partitions": [{"partition": 0, "lso": 7}, {"partition": 1}, {"lso": 3}]}'
        world.cloud.faults.program(Fault(does=Raw(body), path="*/management/*"))
        assert await client.log_starts(MANY.instance_id, "topic-000") == {0: 7}


async def test_a_topic_that_does_not_exist_is_an_error_of_the_family() -> None:
    async with running(WORLD) as world, client_of(world) as client:
        with pytest.raises(CloudError):
            await client.log_starts(MANY.instance_id, "nothing")
