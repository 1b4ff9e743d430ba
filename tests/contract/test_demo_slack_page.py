"""The page in a real browser: what a newcomer sees, types and presses."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from tests.contract.chromium import Page, browsing
from tests.contract.slack_world import World, receiver, running, section, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


async def opened(page: Page, world: World, *, width: int = 1300) -> None:
    page.complaints.clear()
    await page.look(width=width, height=850)
    await page.open(f"{world.base_url}/#C1")
    await page.until("document.querySelector('#live').textContent === 'live'")


def shown(text: str) -> str:
    return f"document.querySelector('#messages').innerText.includes({text!r})"


async def test_posts_edits_and_notifications_appear_by_themselves(page: Page, world: World) -> None:
    await opened(page, world)
    posted = await world.client.chat_postMessage(channel="C1", text="*orders* lags <!here>")
    await page.until(shown("orders lags @here"))
    await world.client.chat_update(channel="C1", ts=posted["ts"], text="orders lags more")
    await page.until(shown("orders lags more"))

    notified = await page.evaluate("document.querySelector('#notifications').innerText")
    assert await page.evaluate("document.querySelectorAll('.message').length") == 1
    assert await page.evaluate("document.querySelector('.edited').textContent") == "edited"
    assert "orders lags @here" in str(notified)
    assert await page.evaluate("document.querySelector('#ring-count').textContent") == "Rang once"
    assert page.complaints == []


async def test_a_typed_command_is_answered_where_only_the_typist_sees_it(
    page: Page, world: World
) -> None:
    async def reply(request: web.Request) -> web.Response:
        text = str((await request.post())["text"])
        return web.json_response({"text": f"you asked: {text}"})

    await opened(page, world)
    async with serving(receiver(reply)) as app_url:
        world.slack.command_url = f"{app_url}/slack"
        await page.evaluate("document.querySelector('#composer-text').focus()")
        await page.type("/dumptask lag orders")
        await page.press("Enter", 13)
        await page.until(shown("you asked: lag orders"))

    note = await page.evaluate("document.querySelector('.ephemeral .note').textContent")
    assert note == " Only visible to you · /dumptask lag orders"
    assert await page.evaluate("document.querySelector('#composer-text').value") == ""
    await page.evaluate(
        "(v => { v.value = 'U0NIGHT'; v.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#viewer'))"
    )
    assert await page.evaluate("document.querySelectorAll('.ephemeral').length") == 0


async def test_a_button_is_pressed_and_a_thread_unfolded_from_the_keyboard(
    page: Page, world: World
) -> None:
    payloads: list[str] = []

    async def reply(request: web.Request) -> web.Response:
        payloads.append(str((await request.post())["payload"]))
        return web.Response()

    button = {"type": "button", "action_id": "ack", "text": {"type": "plain_text", "text": "Ack"}}
    root = await world.client.chat_postMessage(
        channel="C1", text="t", blocks=[{"type": "actions", "elements": [button]}]
    )
    await world.client.chat_postMessage(channel="C1", text="in the thread", thread_ts=root["ts"])
    await opened(page, world)
    async with serving(receiver(reply)) as app_url:
        world.slack.interaction_url = f"{app_url}/slack"
        await page.until("document.querySelector('.button')")
        for target in (".button", ".thread-toggle"):
            await page.evaluate(f"document.querySelector('{target}').focus()")
            await page.press("Enter", 13)
        await page.until(shown("in the thread"))
        await page.until("document.querySelector('.thread-toggle').ariaExpanded === 'true'")

    assert len(payloads) == 1
    assert '"action_id": "ack"' in payloads[0]
    focused = await page.evaluate("document.activeElement.className")
    assert focused == "thread-toggle"


_HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"


async def test_nothing_said_in_a_message_becomes_part_of_the_page(page: Page, world: World) -> None:
    cell = {"type": "raw_text", "text": _HOSTILE}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": _HOSTILE}]}
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _HOSTILE}},
        section(f"{_HOSTILE} <javascript:window.hacked=1|click> &lt;b&gt; `{_HOSTILE}`"),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": _HOSTILE}]},
        {"type": "rich_text", "elements": [rich]},
        {"type": "table", "rows": [[cell], [cell]]},
        {"type": "markdown", "text": f"## {_HOSTILE}\n[x](javascript:window.hacked=1)"},
        {"type": "image", "image_url": "https://x.example/a.png", "alt_text": _HOSTILE},
        {"type": "task_card", "title": _HOSTILE},
    ]
    attachment = {"color": "red; background: url(https://x.example)", "text": _HOSTILE}
    await world.client.chat_postMessage(
        channel="C1",
        text=_HOSTILE,
        username=_HOSTILE,
        blocks=blocks,
        attachments=[attachment],
    )
    await opened(page, world)
    await page.until("document.querySelectorAll('.message').length === 1")

    foreign = "main img:not(.avatar), main script, main a[href^=javascript]"
    assert await page.evaluate(f"document.querySelectorAll('{foreign}').length") == 0
    assert await page.evaluate("window.hacked === undefined")
    assert "<script>" in str(await page.evaluate("document.querySelector('h3').textContent"))
    assert page.complaints == []


@pytest.mark.parametrize("width", [390, 900])
async def test_a_narrow_window_never_scrolls_sideways(page: Page, world: World, width: int) -> None:
    wide = {"type": "raw_text", "text": "x" * 60}
    await world.client.chat_postMessage(
        channel="C1", text="t", blocks=[{"type": "table", "rows": [[wide] * 5]}, section("y" * 300)]
    )
    await opened(page, world, width=width)
    await page.until("document.querySelectorAll('table').length === 1")

    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await page.evaluate("document.querySelector('#scroll').scrollWidth <= innerWidth")
    right = await page.evaluate("document.querySelector('.send').getBoundingClientRect().right")
    assert isinstance(right, int | float)
    assert right <= width


async def test_dates_are_shown_in_the_time_zone_of_who_looks(page: Page, world: World) -> None:
    await world.client.chat_postMessage(
        channel="C1", text="since <!date^1700000000^{date_num} {time}|14 Nov, 22:13 UTC> (UTC)"
    )
    await opened(page, world)

    await page.until(shown("since 14/11/2023 23:13 (UTC)"))
    await page.evaluate(
        "(v => { v.value = 'U0NIGHT'; v.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#viewer'))"
    )
    await page.until(shown("since 15/11/2023 06:13 (UTC)"))
