"""`check`: is the file valid, and does it mean what was meant?"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bot.adapters.store.config import Access
from bot.adapters.store.store import Store, open_store
from bot.app.ambient import SystemClock
from bot.app.storing import store_config
from bot.cli.stored import known_tasks, named
from bot.domain.checkup import CheckReport
from bot.domain.model import TaskKey
from bot.domain.peaks import LowLevel, Peaks
from bot.domain.policy import LagRule, View
from bot.domain.rules import rules_for
from bot.ports import Snapshot, StoreError
from bot.presenters import plain_check
from bot.settings import Settings, load
from bot.settings.checks import check_report

NOT_WELL = 1
LEARNED_FROM = timedelta(days=1)
"""Samples that normal peaks are learned from."""


def run(options: argparse.Namespace) -> int:
    """Prints what the file means; 1 for warnings with --strict, else 0.

    Raises: ConfigError; RequestError when --task names none.
    """
    settings = load(options.config, os.environ, require_secrets=not options.no_secrets)
    found = asyncio.run(_stored(settings)) if _may_exist(settings) else _Found()
    report = check_report(
        settings, found.snapshot, unreadable=found.unreadable, low_levels=found.low_levels
    )
    if options.task:
        report = _only(report, options.task)
    if options.json:
        print(json.dumps(plain_check.as_json(report), indent=2, ensure_ascii=False))
    else:
        print(plain_check.render(report))
    return NOT_WELL if options.strict and report.warnings else 0


def _may_exist(settings: Settings) -> bool:
    return settings.store.path is None or Path(settings.store.path).exists()


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store knows."""

    snapshot: Snapshot | None = None
    unreadable: str = ""
    """Why it cannot be read now."""
    low_levels: Mapping[str, Sequence[LowLevel]] | None = None
    """By task; None without a day's samples to learn from."""


async def _stored(settings: Settings) -> _Found:
    try:
        async with open_store(
            store_config(settings.store), owner="check", access=Access.READER
        ) as store:
            snapshot = await store.load()
            return _Found(snapshot, low_levels=await _learned(settings, snapshot, store))
    except StoreError as error:
        return _Found(unreadable=str(error))


async def _learned(
    settings: Settings, snapshot: Snapshot, store: Store
) -> Mapping[str, Sequence[LowLevel]] | None:
    """What the samples of the last day say of levels on the instant lag."""
    rules = settings.policies.rules
    if not any(isinstance(rule, LagRule) and rule.view is View.INSTANT for rule in rules):
        return None
    tasks = {task.key: task for task in known_tasks(settings, snapshot)}
    peaks: dict[TaskKey, Peaks] = {}
    async for sample in store.samples(None, SystemClock().now() - LEARNED_FROM):
        if sample.key in tasks:
            if sample.key not in peaks:
                peaks[sample.key] = Peaks(rules_for(tasks[sample.key], rules))
            peaks[sample.key].feed(sample)
    if not peaks:
        return None
    return {tasks[key].name: tuple(learned.low_levels()) for key, learned in peaks.items()}


def _only(report: CheckReport, typed: str) -> CheckReport:
    found = named(tuple(row.task for row in report.rows), typed)
    return replace(report, rows=tuple(row for row in report.rows if row.task.key == found.key))
