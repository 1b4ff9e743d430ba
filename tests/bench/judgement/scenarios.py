"""What is played: traffic, fault and noise, and in which settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.bench.judgement.intake import Traffic

DELIVERIES_S = (30, 300, 900)
PARTITIONS = 6


class Fault(StrEnum):
    """What goes wrong, or merely looks so."""

    NONE = "healthy"
    STOP = "full stop"
    SLOW_SINK = "80 % sink"
    HOT_PARTITION = "hot partition"
    RECREATED = "re-created topic"
    POSITION_KEPT = "re-created topic, position kept"
    SKIPPED = "3 % of flushes skipped"
    LOST_POLLS = "20 % of polls lost"
    OUTAGES = "API outages"
    GROWTH = "partition growth"
    PAUSED = "paused"

    @property
    def harmless(self) -> bool:
        """Whether nobody should be told of lag."""
        return self not in {
            Fault.STOP,
            Fault.SLOW_SINK,
            Fault.HOT_PARTITION,
            Fault.RECREATED,
            Fault.POSITION_KEPT,
        }


@dataclass(frozen=True, slots=True)
class Scenario:
    """A traffic and what happens to it."""

    fault: Fault
    traffic: Traffic

    @property
    def name(self) -> str:
        """What people type and read."""
        return f"{self.fault}, {self.traffic}"


@dataclass(frozen=True, slots=True)
class Setting:
    """In which a scenario is played."""

    delivery_s: int
    """D."""
    ticks: bool
    """Whether positions are committed on the 60 s tick, instead of at the upload."""
    seed: int
    partitions: int = PARTITIONS


def _scenarios() -> tuple[Scenario, ...]:
    everywhere = (Fault.NONE, Fault.STOP)
    on_some = (Fault.SKIPPED, Fault.LOST_POLLS, Fault.OUTAGES)
    steady_only = (
        Fault.HOT_PARTITION,
        Fault.RECREATED,
        Fault.POSITION_KEPT,
        Fault.GROWTH,
        Fault.PAUSED,
    )
    return (
        *(Scenario(fault, traffic) for fault in everywhere for traffic in Traffic),
        *(Scenario(Fault.SLOW_SINK, traffic) for traffic in (Traffic.STEADY, Traffic.WAVE)),
        *(Scenario(f, traffic) for f in on_some for traffic in (Traffic.STEADY, Traffic.SPARSE)),
        *(Scenario(fault, Traffic.STEADY) for fault in steady_only),
    )


SCENARIOS = _scenarios()
