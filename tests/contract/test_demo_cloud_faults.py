"""Everything that can go wrong with the simulated cloud, on demand and by the scenario."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientPayloadError, ClientTimeout, ServerDisconnectedError

from bot.demo.cloud import Fault, Shape, Terms, make_cloud, of_task, steady_clock
from bot.demo.cloud.faults import (
    Charset,
    Drop,
    Edit,
    Hang,
    Huge,
    Misdeed,
    Raw,
    Reply,
    Slow,
    Throttle,
    Truncate,
    edited,
)
from bot.demo.scenario import SCENARIOS, Scenario, fleet
from bot.demo.scenario.behaviours import Paused, Stall, Window
from bot.demo.scenario.weather import (
    Breakdown,
    Outage,
    Restraint,
    Revocation,
    Slowness,
    Throttling,
    Weather,
)
from bot.demo.serving import serve
from tests.contract.cloud_world import Received, Running, running

CONTROL = {"X-Demo-Control": "1"}


@pytest.fixture
async def world() -> AsyncIterator[Running]:
    async with running(fleet(3)) as found:
        yield found


def task_path(world: Running, number: int = 0) -> str:
    instance = world.cloud.scenario.instances[0]
    return f"/connectors/{instance.connector_id}/sink-tasks/{instance.tasks[number].task_id}"


async def detail(world: Running, number: int = 0) -> Received:
    return await world.get(task_path(world, number), **{"topic-info": "true"})


def program(world: Running, does: Misdeed, **limits: float) -> None:
    times, seconds = limits.get("times"), limits.get("seconds")
    world.cloud.faults.program(
        Fault(does=does, times=None if times is None else int(times), seconds=seconds)
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape.DMS, {"error_code": "DMS.00500006", "error_msg": "Broken."}),
        (Shape.CAMEL, {"errorCode": "DMS.00500006", "errorMsg": "Broken."}),
        (Shape.CODE_MESSAGE, {"code": "DMS.00500006", "message": "Broken."}),
        (Shape.NESTED, {"fault": {"error_code": "DMS.00500006", "error_msg": "Broken."}}),
        (Shape.KEYSTONE, {"error": {"message": "Broken.", "code": 500, "title": "Error"}}),
        (
            Shape.AUTHORIZATION,
            {
                "error_code": "DMS.00500006",
                "error_msg": "Broken.",
                "encoded_authorization_message": "c2ltdWxhdGVk",
            },
        ),
    ],
)
async def test_an_error_comes_in_every_json_shape(
    world: Running, shape: Shape, expected: dict[str, object]
) -> None:
    program(world, Reply(500, "DMS.00500006", "Broken.", shape))
    answer = await detail(world)
    assert (answer.status, answer.json) == (500, expected)
    assert answer.headers["X-Request-Id"]


async def test_an_error_of_the_gateway_repeats_the_request_id(world: Running) -> None:
    program(world, Reply(401, "APIGW.0301", "Incorrect", Shape.GATEWAY))
    answer = await detail(world)
    assert answer.json == {
        "error_msg": "Incorrect",
        "error_code": "APIGW.0301",
        "request_id": answer.headers["X-Request-Id"],
    }


@pytest.mark.parametrize(
    ("shape", "content_type", "start"),
    [
        (Shape.HTML, "text/html", b"<html>"),
        (Shape.TEXT, "text/plain", b"Broken."),
        (Shape.EMPTY, "text/plain", b""),
    ],
)
async def test_an_error_comes_without_json_too(
    world: Running, shape: Shape, content_type: str, start: bytes
) -> None:
    program(world, Reply(502, "", "Broken.", shape, headers=(("Via", "proxy"),)))
    answer = await detail(world)
    assert answer.status == 502
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.headers["Via"] == "proxy"
    assert answer.body.startswith(start)
    assert bool(answer.body) == bool(start)


async def test_the_gateway_throttles_with_the_limit_in_its_message(world: Running) -> None:
    program(world, Throttle(limit=10, per="1 minute", policy="api", retry_after="7"))
    answer = await detail(world)
    assert (answer.status, answer.code) == (429, "APIGW.0308")
    assert answer.json["error_msg"] == (
        "The throttling threshold has been reached: "
        "policy api over ratelimit,limit:10,time:1 minute"
    )
    assert answer.headers["Retry-After"] == "7"


async def test_the_service_throttles_with_a_404(world: Running) -> None:
    program(world, Throttle(Restraint.FLOW_CONTROL))
    answer = await detail(world)
    assert (answer.status, answer.code) == (404, "DMS.10240407")
    assert "Retry-After" not in answer.headers


async def test_any_text_can_be_the_answer(world: Running) -> None:
    program(world, Raw('{"lag": NaN', content_type="application/json; charset=latin-1"))
    answer = await detail(world)
    assert (answer.status, answer.body) == (200, b'{"lag": NaN')
    assert answer.headers["Content-Type"] == "application/json; charset=latin-1"


async def test_a_slow_answer_is_the_right_one_later(world: Running) -> None:
    program(world, Slow(0.05), times=1)
    assert (await detail(world)).json == (await detail(world)).json


async def test_a_hanging_answer_never_comes_and_does_not_keep_the_cloud_from_closing() -> None:
    async with running(fleet(1)) as world:
        program(world, Hang())
        path = world.project + task_path(world)
        with pytest.raises(TimeoutError):
            async with world.session.get(
                world.base_url + path, timeout=ClientTimeout(total=0.1)
            ) as _:
                pass
        waiting = asyncio.create_task(world.send("POST", path))
        for _ in range(500):
            if len(world.cloud.journal) == 2:
                break
            await asyncio.sleep(0.01)
    with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
        await waiting
    assert [asked.status for asked in world.cloud.journal][:1] == [None]


async def test_a_dropped_connection_gives_no_answer(world: Running) -> None:
    program(world, Drop(), times=2)
    for _ in range(2):
        with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
            await world.send("POST", world.project + task_path(world))
    assert (await detail(world)).status == 200


@pytest.mark.parametrize("after_bytes", [0, 20, 10**9])
async def test_a_connection_can_fall_in_the_middle_of_the_body(
    world: Running, after_bytes: int
) -> None:
    program(world, Drop(after_bytes))
    path = world.project + task_path(world)
    async with world.session.get(world.base_url + path, headers=world.signed(path)) as response:
        assert response.status == 200
        with pytest.raises(ClientPayloadError):
            await response.read()


async def test_json_can_end_too_early_in_a_whole_answer(world: Running) -> None:
    right = await detail(world)
    program(world, Truncate(0.5))
    answer = await detail(world)
    assert answer.status == 200
    assert answer.body == right.body[: len(right.body) // 2]
    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.body)


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-16", "utf-8"), ("utf-8", "utf-16"), ("utf-8", "klingon")]
)
async def test_the_charset_can_be_a_lie(world: Running, encoding: str, declared: str) -> None:
    right = await detail(world)
    program(world, Charset(encoding, declared))
    answer = await detail(world)
    assert answer.body == right.body.decode().encode(encoding)
    assert answer.headers["Content-Type"].endswith(f"charset={declared}")


@pytest.mark.parametrize("declares", [False, True])
async def test_a_body_can_be_huge(world: Running, declares: bool) -> None:
    program(world, Huge(3_000_000, declares_length=declares))
    answer = await detail(world)
    assert len(answer.body) == 3_000_000
    assert len(answer.json["task_name"]) > 2_999_000
    assert ("Content-Length" in answer.headers) == declares
    assert answer.headers["X-Request-Id"]


async def test_a_client_may_turn_away_from_fifty_megabytes(world: Running) -> None:
    program(world, Huge(), times=1)
    path = world.project + task_path(world)
    async with world.session.get(world.base_url + path, headers=world.signed(path)) as response:
        assert len(await response.content.readexactly(100_000)) == 100_000
    assert (await detail(world)).status == 200


PARTITION = "/topics_info/0/partitions/0"


@pytest.mark.parametrize(
    ("edit", "place", "expected"),
    [
        (Edit("/status", "EXPLODED"), ("status",), "EXPLODED"),
        (Edit("/topics_info", None), ("topics_info",), None),
        (Edit(PARTITION + "/lag", 3), ("topics_info", 0, "partitions", 0, "lag"), 3),
        (Edit("/topics_info/-", {}), ("topics_info", 1), {}),
        (Edit("/topics_info/0", []), ("topics_info", 0), []),
        (Edit("/a~1b~0c", 1), ("a/b~c",), 1),
        (Edit("", [1]), (), [1]),
    ],
)
async def test_one_value_of_the_answer_can_be_changed(
    world: Running, edit: Edit, place: tuple[str | int, ...], expected: object
) -> None:
    program(world, edit)
    found: object = (await detail(world)).json
    for key in place:
        found = found[key]  # type: ignore[index]
    assert found == expected


async def test_one_value_of_the_answer_can_be_removed(world: Running) -> None:
    right = (await detail(world)).json
    program(world, Edit(PARTITION + "/log_end_offset", remove=True), times=1)
    program(world, Edit("/topics_info/0", remove=True))
    first, second = (await detail(world)).json, (await detail(world)).json
    assert "log_end_offset" not in first["topics_info"][0]["partitions"][0]
    assert second["topics_info"] == []
    assert right["status"] == first["status"]


@pytest.mark.parametrize(
    "pointer",
    ["/no/where", "/status/deeper", "/topics_info/x", "/topics/0/1", "/status/deeper/still"],
)
def test_an_edit_of_what_is_not_there_changes_nothing(pointer: str) -> None:
    body = b'{"status": "RUNNING", "topics_info": [{"topic": "a"}], "topics": [1]}'
    assert edited(body, Edit(pointer, 1)) == body


async def test_faults_are_counted_and_come_in_the_order_of_their_programming(
    world: Running,
) -> None:
    program(world, Reply(503), times=2)
    program(world, Throttle(), times=1)
    assert [(await detail(world)).status for _ in range(5)] == [503, 503, 429, 200, 200]
    assert world.cloud.faults.live() == ()


async def test_faults_are_limited_in_time(world: Running) -> None:
    program(world, Reply(503), seconds=10)
    world.clock.move(seconds=9)
    assert (await detail(world)).status == 503
    world.clock.move(seconds=1)
    assert (await detail(world)).status == 200


async def test_a_fault_befalls_only_what_it_is_about(world: Running) -> None:
    tasks = world.cloud.scenario.instances[0].tasks
    world.cloud.faults.program(
        Fault(does=Reply(503), path=of_task(tasks[1].task_id)),
        Fault(does=Reply(502), path="/v3/*", method="POST"),
    )
    assert [(await detail(world, number)).status for number in range(3)] == [200, 503, 200]
    assert (await world.login()).status == 502
    world.cloud.faults.clear()
    assert (await detail(world, 1)).status == 200
    assert (await world.login()).status == 201


async def test_a_client_behind_a_proxy_may_send_the_whole_address() -> None:
    async with running(SCENARIOS["vendor"](1)) as world:
        path = f"{world.project}/instances"
        headers = world.signed(path, "engine=kafka") | {"Connection": "close"}
        lines = [f"GET {world.base_url}{path}?engine=kafka HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await reader.read()
        writer.close()
        asked = list(world.cloud.journal)
    assert answer.startswith(b"HTTP/1.1 200")
    assert [(each.path, each.query) for each in asked] == [(path, "engine=kafka")]


async def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(world: Running) -> None:
    with pytest.raises(OSError, match=r"in use"):
        await serve(make_cloud(fleet(1)), port=world.port)


def test_the_clock_starts_at_the_walls_time_and_never_runs_back() -> None:
    clock = steady_clock()
    first, second = clock(), clock()
    assert first <= second
    assert first.utcoffset() == timedelta(0)


async def test_a_fault_comes_before_the_credentials_are_looked_at(world: Running) -> None:
    path = world.project + task_path(world)
    program(world, Reply(503), times=1)
    assert [(await world.send("GET", path)).status for _ in range(2)] == [503, 401]


async def test_a_spoilt_answer_spoils_the_error_of_a_request_that_deserves_none(
    world: Running,
) -> None:
    program(world, Truncate(0.0))
    answer = await world.send("GET", world.project + task_path(world))
    assert (answer.status, answer.body) == (401, b"")


async def test_the_rate_limit_refuses_what_exceeds_it_in_a_second() -> None:
    async with running(fleet(1), terms=Terms(requests_per_second=3)) as world:
        statuses = [(await detail(world)).status for _ in range(5)]
        world.clock.move(seconds=1)
        again = await detail(world)
        world.cloud.requests_per_second = 0
        refused = await detail(world)
    assert statuses == [200, 200, 200, 429, 429]
    assert again.status == 200
    assert refused.json["error_msg"].endswith("policy user over ratelimit,limit:0,time:1 second")


def under(weather: Weather) -> Scenario:
    return replace(fleet(1), weather=(weather,))


SPAN = Window(timedelta(minutes=10), timedelta(minutes=20))


@pytest.mark.parametrize(
    ("weather", "status", "start"),
    [
        (Outage(SPAN), 500, b'{"error_code": "DMS.00500000"'),
        (Outage(SPAN, Breakdown.BAD_GATEWAY), 502, b"<html>"),
        (Throttling(SPAN), 429, b'{"error_msg": "The throttling threshold'),
        (Throttling(SPAN, Restraint.FLOW_CONTROL), 404, b'{"error_code": "DMS.10240407"'),
        (Revocation(SPAN), 401, b'{"error_msg": "Incorrect IAM authentication'),
        (Slowness(SPAN, timedelta(seconds=1)), 200, b"{"),
    ],
)
async def test_the_scenario_brings_its_own_faults_at_its_speed(
    weather: Weather, status: int, start: bytes
) -> None:
    statuses = []
    async with running(under(weather), speed=60) as world:
        for second in (0, 9, 10, 19, 20):
            world.clock.now = world.cloud.started_at + timedelta(seconds=second)
            answer = await detail(world)
            statuses.append(answer.status)
            if 10 <= second < 20:
                assert answer.body.startswith(start)
    assert statuses == [200, 200, status, status, 200]


async def test_an_outage_can_drop_every_connection() -> None:
    async with running(under(Outage(Window(), Breakdown.DROPPED))) as world:
        with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
            await world.login()


async def test_throttling_and_slowness_leave_iam_alone_and_nothing_touches_metadata() -> None:
    async with running(under(Throttling(Window()))) as world:
        assert (await world.login()).status == 201
    async with running(under(Outage(Window()))) as world:
        assert (await world.login()).status == 500
        assert (await world.send("GET", "/openstack/latest/securitykey")).status == 200


async def test_a_task_is_befallen_from_now_on_and_relieved() -> None:
    async with running(fleet(2), speed=60) as world:
        world.clock.move(seconds=100)
        task_id = world.cloud.task_id("dump-00001")
        world.cloud.befall(task_id, Paused(Window()))
        assert (await detail(world, 0)).json["status"] == "RUNNING"
        paused = (await detail(world, 1)).json
        world.clock.move(seconds=100)
        still = (await detail(world, 1)).json
        world.cloud.relieve(task_id)
        running_again = (await detail(world, 1)).json
        world.clock.move(seconds=100)
        later = (await detail(world, 1)).json
    assert [each["status"] for each in (paused, still, running_again, later)] == [
        "PAUSED",
        "PAUSED",
        "RUNNING",
        "RUNNING",
    ]
    lags = [
        int(each["topics_info"][0]["partitions"][0]["lag"])
        for each in (paused, still, running_again, later)
    ]
    assert lags[0] < lags[1] == lags[2] > lags[3]
    with pytest.raises(KeyError):
        world.cloud.task_id("nobody")
    with pytest.raises(KeyError):
        world.cloud.relieve("nobody")


async def test_what_befalls_at_a_time_of_the_scenario_is_not_moved() -> None:
    async with running(fleet(1)) as world:
        world.clock.move(minutes=30)
        behaviour = Stall(Window(timedelta(0), timedelta(minutes=1)))
        world.cloud.befall(world.cloud.task_id("dump-00000"), behaviour, from_now=False)
        world.cloud.relieve(world.cloud.task_id("dump-00000"))
        assert next(world.cloud.scenario.tasks()).behaviours == (behaviour,)


async def control(
    world: Running, method: str, path: str, body: object = None, query: str = ""
) -> Received:
    return await world.send(method, f"/_demo/{path}", headers=CONTROL, body=body, query=query)


async def test_faults_can_be_programmed_from_another_process(world: Running) -> None:
    one = {"does": {"kind": "reply", "status": 503, "shape": "html"}, "times": 1}
    many = [
        {"does": {"kind": "throttle", "restraint": "flow_control"}, "path": "*", "times": 1},
        {"does": {"kind": "edit", "pointer": "/status", "value": {"deep": [1]}}, "seconds": 60},
    ]
    first = await control(world, "POST", "faults", one)
    second = await control(world, "POST", "faults", many)
    assert [first.status, second.json] == [201, {"programmed": 2}]
    live = (await control(world, "GET", "faults")).json["faults"]
    assert [fault["does"]["kind"] for fault in live] == ["reply", "throttle", "edit"]
    answers = [await detail(world) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 404, 200]
    assert answers[2].json["status"] == {"deep": [1]}
    assert (await control(world, "DELETE", "faults")).status == 204
    assert (await detail(world)).json["status"] == "RUNNING"


async def test_requests_can_be_read_from_another_process(world: Running) -> None:
    await detail(world)
    await world.get("/instances", engine="kafka")
    found = (await control(world, "GET", "requests", query="path=*/instances")).json["requests"]
    assert [(each["method"], each["query"], each["status"]) for each in found] == [
        ("GET", "engine=kafka", 200)
    ]
    assert found[0]["authenticated_as"] == "aksk AKDEMO0SIMULATED0001"
    assert found[0]["at"] == "2026-03-01T12:00:00+00:00"
    assert (await control(world, "DELETE", "requests")).status == 204
    assert (await control(world, "GET", "requests")).json == {"requests": []}
    assert len(world.cloud.journal) == 0
    assert world.cloud.journal.total == 2


async def test_a_task_can_be_stalled_and_relieved_from_another_process(world: Running) -> None:
    task_id = world.cloud.task_id("dump-00002")
    behaviour = {"kind": "paused", "window": {"start": 5}}
    stalled = await control(world, "POST", f"tasks/{task_id}/behaviours", behaviour)
    statuses = []
    for _ in range(2):
        statuses.append((await detail(world, 2)).json["status"])
        world.clock.move(seconds=5)
    relieved = await control(world, "POST", f"tasks/{task_id}/relief")
    statuses.append((await detail(world, 2)).json["status"])
    assert (stalled.status, relieved.status) == (204, 204)
    assert statuses == ["RUNNING", "PAUSED", "RUNNING"]


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("faults", {"does": {"kind": "reply", "status": "high"}}, 400, "0.does.reply.status"),
        ("faults", {"does": {"kind": "lie"}}, 400, "'lie'"),
        ("faults", {}, 400, "0.does: Field required"),
        ("faults", {"does": {"kind": "hang"}, "time": 1}, 400, "0.time: Extra inputs"),
        ("faults", None, 400, "Invalid JSON"),
        ("tasks/x/behaviours", {"kind": "sleep"}, 400, "'sleep'"),
        ("tasks/x/behaviours", {"kind": "stall", "window": {"end": -1}}, 400, "must end after"),
        ("tasks/x/behaviours", {"kind": "stall", "window": {}}, 404, "no task 'x'"),
        ("tasks/x/relief", None, 404, "no task 'x'"),
    ],
)
async def test_control_says_what_it_does_not_understand(
    world: Running, path: str, body: object, status: int, told: str
) -> None:
    answer = await control(world, "POST", path, body)
    assert answer.status == status
    assert told in str(answer.json["error"])


@pytest.mark.parametrize("headers", [{}, {"X-Demo-Control": "0"}])
async def test_control_refuses_those_without_its_header(
    world: Running, headers: dict[str, str]
) -> None:
    fault = {"does": {"kind": "hang"}}
    answer = await world.send("POST", "/_demo/faults", headers=headers, body=fault)
    assert answer.status == 403
    assert world.cloud.faults.live() == ()


async def test_control_is_neither_journalled_nor_befallen(world: Running) -> None:
    program(world, Reply(503))
    assert (await control(world, "GET", "faults")).status == 200
    assert len(world.cloud.journal) == 0


async def test_the_scenarios_of_trouble_bring_their_trouble() -> None:
    found = {}
    for name in ("outage", "denied", "throttled"):
        async with running(SCENARIOS[name](1), speed=60) as world:
            world.clock.move(seconds=12)
            found[name] = (await world.get("/instances", engine="kafka")).status
    assert found == {"outage": 500, "denied": 401, "throttled": 429}
