"""What the API itself suffers in a scenario, whatever its tasks do: values over scenario time."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.demo.scenario.behaviours import Window


class Breakdown(StrEnum):
    """How an outage looks from outside."""

    UNAVAILABLE = "unavailable"
    """The service's own error, HTTP 500."""
    BAD_GATEWAY = "bad_gateway"
    """A page of HTML from something in between, HTTP 502."""
    DROPPED = "dropped"
    """The connection is closed without an answer."""


class Restraint(StrEnum):
    """The two ways in which too many requests are refused."""

    GATEWAY = "gateway"
    """HTTP 429 with APIGW.0308 and the limit in the message."""
    FLOW_CONTROL = "flow_control"
    """HTTP 404 with DMS.10240407."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing is answered."""

    window: Window
    breakdown: Breakdown = Breakdown.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Throttling:
    """All requests are refused for being too many."""

    window: Window
    restraint: Restraint = Restraint.GATEWAY


@dataclass(frozen=True, slots=True)
class Slowness:
    """Each answer takes `delay` of scenario time longer."""

    window: Window
    delay: timedelta = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The access keys, the password and all tokens stop being accepted."""

    window: Window


Weather = Outage | Throttling | Slowness | Revocation
