"""The simulated project of the demo: a pure function of seed, elapsed time and speed.

`behaviours` and `weather` say what can befall tasks and the API, `world` is the scenario as a
value, `catalogue` holds the named ones, `simulation` tells the state of each task at a moment;
`layout`, `motion` and `seed` are its arithmetic.
"""

from bot.demo.scenario.catalogue import SCENARIOS, fleet, task_id_for
from bot.demo.scenario.simulation import PartitionState, Simulation, TaskState, TopicState
from bot.demo.scenario.world import (
    Instance,
    NoPosition,
    Scenario,
    SinkTask,
    SmartTask,
    Topic,
)

__all__ = [
    "SCENARIOS",
    "Instance",
    "NoPosition",
    "PartitionState",
    "Scenario",
    "Simulation",
    "SinkTask",
    "SmartTask",
    "TaskState",
    "Topic",
    "TopicState",
    "fleet",
    "task_id_for",
]
