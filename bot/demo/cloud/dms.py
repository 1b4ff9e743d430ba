"""The reading calls of DMS for Kafka that a monitor of dumping tasks needs.

Both generations are there: the dumping tasks of a connector, with offsets, and the Smart Connect
tasks of an instance, without. Pages are those of the stricter documents: at most 50 entries, 10
when not said, and an offset at or past the total is an error, not an empty page. (Kafka API
reference; the error's code is known from the vendor's Terraform provider.)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from aiohttp import web

from bot.demo.cloud import answers
from bot.demo.cloud.errors import (
    BAD_INSTANCE_ID,
    BAD_OFFSET,
    BAD_PARAMETER,
    BAD_TASK_ID,
    NO_CONNECTOR,
    NO_INSTANCE,
    NO_TASK,
    NO_TOPICS,
    Refused,
)
from bot.demo.cloud.gateway import CLOUD
from bot.demo.cloud.simulated import SimulatedCloud
from bot.demo.scenario import Instance, SmartTask, TaskState, TopicState

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_PAGE = 50
_PROJECT = "/v2/{project_id}"
_INSTANCE = _PROJECT + "/instances/{instance_id}"
_SINK_TASKS = _PROJECT + "/connectors/{connector_id}/sink-tasks"

_T = TypeVar("_T")


def routes() -> list[web.RouteDef]:
    """The calls; other methods of the same paths do not exist here."""
    return [
        web.get(_PROJECT + "/instances", _list_instances, allow_head=False),
        web.get(_INSTANCE, _show_instance, allow_head=False),
        web.get(_INSTANCE + "/topics", _list_topics, allow_head=False),
        web.get(_INSTANCE + "/management/topics/{topic}", _show_topic, allow_head=False),
        web.get(_INSTANCE + "/connector/tasks", _list_smart_tasks, allow_head=False),
        web.get(_INSTANCE + "/connector/tasks/{task_id}", _show_smart_task, allow_head=False),
        web.get(_SINK_TASKS, _list_sink_tasks, allow_head=False),
        web.get(_SINK_TASKS + "/{task_id}", _show_sink_task, allow_head=False),
    ]


async def _list_instances(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    if request.query.get("engine") != "kafka":
        raise Refused(BAD_PARAMETER)
    found = [each for each in cloud.scenario.instances if _wanted(each, request.query)]
    page = _page(found, request.query)
    entries = [answers.instance(each, started_at=cloud.started_at) for each in page]
    return web.json_response({"instances": entries, "instance_num": len(found)})


def _wanted(instance: Instance, query: Mapping[str, str]) -> bool:
    name, exact = query.get("name", ""), query.get("exact_match_name") == "true"
    return (
        (instance.name == name if exact and name else name in instance.name)
        and query.get("instance_id", instance.instance_id) == instance.instance_id
        and query.get("status", instance.status).upper() == instance.status
        and not (query.get("include_failure") == "false" and instance.status == "CREATEFAILED")
    )


async def _show_instance(request: web.Request) -> web.Response:
    instance = _instance(request)
    return web.json_response(answers.instance(instance, started_at=request.app[CLOUD].started_at))


async def _list_topics(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    topics = list(_topics(cloud, _instance(request)))
    page = _page(topics, request.query)
    used = sum(len(topic.partitions) for topic in topics)
    return web.json_response(
        {
            "total": len(topics),
            "size": len(page),
            "remain_partitions": max(0, 1000 - used),
            "max_partitions": 1000,
            "topic_max_partitions": 200,
            "topics": [answers.topic_entry(each, started_at=cloud.started_at) for each in page],
        }
    )


async def _show_topic(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    for topic in _topics(cloud, _instance(request)):
        if topic.name == request.match_info["topic"]:
            return web.json_response(answers.topic_partitions(topic, now=cloud.clock()))
    raise Refused(NO_TOPICS)


async def _list_smart_tasks(request: web.Request) -> web.Response:
    tasks = _smart_tasks(request)
    started_at = request.app[CLOUD].started_at
    page = _page(tasks, request.query)
    return web.json_response(
        {
            "tasks": [answers.smart_task(each, started_at=started_at) for each in page],
            "total_number": len(tasks),
            "max_tasks": 18,
            "quota_tasks": 18,
        }
    )


async def _show_smart_task(request: web.Request) -> web.Response:
    task_id = _task_id(request)
    for task in _smart_tasks(request):
        if task.task_id == task_id:
            started_at = request.app[CLOUD].started_at
            return web.json_response(answers.smart_task(task, started_at=started_at))
    raise Refused(NO_TASK)


async def _list_sink_tasks(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    states = cloud.states(_connected(request))
    return web.json_response(answers.sink_task_list(states, started_at=cloud.started_at))


async def _show_sink_task(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    instance, task_id = _connected(request), _task_id(request)
    return web.json_response(
        answers.sink_task_detail(
            _sink_task(cloud, instance, task_id),
            started_at=cloud.started_at,
            with_topics=request.query.get("topic-info", "false").lower() == "true",
        )
    )


def _sink_task(cloud: SimulatedCloud, instance: Instance, task_id: str) -> TaskState:
    for task in instance.tasks:
        if task.task_id == task_id and (state := cloud.state(task)) is not None:
            return state
    raise Refused(NO_TASK)


def _instance(request: web.Request) -> Instance:
    instance_id = request.match_info["instance_id"]
    if not _UUID.fullmatch(instance_id):
        raise Refused(BAD_INSTANCE_ID)
    for instance in request.app[CLOUD].scenario.instances:
        if instance.instance_id == instance_id:
            return instance
    raise Refused(NO_INSTANCE)


def _connected(request: web.Request) -> Instance:
    connector_id = request.match_info["connector_id"]
    for instance in request.app[CLOUD].scenario.instances:
        if instance.connector_id and instance.connector_id == connector_id:
            return instance
    raise Refused(NO_CONNECTOR)


def _task_id(request: web.Request) -> str:
    task_id = request.match_info["task_id"]
    if not _UUID.fullmatch(task_id):
        raise Refused(BAD_TASK_ID)
    return task_id


def _smart_tasks(request: web.Request) -> tuple[SmartTask, ...]:
    instance = _instance(request)
    if not instance.connector_id:
        raise Refused(NO_CONNECTOR)
    return instance.smart_tasks


def _topics(cloud: SimulatedCloud, instance: Instance) -> Iterator[TopicState]:
    for state in cloud.states(instance):
        yield from state.topics


def _page(entries: Sequence[_T], query: Mapping[str, str]) -> Sequence[_T]:
    offset, limit = (query.get(key, default) for key, default in (("offset", "0"), ("limit", "10")))
    if not (offset.isdecimal() and limit.isdecimal() and 1 <= int(limit) <= _LONGEST_PAGE):
        raise Refused(BAD_PARAMETER)
    start = int(offset)
    if start > 0 and start >= len(entries):
        raise Refused(BAD_OFFSET)
    return entries[start : start + int(limit)]
