"""A running simulated cloud for tests: served on loopback, on a clock that the test moves."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from bot.demo.cloud import CLOUD, SimulatedCloud, Tenant, Terms, make_cloud
from bot.demo.cloud.signature import RawRequest, canonical_request, sign, string_to_sign
from bot.demo.scenario import Scenario
from bot.demo.serving import serve

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class MovedClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        found: str = self.json["error_code"]
        return found


@dataclass(frozen=True, slots=True)
class Running:
    cloud: SimulatedCloud
    clock: MovedClock
    session: ClientSession
    port: int
    tenant: Tenant = field(default_factory=Tenant)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def project(self) -> str:
        return f"/v2/{self.cloud.scenario.project_id}"

    def signed(self, path: str, query: str = "") -> dict[str, str]:
        """The headers of a GET signed with the tenant's keys at the clock's time."""
        return signed_headers(
            RawRequest(
                method="GET",
                path=path,
                query=query,
                headers=(
                    ("Host", f"127.0.0.1:{self.port}"),
                    ("X-Sdk-Date", self.clock().strftime("%Y%m%dT%H%M%SZ")),
                ),
            ),
            access_key=self.tenant.access_key,
            secret=self.tenant.secret_key,
        )

    async def get(self, path: str, **query: str) -> Received:
        """A signed GET of a path below the project."""
        full = self.project + path
        text = urlencode(query, quote_via=quote)
        return await self.send("GET", full, query=text, headers=self.signed(full, text))

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Received:
        """Any request, its path and query sent as they are."""
        url = URL(f"{self.base_url}{path}" + (f"?{query}" if query else ""), encoded=True)
        async with self.session.request(
            method, url, headers=headers, data=None if body is None else json.dumps(body)
        ) as response:
            return await received(response)

    async def login(self, **changes: object) -> Received:
        """A password login for the project; `changes` replace user, password, domain or scope."""
        tenant = self.tenant
        user = {
            "name": changes.get("user", tenant.user),
            "password": changes.get("password", tenant.password),
            "domain": {"name": changes.get("domain", tenant.domain)},
        }
        scope = changes.get("scope", {"project": {"id": self.cloud.scenario.project_id}})
        identity = {"methods": ["password"], "password": {"user": user}}
        return await self.send(
            "POST", "/v3/auth/tokens", body={"auth": {"identity": identity, "scope": scope}}
        )


async def received(response: ClientResponse) -> Received:
    return Received(response.status, response.headers, await response.read())


def signed_headers(request: RawRequest, *, access_key: str, secret: str) -> dict[str, str]:
    """The request's headers and its Authorization over all of them."""
    names = ";".join(sorted(name.lower() for name, _ in request.headers))
    date = request.header("X-Sdk-Date") or ""
    signature = sign(string_to_sign(canonical_request(request, names), date), secret)
    return {
        **dict(request.headers),
        "Authorization": (
            f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={names}, Signature={signature}"
        ),
    }


@asynccontextmanager
async def running(
    scenario: Scenario, *, speed: float = 1.0, terms: Terms | None = None
) -> AsyncIterator[Running]:
    """A cloud on a free port, and a client."""
    clock = MovedClock()
    app = make_cloud(scenario, clock=clock, speed=speed, terms=terms)
    runner, port = await serve(app)
    async with ClientSession(
        timeout=ClientTimeout(total=20), max_field_size=65536, auto_decompress=False
    ) as session:
        try:
            yield Running(app[CLOUD], clock, session, port)
        finally:
            await runner.cleanup()
