"""The four kinds of credentials against an endpoint that is DMS, IAM and metadata at once."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.adapters.dms.account import AkSk, CredentialsConfig, Metadata, Password, Token
from bot.adapters.dms.client import open_client
from bot.ports import (
    CloudDenied,
    CloudError,
    CloudProtocolError,
    CloudThrottled,
    CloudUnavailable,
    ConfigError,
)
from tests.contract.dms_endpoint import (
    AT_ONCE,
    KEYS,
    PROJECT,
    TASK,
    Answer,
    Arrived,
    Endpoint,
    Said,
    dms_error,
    endpoint,
    in_turn,
    said,
)
from tests.fakes import EPOCH, NoJitter, SetClock

BUDGET = timedelta(seconds=10)
GOOD = said({"status": "RUNNING"})
REFUSED = dms_error(401, "DMS.10240101", "Invalid token.")
PASSWORD = Password("domain-1", "monitor", "pass-word-1")
LONG = "MIIatAYJ" + "x" * 9112
"""As long as the token in the vendor's sample."""
TOKEN_PATH = "/meta-data/latest/api/token"
KEYS_PATH = "/openstack/latest/securitykey"


def issued(token: str, *, expires_at: object = "2026-01-03T03:04:05.000000Z") -> Said:
    body = {"token": {"expires_at": expires_at, "roles": [{"id": "0"}]}}
    return said(body, 201, X_Subject_Token=token)


@dataclass
class World:
    """DMS that lets in who `admits` says, and IAM or metadata at `door`."""

    door: Answer
    admits: Callable[[Arrived], bool] = lambda _: True

    def __call__(self, arrived: Arrived) -> Said:
        if not arrived.path.startswith("/v2/"):
            return self.door(arrived)
        return GOOD if self.admits(arrived) else REFUSED


def with_token(token: str) -> Callable[[Arrived], bool]:
    return lambda arrived: arrived.header("X-Auth-Token") == token


def asked(cloud: Endpoint, start: str) -> list[Arrived]:
    return [each for each in cloud.arrived if each.path.startswith(start)]


async def denied(cloud: Endpoint, credentials: CredentialsConfig) -> CloudError:
    async with cloud.client(credentials) as client:
        with pytest.raises(CloudError) as caught:
            await client.observe(TASK, budget=AT_ONCE)
    return caught.value


# --- keys and a given token ------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [KEYS, Token(LONG)], ids=["keys", "token"])
async def test_the_refusal_of_what_cannot_be_renewed_is_final(
    credentials: CredentialsConfig,
) -> None:
    async with endpoint(lambda _: REFUSED) as cloud:
        error = await denied(cloud, credentials)
    assert isinstance(error, CloudDenied)
    assert len(cloud.arrived) == 1


async def test_a_given_token_is_sent_as_it_is() -> None:
    async with endpoint(lambda _: GOOD) as cloud, cloud.client(Token(LONG)) as client:
        await client.observe(TASK, budget=BUDGET)
    (arrived,) = cloud.arrived
    assert arrived.header("X-Auth-Token") == LONG
    assert arrived.header("Authorization") is None


@pytest.mark.parametrize(
    ("credentials", "key"),
    [
        (Token("a\nb"), "token"),
        (Token(""), "token"),
        (AkSk("A K", "s"), "access_key"),
        (AkSk("AK", "s", "tökén"), "security_token"),
    ],
)
async def test_credentials_that_no_header_carries_are_a_configuration_error(
    credentials: CredentialsConfig, key: str
) -> None:
    async with endpoint(lambda _: GOOD) as cloud:
        with pytest.raises(ConfigError, match=rf"^accounts\.prod\.auth\.{key}: ") as caught:
            async with cloud.client(credentials):
                pass
    assert "tökén" not in str(caught.value)


# --- a password ------------------------------------------------------------------------------


