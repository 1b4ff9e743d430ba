"""The vendor's own signer, as a gateway would use it, accepts every request that we send."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.dms.account import AkSk
from bot.adapters.dms.calls import Api, Call
from bot.adapters.dms.signing import Signer
from bot.domain.model import TaskKey, WatchedTask
from bot.ports import Scope
from tests.contract.dms_endpoint import (
    KEYS,
    PROJECT,
    TASK,
    Arrived,
    endpoint,
    said,
)

core = pytest.importorskip("huaweicloudsdkcore.auth.credentials")
signer = pytest.importorskip("huaweicloudsdkcore.signer.signer")
sdk_request = pytest.importorskip("huaweicloudsdkcore.sdk_request")

pytestmark = pytest.mark.vendor

DATE = "20260102T030405Z"
TEMPORARY = AkSk(KEYS.access_key, KEYS.secret_key, "security+token/==")


def vendors_authorization(arrived: Arrived, keys: AkSk) -> str:
    """Signs what arrived again, over the headers that it says are signed."""
    given_authorization = arrived.header("Authorization") or ""
    names = given_authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    path, _, query = arrived.target.partition("?")
    request: Any = sdk_request.SdkRequest(
        method=arrived.method,
        schema="http",
        host=arrived.header("Host"),
        resource_path=path,
        query_params=parse_qsl(query, keep_blank_values=True),
        header_params={name: arrived.header(name) for name in names},
        body=arrived.body.decode(),
    )
    credentials = core.BasicCredentials(keys.access_key, keys.secret_key, PROJECT)
    signed = signer.Signer(credentials).sign(request)
    made: str = signed.header_params["Authorization"]
    return made


def all_accepted(arrived: Iterable[Arrived], keys: AkSk) -> bool:
    return all(
        each.header("Authorization") == vendors_authorization(each, keys) for each in arrived
    )


@pytest.mark.parametrize("keys", [KEYS, TEMPORARY], ids=["keys", "temporary keys"])
async def test_every_call_of_the_client_is_accepted(keys: AkSk) -> None:
    instances = {
        "instances": [{"instance_id": "i 1", "name": "a", "connector_id": "c/1+2"}],
        "instance_num": 60,
    }

    async with (
        endpoint(lambda _: said(instances | {"tasks": []})) as cloud,
        cloud.client(keys) as client,
    ):
        await client.list_tasks(Scope(), smart_connect=True)
        await client.observe(TASK, budget=TASK.interval)
        odd = WatchedTask(TaskKey("prod", "a b", "ü*~()"), "odd", "odd")
        await client.observe(odd, budget=TASK.interval)
    assert len(cloud.arrived) == 6
    assert all_accepted(cloud.arrived, keys)


def as_sent(call: Call, keys: AkSk, host: str) -> Arrived:
    headers = {"Host": host, **Signer(keys).headers(call.seal, DATE)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Arrived(f"GET {call.url.raw_path_qs} HTTP/1.1\r\n{lines}\r\n".encode())


ids = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(connector=ids, task=ids)
def test_any_ids_are_signed_as_the_vendor_would(connector: str, task: str) -> None:
    call = Api("https://dms.example:8443", PROJECT).sink_task(connector, task)
    arrived = as_sent(call, KEYS, "dms.example:8443")
    assert arrived.header("Authorization") == vendors_authorization(arrived, KEYS)


def test_a_request_changed_on_its_way_is_not_accepted() -> None:
    arrived = as_sent(Api("https://dms.example", PROJECT).sink_task("c", "t"), KEYS, "dms.example")
    assert all_accepted([arrived], KEYS)
    for old, new in ((b"topic-info=true", b"topic-info=false"), (b"dms.example", b"other.example")):
        changed = Arrived(arrived.head.replace(old, new))
        assert not all_accepted([changed], KEYS)
