"""The named scenarios of the demo, and fleets of any size.

`default` is a newcomer's tour at speed 60, where one minute below passes in one second: about four
seconds after the start the task `orders` stalls while its traffic surges, its lag passes 100,000
and then 1,000,000 messages per partition, and some eighteen seconds after the start it has caught
up. Healthy partitions stay below 80,000, so that only what is meant to be seen is seen. Later
minutes bring other troubles, and four real minutes after the start the round begins again.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.demo.scenario.behaviours import (
    Behaviour,
    Created,
    Deleted,
    Failed,
    HotPartition,
    IdleTail,
    NotYetTransferred,
    PartitionGrowth,
    Paused,
    Recreated,
    Says,
    SlowSink,
    Stall,
    Surge,
    TopicGrowth,
    Window,
)
from bot.demo.scenario.seed import between, chance, hex_for, uuid_for
from bot.demo.scenario.weather import Outage, Restraint, Revocation, Slowness, Throttling, Weather
from bot.demo.scenario.world import (
    VENDOR_PROJECT,
    Instance,
    NoPosition,
    Scenario,
    SinkTask,
    SmartTask,
    Topic,
)

VENDOR_CONNECTOR = "11111111-2222-3333-4444-555555555555"
VENDOR_TASK = "66666666-7777-8888-9999-000000000000"

_ROUND_MINUTES = 240
_TASKS_PER_CONNECTOR = 15
_INTERVALS_SECONDS = (30, 60, 120, 300, 600, 900)


def _minutes(start: float, end: float | None = None, *, again: bool = False) -> Window:
    return Window(
        timedelta(minutes=start),
        None if end is None else timedelta(minutes=end),
        timedelta(minutes=_ROUND_MINUTES) if again else None,
    )


def task_id_for(seed: int, name: str) -> str:
    """The id that the named scenarios give to a task of that name."""
    return uuid_for(seed, "task", name)


def _task(seed: int, name: str, shape: tuple[int, int, float], *behaviours: Behaviour) -> SinkTask:
    """`shape`: delivery interval in seconds, partitions, messages per second over all of them."""
    seconds, partitions, rate = shape
    return SinkTask(
        task_id=task_id_for(seed, name),
        name=name,
        topics=(Topic(name, partitions, rate),),
        deliver_every=timedelta(seconds=seconds),
        behaviours=behaviours,
        path=f"dumps/{name}",
        age=timedelta(days=between(20, 400, seed=seed, words=("age", name))),
    )


def _instance(
    seed: int, name: str, tasks: tuple[SinkTask, ...], *smart: SmartTask, team: str = "shop"
) -> Instance:
    return Instance(
        instance_id=uuid_for(seed, "instance", name),
        name=name,
        connector_id=uuid_for(seed, "connector", name) if tasks else "",
        tasks=tasks,
        smart_tasks=smart,
        tags=(("team", team),),
    )


def _smart(seed: int, name: str, *, replicates: bool = False) -> SmartTask:
    return SmartTask(
        task_id=uuid_for(seed, "smart", name),
        name=name,
        topics=None if replicates else name,
        topics_regex=f"{name}.*" if replicates else None,
        status="WAITING" if replicates else "RUNNING",
        replicates=replicates,
    )


def _shop(seed: int) -> tuple[SinkTask, ...]:
    surge = Surge(_minutes(4, 12, again=True), factor=16)
    stall = Stall(_minutes(4, 13, again=True), catch_up=4)
    hot = HotPartition(_minutes(60, 85, again=True), partition=4, factor=40)
    return (
        _task(seed, "orders", (60, 3, 900), surge, stall),
        _task(seed, "payments", (120, 6, 300), hot),
        _task(seed, "carts", (30, 4, 400)),
        _task(seed, "invoices", (900, 2, 12), IdleTail(timedelta(hours=-6), left=3)),
        _task(seed, "product-views", (300, 12, 400)),
        _task(seed, "search-queries", (300, 8, 250)),
    )


def _telemetry(seed: int) -> tuple[SinkTask, ...]:
    slow = SlowSink(_minutes(110, 150, again=True), share=0.3, catch_up=2)
    failed = Failed(_minutes(165, 190, again=True), partitions=(1,))
    stall = Stall(_minutes(200, 222, again=True), catch_up=2)
    return (
        _task(seed, "clickstream", (300, 24, 500), slow),
        _task(seed, "device-metrics", (180, 12, 300)),
        _task(seed, "audit-log", (600, 3, 20), failed),
        _task(seed, "legacy-export", (300, 3, 6), Paused(_minutes(-180))),
        _task(seed, "mail-events", (240, 4, 80), stall),
        _task(seed, "returns", (300, 6, 40), NotYetTransferred(partitions=(2, 5))),
    )


def _default(seed: int) -> Scenario:
    edge = _smart(seed, "edge", replicates=True)
    return Scenario(
        name="default",
        seed=seed,
        instances=(
            _instance(seed, "kafka-shop", _shop(seed), _smart(seed, "stock-levels")),
            _instance(seed, "kafka-telemetry", _telemetry(seed), edge, team="telemetry"),
            _instance(seed, "kafka-sandbox", ()),
        ),
    )


def fleet(n_tasks: int, partitions: int = 3, seed: int = 1) -> Scenario:
    """A healthy fleet of `n_tasks` tasks with one topic of `partitions` each.

    Fifteen tasks share a connector, and every ninth instance has dumping disabled.
    """
    tasks = [_fleet_task(seed, number, partitions) for number in range(n_tasks)]
    return Scenario(
        name="fleet",
        seed=seed,
        project_id=hex_for(seed, "project", n_tasks, partitions),
        instances=tuple(_fleet_instances(seed, tasks)),
    )


def _fleet_task(seed: int, number: int, partitions: int) -> SinkTask:
    name = f"dump-{number:05d}"
    interval = _INTERVALS_SECONDS[int(chance(seed, "D", name) * len(_INTERVALS_SECONDS))]
    per_partition = between(5, 60, seed=seed, words=("load", name))
    return _task(seed, name, (interval, partitions, per_partition * partitions))


def _fleet_instances(seed: int, tasks: list[SinkTask]) -> Iterator[Instance]:
    for number, first in enumerate(range(0, len(tasks), _TASKS_PER_CONNECTOR)):
        if number % 8 == 7:
            yield _instance(seed, f"kafka-idle-{number:04d}", ())
        share = tuple(tasks[first : first + _TASKS_PER_CONNECTOR])
        yield _instance(seed, f"kafka-{number:04d}", share)


def _quiet_world(seed: int, *, name: str, weather: tuple[Weather, ...] = ()) -> Scenario:
    """Ten healthy tasks, and whatever the API suffers."""
    world = fleet(10, 4, seed)
    return Scenario(name=name, seed=seed, instances=world.instances, weather=weather)


def _storm(seed: int) -> Scenario:
    """Fourteen of twenty-four tasks fail at once and come back together."""
    world = fleet(24, 3, seed)
    scenario = Scenario(name="storm", seed=seed, instances=world.instances)
    for task in list(world.tasks())[:14]:
        scenario = scenario.with_behaviour(task.task_id, Failed(_minutes(6, 25)))
    return scenario


def _vendor(seed: int) -> Scenario:
    """One task, with the answer of the vendor's page "Querying a Dumping Task"."""
    task = SinkTask(
        task_id=VENDOR_TASK,
        name="obsTransfer-56997523",
        topics=(Topic("topic-sdk-no-delete", 3, 0.0, first_offset=3),),
        strategy="earliest",
        bucket="testobs",
        path="obsTransfer-56997523",
        created_at_ms=1628126621283,
    )
    instance = Instance(
        instance_id=uuid_for(seed, "instance", "vendor"),
        name="kafka-vendor",
        connector_id=VENDOR_CONNECTOR,
        tasks=(task,),
    )
    return Scenario(name="vendor", seed=seed, project_id=VENDOR_PROJECT, instances=(instance,))


