"""The simulated DMS answers as the vendor's documents say, in values, pages and errors."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from bot.demo.scenario import (
    SCENARIOS,
    Instance,
    NoPosition,
    Scenario,
    SinkTask,
    SmartTask,
    Topic,
    fleet,
)
from bot.demo.scenario.behaviours import Deleted, NotYetTransferred
from bot.demo.scenario.seed import uuid_for
from tests.contract.cloud_world import START, Running, running

DATA = Path(__file__).parents[1] / "data"
VENDOR_CONNECTOR = "11111111-2222-3333-4444-555555555555"
VENDOR_TASK = "66666666-7777-8888-9999-000000000000"
NOBODY = "00000000-0000-4000-8000-000000000000"
UUIDS = [uuid_for(9, number) for number in range(99)]

_DESCRIPTION: dict[str, Any] = yaml.safe_load((DATA / "dms-openapi.yaml").read_text())


@pytest.fixture
async def vendor() -> AsyncIterator[Running]:
    async with running(SCENARIOS["vendor"](1)) as world:
        yield world


def many_instances(count: int) -> Scenario:
    instances = tuple(
        Instance(instance_id=UUIDS[number], name=f"kafka-{number:02d}") for number in range(count)
    )
    return Scenario(name="many", instances=instances)


def crowded() -> Scenario:
    """One instance with 23 tasks, each with its topic, and 13 Smart Connect tasks."""
    tasks = tuple(
        SinkTask(task_id=UUIDS[n], name=f"t{n}", topics=(Topic(f"topic-{n}", 2),))
        for n in range(23)
    )
    smart = tuple(SmartTask(task_id=UUIDS[50 + n], name=f"s{n}", topics="x") for n in range(13))
    instance = Instance(
        instance_id=UUIDS[98],
        name="kafka",
        connector_id=UUIDS[97],
        tasks=tasks,
        smart_tasks=smart,
    )
    return Scenario(name="crowded", instances=(instance,))


async def test_the_vendor_scenario_answers_with_the_values_of_the_vendors_page(
    vendor: Running,
) -> None:
    sample = json.loads((DATA / "vendor-sink-task.json").read_text())
    path = f"/connectors/{VENDOR_CONNECTOR}/sink-tasks/{VENDOR_TASK}"
    assert vendor.project == "/v2/0123456789abcdef0123456789abcdef"
    answer = await vendor.get(path, **{"topic-info": "true"})
    assert answer.status == 200
    assert answer.json == sample
    vendor.clock.move(hours=7)
    assert (await vendor.get(path, **{"topic-info": "true"})).json == sample


@pytest.mark.parametrize("query", [{}, {"topic-info": "false"}, {"topic-info": "yes"}])
async def test_without_topic_info_there_are_no_topics(
    vendor: Running, query: dict[str, str]
) -> None:
    answer = await vendor.get(f"/connectors/{VENDOR_CONNECTOR}/sink-tasks/{VENDOR_TASK}", **query)
    assert answer.status == 200
    assert "topics_info" not in answer.json


async def test_the_list_of_a_connector_names_each_task_with_its_status(vendor: Running) -> None:
    answer = (await vendor.get(f"/connectors/{VENDOR_CONNECTOR}/sink-tasks")).json
    assert answer["tasks"] == [
        {
            "task_id": VENDOR_TASK,
            "task_name": "obsTransfer-56997523",
            "destination_type": "OBS",
            "create_time": 1628126621283,
            "status": "RUNNING",
            "topics": "topic-sdk-no-delete",
        }
    ]
    assert answer["total_number"] == 1
    assert answer["quota_tasks"] > answer["max_tasks"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/instances/nonsense", 400, "DMS.00400030"),
        (f"/instances/{NOBODY}", 404, "DMS.00404022"),
        (f"/instances/{NOBODY}/topics", 404, "DMS.00404022"),
        (f"/instances/{NOBODY}/connector/tasks", 404, "DMS.00404022"),
        (f"/connectors/{NOBODY}/sink-tasks", 404, "DMS.00404024"),
        (f"/connectors/{NOBODY}/sink-tasks/{VENDOR_TASK}", 404, "DMS.00404024"),
        (f"/connectors/{VENDOR_CONNECTOR}/sink-tasks/{NOBODY}", 404, "DMS.00404026"),
        (f"/connectors/{VENDOR_CONNECTOR}/sink-tasks/nonsense", 400, "DMS.00400070"),
        ("/connectors", 404, "APIGW.0101"),
        (f"/connectors/{VENDOR_CONNECTOR}/sink-tasks/", 404, "APIGW.0101"),
    ],
)
async def test_what_is_not_there_is_refused_with_its_own_code(
    vendor: Running, path: str, status: int, code: str
) -> None:
    answer = await vendor.get(path)
    assert (answer.status, answer.code) == (status, code)


async def test_topics_of_no_such_name_and_tasks_of_no_such_id_are_refused() -> None:
    async with running(crowded()) as world:
        instance = f"/instances/{UUIDS[98]}"
        found = [
            (await world.get(f"{instance}/{path}")).code
            for path in ("management/topics/none", f"connector/tasks/{NOBODY}")
        ]
    assert found == ["DMS.00400975", "DMS.00404026"]


async def test_a_method_that_does_not_exist_is_an_unknown_api(vendor: Running) -> None:
    path = f"{vendor.project}/connectors/{VENDOR_CONNECTOR}/sink-tasks/{VENDOR_TASK}"
    answer = await vendor.send("DELETE", path)
    assert (answer.status, answer.code) == (404, "APIGW.0101")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


async def test_every_answer_has_its_own_request_id(vendor: Running) -> None:
    answers = [await vendor.get(path) for path in ("/instances?x", "/instances", "/nowhere")]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 3
    assert ids == {asked.request_id for asked in vendor.cloud.journal}


async def test_a_deleted_task_is_refused_with_the_documented_code_and_not_listed() -> None:
    scenario = crowded().with_behaviour(UUIDS[3], Deleted(timedelta(minutes=10)))
    path = f"/connectors/{UUIDS[97]}/sink-tasks"
    async with running(scenario, speed=60) as world:
        before = await world.get(f"{path}/{UUIDS[3]}")
        world.clock.move(seconds=10)
        after = await world.get(f"{path}/{UUIDS[3]}")
        listed = (await world.get(path)).json
    assert before.status == 200
    assert (after.status, after.code) == (404, "DMS.00404026")
    assert listed["total_number"] == 22
    assert UUIDS[3] not in {task["task_id"] for task in listed["tasks"]}


async def pages(world: Running, path: str, *, of: str, **query: str) -> list[list[Any]]:
    """Every page until the error that ends them."""
    found: list[list[Any]] = []
    for _ in range(50):
        offset = str(sum(len(page) for page in found))
        answer = await world.get(path, offset=offset, **query)
        if answer.status != 200:
            assert (answer.status, answer.code) == (400, "DMS.40050010")
            return found
        found.append(answer.json[of])
    raise AssertionError("the pages never ended")


async def test_instances_come_in_pages_and_an_offset_at_the_total_is_an_error() -> None:
    async with running(many_instances(23)) as world:
        by_ten = await pages(world, "/instances", of="instances", engine="kafka")
        by_fifty = await pages(world, "/instances", of="instances", engine="kafka", limit="50")
        first = (await world.get("/instances", engine="kafka")).json
    assert [len(page) for page in by_ten] == [10, 10, 3]
    assert [len(page) for page in by_fifty] == [23]
    assert first["instance_num"] == 23
    names = [instance["name"] for page in by_ten for instance in page]
    assert names == [f"kafka-{number:02d}" for number in range(23)]


async def test_topics_and_smart_connect_tasks_come_in_pages_too() -> None:
    instance = f"/instances/{UUIDS[98]}"
    async with running(crowded()) as world:
        topics = await pages(world, f"{instance}/topics", of="topics")
        tasks = await pages(world, f"{instance}/connector/tasks", of="tasks", limit="5")
        totals = [
            (await world.get(f"{instance}/topics")).json["total"],
            (await world.get(f"{instance}/connector/tasks")).json["total_number"],
        ]
    assert [len(page) for page in topics] == [10, 10, 3]
    assert [len(page) for page in tasks] == [5, 5, 3]
    assert totals == [23, 13]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"engine": "rabbitmq"},
        {"engine": "kafka", "limit": "0"},
        {"engine": "kafka", "limit": "51"},
        {"engine": "kafka", "limit": "ten"},
        {"engine": "kafka", "offset": "-1"},
        {"engine": "kafka", "offset": ""},
    ],
)
async def test_a_list_asked_for_wrongly_is_refused(vendor: Running, query: dict[str, str]) -> None:
    answer = await vendor.get("/instances", **query)
    assert (answer.status, answer.code) == (400, "DMS.00400062")


async def test_a_project_without_instances_has_one_empty_page() -> None:
    async with running(many_instances(0)) as world:
        answer = await world.get("/instances", engine="kafka", offset="0")
    assert answer.json == {"instances": [], "instance_num": 0}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "kafka-1"}, ["kafka-10", "kafka-11"]),
        ({"name": "kafka-1", "exact_match_name": "true"}, []),
        ({"name": "kafka-11", "exact_match_name": "true"}, ["kafka-11"]),
        ({"instance_id": UUIDS[4]}, ["kafka-04"]),
        ({"status": "createfailed"}, ["kafka-02"]),
        ({"include_failure": "false", "name": "kafka-02"}, []),
    ],
)
async def test_instances_can_be_filtered(query: dict[str, str], expected: list[str]) -> None:
    scenario = many_instances(12)
    broken = replace(scenario.instances[2], status="CREATEFAILED")
    instances = (*scenario.instances[:2], broken, *scenario.instances[3:])
    async with running(replace(scenario, instances=instances)) as world:
        answer = (await world.get("/instances", engine="kafka", **query)).json
    assert [instance["name"] for instance in answer["instances"]] == expected
    assert answer["instance_num"] == len(expected)


async def test_an_instance_without_dumping_has_an_empty_connector() -> None:
    async with running(many_instances(1)) as world:
        instance = (await world.get(f"/instances/{UUIDS[0]}")).json
        tasks = await world.get(f"/instances/{UUIDS[0]}/connector/tasks")
    assert (instance["connector_enable"], instance["connector_id"]) == (False, "")
    assert tasks.code == "DMS.00404024"


async def test_partitions_are_unsorted_and_every_number_of_theirs_is_a_string() -> None:
    async with running(crowded()) as world:
        path = f"/connectors/{UUIDS[97]}/sink-tasks/{UUIDS[0]}"
        answer = (await world.get(path, **{"topic-info": "true"})).json
    partitions = answer["topics_info"][0]["partitions"]
    assert [partition["partition_id"] for partition in partitions] == ["1", "0"]
    for partition in partitions:
        assert all(isinstance(value, str) for value in partition.values())
        offsets = (int(partition[key]) for key in ("log_end_offset", "last_transfer_offset"))
        assert int(partition["lag"]) == next(offsets) - next(offsets)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (NoPosition.ABSENT, {}),
        (NoPosition.DASH, {"last_transfer_offset": "-", "lag": "-"}),
        (NoPosition.MINUS_ONE, {"last_transfer_offset": "-1", "lag": "-1"}),
        (NoPosition.EMPTY, {"last_transfer_offset": "", "lag": ""}),
        (NoPosition.NULL, {"last_transfer_offset": None, "lag": None}),
    ],
)
async def test_a_position_that_does_not_exist_is_written_as_the_scenario_says(
    spelling: NoPosition, expected: dict[str, object]
) -> None:
    scenario = crowded()
    task = replace(
        scenario.instances[0].tasks[0], behaviours=(NotYetTransferred(),), no_position=spelling
    )
    instance = replace(scenario.instances[0], tasks=(task,))
    async with running(replace(scenario, instances=(instance,))) as world:
        path = f"/connectors/{UUIDS[97]}/sink-tasks/{task.task_id}"
        answer = (await world.get(path, **{"topic-info": "true"})).json
    for partition in answer["topics_info"][0]["partitions"]:
        assert set(partition) - {"partition_id", "status", "log_end_offset"} == set(expected)
        assert {key: partition[key] for key in expected} == expected


async def test_a_topic_tells_its_ends_and_its_first_kept_offset_as_integers() -> None:
    async with running(crowded()) as world:
        detail = f"/connectors/{UUIDS[97]}/sink-tasks/{UUIDS[0]}"
        task = (await world.get(detail, **{"topic-info": "true"})).json
        topic = (await world.get(f"/instances/{UUIDS[98]}/management/topics/topic-0")).json
        entries = (await world.get(f"/instances/{UUIDS[98]}/topics")).json["topics"]
    ends = {
        p["partition_id"]: int(p["log_end_offset"]) for p in task["topics_info"][0]["partitions"]
    }
    assert {str(p["partition"]): p["leo"] for p in topic["partitions"]} == ends
    assert all(p["lso"] < p["leo"] for p in topic["partitions"])
    assert (entries[0]["partition"], entries[0]["retention_time"]) == (2, 72)


async def test_speed_divides_the_interval_that_is_answered() -> None:
    async with running(crowded(), speed=60) as world:
        path = f"/connectors/{UUIDS[97]}/sink-tasks/{UUIDS[0]}"
        descriptor = (await world.get(path)).json["obs_destination_descriptor"]
    assert descriptor["deliver_time_interval"] == 5


async def test_the_create_time_lies_before_the_start() -> None:
    async with running(crowded()) as world:
        tasks = (await world.get(f"/connectors/{UUIDS[97]}/sink-tasks")).json["tasks"]
    start_ms = START.timestamp() * 1000
    assert {start_ms - task["create_time"] for task in tasks} == {40 * 86_400_000}


def described(operation: str) -> OAS31Validator:
    """A validator for the 200 answer of an operation of the description."""
    resource = DRAFT202012.create_resource(_DESCRIPTION)
    pointer = next(
        _pointer(path)
        for path, item in _DESCRIPTION["paths"].items()
        if item["get"]["operationId"] == operation
    )
    registry: Registry[Any] = Registry().with_resource("urn:dms", resource)
    return OAS31Validator({"$ref": f"urn:dms#{pointer}"}, registry=registry)


def _pointer(path: str) -> str:
    escaped = path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    return f"/paths/{escaped}/get/responses/200/content/application~1json/schema"


def calls(scenario: Scenario) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Operation, path and query of everything that the description knows of a scenario."""
    if scenario.instances:
        yield "listInstances", "/instances", {"engine": "kafka"}
    for instance in scenario.instances:
        here = f"/instances/{instance.instance_id}"
        yield "showInstance", here, {}
        yield "listInstanceTopics", f"{here}/topics", {}
        if not instance.connector_id:
            continue
        yield "listConnectorTasks", f"{here}/connector/tasks", {}
        for smart in instance.smart_tasks:
            yield "showConnectorTask", f"{here}/connector/tasks/{smart.task_id}", {}
        sinks = f"/connectors/{instance.connector_id}/sink-tasks"
        yield "listSinkTasks", sinks, {}
        for task in instance.tasks:
            yield "showSinkTask", f"{sinks}/{task.task_id}", {}
            yield "showSinkTask", f"{sinks}/{task.task_id}", {"topic-info": "true"}


@pytest.mark.parametrize("name", [*sorted(SCENARIOS), "fleet"])
async def test_every_good_answer_of_every_scenario_fits_the_description(name: str) -> None:
    scenario = fleet(16, 5) if name == "fleet" else SCENARIOS[name](1)
    validators = {operation: described(operation) for operation, _, _ in calls(scenario)}
    good = 0
    async with running(replace(scenario, weather=())) as world:
        for minutes in (0, 11, 30, 600):
            world.clock.now = START + timedelta(minutes=minutes)
            for operation, path, query in calls(scenario):
                answer = await world.get(path, **query)
                if answer.status == 200:
                    validators[operation].validate(answer.json)
                    good += 1
    assert good >= 4 * len(list(scenario.tasks()))


def test_the_description_would_notice_a_wrong_answer() -> None:
    validator = described("showSinkTask")
    partition = {"partition_id": 0, "last_transfer_offset": "3"}
    wrong = {"topics_info": [{"topic": "t", "partitions": [partition]}]}
    assert [error.message for error in validator.iter_errors(wrong)] == [
        "0 is not of type 'string'"
    ]
