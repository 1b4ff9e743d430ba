"""`discover`: every dumping task the accounts can see, as a `tasks:` block."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from itertools import count
from textwrap import indent

import yaml

from bot.cli.finding import listing_of
from bot.domain.discovery import DiscoveryEntry, discovered_tasks
from bot.domain.model import WatchedTask
from bot.domain.names import watched_tasks
from bot.ports import CloudError, Listing, Scope
from bot.settings import load
from bot.settings.scalars import as_name, is_name
from bot.settings.values import Settings

ALL = Scope()


def run(options: argparse.Namespace) -> int:
    """Prints what the accounts show; what they refuse to show goes to standard error.

    Raises: ConfigError; CloudError when no account shows anything.
    """
    settings = load(options.config, os.environ)
    listings, failures = asyncio.run(_list_all(settings))
    if failures and not listings:
        raise failures[0]
    for failure in failures:
        print(f"dumptask-bot: {failure.account}: {failure.detail}", file=sys.stderr)
    print(_as_json(listings) if options.json else as_yaml(listings), end="")
    return 3 if failures else 0


async def _list_all(settings: Settings) -> tuple[list[Listing], list[CloudError]]:
    listings: list[Listing] = []
    failures: list[CloudError] = []
    for account in settings.accounts:
        if sys.stderr.isatty():
            print(f"asking {account} …", file=sys.stderr)
        try:
            listings.append(await listing_of(settings, account, ALL, smart_connect=True))
        except CloudError as error:
            error.account = error.account or account
            failures.append(error)
    return listings, failures


def as_yaml(listings: Sequence[Listing]) -> str:
    """A `tasks:` block that the file takes as it is, below what was seen, as comments."""
    every = DiscoveryEntry(tuple(listing.account for listing in listings))
    listed = {task.key: task for listing in listings for task in listing.tasks}
    found = watched_tasks((), discovered_tasks([every], listed.values()))
    lines = [f"# {line}" for listing in listings for line in _notes(listing)]
    if not found:
        return "\n".join([*lines, "tasks: {}"]) + "\n"
    entries = map(_entry, _acceptable([task.name for task in found]), found)
    return "\n".join([*lines, "tasks:"]) + "\n" + "".join(entries)


def _entry(name: str, task: WatchedTask) -> str:
    """One task of the block; a name that the file would refuse is told beside the one it takes."""
    ids = {
        "account": task.key.account,
        "connector_id": task.key.connector_id,
        "task_id": task.key.task_id,
    }
    text = yaml.safe_dump({name: ids}, sort_keys=False, allow_unicode=True)
    real = "" if name == task.name else f"# in the cloud: {json.dumps(task.name)}\n"
    return indent(real + text, "  ")


def _acceptable(names: Sequence[str]) -> list[str]:
    """The names as keys of `tasks`: what the file refuses becomes dashes, and no two are alike."""
    taken = {name for name in names if is_name(name)}
    keys: list[str] = []
    for name in names:
        key = plain = name if is_name(name) else as_name(name)
        for number in count(2):
            if key == name or key not in taken:
                break
            key = f"{plain}-{number}"
        taken.add(key)
        keys.append(key)
    return keys


def _notes(listing: Listing) -> list[str]:
    tasks, connectors = len(listing.tasks), listing.connectors
    seen = (
        f"{listing.instances} instances, {connectors} with dumping enabled, {tasks} dumping tasks"
    )
    notes = [f"{listing.account}: {seen}"]
    if listing.smart_connect_tasks:
        notes.append(
            f"{listing.account}: {listing.smart_connect_tasks} Smart Connect tasks exist "
            "that this API does not show"
        )
    notes += [f"{listing.account}: refused: {why}" for why in listing.refused]
    return notes


def _as_json(listings: list[Listing]) -> str:
    document = [
        {
            "account": listing.account,
            "instances": listing.instances,
            "connectors": listing.connectors,
            "smart_connect_tasks": listing.smart_connect_tasks,
            "refused": list(listing.refused),
            "tasks": [
                {
                    "task_id": task.key.task_id,
                    "task_name": task.task_name,
                    "status": task.status,
                    "topics": task.topics_text,
                    "connector_id": task.connector_id,
                    "instance_id": task.instance_id,
                    "instance_name": task.instance_name,
                    "instance_tags": dict(task.instance_tags),
                }
                for task in listing.tasks
            ],
        }
        for listing in listings
    ]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
