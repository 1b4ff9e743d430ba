"""The network between the gateway and Slack, answers to response URLs, and what is trusted."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from bot.adapters.slack.access import SlackAccess, proxy_for
from bot.adapters.slack.gateway import SlackGateway
from bot.ports import (
    ChatAmbiguous,
    ChatError,
    ChatRejected,
    ChatThrottled,
    ChatUnavailable,
    ConfigError,
    Rejection,
)
from tests.contract.scripted_slack import (
    CARD,
    HTML,
    JSON,
    LATE_PATH,
    PAGE,
    PLAIN,
    TOKEN,
    Deed,
    Script,
    check,
    failure,
    gateway_to,
    hang_up,
    moves,
    post,
    refuses,
    reply,
    says,
    scripted,
    tells_no_secret,
    update,
    writes,
)


async def unreached(access: SlackAccess, deed: Deed = post) -> ChatError:
    async with SlackGateway(access) as gateway:
        with pytest.raises(ChatError) as caught:
            await deed(gateway)
    tells_no_secret(caught.value)
    return caught.value


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.mark.parametrize("deed", [post, reply, update, check])
async def test_a_refused_connection_is_known_not_to_have_posted(deed: Deed, deaf_port: int) -> None:
    error = await unreached(SlackAccess(TOKEN, f"http://127.0.0.1:{deaf_port}/api/"), deed)

    assert type(error) is ChatUnavailable


async def test_a_name_that_does_not_resolve_is_known_not_to_have_posted() -> None:
    error = await unreached(SlackAccess(TOKEN, "http://slack.invalid/api/", proxy=None))

    assert type(error) is ChatUnavailable


async def test_speaking_tls_to_a_plain_server_is_known_not_to_have_posted() -> None:
    async with scripted() as slack:
        error = await unreached(SlackAccess(TOKEN, slack.api_url.replace("http:", "https:")))

    assert type(error) is ChatUnavailable
    assert slack.asked == []


async def test_a_proxy_that_is_down_is_known_not_to_have_posted(deaf_port: int) -> None:
    proxy = f"http://127.0.0.1:{deaf_port}"

    error = await unreached(SlackAccess(TOKEN, "http://slack.invalid/api/", proxy=proxy))

    assert type(error) is ChatUnavailable


async def test_requests_go_through_the_proxy_that_is_configured() -> None:
    async with scripted() as proxy:
        access = SlackAccess(TOKEN, "http://slack.invalid/api/", proxy=proxy.base_url)
        async with SlackGateway(access) as gateway:
            assert await gateway.check_credentials() == "UBOT"

    assert len(proxy.asked) == 1


async def test_loopback_is_reached_without_the_proxy(deaf_port: int) -> None:
    async with scripted() as slack:
        access = SlackAccess(TOKEN, slack.api_url, proxy=f"http://127.0.0.1:{deaf_port}")
        async with SlackGateway(access) as gateway:
            assert await gateway.check_credentials() == "UBOT"


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("https://slack.com/api/", "http://secure.example:3128"),
        ("http://slack.test/api/", "http://plain.example:3128"),
        ("https://inside.example/api/", None),
        ("http://localhost:8080/api/", None),
        ("http://slack.localhost/api/", None),
        ("http://[::1]:8080/api/", None),
    ],
)
def test_without_a_configured_proxy_the_environments_is_used_with_its_exceptions(
    address: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "secure.example:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")

    assert proxy_for(SlackAccess(TOKEN), URL(address)) == proxy


def test_without_any_proxy_slack_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    assert proxy_for(SlackAccess(TOKEN), URL("https://slack.com/api/")) is None


async def _silence(_request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


@pytest.mark.parametrize(("deed", "kind"), [(post, ChatAmbiguous), (update, ChatUnavailable)])
async def test_no_answer_within_the_timeout_is_an_answer_lost(
    deed: Deed, kind: type[ChatError]
) -> None:
    patience = timedelta(milliseconds=100)
    async with scripted(_silence) as slack, gateway_to(slack, timeout=patience) as gateway:
        with pytest.raises(ChatError, match="no answer in time") as caught:
            await deed(gateway)

    assert type(caught.value) is kind
    tells_no_secret(caught.value)


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": "99"})
    await response.prepare(request)
    await response.write(b'{"ok": true, ')
    assert request.transport is not None
    request.transport.abort()
    return response


async def test_an_answer_that_breaks_off_is_an_answer_lost() -> None:
    assert type(await failure(_half, post)) is ChatAmbiguous


async def test_an_endless_answer_is_not_read() -> None:
    endless = writes(b" " * (5 * 1024 * 1024), JSON)

    assert type(await failure(endless, post)) is ChatAmbiguous


async def test_a_cancelled_call_ends_at_once() -> None:
    arrived = asyncio.Event()

    async def notice(request: web.Request) -> web.Response:
        arrived.set()
        return await _silence(request)

    async with scripted(notice) as slack, gateway_to(slack) as gateway:
        task = asyncio.ensure_future(post(gateway))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# --- answers to response URLs -----------------------------------------------------------------


async def late_failure(script: Script) -> ChatError:
    async with scripted(script) as slack, gateway_to(slack) as gateway:
        with pytest.raises(ChatError) as caught:
            await gateway.respond(slack.base_url + LATE_PATH, CARD, in_channel=False)
    assert len(slack.asked) == 1
    tells_no_secret(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (writes(b"used_url", PLAIN, status=404), "used_url"),
        (refuses("expired_url", status=404), "expired_url"),
        (writes(HTML, PAGE, status=404), "http_404"),
        (writes(b"", PLAIN, status=410), "http_410"),
    ],
)
async def test_a_response_url_that_is_spent_is_a_target_gone(script: Script, code: str) -> None:
    error = await late_failure(script)

    assert isinstance(error, ChatRejected)
    assert (error.code, error.rejection) == (code, Rejection.TARGET_GONE)


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (writes(b"invalid_blocks", PLAIN, status=400), ChatRejected, "invalid_blocks"),
        (refuses("invalid_blocks"), ChatRejected, "invalid_blocks"),
        (writes(b"action_prohibited", PLAIN, status=403), ChatRejected, "action_prohibited"),
        (writes(HTML, PAGE, status=403), ChatUnavailable, "http_403"),
        (moves(302), ChatUnavailable, "http_302"),
        (writes(b"rollup_error", PLAIN, status=500), ChatAmbiguous, "rollup_error"),
        (writes(HTML, PAGE, status=502), ChatAmbiguous, "http_502"),
        (writes(b"", PLAIN, status=429), ChatThrottled, "ratelimited"),
        (hang_up, ChatAmbiguous, ""),
    ],
)
async def test_a_late_answer_that_fails_becomes_the_error_of_its_class(
    script: Script, kind: type[ChatError], code: str
) -> None:
    error = await late_failure(script)

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("script", [writes(b"ok", PAGE), writes(b"", PLAIN), says({"ok": True})])
async def test_whatever_a_webhook_says_with_200_but_a_refusal_is_a_success(script: Script) -> None:
    async with scripted(script) as slack, gateway_to(slack) as gateway:
        await gateway.respond(slack.base_url + LATE_PATH, CARD, in_channel=False)


# --- trust and secrets ------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
async def test_a_ca_file_that_cannot_be_used_is_a_configuration_error(
    content: str | None, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)

    with pytest.raises(ConfigError, match=r"slack\.ca_file: .*ca\.pem: .*PEM certificates"):
        async with SlackGateway(SlackAccess(TOKEN, ca_file=str(ca_file))):
            pass


def test_the_access_does_not_show_its_token_or_its_proxys_password() -> None:
    shown = repr(SlackAccess(TOKEN, proxy="http://user:hunter2@proxy.example"))

    assert TOKEN not in shown
    assert "hunter2" not in shown
