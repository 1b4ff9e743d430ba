"""Slack, simulated: a workspace that an app can post to and be commanded from, on loopback.

`SimulatedSlack` is the whole; the rest of the names here are what it is configured with and what
it shows. Layers, top down: simulator; the HTTP sides (api, pages, control, outbound,
response_urls); the methods; the workspace and its messages; limits, rates, faults, signing.
"""

from bot.demo.slack.clicks import Click
from bot.demo.slack.clock import SlackClock
from bot.demo.slack.faults import Fault, FaultKind, SlackFaults
from bot.demo.slack.identity import (
    AppIdentity,
    ChannelSeed,
    Credentials,
    Person,
    UserGroup,
    WorkspaceSeed,
)
from bot.demo.slack.messages import Channel, Content, Message, Ring, RingKind
from bot.demo.slack.outbound import Delivery
from bot.demo.slack.rates import Allowance, RateTable, Tier
from bot.demo.slack.simulator import SimulatedSlack, SlackOptions

__all__ = [
    "Allowance",
    "AppIdentity",
    "Channel",
    "ChannelSeed",
    "Click",
    "Content",
    "Credentials",
    "Delivery",
    "Fault",
    "FaultKind",
    "Message",
    "Person",
    "RateTable",
    "Ring",
    "RingKind",
    "SimulatedSlack",
    "SlackClock",
    "SlackFaults",
    "SlackOptions",
    "Tier",
    "UserGroup",
    "WorkspaceSeed",
]
