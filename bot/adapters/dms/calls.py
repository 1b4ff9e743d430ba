"""The requests of a monitor: what is asked, prepared once and sent many times.

The text that is signed and the text on the wire are made by one function, and the URL is built as
already encoded, because aiohttp would otherwise write a space as `+` and undo %2F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from bot.adapters.dms.signing import QueryValue, Seal, request_target

PAGE_SIZE = 50
"""The most a page of instances may have (Kafka API reference, "Listing All Instances")."""


@dataclass(frozen=True, slots=True)
class Call:
    """One GET. `seal` is its signature but for the date."""

    url: URL
    seal: Seal


class Api:
    """The addresses of one account's calls."""

    def __init__(self, endpoint: str, project_id: str) -> None:
        """`endpoint` is scheme, host and port; a path in it is kept."""
        url = URL(endpoint)
        self._origin = str(url.origin())
        self._host = url.host_port_subcomponent or ""
        self._base = f"{url.path.rstrip('/')}/v2/{_segment(project_id)}"
        self._project_id = project_id

    def sink_task(self, connector_id: str, task_id: str) -> Call:
        """ShowSinkTaskDetail, with offsets and lag of every partition."""
        path = f"/connectors/{_segment(connector_id)}/sink-tasks/{_segment(task_id)}"
        return self._call(path, [("topic-info", "true")])

    def sink_tasks(self, connector_id: str) -> Call:
        """ListSinkTasks: all tasks of a connector, without pages."""
        return self._call(f"/connectors/{_segment(connector_id)}/sink-tasks")

    def instances(self, offset: int) -> Call:
        """ListInstances: one page, from the offset on."""
        query = [("engine", "kafka"), ("limit", str(PAGE_SIZE)), ("offset", str(offset))]
        return self._call("/instances", query)

    def topics(self, instance_id: str, offset: int) -> Call:
        """ListInstanceTopics: one page, from the offset on."""
        path = f"/instances/{_segment(instance_id)}/topics"
        return self._call(path, [("limit", str(PAGE_SIZE)), ("offset", str(offset))])

    def topic(self, instance_id: str, topic: str) -> Call:
        """ShowInstanceTopicDetail: the partitions of a topic, with where their logs begin."""
        return self._call(f"/instances/{_segment(instance_id)}/management/topics/{_segment(topic)}")

    def smart_connect_tasks(self, instance_id: str) -> Call:
        """ListConnectorTasks, asked only for its total."""
        path = f"/instances/{_segment(instance_id)}/connector/tasks"
        return self._call(path, [("limit", "1"), ("offset", "0")])

    def _call(self, path: str, query: Sequence[tuple[str, QueryValue]] = ()) -> Call:
        target = request_target(self._base + path, query)
        url = URL(self._origin + target, encoded=True)
        return Call(url, Seal(self._host, target, self._project_id))


def _segment(text: str) -> str:
    return quote(text, safe="")
