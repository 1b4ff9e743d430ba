"""The simulated cloud without its HTTP: a scenario, an account, faults, and a clock.

This is also the control surface for whoever runs it: program `faults`, read the `journal`, let a
task be befallen by something from now on, take the credentials away, rotate the temporary keys.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.demo.cloud.faults import Faults
from bot.demo.cloud.iam import Iam, Tenant
from bot.demo.cloud.journal import Journal
from bot.demo.cloud.metadata import Metadata, MetadataForm
from bot.demo.scenario import Instance, Scenario, Simulation, SinkTask, TaskState
from bot.demo.scenario.behaviours import Behaviour, postponed
from bot.demo.scenario.weather import Revocation, Weather

Clock = Callable[[], datetime]


def steady_clock() -> Clock:
    """A clock that starts at the wall's time and then runs evenly, whatever the wall's does."""
    wall, steady = datetime.now(UTC), time.monotonic()
    return lambda: wall + timedelta(seconds=time.monotonic() - steady)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the provider grants. `requests_per_second` None: as many as one likes."""

    requests_per_second: int | None = None
    token_lifetime: timedelta = timedelta(hours=24)
    key_lifetime: timedelta = timedelta(hours=24)
    metadata: MetadataForm = MetadataForm.OPEN
    metadata_put_status: int = 404


@dataclass(slots=True)
class _Second:
    """How many requests were admitted in the current second."""

    number: int = -1
    admitted: int = 0


@dataclass(slots=True)
class SimulatedCloud:
    """One project of one account. All moments are of `clock`; elapsed time starts with it."""

    scenario: Scenario
    clock: Clock = field(default_factory=steady_clock)
    speed: float = 1.0
    tenant: Tenant = field(default_factory=Tenant)
    terms: Terms = field(default_factory=Terms)
    journal: Journal = field(default_factory=Journal)
    credentials_revoked: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: datetime = field(init=False)
    simulation: Simulation = field(init=False)
    faults: Faults = field(init=False)
    iam: Iam = field(init=False)
    metadata: Metadata = field(init=False)
    requests_per_second: int | None = field(init=False)
    _second: _Second = field(init=False, default_factory=_Second)

    def __post_init__(self) -> None:
        self.started_at = self.clock()
        self.simulation = Simulation(self.scenario, self.speed)
        self.faults = Faults(self.clock)
        self.requests_per_second = self.terms.requests_per_second
        self.iam = Iam(
            tenant=self.tenant,
            project_id=self.scenario.project_id,
            clock=self.clock,
            token_lifetime=self.terms.token_lifetime,
        )
        self.metadata = Metadata(
            clock=self.clock,
            form=self.terms.metadata,
            put_status=self.terms.metadata_put_status,
            key_lifetime=self.terms.key_lifetime,
        )

    def elapsed(self) -> timedelta:
        """Real time since the start."""
        return self.clock() - self.started_at

    def weather(self) -> tuple[Weather, ...]:
        """What the API suffers now, by the scenario."""
        return self.simulation.weather(self.elapsed())

    def revoked(self) -> bool:
        """Whether no credentials are accepted now."""
        if self.credentials_revoked:
            return True
        return any(isinstance(each, Revocation) for each in self.weather())

    def state(self, task: SinkTask) -> TaskState | None:
        """A task now; None when it does not exist."""
        return self.simulation.state(task, self.elapsed())

    def states(self, instance: Instance) -> list[TaskState]:
        """The tasks of an instance that exist now."""
        found = (self.state(task) for task in instance.tasks)
        return [state for state in found if state is not None]

    def task_id(self, name: str) -> str:
        """The id of the task of that name.

        Raises:
            KeyError: there is none.
        """
        for task in self.scenario.tasks():
            if task.name == name:
                return task.task_id
        raise KeyError(name)

    def befall(self, task_id: str, behaviour: Behaviour, *, from_now: bool = True) -> None:
        """Let something happen to a task; with `from_now` its times count from this moment on.

        Raises:
            KeyError: there is no such task.
        """
        if from_now:
            behaviour = postponed(behaviour, self.simulation.scenario_time(self.elapsed()))
        self._become(self.scenario.with_behaviour(task_id, behaviour))

    def relieve(self, task_id: str) -> None:
        """End now whatever of a task lasts for a time; a backlog goes as its behaviour says.

        Raises:
            KeyError: there is no such task.
        """
        now = self.simulation.scenario_time(self.elapsed())
        self._become(self.scenario.relieved(task_id, now))

    def admit(self) -> bool:
        """Whether the rate limit lets one more request through in this second."""
        if self.requests_per_second is None:
            return True
        number = int(self.elapsed().total_seconds())
        if number != self._second.number:
            self._second = _Second(number)
        if self._second.admitted >= self.requests_per_second:
            return False
        self._second.admitted += 1
        return True

    def _become(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.simulation = Simulation(scenario, self.speed)
