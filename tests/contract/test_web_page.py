"""The status page: what it shows, in which order, and that nothing from outside becomes markup."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from bot.domain.model import TaskState
from bot.domain.reports import Ailment, TaskView
from tests.builders import a_key, a_view, an_incident, at
from tests.contract.web_site import MadeUpFleet, site_of

HOSTILE = """<script>alert(1)</script>'"&<img src=x onerror=alert(1)>"""


class Reader(HTMLParser):
    """The tags of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"] and data.strip():
            self.words.append(" ".join(data.split()))

    def rows(self) -> int:
        return self.tags.count("tr") - 1


async def read(fleet: MadeUpFleet) -> Reader:
    async with site_of(fleet) as site:
        got = await site.get("/")
    assert got.status == 200
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    return Reader(got.text)


async def test_tasks_stand_in_the_order_of_the_fleet_with_what_is_known_of_them() -> None:
    sick = replace(a_view(name="orders", state=TaskState.CRITICAL, lag=1_234_567), unknown=2)
    fine = replace(
        a_view(name="clicks", state=TaskState.OK, lag=0, labels={"team": "web"}), read_at=at(80)
    )
    page = await read(MadeUpFleet([sick, fine]))

    assert page.rows() == 2
    names = [word for word in page.words if word in {"orders", "clicks"}]
    assert names == ["orders", "clicks"]
    for shown in ("critical", "RUNNING", "1.2 M", "over 3 known, 2 unknown", "1 min", "10 s"):
        assert shown in page.words
    assert ("span", "title", "1,234,567 messages") in page.attributes
    assert {"ok", "team=web", "0", "1 critical", "1 ok"} <= set(page.words)


async def test_what_is_unknown_is_said_to_be_unknown() -> None:
    page = await read(MadeUpFleet([TaskView(a_key(), "orders", failure="HTTP 503")]))

    assert {"unknown", "never", "–", "HTTP 503"} <= set(page.words)
    assert "0" not in page.words


async def test_open_incidents_stand_above_with_their_ids() -> None:
    view = a_view()
    incident = an_incident()
    view = replace(view, open_incidents=(incident.id,))
    page = await read(MadeUpFleet([view], [incident, an_incident(at(-600), resolved_at=at(0))]))

    assert page.words.count(incident.id[:8]) == 2
    assert ("a", "href", f"/api/incidents/{incident.id}") in page.attributes
    assert {"Open incidents", "lag"} <= set(page.words)


async def test_what_ails_the_bot_stands_on_the_page() -> None:
    fleet = MadeUpFleet()
    well = await read(fleet)
    fleet.report = replace(fleet.report, ailments=(Ailment("store", "locked"),))
    ill = await read(fleet)

    assert "The bot itself needs a look" not in well.words
    assert {"The bot itself needs a look", "store", ": locked"} <= set(ill.words)


async def test_an_empty_fleet_is_said_to_be_empty() -> None:
    page = await read(MadeUpFleet())

    assert "No task is watched yet." in page.words
    assert "table" not in page.tags


async def test_nothing_from_outside_becomes_markup() -> None:
    view = replace(
        a_view(name=HOSTILE, labels={HOSTILE: HOSTILE}), cloud_status=HOSTILE, failure=HOSTILE
    )
    incident = replace(an_incident(), name=HOSTILE, rule=HOSTILE)
    fleet = MadeUpFleet([view], [incident])
    fleet.report = replace(fleet.report, ailments=(Ailment(HOSTILE, HOSTILE),))
    page = await read(fleet)

    assert not {"script", "img"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE in page.words


async def test_the_page_loads_nothing_runs_nothing_and_reloads_itself() -> None:
    page = await read(MadeUpFleet([a_view()], [an_incident()]))

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not [value for _, name, value in page.attributes if name in {"src", "style"}]
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    assert ("meta", "http-equiv", "refresh") in page.attributes


async def test_the_policy_allows_the_pages_own_style_sheet_and_nothing_else() -> None:
    async with site_of(MadeUpFleet([a_view()])) as site:
        got = await site.get("/")

    [style] = re.findall(r"<style>(.*?)</style>", got.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert got.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    assert "unsafe" not in got.headers["Content-Security-Policy"]
    assert not re.search(r"url\(|@import", style)


async def test_of_a_large_fleet_the_worst_are_shown_and_the_rest_is_counted() -> None:
    fleet = MadeUpFleet(
        [a_view(name=f"task-{number}") for number in range(620)],
        [replace(an_incident(), id=f"i-{number:010d}") for number in range(60)],
    )
    page = await read(fleet)

    assert page.rows() == 500
    assert "… and 120 more:" in page.words
    assert "… and 10 more:" in page.words
    assert "620 warning" in page.words
