"""Who may read the simulated cloud: keys, tokens, passwords, temporary keys."""

import base64
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.demo.cloud import MetadataForm, SimulatedCloud, Tenant, Terms
from bot.demo.cloud.iam import Login
from bot.demo.cloud.signature import RawRequest
from bot.demo.scenario import fleet
from tests.contract.cloud_world import Received, Running, running, signed_headers

OTHER_PROJECT = "f" * 32
KEY_PATH = "/openstack/latest/securitykey"
METADATA_TOKEN_PATH = "/meta-data/latest/api/token"


@pytest.fixture
async def world() -> AsyncIterator[Running]:
    async with running(fleet(1)) as found:
        yield found


async def listed(world: Running, headers: dict[str, str], project: str = "") -> Received:
    """The list of instances, asked for with these headers."""
    path = f"/v2/{project or world.cloud.scenario.project_id}/instances"
    return await world.send("GET", path, query="engine=kafka", headers=headers)


def signed_with(
    world: Running, access_key: str, secret: str, **extra: str
) -> tuple[dict[str, str], str]:
    """Headers of a signed list request, and the project it is for."""
    project = extra.pop("project", world.cloud.scenario.project_id)
    request = RawRequest(
        method="GET",
        path=f"/v2/{project}/instances",
        query="engine=kafka",
        headers=(
            ("Host", f"127.0.0.1:{world.port}"),
            ("X-Sdk-Date", world.clock().strftime("%Y%m%dT%H%M%SZ")),
            *((name.replace("_", "-"), value) for name, value in extra.items()),
        ),
    )
    return signed_headers(request, access_key=access_key, secret=secret), project


async def token_of(world: Running, **changes: object) -> dict[str, str]:
    answer = await world.login(**changes)
    assert answer.status == 201
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}


async def test_a_login_gives_a_token_of_the_vendors_length_for_a_day(world: Running) -> None:
    answer = await world.login()
    assert answer.status == 201
    token = answer.headers["X-Subject-Token"]
    assert len(token) == 9120
    assert len(base64.b64decode(token, validate=True)) == 6840
    assert token.startswith("MIIatAYJ")
    body = answer.json["token"]
    assert body["issued_at"] == "2026-03-01T12:00:00.000000Z"
    assert body["expires_at"] == "2026-03-02T12:00:00.000000Z"
    assert body["project"]["id"] == world.cloud.scenario.project_id
    assert body["methods"] == ["password"]


async def test_the_catalog_is_left_out_when_nobody_wants_it(world: Running) -> None:
    identity = {
        "methods": ["password"],
        "password": {
            "user": {
                "name": world.tenant.user,
                "password": world.tenant.password,
                "domain": {"name": world.tenant.domain},
            }
        },
    }
    body = {"auth": {"identity": identity}}
    full = await world.send("POST", "/v3/auth/tokens", body=body)
    bare = await world.send("POST", "/v3/auth/tokens", query="nocatalog=true", body=body)
    assert full.json["token"]["catalog"][0]["type"] == "dms"
    assert "catalog" not in bare.json["token"]


async def test_a_token_reads_until_it_ends_and_a_new_one_leaves_it_valid(world: Running) -> None:
    old = await token_of(world)
    world.clock.move(hours=23)
    new = await token_of(world)
    assert (await listed(world, old)).status == 200
    world.clock.move(hours=1)
    ended = await listed(world, old)
    assert (ended.status, ended.code) == (401, "DMS.10240102")
    assert (await listed(world, new)).status == 200


async def test_without_the_right_token_each_wrong_has_its_own_code(world: Running) -> None:
    good = await token_of(world)
    unscoped = await token_of(world, scope={"domain": {"name": world.tenant.domain}})
    answers = [
        await listed(world, {}),
        await listed(world, {"X-Auth-Token": ""}),
        await listed(world, {"X-Auth-Token": "stranger"}),
        await listed(world, good, OTHER_PROJECT),
        await listed(world, unscoped),
    ]
    assert {answer.status for answer in answers} == {401}
    assert [answer.code[-3:] for answer in answers] == ["103", "103", "101", "104", "104"]


async def test_revoked_tokens_are_invalid(world: Running) -> None:
    token = await token_of(world)
    world.cloud.iam.revoke_tokens()
    assert (await listed(world, token)).code == "DMS.10240101"


