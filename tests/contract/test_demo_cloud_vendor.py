"""The vendor's own software against the simulated cloud: its SDK reads it, its signer agrees.

huaweicloudsdkkafka 3.1.84 is the last release that knows dumping tasks.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.demo.cloud.signature import RawRequest, SignatureRefused, verified_access_key
from bot.demo.scenario import SCENARIOS, fleet
from tests.contract.cloud_world import Running, running

core = pytest.importorskip("huaweicloudsdkcore.auth.credentials")
signer = pytest.importorskip("huaweicloudsdkcore.signer.signer")
sdk_request = pytest.importorskip("huaweicloudsdkcore.sdk_request")
exceptions = pytest.importorskip("huaweicloudsdkcore.exceptions.exceptions")
kafka = pytest.importorskip("huaweicloudsdkkafka.v2")

pytestmark = pytest.mark.vendor

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATE = "20260102T030405Z"
KEY, SECRET = "AKEXAMPLE0TESTONLY01", "made-up-secret-key-for-tests-only-0001"


async def ask(world: Running, call: str, **parameters: object) -> Any:
    """One call of the SDK, in a thread, as a dictionary."""
    world.clock.now = datetime.now(UTC)
    return await asyncio.to_thread(_ask, world, call, parameters)


def _ask(world: Running, call: str, parameters: dict[str, object]) -> Any:
    credentials = core.BasicCredentials(
        world.tenant.access_key, world.tenant.secret_key, world.cloud.scenario.project_id
    )
    builder = kafka.KafkaClient.new_builder().with_credentials(credentials)
    client = builder.with_endpoint(world.base_url).build()
    name = "".join(word.capitalize() for word in call.split("_"))
    answer = getattr(client, call)(getattr(kafka, f"{name}Request")(**parameters))
    return json.loads(str(answer))


def _reduced(answer: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """Without the fields of the page's sample that the SDK has no model for."""
    return {key: value for key, value in answer.items() if key in like}


async def test_the_vendors_sdk_reads_the_vendors_sample() -> None:
    sample = json.loads((DATA / "vendor-sink-task.json").read_text())
    async with running(SCENARIOS["vendor"](1)) as world:
        answer = await ask(
            world,
            "show_sink_task_detail",
            connector_id="11111111-2222-3333-4444-555555555555",
            task_id="66666666-7777-8888-9999-000000000000",
            topic_info="true",
        )
    descriptor = answer["obs_destination_descriptor"]
    assert len(descriptor) >= 8
    assert descriptor == _reduced(sample["obs_destination_descriptor"], descriptor)
    for name in ("task_name", "destination_type", "create_time", "status", "topics", "topics_info"):
        assert answer[name] == sample[name]


async def test_the_vendors_sdk_reads_the_same_values_as_a_bare_client() -> None:
    async with running(SCENARIOS["default"](1)) as world:
        instance = world.cloud.scenario.instances[0]
        listed = await ask(world, "list_sink_tasks", connector_id=instance.connector_id)
        instances = await ask(world, "list_instances", engine="kafka", limit="2", offset="1")
        sinks = f"/connectors/{instance.connector_id}/sink-tasks"
        assert listed == (await world.get(sinks)).json
        bare = (await world.get("/instances", engine="kafka", limit="2", offset="1")).json
        assert instances["instance_num"] == bare["instance_num"] == 3
        for read, sent in zip(instances["instances"], bare["instances"], strict=True):
            assert read == _reduced(sent, read)
            assert read["connector_id"] == sent["connector_id"]
        for task in instance.tasks:
            parameters = {"connector_id": instance.connector_id, "task_id": task.task_id}
            detail = await ask(world, "show_sink_task_detail", **parameters, topic_info="true")
            sent = (await world.get(f"{sinks}/{task.task_id}", **{"topic-info": "true"})).json
            assert detail["topics_info"] == sent["topics_info"]


async def test_the_vendors_sdk_reads_the_topics_and_the_smart_connect_tasks() -> None:
    async with running(SCENARIOS["default"](1)) as world:
        instance = world.cloud.scenario.instances[0]
        here = f"/instances/{instance.instance_id}"
        topics = await ask(world, "list_instance_topics", instance_id=instance.instance_id)
        sent = (await world.get(f"{here}/topics")).json
        assert [t["name"] for t in topics["topics"]] == [t["name"] for t in sent["topics"]]
        assert [t["partition"] for t in topics["topics"]] == [
            t["partition"] for t in sent["topics"]
        ]
        smart = await ask(world, "list_connector_tasks", instance_id=instance.instance_id)
        assert smart["tasks"][0]["id"] == instance.smart_tasks[0].task_id


