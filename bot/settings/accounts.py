"""The cloud's side of the file: accounts, tasks, discovery and labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from bot.settings.fields import (
    AtLeastOne,
    Id,
    Ids,
    Interval,
    LabelName,
    LinkTemplate,
    MetadataOrigin,
    Names,
    Origin,
    PlainGlobs,
    PositiveDuration,
    ProxyUrl,
    Rate,
    Region,
    SecretText,
    Text,
    Texts,
    word,
)
from bot.settings.matches import TaskMatch
from bot.settings.section import Conflict, Section, by_type


class AkSkSection(Section):
    """An access key."""

    type: Annotated[str, word("aksk")]
    access_key: SecretText
    secret_key: SecretText
    security_token: SecretText | None = None


class TokenSection(Section):
    """A token that somebody else renews."""

    type: Annotated[str, word("token")]
    token: SecretText


class PasswordSection(Section):
    """An IAM user."""

    type: Annotated[str, word("password")]
    domain: Text
    user: Text
    password: SecretText


class MetadataSection(Section):
    """The keys of the server that the bot runs on."""

    type: Annotated[str, word("metadata")]
    metadata_endpoint: MetadataOrigin | None = None


AuthSection = Annotated[
    AkSkSection | TokenSection | PasswordSection | MetadataSection,
    by_type(
        {
            "aksk": AkSkSection,
            "token": TokenSection,
            "password": PasswordSection,
            "metadata": MetadataSection,
        }
    ),
]


class AccountSection(Section):
    """One region and project."""

    region: Region | None = None
    endpoint: Origin | None = None
    iam_endpoint: Origin | None = None
    project_id: Id
    auth: AuthSection | None = None
    requests_per_second: Rate | None = None
    concurrency: AtLeastOne | None = None
    timeout: PositiveDuration | None = None
    ca_file: Text | None = None
    proxy: ProxyUrl | None = None
    console_url: LinkTemplate | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Nowhere to ask."""
        if self.region is not None:
            return
        if self.endpoint is None:
            yield "", "no place, a region (or an endpoint) would be right"
        elif isinstance(self.auth, PasswordSection) and self.iam_endpoint is None:
            yield "", "no place to log in, an iam_endpoint (or a region) would be right"


class TaskSection(Section):
    """A task by its ids."""

    account: Text
    connector_id: Id | None = None
    instance_id: Id | None = None
    task_id: Id
    labels: dict[LabelName, Text] = Field(default={})
    interval: Interval | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """No connector to ask."""
        if self.connector_id is None and self.instance_id is None:
            yield "", "no place, a connector_id or an instance_id would be right"


class DiscoverySection(Section):
    """Where to look for tasks, and which to take."""

    account: Names
    instances: PlainGlobs | None = None
    connectors: Ids | None = None
    include: PlainGlobs | None = None
    exclude: PlainGlobs | None = None
    tags: Texts | None = None
    interval: Interval | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Two ways of looking at once."""
        if self.instances is not None and self.connectors is not None:
            yield "connectors", "given beside instances, one of the two would be right"


class LabelsSection(Section):
    """Labels for all tasks that match."""

    match: TaskMatch = Field(description="a mapping (empty for every task)")
    set: dict[LabelName, Text] = Field(description="a mapping of labels such as {team: orders}")
