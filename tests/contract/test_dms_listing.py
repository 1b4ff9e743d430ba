"""What an account shows of its dumping tasks: pages, scopes, and parts that refuse."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from bot.domain.model import TaskKey
from bot.ports import (
    CloudForbidden,
    CloudProtocolError,
    CloudTaskMissing,
    CloudUnavailable,
    ListedTask,
    Listing,
    Scope,
)
from tests.contract.dms_endpoint import (
    PROJECT,
    TASK,
    Arrived,
    Hasty,
    Said,
    dms_error,
    endpoint,
    said,
)

END_OF_PAGES = dms_error(400, "DMS.40050010", "Offset parameter is invalid.")


def an_instance(number: int, **changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "instance_id": f"instance-{number}",
        "name": f"kafka-{number}",
        "connector_id": f"connector-{number}",
        "status": "RUNNING",
    }
    return plain | changes


def a_task(name: str) -> dict[str, object]:
    return {"task_id": f"id-{name}", "task_name": name, "status": "RUNNING", "topics": "a,b"}


class Project:
    """Instances with their connectors' tasks; any answer can be exchanged."""

    def __init__(self, instances: Sequence[dict[str, object]], *, total: object = ...) -> None:
        self.instances = instances
        self.total = len(instances) if total is ... else total
        self.tasks: dict[str, Said] = {}
        self.smart: dict[str, Said] = {}
        self.beyond = END_OF_PAGES

    def __call__(self, arrived: Arrived) -> Said:
        parts = arrived.path.removeprefix(f"/v2/{PROJECT}/").split("/")
        match parts:
            case ["instances"]:
                return self._page(arrived)
            case ["instances", instance, "connector", "tasks"]:
                assert arrived.target.endswith("?limit=1&offset=0")
                return self.smart.get(instance, dms_error(404, "DMS.00404024"))
            case ["connectors", connector, "sink-tasks"]:
                name = connector.replace("connector", "task")
                return self.tasks.get(connector, said({"tasks": [a_task(name)]}))
            case _:
                return dms_error(404, "APIGW.0101")

    def _page(self, arrived: Arrived) -> Said:
        query = parse_qs(arrived.target.partition("?")[2])
        assert query["engine"] == ["kafka"]
        start, limit = int(query["offset"][0]), int(query["limit"][0])
        assert limit == 50
        if start and start >= len(self.instances):
            return self.beyond
        rows = list(self.instances[start : start + limit])
        return said(
            {"instances": rows} | ({} if self.total is None else {"instance_num": self.total})
        )


async def listing(
    project: Project, scope: Scope | None = None, *, smart_connect: bool = False
) -> Listing:
    async with endpoint(project) as cloud, cloud.client(jitter=Hasty()) as client:
        return await client.list_tasks(scope or Scope(), smart_connect=smart_connect)


def names(found: Listing) -> list[str]:
    return [task.task_name for task in found.tasks]


async def test_a_listed_task_says_where_it_lives() -> None:
    tags = [{"key": "team", "value": "orders"}, {"key": "bare"}, {"value": "no key"}]
    found = await listing(Project([an_instance(1, tags=tags)]))
    assert found == Listing(
        account="prod",
        tasks=(
            ListedTask(
                key=TaskKey("prod", "connector-1", "id-task-1"),
                task_name="task-1",
                status="RUNNING",
                topics_text="a,b",
                connector_id="connector-1",
                instance_id="instance-1",
                instance_name="kafka-1",
                instance_tags={"team": "orders", "bare": ""},
            ),
        ),
        instances=1,
        connectors=1,
    )


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 123])
@pytest.mark.parametrize("total", ["right", "absent", "too large"])
async def test_every_instance_of_every_page_is_found(count: int, total: str) -> None:
    said_total = {"right": count, "absent": None, "too large": count + 7}[total]
    project = Project([an_instance(number) for number in range(count)], total=said_total)
    found = await listing(project)
    assert found.instances == found.connectors == len(found.tasks) == count


async def test_no_page_is_asked_for_beyond_the_total() -> None:
    project = Project([an_instance(number) for number in range(100)])
    async with endpoint(project) as cloud, cloud.client() as client:
        await client.list_tasks(Scope(connectors=()))
    pages = [each for each in cloud.arrived if each.path.endswith("/instances")]
    assert [each.target.partition("?")[2] for each in pages] == [
        "engine=kafka&limit=50&offset=0",
        "engine=kafka&limit=50&offset=50",
    ]


async def test_pages_that_repeat_for_ever_come_to_an_end() -> None:
    project = Project([an_instance(number) for number in range(50)], total=10**9)
    project.beyond = said({"instances": [an_instance(n) for n in range(50)], "instance_num": 10**9})
    assert len((await listing(project)).tasks) == 50


async def test_an_instance_on_two_pages_is_one() -> None:
    rows = [an_instance(number) for number in range(50)] + [an_instance(49), an_instance(50)]
    assert (await listing(Project(rows))).instances == 51


@pytest.mark.parametrize("off", ["", None, ...])
async def test_an_instance_without_a_connector_has_no_tasks(off: object) -> None:
    row = an_instance(1, connector_id=off)
    if off is ...:
        del row["connector_id"]
    found = await listing(Project([row, an_instance(2)]))
    assert (found.instances, found.connectors, names(found)) == (2, 1, ["task-2"])


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (("*",), ["task-1", "task-2", "task-3"]),
        (("kafka-[12]",), ["task-1", "task-2"]),
        (("instance-3",), ["task-3"]),
        (("kafka-1", "instance-2"), ["task-1", "task-2"]),
        (("!kafka-1",), ["task-2", "task-3"]),
        (("KAFKA-1",), []),
    ],
)
async def test_instances_are_chosen_by_name_or_id(
    globs: tuple[str, ...], expected: list[str]
) -> None:
    project = Project([an_instance(number) for number in (1, 2, 3)])
    assert names(await listing(project, Scope(instances=globs))) == expected


