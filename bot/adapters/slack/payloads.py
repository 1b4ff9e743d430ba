"""What Slack sends to the bot, as far as the bot reads it.

Fields: Slack, "Implementing slash commands". `token`, `user_name` and `channel_name` are left
alone: the first two are deprecated, the third is `privategroup` for every private channel.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field

_FIELDS_MOST = 100


class SlashCommand(BaseModel):
    """A person typed a command. Its repr shows neither the response URL nor the trigger."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user_id: str = Field(min_length=1, max_length=100)
    channel_id: str = Field(min_length=1, max_length=100)
    team_id: str = Field(default="", max_length=100)
    command: str = Field(default="", max_length=100)
    text: str = Field(default="", max_length=10_000)
    """As Slack sends it, escaped and with `<@U1|name>` for people; may be empty."""
    response_url: str = Field(default="", max_length=2_000, repr=False)
    trigger_id: str = Field(default="", max_length=500, repr=False)


def form_in(body: bytes) -> dict[str, str]:
    """The fields of a form; the last of a repeated one; empty when it is no form."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MOST)
    except ValueError:
        return {}
    return dict(pairs)


def challenge_in(body: bytes) -> str | None:
    """The challenge of an Events API `url_verification`; None for anything else."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("type") != "url_verification":
        return None
    challenge = event.get("challenge")
    return challenge if isinstance(challenge, str) else None
