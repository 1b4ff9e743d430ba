"""Faults on demand: which requests, how often, how long, and what goes wrong with them.

Faults are asked in the order in which they were programmed; the first that fits a request and is
not used up has it. So two faults of one path, each `times=1`, befall two requests after each other.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from bot.demo.cloud.errors import Shape
from bot.demo.scenario.weather import Restraint


@dataclass(frozen=True, slots=True)
class Reply:
    """An error instead of the answer, in any shape."""

    status: int = 503
    code: str = "DMS.00500000"
    message: str = "Internal service error."
    shape: Shape = Shape.DMS
    headers: tuple[tuple[str, str], ...] = ()
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True)
class Raw:
    """Any text instead of the answer."""

    body: str
    status: int = 200
    content_type: str = "application/json"
    kind: Literal["raw"] = "raw"


@dataclass(frozen=True, slots=True)
class Throttle:
    """Too many requests, in one of the two forms; `retry_after` is the header's value."""

    restraint: Restraint = Restraint.GATEWAY
    limit: int = 200
    per: str = "1 second"
    policy: str = "user"
    retry_after: str | None = None
    kind: Literal["throttle"] = "throttle"


@dataclass(frozen=True, slots=True)
class Slow:
    """The right answer, late."""

    seconds: float = 1.0
    kind: Literal["slow"] = "slow"


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for as long as the client waits."""

    kind: Literal["hang"] = "hang"


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed: without an answer, or after so many bytes of the body."""

    after_bytes: int | None = None
    kind: Literal["drop"] = "drop"


@dataclass(frozen=True, slots=True)
class Truncate:
    """A complete answer whose JSON ends after a share of its bytes."""

    share: float = 0.5
    kind: Literal["truncate"] = "truncate"


@dataclass(frozen=True, slots=True)
class Charset:
    """The right answer in another encoding than its header says."""

    encoding: str = "utf-16"
    declared: str = "utf-8"
    kind: Literal["charset"] = "charset"


@dataclass(frozen=True, slots=True)
class Huge:
    """A body that grows to so many bytes, with or without saying its length beforehand."""

    size_bytes: int = 50_000_000
    declares_length: bool = False
    kind: Literal["huge"] = "huge"


@dataclass(frozen=True, slots=True)
class Edit:
    """The right answer with one value changed or removed, named by a JSON pointer (RFC 6901).

    An answer without that place stays as it is.
    """

    pointer: str
    value: object = None
    remove: bool = False
    kind: Literal["edit"] = "edit"


Misdeed = Reply | Raw | Throttle | Slow | Hang | Drop | Truncate | Charset | Huge | Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A misdeed and the requests it befalls.

    `path` is a pattern for the path without its query. `times` and `seconds` (of real time, from
    its programming on) limit it; None means for ever.
    """

    does: Misdeed
    path: str = "*"
    method: str = "*"
    times: int | None = None
    seconds: float | None = None

    def fits(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


def of_task(task_id: str) -> str:
    """The path pattern for the detail of one dumping task."""
    return f"/v2/*/connectors/*/sink-tasks/{task_id}"


@dataclass(slots=True)
class _Programmed:
    fault: Fault
    until: datetime | None
    left: int | None

    def spent(self, now: datetime) -> bool:
        return self.left == 0 or (self.until is not None and now >= self.until)


@dataclass(slots=True)
class Faults:
    """The faults that are programmed now."""

    clock: Callable[[], datetime]
    _programmed: list[_Programmed] = field(default_factory=list)

    def program(self, *faults: Fault) -> None:
        """Let these befall requests from now on, after those programmed before."""
        for fault in faults:
            until = None
            if fault.seconds is not None:
                until = self.clock() + timedelta(seconds=fault.seconds)
            self._programmed.append(_Programmed(fault, until, fault.times))

    def clear(self) -> None:
        """Let everything go well again."""
        self._programmed.clear()

    def live(self) -> tuple[Fault, ...]:
        """Those that can still befall a request."""
        now = self.clock()
        return tuple(each.fault for each in self._programmed if not each.spent(now))

    def take(self, method: str, path: str) -> Misdeed | None:
        """What befalls this request; counts as one time."""
        now = self.clock()
        self._programmed = [each for each in self._programmed if not each.spent(now)]
        for each in self._programmed:
            if each.fault.fits(method, path):
                if each.left is not None:
                    each.left -= 1
                return each.fault.does
        return None


def edited(body: bytes, edit: Edit) -> bytes:
    """The JSON body with one value changed or removed."""
    document = json.loads(body)
    keys = [key.replace("~1", "/").replace("~0", "~") for key in edit.pointer.split("/")[1:]]
    if not keys:
        return json.dumps(edit.value).encode()
    try:
        _edit(document, keys, edit)
    except (LookupError, TypeError, ValueError):
        return body
    return json.dumps(document).encode()


def _edit(document: object, keys: list[str], edit: Edit) -> None:
    for key in keys[:-1]:
        document = document[int(key)] if isinstance(document, list) else _member(document, key)
    match document:
        case list() if edit.remove:
            del document[int(keys[-1])]
        case list() if keys[-1] == "-":
            document.append(edit.value)
        case list():
            document[int(keys[-1])] = edit.value
        case dict() if edit.remove:
            del document[keys[-1]]
        case dict():
            document[keys[-1]] = edit.value
        case _:
            raise TypeError


def _member(document: object, key: str) -> object:
    if not isinstance(document, dict):
        raise TypeError
    return document[key]