async def test_given_connectors_are_asked_without_asking_for_instances() -> None:
    project = Project([])
    async with endpoint(project) as cloud, cloud.client() as client:
        found = await client.list_tasks(Scope(connectors=("connector-7",)), smart_connect=True)
    assert names(found) == ["task-7"]
    assert found.tasks[0].instance_id == ""
    assert found.smart_connect_tasks is None
    assert len(cloud.arrived) == 1


async def test_a_connector_that_fails_is_named_and_the_others_are_listed() -> None:
    project = Project([an_instance(number) for number in (1, 2, 3)])
    project.tasks["connector-2"] = dms_error(403, "DMS.00403003", "No rights.")
    found = await listing(project)
    assert names(found) == ["task-1", "task-3"]
    assert found.refused_ids == {"connector-2"}
    (refused,) = found.refused
    assert refused.startswith("connector connector-2 of instance kafka-2: HTTP 403 DMS.00403003")


async def test_the_tasks_of_a_connector_that_is_gone_are_gone_not_unknown() -> None:
    project = Project([an_instance(1), an_instance(2)])
    project.tasks["connector-2"] = dms_error(404, "DMS.00404024", "Connector does not exist.")
    found = await listing(project)
    assert len(found.refused) == 1
    assert found.refused_ids == frozenset()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (dms_error(403, "DMS.00403003"), CloudForbidden),
        (dms_error(404, "DMS.00404024"), CloudTaskMissing),
        (said(b"", 503), CloudUnavailable),
        (said({}), CloudProtocolError),
        (said({"tasks": None}), CloudProtocolError),
        (said({"tasks": [1]}), CloudProtocolError),
        (said({"tasks": [], "error_code": "X"}), CloudProtocolError),
        (said(b"<html>"), CloudProtocolError),
    ],
)
async def test_when_every_connector_fails_the_listing_fails(
    answer: Said, kind: type[Exception]
) -> None:
    project = Project([an_instance(1), an_instance(2)])
    project.tasks = {"connector-1": answer, "connector-2": answer}
    with pytest.raises(kind) as caught:
        await listing(project)
    assert type(caught.value) is kind
    assert getattr(caught.value, "account", None) == "prod"


@pytest.mark.parametrize(
    "empty", [{"tasks": []}, {"tasks": None, "total_number": 0}, {"total_number": 0}]
)
async def test_a_connector_without_tasks_has_none(empty: object) -> None:
    project = Project([an_instance(1)])
    project.tasks["connector-1"] = said(empty)
    found = await listing(project)
    assert (found.tasks, found.connectors, found.refused) == ((), 1, ())


@pytest.mark.parametrize("answer", [said({}), said({"instances": None}), said(b"x")])
async def test_an_answer_without_instances_is_a_failed_listing(answer: Said) -> None:
    async with endpoint(lambda _: answer) as cloud, cloud.client() as client:
        with pytest.raises(CloudProtocolError):
            await client.list_tasks(Scope())


@pytest.mark.parametrize("answer", [END_OF_PAGES, said({"instance_num": 0})])
async def test_an_account_without_instances_lists_nothing(answer: Said) -> None:
    async with endpoint(lambda _: answer) as cloud, cloud.client() as client:
        assert await client.list_tasks(Scope()) == Listing("prod", (), 0, 0)


@pytest.mark.parametrize("bare", [{}, {"task_id": ""}, {"task_id": None, "task_name": "lost"}])
async def test_a_task_without_an_id_cannot_be_watched_and_is_named(bare: object) -> None:
    project = Project([an_instance(1)])
    project.tasks["connector-1"] = said({"tasks": [bare, a_task("kept"), {"task_id": "only"}]})
    found = await listing(project)
    assert names(found) == ["kept", "only"]
    assert "has no task_id" in found.refused[0]
    assert found.refused_ids == {"connector-1"}


async def test_smart_connect_tasks_are_counted_where_they_can_be() -> None:
    project = Project([an_instance(number) for number in (1, 2, 3)])
    project.smart = {
        "instance-1": said({"tasks": [], "total_number": 3}),
        "instance-2": said({"total_number": "4"}),
        "instance-3": dms_error(403, "DMS.00403003"),
    }
    assert (await listing(project, smart_connect=True)).smart_connect_tasks == 7
    assert (await listing(project)).smart_connect_tasks is None


@pytest.mark.parametrize(
    "answer", [dms_error(404, "DMS.00404024"), dms_error(403, "X"), said({}), said(b"<")]
)
async def test_smart_connect_tasks_that_nobody_tells_are_unknown(answer: Said) -> None:
    project = Project([an_instance(1)])
    project.smart = {"instance-1": answer}
    found = await listing(project, smart_connect=True)
    assert found.smart_connect_tasks is None
    assert found.refused == ()
    assert names(found) == ["task-1"]


async def test_a_long_listing_leaves_room_for_polls() -> None:
    project = Project([an_instance(number) for number in range(40)])
    async with endpoint(project) as cloud, cloud.client(requests_per_second=100) as client:
        work = asyncio.create_task(client.list_tasks(Scope()))
        await cloud.until(6)
        with pytest.raises(CloudProtocolError):  # this project has no details
            await client.observe(TASK, budget=timedelta(seconds=5))
        position = [each.path.endswith("/task-1") for each in cloud.arrived].index(True)
        await work
    assert position <= 12
