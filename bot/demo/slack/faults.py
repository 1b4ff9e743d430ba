"""A script of what goes wrong: which calls of the simulator misbehave, how, and how often.

A fault names a method (or "*") and, if wanted, a channel; it lets `skip` calls pass, then strikes
`times` calls (None: all that follow). The first fault that fits a call strikes it. `accepted` says
whether the call is carried out before it misbehaves: a post that is accepted and then dropped
exists in the channel although its sender never learns so.

Over HTTP a fault is a JSON object with the same names, durations in seconds:

    {"kind": "error", "error": "is_archived", "method": "chat.postMessage", "channel": "C1",
     "times": 2, "skip": 0, "accepted": false, "retry_after_s": 30, "delay_s": 5}
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

ANY_METHOD = "*"


class FaultKind(Enum):
    """What the caller gets instead of an answer."""

    ERROR = "error"
    """The answer {"ok": false, "error": code}; `ratelimited` becomes HTTP 429 as in life."""
    RATE_LIMITED = "rate_limited"
    """HTTP 429 with Retry-After."""
    RATE_LIMITED_IN_200 = "rate_limited_200"
    """HTTP 200 with the error code rate_limited and no header."""
    DROP = "drop"
    """The connection is closed without a byte of answer."""
    HTML_503 = "html_503"
    """HTTP 503 with a page for people, as a load balancer sends it."""
    PLAIN_TEXT = "plain_text"
    """HTTP 200 with text/plain, as a proxy sends it."""
    BROKEN_JSON = "broken_json"
    """HTTP 200, application/json, cut in the middle."""
    SLOW = "slow"
    """The right answer, `delay_s` late."""
    HANG = "hang"
    """No answer at all until the caller gives up or the simulator stops."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script; see the module's text for what the fields mean."""

    kind: FaultKind
    method: str = ANY_METHOD
    channel: str | None = None
    error: str = "internal_error"
    times: int | None = 1
    skip: int = 0
    accepted: bool = False
    retry_after_s: int = 1
    delay_s: float = 1.0

    def fits(self, method: str, channel: str) -> bool:
        """Whether a call of this method on this channel is meant."""
        return self.method in (ANY_METHOD, method) and self.channel in (None, channel)


class _Line:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.struck = 0

    def strikes(self) -> bool:
        """Count one fitting call; whether it is struck."""
        self.seen += 1
        if self.seen <= self.fault.skip:
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times


class SlackFaults:
    """The script in force. Lines are added while the simulator runs and vanish when spent."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def add(self, fault: Fault) -> None:
        """Add a line at the end of the script."""
        self._lines.append(_Line(fault))

    def clear(self) -> None:
        """Everything works again."""
        self._lines.clear()

    def take(self, method: str, channel: str) -> Fault | None:
        """The fault that strikes this call, counted; None when it may pass unharmed."""
        for line in self._lines:
            if not line.spent and line.fault.fits(method, channel) and line.strikes():
                self._lines = [kept for kept in self._lines if not kept.spent]
                return line.fault
        return None

    def script(self) -> list[dict[str, object]]:
        """The lines still in force, each with how often it struck, as plain values."""
        return [_written(line) for line in self._lines]


def _written(line: _Line) -> dict[str, object]:
    fields: dict[str, object] = dataclasses.asdict(line.fault)
    return {**fields, "kind": line.fault.kind.value, "struck": line.struck}


_TYPES: Mapping[str, tuple[type, ...]] = {
    "method": (str,),
    "channel": (str, type(None)),
    "error": (str,),
    "times": (int, type(None)),
    "skip": (int,),
    "accepted": (bool,),
    "retry_after_s": (int,),
    "delay_s": (int, float),
}


def read_fault(wire: Mapping[str, object]) -> Fault:
    """A fault from its JSON form. Raises: ValueError with what is wrong and what would be right."""
    kind = _read_kind(wire.get("kind"))
    fields = {name: value for name, value in wire.items() if name != "kind"}
    for name, value in fields.items():
        _check_field(name, value)
    return dataclasses.replace(Fault(kind), **fields)  # type: ignore[arg-type] # checked above


def _read_kind(value: object) -> FaultKind:
    try:
        return FaultKind(value)
    except ValueError as error:
        known = ", ".join(kind.value for kind in FaultKind)
        raise ValueError(f"kind: {value!r} is none of {known}") from error


def _check_field(name: str, value: object) -> None:
    types = _TYPES.get(name)
    if types is None:
        raise ValueError(f"{name}: no such field; there are kind, {', '.join(_TYPES)}")
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join("null" if t is type(None) else t.__name__ for t in types)
        raise ValueError(f"{name}: {value!r} is not {wanted}")
