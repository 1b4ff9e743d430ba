"""What an instance says of its topics: how long they keep messages, and where their logs begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from bot.adapters.dms.asking import Asker
from bot.adapters.dms.calls import PAGE_SIZE, Api
from bot.adapters.dms.errors import EndOfPages
from bot.adapters.dms.shapes import TopicListShape, TopicPartitionsShape, read
from bot.adapters.dms.wire import number_of
from bot.ports import CloudProtocolError

_MOST_PAGES = 200


class TopicReader:
    """Asks one account of topics. `deadline`s are on the loop's clock."""

    def __init__(self, api: Api, asker: Asker) -> None:
        self._api = api
        self._asker = asker

    async def retentions(self, instance_id: str, deadline: float) -> Mapping[str, timedelta]:
        """By topic; one without a retention is left out. Raises: CloudError."""
        found: dict[str, timedelta] = {}
        offset = 0
        for _ in range(_MOST_PAGES):
            page = await self._page(instance_id, offset, deadline)
            rows = page.topics or []
            found.update(_retentions(page))
            offset += len(rows)
            total = number_of(page.total)
            if len(rows) < PAGE_SIZE or (total is not None and offset >= total):
                break
        return found

    async def log_starts(self, instance_id: str, topic: str, deadline: float) -> Mapping[int, int]:
        """By partition; one whose numbers are unreadable is left out. Raises: CloudError."""
        call = self._api.topic(instance_id, topic)
        answer = await self._asker.ask(call, deadline, _read_partitions)
        pairs = (
            (number_of(row.get("partition")), number_of(row.get("lso")))
            for row in answer.partitions or ()
        )
        return {p: start for p, start in pairs if p is not None and start is not None}

    async def _page(self, instance_id: str, offset: int, deadline: float) -> TopicListShape:
        try:
            return await self._asker.ask(
                self._api.topics(instance_id, offset), deadline, _read_topics
            )
        except EndOfPages:
            return TopicListShape(topics=[])


def _retentions(page: TopicListShape) -> Iterator[tuple[str, timedelta]]:
    for row in page.topics or ():
        name, hours = row.get("name"), number_of(row.get("retention_time"))
        # 0 is in the documented range, and says nothing that a level could be held against.
        if name and hours:
            yield name, timedelta(hours=min(hours, 24 * 3660))


def _read_topics(body: bytes) -> TopicListShape:
    page = read(TopicListShape, body)
    if page.topics is None and number_of(page.total) != 0:
        raise CloudProtocolError("topics: absent from the answer")
    return page


def _read_partitions(body: bytes) -> TopicPartitionsShape:
    answer = read(TopicPartitionsShape, body)
    if answer.partitions is None:
        raise CloudProtocolError("partitions: absent from the answer")
    return answer
