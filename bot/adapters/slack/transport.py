"""The wire to Slack: one session, one try per call, and every way it can fail as a ChatError.

The SDK speaks the Web API, with three of its habits taken away. Its retries are off, because they
post twice (the answer to a post may be lost after the post was made). Its `timeout` is ignored
when it is given a session, so the session carries it. And it takes any proxy from the environment,
NO_PROXY or not, so the proxy is chosen here.

A gate stands between the SDK and the session and lets only JSON through: the SDK raises
AttributeError on plain text and forgets the status of a gateway's HTML page. Redirects end at the
gate too, so that neither a message nor a response URL is carried to another place.

Slack's own error objects hold the bot's token; they end here. The new error is raised after the
`except` block, not in it, so that it does not carry the old one as its context.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.adapters.slack.access import SlackAccess, allowed_response_url, proxy_for, trust
from bot.adapters.slack.refusals import RESPONSE_URL, Answer, Call, lost, not_sent, refused
from bot.ports import ChatError, ChatRejected, Rejection

_ANSWER_BYTES = 4 * 1024 * 1024
_WORD_BYTES = 4096

_sdk_log = logging.getLogger("bot.adapters.slack.sdk")
# At DEBUG the SDK writes whole messages and response URLs.
_sdk_log.setLevel(logging.WARNING)

_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


class _NotJson(aiohttp.ClientError):
    """The gate's refusal: the status is all that is known of the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"http_{answer.status}")
        self.answer = answer


async def _gate(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    too_long = (response.content_length or 0) > _ANSWER_BYTES
    redirect = response.status // 100 == 3
    if response.content_type == "application/json" and not redirect and not too_long:
        return response
    answer = Answer(response.status, response.headers.get("Retry-After"))
    response.close()
    raise _NotJson(answer)


class SlackTransport:
    """Calls of the Web API and answers to response URLs. An async context manager.

    Raises: ConfigError on entering when the CA file cannot be used.
    """

    def __init__(self, access: SlackAccess) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        seconds = self._access.timeout.total_seconds()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust(self._access.ca_file)),
            # Connecting has its own, shorter bound: what ends there was surely not sent.
            timeout=aiohttp.ClientTimeout(total=seconds, connect=seconds / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_gate,),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: str, arguments: Mapping[str, object], *, repeatable: bool
    ) -> Mapping[str, object]:
        """Calls a method once and gives the body of a success.

        `repeatable`: doing it twice is the same as doing it once. Raises: ChatError.
        """
        outcome = await self._try(Call(method, repeatable), arguments)
        if isinstance(outcome, ChatError):
            raise outcome
        return outcome

    async def respond(self, response_url: str, body: Mapping[str, object]) -> None:
        """Sends an answer to a response URL once.

        Raises: ChatError; refused unsent where the address is not one of Slack's.
        """
        refusal = await self._try_respond(response_url, body)
        if refusal is not None:
            raise refusal

    async def _try(
        self, call: Call, arguments: Mapping[str, object]
    ) -> Mapping[str, object] | ChatError:
        session = self._open_session()
        if session is None:
            return _closed(call)
        try:
            response = await self._client(session).api_call(call.name, json=dict(arguments))
        except SlackApiError as error:
            return refused(call, _answer(error))
        except _NotJson as error:
            return refused(call, error.answer)
        except (aiohttp.ClientError, OSError) as error:
            return _network(call, error)
        except (AttributeError, ValueError, RecursionError, SlackClientError):
            # What the SDK does with JSON that is no object, too deep, or not even text.
            return lost(call, "an answer that is not a JSON object")
        return response.data if isinstance(response.data, dict) else lost(call, "an empty answer")

    def _open_session(self) -> aiohttp.ClientSession | None:
        """The session; given a closed one, the SDK would open its own, without our settings."""
        return None if self._session is None or self._session.closed else self._session

    def _client(self, session: aiohttp.ClientSession) -> AsyncWebClient:
        client = AsyncWebClient(
            token=self._access.bot_token,
            base_url=self._access.api_url,
            session=session,
            retry_handlers=[],
            logger=_sdk_log,
        )
        client.proxy = proxy_for(self._access, URL(self._access.api_url))
        return client

    async def _try_respond(self, response_url: str, body: Mapping[str, object]) -> ChatError | None:
        call = Call(RESPONSE_URL, repeatable=False)
        url = allowed_response_url(response_url, self._access.api_url)
        if url is None:
            return ChatRejected(
                "response_url: not an address of Slack's, not followed",
                code="response_url_refused",
                rejection=Rejection.OTHER,
            )
        session = self._open_session()
        if session is None:
            return _closed(call)
        try:
            answer = await self._send(session, url, body)
        except (aiohttp.ClientError, OSError) as error:
            return _network(call, error)
        return None if _accepted(answer) else refused(call, answer)

    async def _send(
        self, session: aiohttp.ClientSession, url: URL, body: Mapping[str, object]
    ) -> Answer:
        sent = session.post(
            url,
            json=body,
            allow_redirects=False,
            proxy=proxy_for(self._access, url),
            middlewares=(),
        )
        async with sent as response:
            raw = await response.content.read(_WORD_BYTES)
            return _webhook_answer(response, raw)


def _closed(call: Call) -> ChatError:
    return not_sent(call, "the connection to Slack is closed")


def _answer(error: SlackApiError) -> Answer:
    """The facts of the SDK's error; where the JSON was broken its `response` is aiohttp's own."""
    response = error.response
    retry_after = response.headers.get("Retry-After")
    if isinstance(response, ClientResponse):
        return Answer(response.status, retry_after)
    body = response.data if isinstance(response.data, dict) else {}
    return Answer(response.status_code, retry_after, body)


def _network(call: Call, error: Exception) -> ChatError:
    # The name of the class says what happened; the text may hold a response URL.
    if isinstance(error, _NOT_SENT):
        return not_sent(call, f"cannot connect ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return lost(call, "no answer in time")
    return lost(call, f"the connection broke ({type(error).__name__})")


def _webhook_answer(response: ClientResponse, raw: bytes) -> Answer:
    """Webhooks answer in plain text, `ok` or a code; some refusals come as JSON."""
    text = raw.decode("utf-8", "replace").strip()
    retry_after = response.headers.get("Retry-After")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return Answer(response.status, retry_after, body)
    return Answer(response.status, retry_after, word=text)


def _accepted(answer: Answer) -> bool:
    return answer.status == 200 and answer.body.get("ok") is not False
