"""What the simulated cloud was asked, for tests and for the demo's summary; no secrets in it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

_KEPT = 100_000


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request. `status` stays None until it is answered, for ever when the connection fell."""

    method: str
    path: str
    query: str
    at: datetime
    request_id: str
    authenticated_as: str | None = None
    status: int | None = None


@dataclass(slots=True)
class Journal:
    """The latest requests, oldest first, at most 100,000."""

    _asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_KEPT), repr=False)
    total: int = 0

    def add(self, asked: Asked) -> None:
        """Keep a request."""
        self._asked.append(asked)
        self.total += 1

    def matching(self, path: str = "*") -> list[Asked]:
        """Those whose path, without the query, fits the pattern."""
        return [asked for asked in self._asked if fnmatchcase(asked.path, path)]

    def clear(self) -> None:
        """Forget all; the total goes on counting."""
        self._asked.clear()

    def __iter__(self) -> Iterator[Asked]:
        return iter(tuple(self._asked))

    def __len__(self) -> int:
        return len(self._asked)
