"""The benchmark's own parts: the script of answers, the canned answers, and the figures."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from bot.adapters.dms.wire import sample_of
from bot.domain.history import window_of
from bot.domain.model import TaskKey
from tests.bench.canned import answer_file
from tests.bench.canned_protocol import Answers
from tests.bench.figures import Round, Spread, cost, faults, ratio, remarks, table
from tests.bench.lap import Lap
from tests.bench.pipeline import main
from tests.bench.script import (
    ANSWERS,
    CYCLE,
    DELIVERY_INTERVAL,
    INTERVAL,
    LEVEL,
    MOST_PASSES,
    Kind,
    ScriptedTask,
    Tally,
    body,
    columns,
    demanded,
    scripted_tasks,
)
from tests.bench.setting import Setting

SIZES = (3, 50)


def troubled(phase: int) -> ScriptedTask:
    return ScriptedTask(0, Kind.TROUBLED, phase)


def most_lag(kind: Kind, size: int, answer: int) -> int:
    said = columns(kind, size, answer)
    return max(end - at for at, end in zip(said.transferred, said.log_end, strict=True))


def laps(*, bare: float = 100, ours: float = 200, sdk: float | None = 1000) -> Round:
    """A round whose contestants took so many microseconds a poll."""
    taken = {"bare": bare, "ours": ours, "sdk": sdk}
    return {name: Lap(1, us / 1e6) for name, us in taken.items() if us is not None}


# --- the script ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", Kind)
def test_offsets_only_ever_grow_and_no_answer_is_like_the_one_before(kind: Kind, size: int) -> None:
    said = [columns(kind, size, answer) for answer in range(ANSWERS)]
    for before, after in pairwise(said):
        assert all(a > b for b, a in zip(before.log_end, after.log_end, strict=True))
        assert all(a >= b for b, a in zip(before.transferred, after.transferred, strict=True))
        assert all(a <= end for a, end in zip(after.transferred, after.log_end, strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_a_troubled_task_is_above_the_level_for_seven_polls_of_twelve(size: int) -> None:
    over = [most_lag(Kind.TROUBLED, size, answer) > LEVEL for answer in range(2 * CYCLE)]
    assert over == 2 * ([False] * 5 + [True] * 7)


@pytest.mark.parametrize("size", SIZES)
def test_a_healthy_task_only_peaks_above_the_level(size: int) -> None:
    over = [most_lag(Kind.HEALTHY, size, answer) > LEVEL for answer in range(CYCLE)]
    assert over.count(True) == 1


def test_the_polls_that_open_and_resolve_follow_from_the_windows() -> None:
    assert window_of(DELIVERY_INTERVAL, INTERVAL) == 4 * INTERVAL
    assert DELIVERY_INTERVAL + INTERVAL == 3 * INTERVAL


@pytest.mark.parametrize(
    ("phase", "passes", "tally"),
    [
        (0, 9, Tally(0, 0)),
        (0, 10, Tally(1, 0)),
        (0, 15, Tally(1, 0)),
        (0, 16, Tally(1, 1)),
        (0, 28, Tally(2, 2)),
        (7, 4, Tally(0, 0)),
        (7, 5, Tally(1, 0)),
        (7, 9, Tally(1, 1)),
        (8, 10, Tally(0, 0)),
    ],
)
def test_an_incident_opens_at_the_fifth_poll_above_and_resolves_at_the_fourth_below(
    phase: int, passes: int, tally: Tally
) -> None:
    assert demanded([troubled(phase)], passes) == tally


def test_a_healthy_task_demands_no_incident() -> None:
    assert demanded([ScriptedTask(1, Kind.HEALTHY, 0)], MOST_PASSES) == Tally(0, 0)


def test_one_task_in_sixteen_is_troubled_and_they_start_at_different_polls() -> None:
    tasks = [task for task in scripted_tasks(16 * CYCLE) if task.kind is Kind.TROUBLED]
    assert sorted(task.phase for task in tasks) == list(range(CYCLE))


def test_no_task_runs_out_of_answers() -> None:
    assert all(task.phase + MOST_PASSES <= ANSWERS for task in scripted_tasks(512))


def test_the_bot_reads_a_canned_answer_as_the_script_says_it() -> None:
    sample = sample_of(body(Kind.TROUBLED, 50, 30), TaskKey("a", "b", "c"), datetime.now(UTC))
    (topic,) = sample.topics or ()
    said = columns(Kind.TROUBLED, 50, 30)
    assert (topic.transferred, topic.log_end) == (said.transferred, said.log_end)
    assert (sample.status, sample.delivery_interval) == ("RUNNING", DELIVERY_INTERVAL)


# --- the canned answers ----------------------------------------------------------------------


def request(task: ScriptedTask) -> bytes:
    return f"GET {Setting(0, 3, 1).path(task.task_id)} HTTP/1.1\r\nHost: x".encode()


def test_each_request_for_a_task_gets_the_next_answer_from_its_phase_on() -> None:
    answers = Answers(answer_file(3))
    one, other = ScriptedTask(7, Kind.HEALTHY, 5), ScriptedTask(8, Kind.TROUBLED, 0)
    got = [answers.to(request(task)) for task in (one, other, one)]
    wanted = [body(one.kind, 3, 5), body(other.kind, 3, 0), body(one.kind, 3, 6)]
    assert [(answer or b"").partition(b"\r\n\r\n")[2] for answer in got] == wanted


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"GET /sink-tasks/zz", b""])
def test_a_request_about_no_task_gets_no_answer(line: bytes) -> None:
    assert Answers(answer_file(3)).to(line) is None


def test_the_answer_file_says_how_many_answers_of_how_many_kinds_it_has() -> None:
    assert struct.unpack_from("=II", answer_file(3)) == (len(Kind), ANSWERS)


# --- the figures -----------------------------------------------------------------------------


def test_a_lap_costs_its_cpu_time_divided_by_its_polls() -> None:
    assert Lap(polls=4, cpu_seconds=0.001).cpu_us_per_poll == pytest.approx(250)


def test_a_ratio_is_taken_round_by_round_and_above_one_ours_is_faster() -> None:
    rounds = [laps(bare=100, ours=200), laps(bare=300, ours=300), laps(bare=100, ours=400)]
    found = ratio(rounds, "bare")
    assert found is not None
    assert (found.median, found.lowest, found.highest) == pytest.approx((0.5, 0.25, 1.0))


def test_a_contestant_that_did_not_run_has_no_figures() -> None:
    rounds = [laps(sdk=None)]
    assert cost(rounds, "sdk") is None
    assert ratio(rounds, "sdk") is None
    assert table({3: rounds})[1].split()[3] == "-"


def test_the_table_shows_medians_and_ranges() -> None:
    lines = table({3: [laps(), laps(ours=100)], 500: [laps()]})
    assert lines[0].split() == [
        *("partitions", "bare", "µs", "ours", "µs", "sdk", "µs"),
        *("ours/bare", "ours/sdk", "incidents"),
    ]
    assert lines[1].split()[:6] == ["3", "100", "150", "1000", "0.75", "(0.50–1.00)"]
    assert len(lines) == 3


def test_a_ratio_that_a_sound_layout_exceeds_is_remarked_on() -> None:
    assert remarks({50: [laps(ours=200, sdk=1000)]}) == []
    low = remarks({50: [laps(ours=400, sdk=1000)]})
    assert [line.split(" × ")[1].split(",")[0] for line in low] == ["bare", "sdk"]


def test_large_tasks_are_not_held_against_a_client_that_does_nothing_per_partition() -> None:
    assert remarks({500: [laps(ours=400, sdk=4000)]}) == []


def test_a_lap_that_lost_something_makes_all_figures_worthless() -> None:
    lost = {**laps(), "ours": Lap(1, 1, faults=("task 3: 11 samples stored of 12",))}
    assert faults({3: [laps(), lost]}) == [
        "3 partitions, round 2, ours: task 3: 11 samples stored of 12"
    ]


def test_one_value_is_its_own_range() -> None:
    assert str(Spread.of([0.5])) == "0.50 (0.50–0.50)"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rounds", "0"],
        ["--rounds", "many"],
        ["--sizes", "6000"],
        ["--seconds", "-1"],
        ["--seconds", "nan"],
        ["--fast"],
    ],
)
def test_a_wrong_command_line_is_refused_with_what_would_be_right(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m tests.bench.pipeline" in capsys.readouterr().err