async def test_a_password_gets_a_token_of_the_project_once_for_all_polls() -> None:
    world = World(in_turn([issued(LONG)]), with_token(LONG))
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        await asyncio.gather(*(client.observe(TASK, budget=BUDGET) for _ in range(20)))
    (login,) = asked(cloud, "/v3/")
    assert (login.method, login.target) == ("POST", "/v3/auth/tokens?nocatalog=true")
    assert login.header("Content-Type") == "application/json;charset=utf8"
    user = {"name": "monitor", "password": "pass-word-1", "domain": {"name": "domain-1"}}
    assert json.loads(login.body) == {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": PROJECT}},
        }
    }


async def test_a_refused_token_is_renewed_once_and_the_poll_succeeds() -> None:
    world = World(in_turn([issued("old"), issued("new")]), with_token("new"))
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        await asyncio.gather(*(client.observe(TASK, budget=BUDGET) for _ in range(10)))
    assert len(asked(cloud, "/v3/")) == 2


async def test_a_second_refusal_is_final_and_later_polls_do_not_log_in_again() -> None:
    world = World(lambda _: issued("never-good"), lambda _: False)
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        for _ in range(5):
            with pytest.raises(CloudDenied):
                await client.observe(TASK, budget=BUDGET)
    # The second login gave the same text, so there was nothing to repeat the request with.
    assert len(asked(cloud, "/v3/")) == 2
    assert len(asked(cloud, "/v2/")) == 5


async def test_a_second_refusal_of_a_new_token_is_final() -> None:
    world = World(in_turn([issued(f"token-{n}") for n in range(9)]), lambda _: False)
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        for _ in range(5):
            with pytest.raises(CloudDenied):
                await client.observe(TASK, budget=BUDGET)
    assert len(asked(cloud, "/v3/")) == 2
    assert len(asked(cloud, "/v2/")) == 6


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_password_is_tried_once_and_never_in_a_loop(status: int) -> None:
    wrong = {"error": {"message": "The username or password is wrong.", "code": status}}
    async with (
        endpoint(World(lambda _: said(wrong, status))) as cloud,
        cloud.client(PASSWORD) as client,
    ):
        for _ in range(20):
            with pytest.raises(CloudDenied) as caught:
                await client.observe(TASK, budget=BUDGET)
    assert len(cloud.arrived) == 1
    said_so = caught.value.detail
    assert "user 'monitor' of domain 'domain-1'" in said_so
    assert "The username or password is wrong." in said_so
    assert "repeated ones lock the user" in said_so
    assert "asked again in 60 min" in said_so
    assert "pass-word-1" not in said_so
    assert caught.value.account == "prod"


async def test_a_password_that_turns_wrong_ends_in_one_more_login() -> None:
    logins = [issued("first"), said({"error": {"message": "wrong", "code": 401}}, 401)]
    async with (
        endpoint(World(in_turn(logins), lambda _: False)) as cloud,
        cloud.client(PASSWORD) as client,
    ):
        for _ in range(5):
            with pytest.raises(CloudDenied, match="IAM refused"):
                await client.observe(TASK, budget=BUDGET)
    assert len(asked(cloud, "/v3/")) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (said(b"", 503), CloudUnavailable, "IAM: HTTP 503"),
        (said(b"", 429, Retry_After="60"), CloudThrottled, "IAM: HTTP 429"),
        (said(b"<p>", 302), CloudProtocolError, "IAM: HTTP 302"),
        (said({"token": {}}, 201), CloudProtocolError, "X-Subject-Token"),
        (issued("a b"), CloudProtocolError, "X-Subject-Token"),
        (Said((), close=True), CloudUnavailable, "ended before"),
        (Said((), hang=True), CloudUnavailable, "did not arrive in time"),
    ],
)
async def test_an_iam_that_does_not_work_is_told_as_what_it_is(
    answer: Said, kind: type[CloudError], says: str
) -> None:
    async with endpoint(World(lambda _: answer)) as cloud:
        error = await denied(cloud, PASSWORD)
    assert type(error) is kind
    assert says in error.detail
    assert error.account == "prod"
    assert asked(cloud, "/v2/") == []


