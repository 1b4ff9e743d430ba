"""The simulated tasks: what can be relied on, whatever the seed and the moment."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.demo import SHOWN
from bot.demo.scenario import (
    SCENARIOS,
    PartitionState,
    Scenario,
    Simulation,
    SinkTask,
    TaskState,
    Topic,
    fleet,
)
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
    ended,
    postponed,
)
from bot.demo.scenario.motion import Hindrance
from bot.demo.scenario.weather import Outage
from bot.demo.scenario.world import Instance

INTERVAL = timedelta(seconds=300)
SLACK = timedelta(seconds=10)
"""More than the longest upload and the swing of a delivery."""


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def world(*behaviours: Behaviour, seed: int = 1, topic: Topic | None = None) -> Simulation:
    task = SinkTask(
        task_id="66666666-7777-8888-9999-000000000000",
        name="orders",
        topics=(topic or Topic("orders", 4, 400.0),),
        deliver_every=INTERVAL,
        behaviours=behaviours,
    )
    instance = Instance(instance_id="i", name="kafka", connector_id="c", tasks=(task,))
    return Simulation(Scenario(name="test", seed=seed, instances=(instance,)))


def task_of(simulation: Simulation) -> SinkTask:
    return next(simulation.scenario.tasks())


def state(simulation: Simulation, at: timedelta) -> TaskState:
    found = simulation.state(task_of(simulation), at)
    assert found is not None
    return found


def partitions(simulation: Simulation, at: timedelta) -> tuple[PartitionState, ...]:
    return state(simulation, at).topics[0].partitions


def partition(simulation: Simulation, at: timedelta, number: int = 0) -> PartitionState:
    return next(p for p in partitions(simulation, at) if p.partition == number)


def position(simulation: Simulation, at: timedelta, number: int = 0) -> int:
    transferred = partition(simulation, at, number).transferred
    assert transferred is not None
    return transferred


def lags(simulation: Simulation, start: timedelta, end: timedelta) -> list[int]:
    found = []
    while start < end:
        found.append(partition(simulation, start).lag or 0)
        start += seconds(5)
    return found


windows = st.builds(
    lambda start, length: Window(minutes(start), minutes(start + length)),
    st.integers(0, 120),
    st.integers(1, 60),
)
shares = st.floats(0, 1)
catch_ups = st.integers(1, 6)
some_partitions = st.none() | st.sets(st.integers(0, 3)).map(tuple)
hindrances: st.SearchStrategy[Behaviour] = st.one_of(
    st.builds(Stall, windows, some_partitions, catch_ups),
    st.builds(SlowSink, windows, shares, some_partitions, catch_ups),
    st.builds(HotPartition, windows, st.integers(0, 3), st.floats(1, 50), shares, catch_ups),
    st.builds(Paused, windows, catch_ups),
    st.builds(Failed, windows, some_partitions, catch_ups),
)
calm: st.SearchStrategy[Behaviour] = st.one_of(
    hindrances,
    st.builds(Surge, windows, st.floats(0.75, 20), some_partitions),
    st.builds(IdleTail, st.integers(-60, 120).map(minutes), st.integers(0, 50)),
    st.builds(
        NotYetTransferred,
        some_partitions,
        st.none() | st.integers(0, 90).map(minutes),
        st.booleans(),
    ),
    st.builds(PartitionGrowth, st.integers(0, 90).map(minutes), st.integers(1, 4)),
    st.builds(TopicGrowth, st.integers(0, 90).map(minutes)),
)
moments = st.floats(0, 4 * 3600).map(seconds)
seeds = st.integers(0, 10_000)


@given(seed=seeds, behaviours=st.lists(calm, max_size=4), at=moments, later=moments)
def test_offsets_never_fall_and_the_dump_never_runs_ahead_while_no_topic_is_made_again(
    seed: int, behaviours: list[Behaviour], at: timedelta, later: timedelta
) -> None:
    simulation = world(*behaviours, seed=seed)
    first, second = sorted((at, later))
    for before in partitions(simulation, first):
        after = partition(simulation, second, before.partition)
        assert before.log_end <= after.log_end
        assert before.log_start <= after.log_start <= after.log_end
        assert after.transferred is None or after.transferred <= after.log_end
        assert before.transferred is None or before.transferred <= (after.transferred or 0)


@given(seed=seeds, behaviours=st.lists(calm, max_size=4), at=moments, speed=st.floats(0.1, 600))
def test_the_same_seed_and_moment_give_the_same_state_at_any_speed(
    seed: int, behaviours: list[Behaviour], at: timedelta, speed: float
) -> None:
    slow = world(*behaviours, seed=seed)
    fast = Simulation(world(*behaviours, seed=seed).scenario, speed)
    partitions(fast, minutes(7))
    real = at / speed
    moment = fast.scenario_time(real)
    assert state(slow, moment).topics[0].partitions == state(fast, real).topics[0].partitions


@given(seed=seeds, at=moments)
def test_a_healthy_task_is_caught_up_at_each_delivery_and_never_later(
    seed: int, at: timedelta
) -> None:
    simulation = world(seed=seed)
    now = partition(simulation, at)
    assert position(simulation, at + INTERVAL + SLACK) >= now.log_end
    assert position(simulation, at) >= partition(simulation, at - INTERVAL - SLACK).log_end


@given(seed=seeds, behaviours=st.lists(hindrances, min_size=1, max_size=1), at=moments)
@settings(max_examples=60)
def test_every_backlog_is_gone_when_the_promised_deliveries_are_done(
    seed: int, behaviours: list[Behaviour], at: timedelta
) -> None:
    simulation = world(*behaviours, seed=seed)
    end = minutes(180) + INTERVAL * 8 + at
    for number in range(4):
        before = partition(simulation, end - INTERVAL - SLACK, number)
        assert position(simulation, end, number) >= before.log_end


def test_different_seeds_make_different_worlds() -> None:
    assert partitions(world(seed=1), minutes(1)) != partitions(world(seed=2), minutes(1))


def test_a_stalled_task_stands_still_and_then_catches_up_in_equal_steps() -> None:
    simulation = world(Stall(Window(minutes(10), minutes(40)), catch_up=3))
    held = position(simulation, minutes(10) + SLACK)
    assert position(simulation, minutes(40)) == held
    after = [position(simulation, minutes(40) + SLACK + INTERVAL * n) for n in range(1, 4)]
    assert held < after[0] < after[1] < after[2]
    assert partition(simulation, minutes(40) + SLACK + INTERVAL * 3).lag == pytest.approx(
        0, abs=100 * 1.2 * 1.4 * (INTERVAL + SLACK).total_seconds()
    )


def test_a_stall_shorter_than_the_wait_for_the_next_delivery_changes_nothing() -> None:
    calm_world = world()
    arrived = next(
        second
        for second in range(1, 600)
        if position(calm_world, seconds(second)) > position(calm_world, seconds(second - 1))
    )
    start = seconds(arrived + 20)
    simulation = world(Stall(Window(start, start + seconds(30))))
    for number in range(20):
        at = start + number * seconds(60)
        assert position(simulation, at) == position(calm_world, at)


def test_a_slow_sink_takes_its_share_of_what_comes_in() -> None:
    simulation = world(SlowSink(Window(minutes(0)), share=0.8))
    start, end = minutes(20), minutes(20) + INTERVAL * 100
    taken = position(simulation, end) - position(simulation, start)
    came = partition(simulation, end).log_end - partition(simulation, start).log_end
    assert taken / came == pytest.approx(0.8, abs=0.01)


def test_a_topic_can_fall_silent_for_a_while() -> None:
    simulation = world(Surge(Window(minutes(10), minutes(40)), factor=0))
    ends = [partition(simulation, minutes(at)).log_end for at in (9, 10, 39, 41)]
    assert ends[0] < ends[1] == ends[2] < ends[3]


def test_partitions_are_added_to_the_named_topic_only() -> None:
    simulation = world(
        PartitionGrowth(minutes(1), 2, topic="other"), TopicGrowth(minutes(1), "other")
    )
    assert [len(topic.partitions) for topic in state(simulation, minutes(2)).topics] == [4, 5]


def test_a_hot_partition_lags_alone() -> None:
    simulation = world(HotPartition(Window(minutes(0)), partition=2))
    lag = {p.partition: p.lag or 0 for p in partitions(simulation, minutes(120))}
    assert lag[2] > 10 * max(lag[0], lag[1], lag[3])


def test_a_paused_task_says_so_and_its_log_goes_on() -> None:
    simulation = world(Paused(Window(minutes(10), minutes(60))))
    assert state(simulation, minutes(30)).status == "PAUSED"
    assert {p.status for p in partitions(simulation, minutes(30))} == {"PAUSED"}
    assert partition(simulation, minutes(50)).log_end > partition(simulation, minutes(30)).log_end
    assert position(simulation, minutes(50)) == position(simulation, minutes(30))
    assert state(simulation, minutes(60)).status == "RUNNING"


def test_a_failed_task_says_so_in_every_partition() -> None:
    simulation = world(Failed(Window(minutes(10))), Paused(Window(minutes(0))))
    assert state(simulation, minutes(11)).status == "FAILED"
    assert {p.status for p in partitions(simulation, minutes(11))} == {"FAILED"}


def test_a_failed_partition_leaves_the_task_running() -> None:
    simulation = world(Failed(Window(minutes(10)), partitions=(1,)))
    assert state(simulation, minutes(11)).status == "RUNNING"
    statuses = {p.partition: p.status for p in partitions(simulation, minutes(11))}
    assert statuses == {0: "RUNNING", 1: "FAILED", 2: "RUNNING", 3: "RUNNING"}
    assert position(simulation, minutes(60), 1) == position(simulation, minutes(20), 1)
    assert position(simulation, minutes(60), 0) > position(simulation, minutes(20), 0)


def test_any_status_can_be_reported_while_the_task_works() -> None:
    simulation = world(Says(Window(minutes(1), minutes(2)), "REBALANCING", "UNASSIGNED"))
    assert state(simulation, seconds(90)).status == "REBALANCING"
    assert {p.status for p in partitions(simulation, seconds(90))} == {"UNASSIGNED"}
    assert state(simulation, seconds(120)).status == "RUNNING"


def test_an_idle_tail_stays_behind_a_log_that_stands_still() -> None:
    simulation = world(IdleTail(minutes(30), left=7))
    first, second = (partitions(simulation, minutes(at)) for at in (60, 600))
    assert [p.log_end for p in first] == [p.log_end for p in second]
    assert {p.lag for p in first + second} == {7}


def test_an_idle_tail_can_be_flushed_late() -> None:
    simulation = world(IdleTail(minutes(30), left=7, until=minutes(60)))
    assert {p.lag for p in partitions(simulation, minutes(66))} == {0}


def test_a_partition_without_a_position_gets_one_with_its_first_delivery() -> None:
    simulation = world(NotYetTransferred(partitions=(3,), until=minutes(30), log_still=False))
    early = partition(simulation, minutes(20), 3)
    assert (early.transferred, early.lag) == (None, None)
    assert partition(simulation, minutes(25), 3).log_end > early.log_end
    assert position(simulation, minutes(20), 2) > 0
    assert position(simulation, minutes(30) + INTERVAL + SLACK, 3) > early.log_end


def test_a_topic_made_again_starts_at_nought_and_so_does_its_dump() -> None:
    simulation = world(Recreated(minutes(30)))
    before, after = (partition(simulation, minutes(30) + seconds(s)) for s in (-1, 1))
    assert after.log_end < 1000 < before.log_end
    assert after.transferred == 0
    assert 0 < position(simulation, minutes(41)) <= partition(simulation, minutes(41)).log_end


def test_a_dump_can_keep_a_position_beyond_a_topic_made_again() -> None:
    topic = Topic("orders", 1, 100.0, first_offset=50_000)
    simulation = world(Recreated(minutes(30), keeps_position=True), topic=topic)
    kept = position(simulation, minutes(30) - seconds(1))
    after = partition(simulation, minutes(33))
    assert after.transferred == kept
    assert after.log_end < kept
    assert after.lag == 0
    assert position(simulation, minutes(300)) > kept


def test_added_partitions_begin_empty_and_without_a_position() -> None:
    simulation = world(PartitionGrowth(minutes(10), 2), PartitionGrowth(minutes(20), 1))
    counts = [len(partitions(simulation, minutes(at))) for at in (9, 11, 21)]
    assert counts == [4, 6, 7]
    new = partition(simulation, minutes(10), 5)
    assert (new.log_end, new.transferred) == (0, None)
    assert position(simulation, minutes(20), 5) > 0


def test_a_topic_that_fits_the_expression_appears() -> None:
    simulation = world(TopicGrowth(minutes(10), topic="orders-eu", partitions=2))
    names = [[t.name for t in state(simulation, minutes(at)).topics] for at in (9, 10)]
    assert names == [["orders"], ["orders", "orders-eu"]]
    assert [p.log_end for p in state(simulation, minutes(10)).topics[1].partitions] == [0, 0]


def test_a_task_is_there_from_its_creation_to_its_deletion() -> None:
    simulation = world(Created(minutes(5)), Deleted(minutes(9)))
    task = task_of(simulation)
    there = [simulation.state(task, minutes(at)) is not None for at in (4, 5, 8, 9, 10)]
    assert there == [False, True, True, False, False]


def test_what_retention_has_removed_is_the_log_of_that_time_ago() -> None:
    simulation = world(topic=Topic("orders", 1, 10.0, retention=minutes(60)))
    then = partition(simulation, minutes(20)).log_end
    assert partition(simulation, minutes(80)).log_start == then


def test_speed_divides_the_reported_interval_and_rounds_it_up() -> None:
    scenario = world().scenario
    task = next(scenario.tasks())
    reported = []
    for speed in (1, 7, 60, 10_000):
        found = Simulation(scenario, speed).state(task, seconds(0))
        assert found is not None
        reported.append(found.deliver_every.total_seconds())
    assert reported == [300, 43, 5, 1]


@pytest.mark.parametrize(
    ("window", "covered"),
    [
        (Window(minutes(1), minutes(2)), [False, True, False, False, False]),
        (Window(minutes(1)), [False, True, True, True, True]),
        (Window(minutes(1), minutes(2), minutes(3)), [False, True, False, False, True]),
    ],
)
def test_a_window_ends_or_lasts_or_comes_again(window: Window, covered: list[bool]) -> None:
    assert [window.covers(60.0 * at) for at in range(5)] == covered


def test_a_window_counts_its_seconds_over_all_its_occurrences() -> None:
    window = Window(minutes(1), minutes(2), minutes(3))
    assert [window.passed(60.0 * at) for at in (0, 1.5, 2.5, 4.5, 60)] == [0, 30, 60, 90, 1200]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(minutes(2), minutes(1)),
        lambda: Window(minutes(2), every=minutes(1)),
        lambda: Window(minutes(0), minutes(2), minutes(1)),
        lambda: Hindrance(Window(), 1.5, 1),
        lambda: Hindrance(Window(), 0.5, 0),
        lambda: Simulation(world().scenario, 0),
        lambda: partitions(world(Surge(Window(), 0.4), Surge(Window(), 0.3)), minutes(1)),
        lambda: partitions(world(Stall(Window(minutes(0), minutes(8), minutes(9)))), minutes(1)),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"window|hindrance|speed|surges"):
        make()


def test_a_behaviour_is_added_to_one_task_only() -> None:
    scenario = fleet(3)
    second = list(scenario.tasks())[1]
    changed = scenario.with_behaviour(second.task_id, Deleted(minutes(1)))
    assert [len(task.behaviours) for task in changed.tasks()] == [0, 1, 0]
    with pytest.raises(KeyError):
        scenario.with_behaviour("nobody", Deleted(minutes(1)))


def test_a_behaviour_can_be_moved_as_a_whole() -> None:
    by = minutes(7)
    moved = [
        postponed(each, by)
        for each in (
            Stall(Window(minutes(1), minutes(2), minutes(30))),
            Paused(Window(minutes(1))),
            Deleted(minutes(1)),
            IdleTail(minutes(1), until=minutes(2)),
        )
    ]
    assert moved == [
        Stall(Window(minutes(8), minutes(9), minutes(30))),
        Paused(Window(minutes(8))),
        Deleted(minutes(8)),
        IdleTail(minutes(8), until=minutes(9)),
    ]


def test_only_what_is_going_on_can_be_ended() -> None:
    going = (Paused(Window(minutes(1))), Stall(Window(minutes(1), minutes(9), minutes(10))))
    others: tuple[Behaviour, ...] = (
        Paused(Window(minutes(1), minutes(3))),
        Paused(Window(minutes(5))),
        Deleted(minutes(1)),
    )
    assert [ended(each, minutes(5)) for each in going] == [
        Paused(Window(minutes(1), minutes(5))),
        Stall(Window(minutes(1), minutes(5))),
    ]
    assert tuple(ended(each, minutes(5)) for each in others) == others


def test_weather_comes_and_goes_at_the_speed_of_the_scenario() -> None:
    outage = Outage(Window(minutes(10), minutes(20)))
    scenario = Scenario(name="test", instances=(), weather=(outage,))
    simulation = Simulation(scenario, 60)
    assert [simulation.weather(seconds(at)) for at in (9, 10, 19, 20)] == [
        (),
        (outage,),
        (outage,),
        (),
    ]


def test_a_fleet_has_as_many_tasks_as_asked_for_and_some_instances_without_dumping() -> None:
    scenario = fleet(200, 7, seed=5)
    tasks = list(scenario.tasks())
    assert (
        len(tasks) == len({task.task_id for task in tasks}) == len({t.name for t in tasks}) == 200
    )
    assert {task.topics[0].partitions for task in tasks} == {7}
    assert {each.connector_id for each in scenario.instances if not each.tasks} == {""}
    assert scenario == fleet(200, 7, seed=5)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_named_scenario_has_distinct_ids_and_follows_its_seed(name: str) -> None:
    scenario = SCENARIOS[name](3)
    assert scenario.name == name
    assert scenario == SCENARIOS[name](3)
    ids = [*_ids(scenario)]
    assert len(ids) == len(set(ids))


def _ids(scenario: Scenario) -> Iterator[str]:
    for instance in scenario.instances:
        yield instance.instance_id
        if instance.connector_id:
            yield instance.connector_id
        yield from (task.task_id for task in instance.tasks)
        yield from (task.task_id for task in instance.smart_tasks)


@pytest.mark.parametrize("seed", range(5))
def test_the_tour_shows_a_stall_its_growth_and_its_end_within_half_a_minute(seed: int) -> None:
    simulation = Simulation(SCENARIOS["default"](seed), 60)
    orders = next(task for task in simulation.scenario.tasks() if task.name == "orders")

    def lowest(start: float, end: float) -> int:
        """The lowest reading of a window of the worst partition: what an alert looks at."""
        found = []
        for tenth in range(round(start * 10), round(end * 10) + 1):
            now = simulation.state(orders, seconds(tenth / 10))
            assert now is not None
            found.append(max(p.lag or 0 for p in now.topics[0].partitions))
        return min(found)

    assert lowest(0, 3) < 80_000
    assert lowest(6, 9) > 100_000
    assert lowest(10, 13) > 1_000_000
    assert lowest(15, 18) < 80_000
    assert lowest(18, 25) < 80_000
    assert lowest(246, 249) > 100_000
    assert lowest(255, 258) < 80_000


@pytest.mark.parametrize("seed", range(3))
def test_in_the_tour_only_the_troubled_tasks_lag(seed: int) -> None:
    simulation = Simulation(SCENARIOS["default"](seed), 60)
    for task in simulation.scenario.tasks():
        if task.name == "orders":
            continue
        for at in range(0, 58, 3):
            now = simulation.state(task, seconds(at))
            assert now is not None
            assert all((p.lag or 0) < 80_000 for topic in now.topics for p in topic.partitions)


def test_the_tour_has_a_paused_task_a_tail_and_partitions_never_transferred() -> None:
    simulation = Simulation(SCENARIOS["default"](1), 60)
    found = {task.name: simulation.state(task, seconds(3)) for task in simulation.scenario.tasks()}
    assert len(found) == 12
    assert {name for name, now in found.items() if now and now.status == "PAUSED"} == {
        "legacy-export"
    }
    tail, returns = found["invoices"], found["returns"]
    assert tail is not None
    assert returns is not None
    assert {p.lag for p in tail.topics[0].partitions} == {3}
    assert [p.partition for p in returns.topics[0].partitions if p.lag is None] == [2, 5]


def test_in_a_storm_most_tasks_fail_at_once_and_come_back() -> None:
    simulation = Simulation(SCENARIOS["storm"](1), 60)

    def failed(at: float) -> int:
        states = [simulation.state(task, seconds(at)) for task in simulation.scenario.tasks()]
        return sum(now is not None and now.status == "FAILED" for now in states)

    assert [failed(at) for at in (5, 6, 24, 26)] == [0, 14, 14, 0]


def test_every_scenario_says_what_it_will_show() -> None:
    assert SHOWN.keys() == SCENARIOS.keys()
