"""A Slack workspace on this machine: Web API, signed commands and clicks, and a page to look at it.

It keeps what a real workspace keeps (channels, messages, threads, edits, reactions) and refuses
what Slack refuses (limits, scopes, rates), so that an app can be tried without an account. What is
undocumented is taken as the stricter of the known cases.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from bot.demo.slack.api import Gate, WebApi
from bot.demo.slack.chat_methods import ChatMethods
from bot.demo.slack.clicks import Click
from bot.demo.slack.clock import SlackClock
from bot.demo.slack.control import ControlRoutes, Controls
from bot.demo.slack.conversation_methods import ConversationMethods
from bot.demo.slack.directory_methods import DirectoryMethods
from bot.demo.slack.faults import SlackFaults
from bot.demo.slack.identity import Credentials, WorkspaceSeed
from bot.demo.slack.messages import Channel, Message, Ring
from bot.demo.slack.outbound import ANSWER_WITHIN, Delivery, Desk, Outbound
from bot.demo.slack.pages import PageRoutes
from bot.demo.slack.rates import RateLimiter, RateTable
from bot.demo.slack.response_urls import ResponseUrls
from bot.demo.slack.triggers import Triggers
from bot.demo.slack.view_methods import StoredView, ViewMethods
from bot.demo.slack.wire import SlackCallError
from bot.demo.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """How the simulator behaves. Without `rate_limits` nothing is refused for being too fast."""

    credentials: Credentials = field(default_factory=Credentials)
    rate_limits: RateTable | None = None
    auto_create_channels: bool = False
    deduplicate_client_msg_id: bool = False
    command: str = "/dumptask"
    answer_within: timedelta = ANSWER_WITHIN


class SimulatedSlack:
    """One workspace with one installed app.

    Serve `application()`; the app's api_url is then `{base_url}/api/`. Whoever serves it sets
    `base_url` (http://127.0.0.1:PORT) before commands are sent, since response URLs begin with it,
    and `command_url` and `interaction_url`, where the page sends what a person types and presses.
    """

    def __init__(
        self,
        seed: WorkspaceSeed | None = None,
        *,
        options: SlackOptions | None = None,
        clock: SlackClock | None = None,
    ) -> None:
        self.options = options or SlackOptions()
        self.base_url = ""
        self.command_url = ""
        self.interaction_url = ""
        self.faults = SlackFaults()
        clock = clock or SlackClock()
        self.workspace = Workspace(
            seed or WorkspaceSeed(),
            clock,
            auto_create_channels=self.options.auto_create_channels,
        )
        self._triggers = Triggers(clock.monotonic_s)
        self._response_urls = ResponseUrls(self.workspace, clock.monotonic_s)
        self._views = ViewMethods(self.workspace, self._triggers)
        self._api = self._web_api(clock)
        self._outbound = self._sender()

    def _web_api(self, clock: SlackClock) -> WebApi:
        credentials = self.options.credentials
        chat = ChatMethods(
            self.workspace,
            anywhere="chat:write.public" in credentials.scopes,
            deduplicate=self.options.deduplicate_client_msg_id,
        )
        methods = {
            **chat.table(),
            **ConversationMethods(self.workspace).table(),
            **DirectoryMethods(self.workspace).table(),
            **self._views.table(),
        }
        limiter = RateLimiter(self.options.rate_limits, clock.monotonic_s)
        return WebApi(self.workspace, methods, gate=Gate(credentials, limiter, self.faults))

    def _sender(self) -> Outbound:
        desk = Desk(
            self.workspace,
            self.options.credentials,
            self._response_urls,
            self._triggers,
            lambda: self.base_url,
        )
        return Outbound(desk, answer_within=self.options.answer_within)

    def application(self) -> web.Application:
        """The application to serve: API, response URLs, page and control addresses."""
        application = web.Application(client_max_size=4 * 1024 * 1024)
        application.on_cleanup.append(self._close)
        self._api.add_routes(application)
        self._response_urls.add_routes(application)
        controls = Controls(
            self.workspace,
            self.faults,
            self._api.calls,
            self.options.command,
            lambda: bool(self.command_url),
        )
        ControlRoutes(controls).add_routes(application)
        PageRoutes(self._type_command, self._press).add_routes(application)
        return application

    async def _close(self, _application: web.Application) -> None:
        await self._outbound.close()

    async def command(
        self, url: str, text: str, *, user_id: str = "", channel_id: str = ""
    ) -> Delivery:
        """Type `/dumptask TEXT`: send it signed to `url`, show the answer, tell how it went.

        The person and the channel default to the first of the workspace.
        """
        return await self._outbound.command(
            url,
            text,
            command=self.options.command,
            channel=self.channel(channel_id),
            user_id=user_id or self.workspace.watcher.id,
        )

    async def click(self, url: str, click: Click) -> Delivery:
        """Press a button or choose in a menu: send it signed to `url`, tell how it went.

        Raises: ValueError when there is no such message or element.
        """
        return await self._outbound.click(url, click)

    async def _type_command(self, text: str, *, channel_id: str, user_id: str) -> None:
        name, _, rest = text.strip().partition(" ")
        if name != self.options.command:
            raise ValueError(f"Only {self.options.command} is installed here.")
        if not self.command_url:
            raise ValueError("No app is listening for commands yet.")
        try:
            channel = self.channel(channel_id)
        except SlackCallError as error:
            raise ValueError("There is no such channel.") from error
        await self.command(self.command_url, rest.strip(), user_id=user_id, channel_id=channel.id)

    async def _press(self, click: Click) -> None:
        if not self.interaction_url:
            raise ValueError("No app is listening for buttons yet.")
        await self.click(self.interaction_url, click)

    def channel(self, channel_id: str = "") -> Channel:
        """A channel by id or name; the first when none is named.

        Raises: SlackCallError channel_not_found.
        """
        if channel_id:
            return self.workspace.find_channel(channel_id)
        return next(iter(self.workspace.channels.values()))

    def messages(self, channel_id: str = "") -> list[Message]:
        """What everybody sees in a channel, thread replies included, oldest first."""
        return self.channel(channel_id).visible()

    def ephemeral(self, channel_id: str = "", user_id: str = "") -> list[Message]:
        """What one person alone sees in a channel, oldest first."""
        seen_by = user_id or self.workspace.watcher.id
        messages = self.channel(channel_id).messages.values()
        return [m for m in messages if m.ephemeral_for == seen_by and not m.deleted]

    def rings(self, channel_id: str = "") -> list[Ring]:
        """The notifications of one channel, or of all, in the order they came."""
        return list(self.channel(channel_id).rings) if channel_id else self.workspace.rings()

    @property
    def calls(self) -> dict[str, int]:
        """How often each method of the Web API was called."""
        return dict(self._api.calls)

    @property
    def views(self) -> dict[str, StoredView]:
        """The views opened and published, by id."""
        return dict(self._views.views)
