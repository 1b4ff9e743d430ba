"""Slack: messages out, signed commands in."""

from bot.adapters.slack.access import PUBLIC_API, SlackAccess
from bot.adapters.slack.gateway import SlackGateway
from bot.adapters.slack.inbound import Dispatch, Reply, SlackInbound
from bot.adapters.slack.payloads import SlashCommand
from bot.adapters.slack.signing import RequestVerifier

__all__ = [
    "PUBLIC_API",
    "Dispatch",
    "Reply",
    "RequestVerifier",
    "SlackAccess",
    "SlackGateway",
    "SlackInbound",
    "SlashCommand",
]