@pytest.mark.parametrize("change", ["user", "password", "domain"])
async def test_a_wrong_login_is_refused_in_the_shape_of_iam(world: Running, change: str) -> None:
    answer = await world.login(**{change: "wrong"})
    assert answer.status == 401
    assert answer.json == {
        "error": {
            "message": "The username or password is wrong.",
            "code": 401,
            "title": "Unauthorized",
        }
    }
    assert "X-Subject-Token" not in answer.headers


async def test_five_wrong_passwords_in_a_row_lock_the_user_for_a_quarter_of_an_hour(
    world: Running,
) -> None:
    for _ in range(4):
        assert (await world.login(password="wrong")).status == 401
    assert (await world.login()).status == 201
    for _ in range(5):
        assert (await world.login(password="wrong")).status == 401
    locked = await world.login()
    assert locked.status == 401
    assert locked.json["error"]["message"] == "The account is locked."
    world.clock.move(minutes=14, seconds=59)
    assert (await world.login()).status == 401
    world.clock.move(seconds=1)
    assert (await world.login()).status == 201


async def test_a_project_can_be_named_and_a_strange_one_is_refused(world: Running) -> None:
    named = await token_of(world, scope={"project": {"name": "eu-west-101"}})
    assert (await listed(world, named)).status == 200
    assert (await world.login(scope={"project": {"id": OTHER_PROJECT}})).status == 401


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"auth": {}},
        {"auth": {"identity": {"methods": ["token"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {}}}},
    ],
)
async def test_a_login_that_is_none_is_a_bad_request(world: Running, body: object) -> None:
    answer = await world.send("POST", "/v3/auth/tokens", body=body)
    assert answer.status == 400
    assert answer.json["error"]["title"] == "Bad Request"


async def test_the_journal_knows_who_asked_and_keeps_no_secret(world: Running) -> None:
    token = await token_of(world)
    await listed(world, token)
    await world.get("/instances", engine="kafka")
    await listed(world, {})
    who = [asked.authenticated_as for asked in world.cloud.journal]
    assert who == [None, "token demo-monitor", "aksk AKDEMO0SIMULATED0001", None]
    assert [asked.status for asked in world.cloud.journal] == [201, 200, 200, 401]
    kept = repr(list(world.cloud.journal)) + repr(world.cloud)
    for secret in (token["X-Auth-Token"], world.tenant.secret_key, world.tenant.password):
        assert secret not in kept


async def test_a_signature_is_refused_with_the_gateways_words(world: Running) -> None:
    tenant = world.tenant
    headers, _ = signed_with(world, "AKSTRANGER", tenant.secret_key)
    strange = await listed(world, headers)
    headers, _ = signed_with(world, tenant.access_key, "wrong")
    wrong = await listed(world, headers)
    headers, _ = signed_with(world, tenant.access_key, tenant.secret_key)
    world.clock.move(minutes=16)
    late = await listed(world, headers)
    told = [answer.json["error_msg"] for answer in (strange, wrong, late)]
    head = "Incorrect IAM authentication information: "
    assert told == [
        head + "ak AKSTRANGER not exist",
        head + "verify aksk signature fail",
        head + "calc aksk signature fail:signature expired, "
        "signature time:20260301T120000Z,server time:20260301T121600Z",
    ]
    assert {(a.status, a.code) for a in (strange, wrong, late)} == {(401, "APIGW.0301")}


async def test_a_signature_is_good_for_its_own_project_only(world: Running) -> None:
    tenant = world.tenant
    headers, project = signed_with(
        world, tenant.access_key, tenant.secret_key, project=OTHER_PROJECT
    )
    assert (await listed(world, headers, project)).code == "DMS.10240104"
    headers, _ = signed_with(
        world, tenant.access_key, tenant.secret_key, X_Project_Id=OTHER_PROJECT
    )
    assert (await listed(world, headers)).code == "DMS.10240104"


async def keys(world: Running, headers: dict[str, str] | None = None) -> dict[str, str]:
    answer = await world.send("GET", KEY_PATH, headers=headers)
    assert answer.status == 200
    found: dict[str, str] = answer.json["credential"]
    return found


def by(world: Running, credential: dict[str, str], **extra: str) -> dict[str, str]:
    token = {"X_Security_Token": credential["securitytoken"]} | extra
    headers, _ = signed_with(world, credential["access"], credential["secret"], **token)
    return headers