@pytest.mark.parametrize("expires_at", [None, "soon", 5, "2020-01-01T00:00:00Z"])
async def test_a_token_whose_end_cannot_be_read_is_used(expires_at: object) -> None:
    world = World(in_turn([issued("t1", expires_at=expires_at)]), with_token("t1"))
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        for _ in range(3):
            await client.observe(TASK, budget=BUDGET)
    assert len(asked(cloud, "/v3/")) == 1


async def test_a_login_outlives_the_poll_that_began_it() -> None:
    slow = Said((), hang=True)
    world = World(lambda _: slow)
    async with endpoint(world) as cloud, cloud.client(PASSWORD) as client:
        poll = asyncio.create_task(client.observe(TASK, budget=BUDGET))
        await cloud.until(1)
        poll.cancel()
        second = asyncio.create_task(client.observe(TASK, budget=AT_ONCE))
        await asyncio.wait([poll, second])
    assert len(asked(cloud, "/v3/")) == 1


async def test_a_password_needs_an_iam_endpoint() -> None:
    async with endpoint(lambda _: GOOD) as cloud:
        with pytest.raises(ConfigError, match=r"accounts\.prod\.iam_endpoint"):
            async with cloud.client(PASSWORD, iam_endpoint=""):
                pass


# --- a server's keys -------------------------------------------------------------------------


def server(*keys: object, guard: Said | None = None, put: int = 404) -> Callable[[Arrived], Said]:
    """A metadata service that gives these keys in turn; with `guard` in its newer form."""
    answers = in_turn([said(each) for each in keys])

    def door(arrived: Arrived) -> Said:
        if arrived.method == "PUT":
            assert arrived.path == TOKEN_PATH
            return guard or said(b"", put)
        assert arrived.path == KEYS_PATH
        if guard is not None and arrived.header("X-Metadata-Token") != "guard-1":
            return said(b"Unauthorized", 401)
        return answers(arrived)

    return door


def temporary(number: int = 1, end: str = "2026-01-03T03:04:05.000000Z") -> dict[str, object]:
    return {
        "access": f"AKTEMP{number}",
        "secret": f"secret-{number}",
        "securitytoken": f"security-{number}",
        "expires_at": end,
    }


def signed_by(key: str) -> Callable[[Arrived], bool]:
    return lambda arrived: f"Access={key}," in (arrived.header("Authorization") or "")


SPELLINGS = [
    {"credential": temporary()},
    {"credentials": temporary()},
    temporary(),
    {
        "credential": {
            "accessKeyId": "AKTEMP1",
            "secretAccessKey": "secret-1",
            "securityToken": "security-1",
            "expiration": "2026-01-03T03:04:05.000000Z",
        }
    },
    {"access_key_id": "AKTEMP1", "secret_access_key": "secret-1", "security_token": "security-1"},
]


@pytest.mark.parametrize("keys", SPELLINGS)
@pytest.mark.parametrize("put", [404, 405, 503])
async def test_the_older_form_and_every_spelling_are_understood(keys: object, put: int) -> None:
    world = World(server(keys, put=put), signed_by("AKTEMP1"))
    async with endpoint(world) as cloud, cloud.client(Metadata()) as client:
        for _ in range(3):
            await client.observe(TASK, budget=BUDGET)
    assert [each.path for each in cloud.arrived[:2]] == [TOKEN_PATH, KEYS_PATH]
    assert cloud.arrived[1].header("X-Metadata-Token") is None
    assert len(asked(cloud, KEYS_PATH)) == 1
    assert asked(cloud, "/v2/")[0].header("X-Security-Token") == "security-1"


async def test_the_newer_form_wants_its_token() -> None:
    world = World(server({"credential": temporary()}, guard=said("guard-1")), signed_by("AKTEMP1"))
    async with endpoint(world) as cloud, cloud.client(Metadata()) as client:
        await client.observe(TASK, budget=BUDGET)
    (put,) = asked(cloud, TOKEN_PATH)
    assert put.header("X-Metadata-Token-Ttl-Seconds") == "21600"


