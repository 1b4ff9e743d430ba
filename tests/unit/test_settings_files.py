"""The files that come with the program, and the schema that describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from bot.ports import ConfigError
from bot.settings import Source, load, parse
from bot.settings.model import File
from bot.settings.schema import DIALECT, json_schema
from tests.configurations import ACCOUNTS, ROUTES, SLACK

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = (CONFIG / "example.yaml").read_text("utf-8")
ALTERNATIVE = re.compile(r"^( *)# ([a-z_]+: \S.*)$", re.MULTILINE)
"""A commented line that cannot stand beside the given ones."""

POSTGRES = ALTERNATIVE.sub(r"\1\2", EXAMPLE.replace("  path: dumptask.db", "  # path:"))
"""The example with its alternatives instead: the only ones are those of the store."""

DEMO = {
    "DEMO_CLOUD_URL": "http://127.0.0.1:5001",
    "DEMO_SLACK_URL": "http://127.0.0.1:5002/api",
    "DEMO_BOT_TOKEN": "xoxb-demo",
    "DEMO_SIGNING_SECRET": "signing",
    "DEMO_PROJECT_ID": "0123456789abcdef0123456789abcdef",
    "DEMO_AK": "AKDEMO",
    "DEMO_SK": "SKDEMO",
}


def paths(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Every key that a model takes, with the keys around it; names and positions are `*`."""
    for name, field in model.model_fields.items():
        key = f"{at}.{field.alias or name}".removeprefix(".")
        yield key
        yield from inner(field.annotation, key)


def inner(annotation: Any, at: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from paths(annotation, at)
        return
    several = getattr(annotation, "__origin__", None) in (dict, list)
    for argument in get_args(annotation):
        yield from inner(argument, f"{at}.*" if several else at)


def given_paths(tree: Any, at: str = "") -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            for place in {f"{at}.{key}", f"{at}.*"}:
                yield place.removeprefix(".")
                yield from given_paths(value, place)
    elif isinstance(tree, list):
        for value in tree:
            yield from given_paths(value, f"{at}.*")


# --- the example -------------------------------------------------------------------------------


def test_the_example_gives_every_key_there_is() -> None:
    given = {
        *given_paths(yaml.safe_load(EXAMPLE)),
        *given_paths(yaml.safe_load(POSTGRES)),
    }
    assert sorted({*paths(File)} - given) == []


def test_the_completeness_of_the_example_is_really_looked_at() -> None:
    every = set(paths(File))
    assert {"accounts.*.auth.secret_key", "rules.*.idle_tail", "routes.*.match.severity"} <= every
    assert len(every) > 100


@pytest.mark.parametrize("text", [EXAMPLE, POSTGRES], ids=["SQLite", "PostgreSQL"])
def test_the_example_is_valid(text: str) -> None:
    made = parse(Source(text, "example.yaml", {}, require_secrets=False))
    assert len(made.missing) >= 10
    assert {rule.type.value for rule in made.policies.rules[7:]} == {
        rule.type.value for rule in made.policies.rules
    }


def test_every_section_of_the_example_is_explained() -> None:
    explained = set(re.findall(r"^#.*\n(\w+):", EXAMPLE, re.MULTILINE))
    sections = re.split(r"^(?=\w)", EXAMPLE, flags=re.MULTILINE)
    explained |= {section.partition(":")[0] for section in sections if "#" in section}
    assert sorted(set(File.keys()) - explained) == []


# --- the demo ----------------------------------------------------------------------------------


def test_the_demo_s_configuration_travels_with_the_package() -> None:
    carried = files("bot.demo") / "demo.yaml"
    assert carried.read_text("utf-8") == (CONFIG / "demo.yaml").read_text("utf-8")
    root = CONFIG.parent
    assert "!config/demo.yaml" in (root / ".dockerignore").read_text("utf-8").splitlines()
    assert "config/demo.yaml" in (root / "Dockerfile").read_text("utf-8")


def test_the_demo_s_configuration_is_valid_with_what_the_demo_puts_into_the_environment() -> None:
    made = load(CONFIG / "demo.yaml", DEMO)
    assert made.accounts["demo"].endpoint == "http://127.0.0.1:5001"
    assert made.slack.api_url == "http://127.0.0.1:5002/api/"
    assert [route.channel for route in made.policies.routes] == ["C0ORDERS", "C0DATA"]
    assert made.http.port == 0
    assert made.missing == ()


@pytest.mark.parametrize("name", sorted(DEMO))
def test_the_demo_s_configuration_needs_each_of_them(name: str) -> None:
    environ = {key: value for key, value in DEMO.items() if key != name}
    made = load(CONFIG / "demo.yaml", environ, require_secrets=False)
    assert any(name in what for what in made.missing)


# --- the schema --------------------------------------------------------------------------------

VALIDATOR = Draft202012Validator(json_schema())


def test_the_schema_is_a_schema_of_the_2020_dialect() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == DIALECT


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        POSTGRES,
        (CONFIG / "demo.yaml").read_text("utf-8"),
        ACCOUNTS + ROUTES + SLACK,
        # What YAML 1.1 makes numbers, booleans and dates of is still text to us.
        ACCOUNTS.replace("0123456789abcdef0123456789abcdef", "7")
        + ROUTES
        + SLACK
        + "labels: [{match: {}, set: {env: no, tier: 7, share: 0.5}}]\nhttp: {port: '80'}\n",
        # A placeholder may stand for anything.
        ACCOUNTS
        + ROUTES
        + SLACK
        + 'poll: {interval: "${P}"}\nhttp: {port: "${P}"}\n'
        + 'rules: [{name: a, type: age, enabled: "${E}", warning: "${W}"}]\n',
    ],
    ids=["example", "PostgreSQL", "demo", "shortest", "guessed", "placeholders"],
)
def test_the_schema_takes_what_the_loader_takes(text: str) -> None:
    parse(Source(text, "f", {}, require_secrets=False))
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "more",
    [
        "poll: {interval: 60}\n",
        "poll: {intervall: 60s}\n",
        "log: {level: loud}\n",
        "http: {port: many}\n",
        "http: {port: -1}\n",
        "http: {port: 70000}\n",
        "rules: [{name: a, type: lag}]\n",
        "rules: [{name: a, type: age, view: instant}]\n",
        "rules: [{name: a, type: task_lag, critical: 5m}]\n",
        "rules: [{name: a, type: task_lag, critical: 5, match: {topic: x}}]\n",
        "rules: [{type: age}]\n",
        "alerts: {links: {A: 'ftp://x'}}\n",
        "heartbeat: {}\n",
        "nothing: {}\n",
        "http:\n",
        "store: {samples: 7}\n",
        "discovery: [{account: []}]\n",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(more: str) -> None:
    text = ACCOUNTS + ROUTES + SLACK + more
    with pytest.raises(ConfigError):
        parse(Source(text, "f", {}, require_secrets=False))
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_schema_ignores_keys_with_x_at_the_top() -> None:
    tree = yaml.safe_load(ACCOUNTS + ROUTES + SLACK)
    assert VALIDATOR.is_valid({**tree, "x-anything": [1]})


def test_the_schema_says_what_each_key_wants() -> None:
    poll = json_schema()["$defs"]["PollSection"]["properties"]
    assert poll["interval"]["description"] == "a duration such as 500ms, 10s, 5m, 4h or 7d"
