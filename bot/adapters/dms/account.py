"""One account of the cloud as it is configured: where it is, who asks, how fast.

Only values: nothing here opens a socket or imports a client, so the configuration can be read and
checked without either. Secrets are kept out of every repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

METADATA_ENDPOINT = "http://169.254.169.254"
"""The metadata service of a cloud server (ECS user guide, "Obtaining Metadata")."""


@dataclass(frozen=True, slots=True)
class AkSk:
    """An access key; temporary ones come with a security token."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token somebody else obtained; it cannot be renewed here."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """An IAM user with programmatic access. `domain` is the name of the account it belongs to."""

    domain: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Temporary keys of the agency of the cloud server that the program runs on."""


CredentialsConfig = AkSk | Token | Password | Metadata


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """What a client of one account needs; one per region and project."""

    name: str
    endpoint: str
    """Scheme, host and port of DMS, such as https://dms.eu-west-101.myhuaweicloud.eu."""
    project_id: str
    credentials: CredentialsConfig
    iam_endpoint: str = ""
    """Only asked for password credentials."""
    requests_per_second: float = 20.0
    concurrency: int = 50
    timeout: timedelta = timedelta(seconds=10)
    """The longest a single request may take; a poll with its retries has a budget of its own."""
    ca_file: Path | None = None
    """PEM file of the authorities to trust instead of the system's."""
    proxy: str | None = field(default=None, repr=False)
    """Its address may hold a password. The metadata service is never asked through it."""
    metadata_endpoint: str = METADATA_ENDPOINT