async def test_temporary_keys_read_with_their_security_token_signed_or_not(world: Running) -> None:
    credential = await keys(world)
    headers, _ = signed_with(world, credential["access"], credential["secret"])
    unsigned = headers | {"X-Security-Token": credential["securitytoken"]}
    wrong = by(world, credential, X_Security_Token="another")
    statuses = [
        (await listed(world, each)).status
        for each in (by(world, credential), unsigned, headers, wrong)
    ]
    assert statuses == [200, 200, 401, 401]


async def test_temporary_keys_are_exchanged_six_hours_before_their_end_and_overlap(
    world: Running,
) -> None:
    first = await keys(world)
    assert first["expires_at"] == "2026-03-02T12:00:00.000000Z"
    world.clock.move(hours=17, minutes=59)
    assert await keys(world) == first
    world.clock.move(minutes=1)
    second = await keys(world)
    assert second["access"] != first["access"]
    assert (await listed(world, by(world, first))).status == 200
    world.clock.move(hours=6)
    assert (await listed(world, by(world, first))).status == 401
    assert (await listed(world, by(world, second))).status == 200


async def test_temporary_keys_can_be_rotated_on_demand(world: Running) -> None:
    first = await keys(world)
    world.cloud.metadata.rotate()
    assert (await keys(world))["access"] != first["access"]


async def test_guarded_metadata_asks_for_a_token_that_ends() -> None:
    async with running(fleet(1), terms=Terms(metadata=MetadataForm.GUARDED)) as world:
        assert (await world.send("GET", KEY_PATH)).status == 401
        for life in ("0", "21601", "x"):
            headers = {"X-Metadata-Token-Ttl-Seconds": life}
            assert (await world.send("PUT", METADATA_TOKEN_PATH, headers=headers)).status == 400
        assert (await world.send("PUT", METADATA_TOKEN_PATH)).status == 400
        opened = await world.send(
            "PUT", METADATA_TOKEN_PATH, headers={"X-Metadata-Token-Ttl-Seconds": "21600"}
        )
        token = {"X-Metadata-Token": opened.body.decode()}
        assert (await keys(world, token))["access"].startswith("AKTEMP")
        world.clock.move(hours=6)
        assert (await world.send("GET", KEY_PATH, headers=token)).status == 401


@pytest.mark.parametrize("status", [404, 405, 503])
async def test_open_metadata_does_not_know_the_token_call(status: int) -> None:
    async with running(fleet(1), terms=Terms(metadata_put_status=status)) as world:
        answer = await world.send(
            "PUT", METADATA_TOKEN_PATH, headers={"X-Metadata-Token-Ttl-Seconds": "60"}
        )
        assert answer.status == status


async def test_a_server_without_an_agency_is_told_so() -> None:
    async with running(fleet(1), terms=Terms(metadata=MetadataForm.NO_AGENCY)) as world:
        answer = await world.send("GET", KEY_PATH)
    assert (answer.status, answer.body) == (401, b"Please configure Cloud Service Agency first")


async def test_revoked_credentials_are_refused_everywhere(world: Running) -> None:
    token, credential = await token_of(world), await keys(world)
    world.cloud.credentials_revoked = True
    assert (await listed(world, token)).code == "DMS.10240101"
    assert (await listed(world, by(world, credential))).code == "APIGW.0301"
    assert (await world.get("/instances", engine="kafka")).code == "APIGW.0301"
    assert (await world.login()).status == 401


def test_no_secret_shows_in_a_representation() -> None:
    cloud = SimulatedCloud(fleet(1), lambda: datetime.fromisoformat("2026-03-01T12:00:00+00:00"))
    key = cloud.metadata.rotate()
    login = cloud.iam.login(
        {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {
                            "name": cloud.tenant.user,
                            "password": cloud.tenant.password,
                            "domain": {"name": cloud.tenant.domain},
                        }
                    },
                }
            }
        }
    )
    shown = repr((cloud, key, login, Tenant()))
    assert isinstance(login, Login)
    for secret in (
        key.secret_key,
        key.security_token,
        login.token,
        cloud.tenant.secret_key,
        cloud.tenant.password,
    ):
        assert secret not in shown
    assert key.expires_at - cloud.clock() == timedelta(hours=24)
