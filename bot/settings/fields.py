"""The kinds of values a configuration has: each a type, its reader and its schema for editors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from bot.domain.model import Severity
from bot.domain.policy import Span, View
from bot.settings import addresses, scalars
from bot.settings.reading import (
    TEXT_SCHEMA,
    JsonSchema,
    Reads,
    ReadsMany,
    number_schema,
    schema,
    word_schema,
)
from bot.settings.secret import UNSET, Secret
from bot.settings.yamlfile import Scalar

_MINUTE = timedelta(minutes=1)
_NOWHERE = "https://unset.invalid"
_WEB = schema("https?://.*")

# --- durations and numbers ---

_DURATION = schema(scalars.DURATION_PATTERN)
_SPAN = schema(f"{scalars.DURATION_PATTERN}|{scalars.SPAN_PATTERN}")

Duration = Annotated[timedelta, Reads(scalars.duration, _MINUTE, _DURATION)]
PositiveDuration = Annotated[timedelta, Reads(scalars.positive_duration, _MINUTE, _DURATION)]
Interval = Annotated[timedelta, Reads(scalars.interval, _MINUTE, _DURATION)]
AutoOrDuration = Annotated[
    timedelta | None,
    Reads(scalars.auto_or_duration, None, schema(f"auto|{scalars.DURATION_PATTERN}")),
]
NEVER_OR_DURATION: Reads[timedelta | None] = Reads(
    scalars.never_or_duration, None, schema(f"never|{scalars.DURATION_PATTERN}")
)
SpanFromZero = Annotated[Span, Reads(scalars.span, Span(_MINUTE), _SPAN)]
PositiveSpan = Annotated[Span, Reads(scalars.positive_span, Span(_MINUTE), _SPAN)]

_SHARE = number_schema(r"\d+(?:\.\d+)?%?", kind="number")
Count = Annotated[int, Reads(scalars.count, 1, number_schema(scalars.COUNT_PATTERN))]
Rate = Annotated[float, Reads(scalars.rate, 1.0, number_schema(r"\d+(?:\.\d+)?", kind="number"))]
Share = Annotated[float, Reads(scalars.share, 1.0, _SHARE)]
AtLeastOne = Annotated[int, Reads(scalars.whole(1), 1, number_schema(r"\d+", minimum=1))]
AtLeastTwo = Annotated[int, Reads(scalars.whole(2), 2, number_schema(r"\d+", minimum=2))]
Port = Annotated[int, Reads(scalars.whole(0, 65535), 0, number_schema(r"\d+", maximum=65535))]
_FLAG = {"anyOf": [{"type": "boolean"}, schema("true|false")]}
Flag = Annotated[bool, Reads(scalars.flag, stand_in=True, schema=_FLAG)]

# --- words, names and ids ---

Text = Annotated[str, Reads(scalars.line_of_text, "unset")]
Id = Annotated[str, Reads(scalars.identifier, "unset")]
Region = Annotated[str, Reads(scalars.region, "eu-west-101", schema(scalars.REGION_PATTERN))]
NAME = Reads(scalars.name, "unset")
Name = Annotated[str, NAME]
LabelName = Annotated[str, Reads(scalars.label_name, "unset")]
LinkTitle = Annotated[str, Reads(scalars.link_title, "unset")]
Timezone = Annotated[str, Reads(scalars.iana_timezone, "UTC", schema("[A-Za-z0-9_+/-]+"))]
SlashCommand = Annotated[str, Reads(scalars.slash_command, "/unset", schema("/[^ ]+"))]

Texts = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.line_of_text, "unset"))]
Ids = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.identifier, "unset"))]
Names = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.line_of_text, "*"))]
Globs = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.glob, "*"))]
PlainGlobs = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.plain_glob, "*"))]
StatusWords = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.status_word, "UNSET"))]


def word(*words: str) -> Reads[str]:
    """One of a few words; the first stands in for one that is not there."""
    return Reads(scalars.word_of(words), words[0], word_schema(words))


def _severity(text: str) -> Severity:
    return Severity[scalars.word_of([one.word for one in Severity])(text).upper()]


_SEVERITIES = word_schema(one.word for one in Severity)
ASeverity = Annotated[Severity, Reads(_severity, Severity.INFO, _SEVERITIES)]
AView = Annotated[
    View, Reads(lambda text: View(scalars.word_of(View)(text)), View.TROUGH, word_schema(View))
]
# --- Slack's ids ---

Channel = Annotated[str, Reads(scalars.channel, "C0UNSET", schema(scalars.CHANNEL_PATTERN))]
Channels = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.channel, "C0UNSET"))]
Users = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.user, "U0UNSET"))]
Usergroups = Annotated[tuple[str, ...], ReadsMany(Reads(scalars.usergroup, "S0UNSET"))]
MENTIONS: ReadsMany[str] = ReadsMany(Reads(scalars.mention, "here"))


def _by_severity(value: JsonSchema) -> JsonSchema:
    properties = {severity.word: value for severity in Severity}
    return {"type": "object", "properties": properties, "additionalProperties": False}


Mention = Annotated[
    dict[ASeverity, Annotated[tuple[str, ...], MENTIONS]],
    WithJsonSchema(_by_severity(MENTIONS.schema)),
]


def _one_for_all(
    value: object, handler: ValidatorFunctionWrapHandler
) -> Mapping[Severity, timedelta | None]:
    """One duration speaks for every severity."""
    if isinstance(value, Scalar):
        return dict.fromkeys(Severity, NEVER_OR_DURATION(value))
    repeat: Mapping[Severity, timedelta | None] = handler(value)
    return repeat


Repeat = Annotated[
    dict[ASeverity, Annotated[timedelta | None, NEVER_OR_DURATION]],
    WrapValidator(_one_for_all),
    WithJsonSchema({"anyOf": [NEVER_OR_DURATION.schema, _by_severity(NEVER_OR_DURATION.schema)]}),
]

# --- addresses and secrets ---

Origin = Annotated[str, Reads(addresses.origin, _NOWHERE, _WEB)]
MetadataOrigin = Annotated[str, Reads(addresses.metadata_origin, _NOWHERE, _WEB)]
SlackApiUrl = Annotated[str, Reads(addresses.slack_api_url, f"{_NOWHERE}/", _WEB)]
PublicUrl = Annotated[str, Reads(addresses.web_url, _NOWHERE, _WEB)]
LinkTemplate = Annotated[str, Reads(addresses.link_template, _NOWHERE, _WEB)]


def _secret(read: Callable[[str], str], schema: JsonSchema = TEXT_SCHEMA) -> Reads[Secret]:
    return Reads(lambda text: Secret(read(text)), UNSET, schema, hidden=True)


SecretText = Annotated[Secret, _secret(addresses.secret)]
BotToken = Annotated[Secret, _secret(addresses.token_of("xoxb-", "a bot token (xoxb-…)"))]
AppToken = Annotated[Secret, _secret(addresses.token_of("xapp-", "an app-level token (xapp-…)"))]
ProxyUrl = Annotated[Secret, _secret(addresses.proxy_url, _WEB)]
SecretUrl = Annotated[Secret, _secret(addresses.secure_url, _WEB)]
DatabaseUrl = Annotated[Secret, _secret(addresses.database_url, schema("postgres(?:ql)?://.*"))]