async def test_the_vendors_sdk_understands_our_errors() -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    async with running(fleet(1)) as world:
        with pytest.raises(exceptions.ClientRequestException) as absent:
            await ask(world, "list_sink_tasks", connector_id=nobody)
        world.cloud.credentials_revoked = True
        with pytest.raises(exceptions.ClientRequestException) as denied:
            await ask(world, "list_instances", engine="kafka")
        asked = list(world.cloud.journal)
    assert (absent.value.status_code, absent.value.error_code) == (404, "DMS.00404024")
    assert (denied.value.status_code, denied.value.error_code) == (401, "APIGW.0301")
    assert [absent.value.request_id, denied.value.request_id] == [a.request_id for a in asked]


def request_for_sdk(request: RawRequest, headers: dict[str, str]) -> Any:
    """The vendor's form of a request that came with these headers."""
    return sdk_request.SdkRequest(
        method=request.method,
        schema="https",
        host=request.header("Host"),
        resource_path=request.path,
        query_params=_pairs(request.query),
        header_params=dict(headers),
        body=request.body.decode() or None,
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    unquote = signer.unquote
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def signed_by_sdk(request: RawRequest, secret: str = SECRET) -> RawRequest:
    asked = request_for_sdk(request, dict(request.headers))
    done = signer.Signer(core.BasicCredentials(KEY, secret)).sign(asked)
    _, _, query = done.uri.partition("?")
    return RawRequest(
        method=request.method,
        path=request.path,
        query=query,
        headers=tuple(done.header_params.items()),
        body=request.body,
    )


def accepted_by_sdk(request: RawRequest) -> bool:
    """A gateway built on the vendor's signer: sign again what was signed, and compare."""
    authorization = request.header("Authorization") or ""
    listed = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: request.header(name) or "" for name in listed}
    again = signer.Signer(core.BasicCredentials(KEY, SECRET)).sign(
        request_for_sdk(request, headers)
    )
    return bool(again.header_params["Authorization"] == authorization)


def accepted_by_us(request: RawRequest) -> bool:
    secrets = {KEY: SECRET}
    try:
        return verified_access_key(request, now=NOW, secret_of=secrets.get) == KEY
    except SignatureRefused:
        return False


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
segments = st.text(st.sampled_from("abzAZ09-_.~%+*()é中 :@!$',;="), min_size=1, max_size=8)
raw_segments = segments.map(lambda text: signer.quote(text, safe="~+*()"))
raw_paths = st.lists(raw_segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
raw_queries = st.lists(st.tuples(texts.filter(bool), texts), max_size=4).map(
    lambda pairs: "&".join(
        f"{signer.quote(k, safe='')}={signer.quote(v, safe='')}" for k, v in pairs
    )
)
requests = st.builds(
    lambda method, path, query, body, extra: RawRequest(
        method=method,
        path=path,
        query=query,
        headers=(("Host", "dms.example:8443"), ("X-Sdk-Date", DATE), *extra),
        body=body.encode() if method == "POST" else b"",
    ),
    st.sampled_from(["GET", "POST"]),
    raw_paths,
    raw_queries,
    texts,
    st.sampled_from(
        [
            (),
            (("X-Project-Id", "0123456789abcdef0123456789abcdef"),),
            (("X-Security-Token", "made-up+security/token=="),),
            (("Content-Type", "application/json"),),
            (("Content-Type", "text/plain"),),
            (("X-Padded", "  two  words "), ("X_Unsigned", "left out")),
        ]
    ),
)


@given(requests)
def test_what_the_vendors_signer_signs_is_accepted(request: RawRequest) -> None:
    signed = signed_by_sdk(request)
    assert accepted_by_sdk(signed)
    assert accepted_by_us(signed)


def _other_header(name: str) -> Callable[[RawRequest], dict[str, Any]]:
    def change(request: RawRequest) -> dict[str, Any]:
        headers = [(key, "changed" if key == name else value) for key, value in request.headers]
        return {"headers": tuple(headers)}

    return change


ALTERATIONS: list[Callable[[RawRequest], dict[str, Any]]] = [
    lambda _: {"method": "PUT"},
    lambda request: {"path": request.path + "/more"},
    lambda request: {"path": request.path + "/"},
    lambda request: {"path": request.path.replace("a", "%61")},
    lambda request: {"path": request.path.replace("%2B", "+")},
    lambda request: {"query": request.query + "&x=1"},
    lambda request: {"query": "&".join(reversed(request.query.split("&")))},
    lambda request: {"query": request.query.replace("%20", "+")},
    lambda request: {"body": request.body + b" "},
    _other_header("Host"),
    _other_header("X-Project-Id"),
    _other_header("X-Security-Token"),
    _other_header("X_Unsigned"),
    lambda _: {},
]


@given(requests, st.sampled_from(ALTERATIONS), st.sampled_from([SECRET, "another"]))
def test_after_any_alteration_both_verifiers_say_the_same(
    request: RawRequest, alter: Callable[[RawRequest], dict[str, Any]], secret: str
) -> None:
    signed = signed_by_sdk(request, secret)
    parts = {name: getattr(signed, name) for name in ("method", "path", "query", "headers", "body")}
    arrived = RawRequest(**parts | alter(signed))
    assume(arrived.path.startswith("/"))
    assert accepted_by_us(arrived) == accepted_by_sdk(arrived)
