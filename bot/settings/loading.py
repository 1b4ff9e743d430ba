"""From a file to settings, or to a ConfigError that says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from bot.settings import references, yamlfile
from bot.settings.model import File
from bot.settings.placeholders import Replacing
from bot.settings.policies import secret_values, settings_of
from bot.settings.problems import Path as Place
from bot.settings.problems import Problems
from bot.settings.values import Settings
from bot.settings.yamlfile import Scalar, Tree

ACCESS_KEY = "HUAWEICLOUD_SDK_AK"
SECRET_KEY = "HUAWEICLOUD_SDK_SK"  # noqa: S105 - a variable's name
SECURITY_TOKEN = "HUAWEICLOUD_SDK_SECURITY_TOKEN"  # noqa: S105 - a variable's name
"""The vendor's own names for credentials in the environment (SDK, "Environment variables")."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration that was read, and what its placeholders may ask for."""

    text: str
    file: str
    """How problems name it."""
    environ: Mapping[str, str]
    folder: Path = Path()
    """What relative paths in it start from."""
    require_secrets: bool = True
    """False: variables and files that are not there are noted, and stand-ins take their place."""


def load(path: Path, environ: Mapping[str, str], *, require_secrets: bool = True) -> Settings:
    """Reads a configuration.

    With `require_secrets=False` a missing variable or file is no fault: the settings carry
    stand-ins and say in `missing` what was not there. They are good for checking, not for running.

    Raises: ConfigError with everything that is wrong, one line each.
    """
    problems = Problems(str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problems.at_line(0, f"cannot be read: {error.strerror}; a readable file would be right")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.at_line(line, "not UTF-8 text; UTF-8 would be right")
    problems.raise_if_any()
    source = Source(text, str(path), environ, path.parent, require_secrets)
    settings = parse(source)
    return replace(settings, files=settings.files | {path})


def parse(source: Source) -> Settings:
    """Settings from text. Raises: ConfigError with everything that is wrong, one line each."""
    problems = Problems(source.file)
    tree = yamlfile.read(source.text, problems)
    if not tree:
        problems.raise_if_any()
    replacing = Replacing(source.environ, source.folder, problems, required=source.require_secrets)
    whole = {key: replacing.tree(value, (key,)) for key, value in tree.items()}
    _fill_in_credentials(whole, replacing)
    references.check(whole, problems)
    file = _validated(whole, problems)
    problems.raise_if_any()
    if file is None:  # pragma: no cover - a file that is not valid has problems
        raise AssertionError
    settings = settings_of(file, source.folder)
    if source.require_secrets:
        _check_files(settings, problems)
    problems.raise_if_any()
    return replace(
        settings,
        files=frozenset(replacing.files),
        missing=tuple(replacing.missing),
        secret_values=secret_values(settings),
    )


def _fill_in_credentials(tree: dict[str, Tree], replacing: Replacing) -> None:
    """An account without `auth` has the one that the vendor's variables make."""
    accounts = tree.get("accounts")
    for name, account in accounts.items() if isinstance(accounts, dict) else ():
        if isinstance(account, dict) and "auth" not in account:
            account["auth"] = _credentials(("accounts", name, "auth"), replacing)


def _credentials(place: Place, replacing: Replacing) -> Tree:
    auth: dict[str, Tree] = {"type": Scalar("aksk", "aksk")}
    for key, name in (("access_key", ACCESS_KEY), ("secret_key", SECRET_KEY)):
        value = replacing.environ.get(name)
        if not value:
            replacing.lacks(place, f"not given, and the environment variable {name} is not set")
        auth[key] = Scalar(value or "", f"${{{name}}}", missing=not value)
    if token := replacing.environ.get(SECURITY_TOKEN):
        auth["security_token"] = Scalar(token, f"${{{SECURITY_TOKEN}}}")
    return auth


def _validated(tree: dict[str, Tree], problems: Problems) -> File | None:
    try:
        return File.model_validate(tree)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            # "[key]" is pydantic's way to say that the key is at fault, not its value.
            place: Place = tuple(part for part in fault["loc"] if part != "[key]")
            problems.add(place, fault["ctx"]["what"])
    return None


def _check_files(settings: Settings, problems: Problems) -> None:
    named: dict[Place, Path | None] = {
        ("accounts", name, "ca_file"): one.ca_file for name, one in settings.accounts.items()
    }
    named[("slack", "ca_file")] = settings.slack.ca_file
    for place, file in named.items():
        if file is not None and not file.is_file():
            problems.add(place, "there is no such file, a PEM file would be right")
