"""`check`: is the file valid, and does it mean what was meant?"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

from bot.adapters.store.store import open_store
from bot.app.storing import store_config
from bot.domain.checkup import CheckReport
from bot.domain.names import NotOne, resolve
from bot.ports import RequestError, Snapshot, StoreError
from bot.presenters import plain_check
from bot.settings import Settings, load
from bot.settings.checks import check_report

NOT_WELL = 1


def run(options: argparse.Namespace) -> int:
    """Prints what the file means; 1 for warnings with --strict, else 0.

    Raises: ConfigError; RequestError when --task names none.
    """
    settings = load(options.config, os.environ, require_secrets=not options.no_secrets)
    stored, unreadable = asyncio.run(_stored(settings)) if _may_exist(settings) else (None, "")
    report = check_report(settings, stored, unreadable=unreadable)
    if options.task:
        report = _only(report, options.task)
    if options.json:
        print(json.dumps(plain_check.as_json(report), indent=2, ensure_ascii=False))
    else:
        print(plain_check.render(report))
    return NOT_WELL if options.strict and report.warnings else 0


def _may_exist(settings: Settings) -> bool:
    return settings.store.path is None or Path(settings.store.path).exists()


async def _stored(settings: Settings) -> tuple[Snapshot | None, str]:
    """What the store knows; None, and why, where it cannot be read now."""
    try:
        async with open_store(store_config(settings.store), owner="check", read_only=True) as store:
            return await store.load(), ""
    except StoreError as error:
        return None, str(error)


def _only(report: CheckReport, typed: str) -> CheckReport:
    found = resolve(typed, [row.task for row in report.rows])
    if isinstance(found, NotOne):
        near = f"; did you mean {', '.join(found.candidates)}?" if found.candidates else ""
        raise RequestError(f'no one task is called "{typed}"{near}')
    return replace(report, rows=tuple(row for row in report.rows if row.task.key == found.key))
