"""TLS and proxies: who is trusted, what goes round the proxy, and what no error tells."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.dms.account import Metadata, Password
from bot.ports import CloudError, CloudUnavailable, ConfigError
from tests.contract.dms_endpoint import (
    AT_ONCE,
    PROJECT,
    TASK,
    Arrived,
    Said,
    endpoint,
    said,
)

DATA = Path(__file__).parents[1] / "data"
AUTHORITY = DATA / "tls" / "authority.pem"
GOOD = said({"status": "RUNNING"})
BUDGET = timedelta(seconds=5)


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "tls" / "loopback.pem")
    return context


async def test_an_own_authority_is_trusted_when_it_is_named(tls: ssl.SSLContext) -> None:
    async with (
        endpoint(lambda _: GOOD, tls=tls) as cloud,
        cloud.client(ca_file=AUTHORITY) as client,
    ):
        assert (await client.observe(TASK, budget=BUDGET)).status == "RUNNING"


async def test_nobody_else_is_trusted(tls: ssl.SSLContext) -> None:
    async with endpoint(lambda _: GOOD, tls=tls) as cloud, cloud.client() as client:
        with pytest.raises(CloudUnavailable, match="not accepted") as caught:
            await client.observe(TASK, budget=AT_ONCE)
    assert "ca_file" in caught.value.detail
    assert cloud.arrived == []


async def test_the_name_in_the_certificate_is_checked(tls: ssl.SSLContext) -> None:
    async with endpoint(lambda _: GOOD, tls=tls) as cloud:
        wrong = f"https://127.0.0.2:{cloud.port}"
        async with cloud.client(ca_file=AUTHORITY, endpoint=wrong) as client:
            with pytest.raises(CloudUnavailable):
                await client.observe(TASK, budget=AT_ONCE)
    assert cloud.arrived == []


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (DATA / "tls" / "absent.pem", "No such file or directory"),
        (DATA / "vendor-sink-task.json", "not a PEM file of certificates"),
        (DATA, "Is a directory"),
    ],
)
async def test_a_ca_file_that_cannot_be_used_is_a_configuration_error(
    file: Path, reason: str
) -> None:
    async with endpoint(lambda _: GOOD) as cloud:
        with pytest.raises(ConfigError) as caught:
            async with cloud.client(ca_file=file):
                pass
    assert str(caught.value) == f"accounts.prod.ca_file: {file}: {reason}"


async def test_requests_go_through_the_proxy() -> None:
    async with endpoint(lambda _: GOOD) as proxy:
        origin = "http://dms.invalid"
        async with proxy.client(endpoint=origin, proxy=proxy.url) as client:
            await client.observe(TASK, budget=BUDGET)
    (arrived,) = proxy.arrived
    path = f"/v2/{PROJECT}/connectors/connector-1/sink-tasks/task-1"
    assert arrived.target == f"{origin}{path}?topic-info=true"
    assert arrived.header("Host") == "dms.invalid"


async def test_logins_go_through_the_proxy_too() -> None:
    async with endpoint(lambda _: said(b"", 503)) as proxy:
        password = Password("d", "u", "p")
        iam = "http://iam.invalid"
        async with proxy.client(password, iam_endpoint=iam, proxy=proxy.url) as client:
            with pytest.raises(CloudUnavailable):
                await client.observe(TASK, budget=AT_ONCE)
    assert proxy.arrived[0].target.startswith("http://iam.invalid/v3/auth/tokens")


async def test_the_metadata_service_is_asked_directly() -> None:
    keys = {"credential": {"access": "AK", "secret": "s"}}

    def metadata(arrived: Arrived) -> Said:
        return said(b"", 404) if arrived.method == "PUT" else said(keys)

    async with (
        endpoint(metadata) as server,
        endpoint(lambda _: GOOD) as proxy,
        proxy.client(
            Metadata(),
            metadata_endpoint=server.url,
            proxy=proxy.url,
            endpoint="http://dms.invalid",
        ) as client,
    ):
        await client.observe(TASK, budget=BUDGET)
    assert len(server.arrived) == 2
    assert len(proxy.arrived) == 1


def everything_said(error: BaseException | None) -> str:
    told = ""
    while error is not None:
        told += f"{error} {error!r}\n"
        error = error.__cause__ or error.__context__
    return told


@pytest.mark.parametrize("answer", [said(b"", 407), said(b"", 502), Said((), close=True)])
async def test_a_proxy_that_refuses_is_told_without_its_password(answer: Said) -> None:
    async with endpoint(lambda _: answer) as proxy:
        address = f"http://user:proxy-password@127.0.0.1:{proxy.port}"
        async with proxy.client(endpoint="https://dms.invalid", proxy=address) as client:
            with pytest.raises(CloudError) as caught:
                await client.observe(TASK, budget=AT_ONCE)
    assert "proxy-password" not in everything_said(caught.value)
    assert proxy.arrived[0].method == "CONNECT"


async def test_a_proxy_that_is_not_there_is_told_without_its_password() -> None:
    async with endpoint(lambda _: GOOD) as gone:
        address = f"http://user:proxy-password@127.0.0.1:{gone.port}"
    async with gone.client(endpoint="https://dms.invalid", proxy=address) as client:
        with pytest.raises(CloudUnavailable, match="cannot connect to the proxy") as caught:
            await client.observe(TASK, budget=AT_ONCE)
    assert "proxy-password" not in everything_said(caught.value)


async def test_a_name_that_does_not_exist_is_told() -> None:
    async with (
        endpoint(lambda _: GOOD) as cloud,
        cloud.client(endpoint="http://dms.invalid") as client,
    ):
        with pytest.raises(CloudUnavailable, match=r"dms\.invalid"):
            await client.observe(TASK, budget=AT_ONCE)


async def test_secrets_do_not_show_in_the_accounts_repr() -> None:
    async with endpoint(lambda _: GOOD) as cloud:
        config = cloud.config(
            Password("domain-1", "monitor", "pass-word-1"),
            proxy="http://user:proxy-password@proxy.invalid",
        )
    assert "pass-word-1" not in repr(config)
    assert "proxy-password" not in repr(config)