def _everything(seed: int) -> Scenario:
    """One task for each behaviour, for tests and for looking at."""
    at = timedelta(minutes=10)
    span = _minutes(10, 40)
    befalls: tuple[tuple[Behaviour, ...], ...] = (
        (),
        (Stall(span),),
        (Stall(span, partitions=(1,)),),
        (SlowSink(span),),
        (Surge(span),),
        (HotPartition(span),),
        (Paused(span),),
        (Failed(span),),
        (Failed(span, partitions=(0, 2)),),
        (Says(span, "REBALANCING", "UNASSIGNED"),),
        (IdleTail(at, left=40),),
        (NotYetTransferred(),),
        (NotYetTransferred(until=at, log_still=False),),
        (Recreated(at),),
        (Recreated(at, keeps_position=True),),
        (PartitionGrowth(at, 2),),
        (TopicGrowth(at),),
        (Deleted(at),),
        (Created(at),),
    )
    tasks = tuple(
        _with_no_position(
            _task(seed, f"{number:02d}-{_label(each)}", (120, 4, 200), *each),
            spelling=_SPELLINGS[number % len(_SPELLINGS)],
        )
        for number, each in enumerate(befalls)
    )
    instance = _instance(seed, "kafka-everything", tasks, _smart(seed, "plain"))
    return Scenario(name="everything", seed=seed, instances=(instance,))


_SPELLINGS = (NoPosition.DASH, NoPosition.ABSENT, NoPosition.MINUS_ONE, NoPosition.EMPTY)


def _label(behaviours: tuple[Behaviour, ...]) -> str:
    return behaviours[0].kind.replace("_", "-") if behaviours else "steady"


def _with_no_position(task: SinkTask, *, spelling: NoPosition) -> SinkTask:
    growing = any(isinstance(each, TopicGrowth) for each in task.behaviours)
    return replace(
        task, no_position=spelling, topics_regex=f"{task.name}|grown" if growing else None
    )


SCENARIOS: dict[str, Callable[[int], Scenario]] = {
    "default": _default,
    "healthy": partial(_quiet_world, name="healthy"),
    "storm": _storm,
    "outage": partial(_quiet_world, name="outage", weather=(Outage(_minutes(10, 25)),)),
    "throttled": partial(
        _quiet_world,
        name="throttled",
        weather=(
            Throttling(_minutes(10, 14)),
            Throttling(_minutes(30, 34), Restraint.FLOW_CONTROL),
        ),
    ),
    "slow": partial(_quiet_world, name="slow", weather=(Slowness(_minutes(10, 40)),)),
    "denied": partial(_quiet_world, name="denied", weather=(Revocation(_minutes(10, 40)),)),
    "vendor": _vendor,
    "everything": _everything,
}
"""Each makes its world from a seed."""