async def test_refused_keys_are_exchanged_once() -> None:
    door = server({"credential": temporary(1)}, {"credential": temporary(2)})
    async with (
        endpoint(World(door, signed_by("AKTEMP2"))) as cloud,
        cloud.client(Metadata()) as client,
    ):
        await client.observe(TASK, budget=BUDGET)
        await client.observe(TASK, budget=BUDGET)
    assert len(asked(cloud, KEYS_PATH)) == 2


async def test_the_same_keys_again_are_not_tried_again() -> None:
    door = server({"credential": temporary(1)})
    async with endpoint(World(door, lambda _: False)) as cloud:
        error = await denied(cloud, Metadata())
    assert isinstance(error, CloudDenied)
    assert len(asked(cloud, "/v2/")) == 1


async def test_other_keys_do_not_help_a_wrong_clock() -> None:
    late = dms_error(401, "APIGW.0301", "calc aksk signature fail:signature expired, ...")
    door = server({"credential": temporary(1)}, {"credential": temporary(2)})

    def world(arrived: Arrived) -> Said:
        return late if arrived.path.startswith("/v2/") else door(arrived)

    async with endpoint(world) as cloud:
        error = await denied(cloud, Metadata())
    assert "clock" in error.detail
    assert len(asked(cloud, KEYS_PATH)) == 1


async def test_a_server_without_an_agency_is_told_what_to_do() -> None:
    no_agency = said(b"Please configure Cloud Service Agency first", 401)

    def door(arrived: Arrived) -> Said:
        return said(b"", 404) if arrived.method == "PUT" else no_agency

    async with endpoint(World(door)) as cloud:
        error = await denied(cloud, Metadata())
    assert isinstance(error, CloudDenied)
    assert "this server has no agency: create one" in error.detail


@pytest.mark.parametrize(
    ("keys", "kind", "says"),
    [
        (said({}), CloudProtocolError, "no usable access and secret key"),
        (said(b"<html>"), CloudProtocolError, "no usable access and secret key"),
        (said({"access": "A\nK", "secret": "s"}), CloudProtocolError, "no usable"),
        (said({"access": "", "secret": "s"}), CloudProtocolError, "no usable"),
        (said(b"", 500), CloudUnavailable, "metadata service: HTTP 500"),
        (said(b"", 404), CloudProtocolError, "metadata service: HTTP 404"),
        (Said((), close=True), CloudUnavailable, "exists only on a cloud server"),
    ],
)
async def test_a_metadata_service_that_does_not_work_is_told_as_what_it_is(
    keys: Said, kind: type[CloudError], says: str
) -> None:
    def door(arrived: Arrived) -> Said:
        return said(b"", 404) if arrived.method == "PUT" else keys

    async with endpoint(World(door)) as cloud:
        error = await denied(cloud, Metadata())
    assert type(error) is kind
    assert says in error.detail


@pytest.mark.parametrize("put", [said("täken".encode()), said(b""), said(b"no", 403)])
async def test_a_guard_that_gives_no_token_is_an_error(put: Said) -> None:
    def door(arrived: Arrived) -> Said:
        return put if arrived.method == "PUT" else said({"credential": temporary()})

    async with endpoint(World(door)) as cloud:
        error = await denied(cloud, Metadata())
    assert asked(cloud, KEYS_PATH) == []
    assert error.account == "prod"


async def test_off_a_cloud_server_it_says_that_it_exists_only_there() -> None:
    async with endpoint(lambda _: GOOD) as gone:
        config = gone.config(Metadata())
    async with open_client(config, clock=SetClock(EPOCH), jitter=NoJitter()) as client:
        with pytest.raises(CloudUnavailable, match="exists only on a cloud server"):
            await client.observe(TASK, budget=AT_ONCE)
