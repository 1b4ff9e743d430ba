"""The addresses: what each answers, to whom, and with which headers."""

from dataclasses import replace

import pytest
from aiohttp import web

from bot.adapters.web import METRICS_TYPE
from bot.domain.reports import Ailment
from tests.builders import a_view, an_incident
from tests.contract.web_site import MadeUpFleet, basic, site_of

TOKEN = "a-token-for-pages"
ADDRESSES = ["/", "/healthz", "/readyz", "/metrics", "/api/health", "/api/tasks", "/api/incidents"]


@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_address_answers_get_and_head(path: str) -> None:
    async with site_of(MadeUpFleet()) as site:
        got = await site.get(path)
        head = await site.ask("HEAD", path)

    assert (got.status, head.status) == (200, 200)
    assert got.text
    assert not head.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/tasks", "/api/tasks/orders"])
async def test_no_address_takes_another_method(method: str, path: str) -> None:
    async with site_of(MadeUpFleet()) as site:
        got = await site.ask(method, path)

    assert got.status == 405
    assert set(got.headers["Allow"].split(",")) == {"GET", "HEAD"}
    if path.startswith("/api"):
        assert got.json["error"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/tasks/", "/api", "/api/tasks/a/b/c"])
async def test_an_address_of_the_api_that_is_not_there_is_404_in_json(path: str) -> None:
    async with site_of(MadeUpFleet()) as site:
        got = await site.get(path)

    assert got.status == 404
    assert got.json["error"] == "not_found"


async def test_liveness_and_readiness_follow_the_process() -> None:
    fleet = MadeUpFleet()
    async with site_of(fleet) as site:
        good = [(await site.get(path)).status for path in ("/healthz", "/readyz")]
        fleet.loops_alive = fleet.started = False
        bad = [(await site.get(path)).status for path in ("/healthz", "/readyz")]

    assert (good, bad) == ([200, 200], [503, 503])


async def test_metrics_are_passed_on_in_prometheus_own_type() -> None:
    async with site_of(MadeUpFleet(exposition=b"x 1\n")) as site:
        got = await site.get("/metrics")

    assert got.text == "x 1\n"
    assert got.headers["Content-Type"] == METRICS_TYPE


async def test_routes_of_others_are_added_as_they_are() -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with site_of(MadeUpFleet(), routes=[web.post("/slack/commands", hello)]) as site:
        got = await site.ask("POST", "/slack/commands")

    assert got.text == "hello"


# --- who may look -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/tasks", "/api/health", "/api/nothing", "/api/tasks/x"])
async def test_with_a_token_the_page_and_the_api_are_shut(path: str) -> None:
    async with site_of(MadeUpFleet(), token=TOKEN) as site:
        got = await site.get(path)

    assert got.status == 401
    assert got.headers["WWW-Authenticate"].startswith("Basic ")
    assert got.json["error"] == "unauthorized"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_and_metrics_need_no_token(path: str) -> None:
    async with site_of(MadeUpFleet(), token=TOKEN) as site:
        assert (await site.get(path)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic("", TOKEN), basic("anybody", TOKEN)],
)
async def test_the_token_opens_as_bearer_and_as_a_browsers_password(authorization: str) -> None:
    async with site_of(MadeUpFleet(), token=TOKEN) as site:
        assert (await site.get("/api/tasks", Authorization=authorization)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Token {TOKEN}",
        TOKEN,
        "Bearer töken",
        "Basic !!!",
        "Basic dG9rZW4=",
        "Basic é",
        basic(TOKEN, ""),
        basic("anybody", "wrong"),
    ],
)
async def test_anything_else_stays_outside(authorization: str) -> None:
    async with site_of(MadeUpFleet(), token=TOKEN) as site:
        assert (await site.get("/api/tasks", Authorization=authorization)).status == 401


@pytest.mark.parametrize("path", ["/%61pi/tasks", "/api%2Ftasks", "//api/tasks", "/x/../api/tasks"])
async def test_no_other_spelling_of_an_address_gets_past_the_token(path: str) -> None:
    async with site_of(MadeUpFleet([a_view()]), token=TOKEN) as site:
        got = await site.get(path)

    assert got.status in {401, 404}
    assert "orders" not in got.text


# --- headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*ADDRESSES, "/api/nothing", "/nowhere"])
async def test_every_answer_forbids_sniffing_framing_caching_and_loading(path: str) -> None:
    async with site_of(MadeUpFleet()) as site:
        headers = (await site.get(path)).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "aiohttp" not in headers["Server"]


# --- health -----------------------------------------------------------------------------------


async def test_health_is_503_and_names_what_does_not_work() -> None:
    fleet = MadeUpFleet()
    fleet.report = replace(fleet.report, ailments=(Ailment("slack", "the token is refused"),))
    async with site_of(fleet) as site:
        got = await site.get("/api/health")

    assert got.status == 503
    assert got.json["healthy"] is False
    assert got.json["problems"] == [{"part": "slack", "why": "the token is refused", "since": None}]


@pytest.mark.parametrize(
    "path", ["/api/incidents", "/api/incidents/i-2", "/api/tasks/orders/samples"]
)
async def test_a_store_that_is_away_is_503_in_json(path: str) -> None:
    fleet = MadeUpFleet([a_view()], [an_incident()], store_away=True)
    async with site_of(fleet) as site:
        got = await site.get(path)

    assert got.status == 503
    assert got.json["error"] == "store_unavailable"


async def test_the_store_being_away_does_not_hide_the_page_or_the_tasks() -> None:
    fleet = MadeUpFleet([a_view()], [an_incident()], store_away=True)
    async with site_of(fleet) as site:
        statuses = [(await site.get(path)).status for path in ("/", "/api/tasks")]

    assert statuses == [200, 200]
