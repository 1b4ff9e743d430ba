"""From the sections of a valid file to the values that the program uses.

A key that the file does not give is not handed on: defaults stand in one place, the dataclasses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from bot.domain.discovery import DiscoveryEntry
from bot.domain.matching import Patterns
from bot.domain.names import ConfiguredTask, LabelEntry
from bot.domain.policy import BUILT_IN, AlertPolicy, Policies, PollPolicy, Route
from bot.settings.accounts import (
    AccountSection,
    AkSkSection,
    AuthSection,
    DiscoverySection,
    MetadataSection,
    PasswordSection,
    TokenSection,
)
from bot.settings.model import File, RouteSection, SlackSection, StoreSection
from bot.settings.regions import endpoint
from bot.settings.secret import UNSET, Secret
from bot.settings.section import Section
from bot.settings.values import (
    AccountSettings,
    AkSkAuth,
    Auth,
    HeartbeatSettings,
    HttpSettings,
    LogSettings,
    MetadataAuth,
    Operators,
    PasswordAuth,
    Settings,
    SlackSettings,
    StoreSettings,
    TokenAuth,
)

SHORTEST_REDACTED = 4
"""Masking a shorter text wherever it occurs would hide half the log and protect nothing."""


def settings_of(file: File, folder: Path) -> Settings:
    """Everything of a valid file; `folder` is what relative paths of ca_file start from."""
    accounts = {name: _account(name, one, folder) for name, one in file.accounts.items()}
    return Settings(
        accounts=accounts,
        tasks=tuple(
            ConfiguredTask(name, **_given(one)) for name, one in (file.tasks or {}).items()
        ),
        discovery=_discovery(file, tuple(accounts)),
        labels=tuple(LabelEntry(one.match.value(), one.set) for one in file.labels or ()),
        policies=Policies(
            rules=(*BUILT_IN, *(rule.value() for rule in file.rules or ())),
            routes=tuple(map(_route, file.routes)),
            alerts=AlertPolicy(**_given(file.alerts)),
            poll=PollPolicy(**_given(file.poll)),
            consoles={n: a.console_url for n, a in accounts.items() if a.console_url},
        ),
        slack=_slack(file.slack, folder),
        store=_store(file.store),
        http=HttpSettings(**_given(file.http)),
        log=LogSettings(**_given(file.log)),
        heartbeat=HeartbeatSettings(**_given(file.heartbeat)) if file.heartbeat else None,
    )


def _given(section: Section) -> dict[str, Any]:
    return {name: value for name, value in section.given().items() if value is not None}


def _account(name: str, section: AccountSection, folder: Path) -> AccountSettings:
    given = _given(section)
    region = section.region
    given["endpoint"] = section.endpoint or endpoint("dms", region or "")
    given["iam_endpoint"] = section.iam_endpoint or (endpoint("iam", region) if region else None)
    given["auth"] = _auth(section.auth)
    return AccountSettings(name, **_with_file(given, folder))


def _with_file(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {**given, "ca_file": folder / given["ca_file"]} if "ca_file" in given else given


def _auth(section: AuthSection | None) -> Auth:
    match section:
        case AkSkSection():
            return AkSkAuth(section.access_key, section.secret_key, section.security_token)
        case TokenSection():
            return TokenAuth(section.token)
        case PasswordSection():
            return PasswordAuth(section.domain, section.user, section.password)
        case MetadataSection(metadata_endpoint=str(address)):
            return MetadataAuth(address)
        case _:
            return MetadataAuth()


def _discovery(file: File, accounts: tuple[str, ...]) -> tuple[DiscoveryEntry, ...]:
    if file.discovery is None:
        return () if file.tasks else (DiscoveryEntry(accounts),)
    return tuple(_discovery_entry(one, accounts) for one in file.discovery)


def _discovery_entry(section: DiscoverySection, accounts: tuple[str, ...]) -> DiscoveryEntry:
    given = _given(section)
    excluded = tuple(f"!{glob}" for glob in given.pop("exclude", ()))
    given["names"] = Patterns((*given.pop("include", ()), *excluded))
    named = given.pop("account")
    return DiscoveryEntry(accounts if "*" in named else named, **given)


def _route(section: RouteSection) -> Route:
    return Route(**{**_given(section), "match": section.match.value()})


def _slack(section: SlackSection, folder: Path) -> SlackSettings:
    given = _with_file(_given(section), folder)
    if section.operators is not None:
        given["operators"] = Operators(**_given(section.operators))
    return SlackSettings(**given)


def _store(section: StoreSection) -> StoreSettings:
    """A password in the address is taken out of it, so that the address may be shown."""
    given = _given(section)
    if section.url is None:
        return StoreSettings(**given)
    parts = urlsplit(section.url.reveal())
    user, _, host = parts.netloc.rpartition("@")
    if parts.password is not None:
        given["password"] = Secret(unquote(parts.password))
        user = user.partition(":")[0]
    netloc = f"{user}@{host}" if user else host
    given["url"] = urlunsplit(parts._replace(netloc=netloc, scheme="postgresql"))
    return StoreSettings(**{**given, "path": None})


# --- what must not be written ------------------------------------------------------------------


def secret_values(settings: Settings) -> frozenset[str]:
    """Every secret of the configuration as text, and the passwords inside addresses."""
    texts: set[str] = set()
    for secret in _secrets(settings):
        if secret is not UNSET:
            texts |= {secret.reveal(), *_passwords(secret.reveal())}
    return frozenset(text for text in texts if len(text) >= SHORTEST_REDACTED)


def _passwords(text: str) -> Iterator[str]:
    """The password in an address, as it is written there and as it is meant."""
    if "://" not in text:
        return
    password = urlsplit(text).password
    if password:
        yield password
        yield unquote(password)


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for place in fields(value):
            yield from _secrets(getattr(value, place.name))
