"""`query`: one live question about one task, as a table or in the API's own names."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.adapters.dms.account import AccountConfig, AkSk
from bot.adapters.dms.client import open_client
from bot.adapters.dms.wire import QueryAnswer
from bot.app import RandomJitter, SystemClock, account_config
from bot.cli.finding import configured_task
from bot.domain.model import TaskKey, WatchedTask
from bot.ports import ConfigError
from bot.presenters import plain_query
from bot.settings import load
from bot.settings.addresses import origin
from bot.settings.problems import quoted
from bot.settings.scalars import Wrong, identifier

BUDGET = timedelta(seconds=30)
FLAGS = ("endpoint", "project_id", "connector_id", "task_id")


@dataclass(frozen=True, slots=True)
class _Question:
    account: AccountConfig
    task: WatchedTask


def run(options: argparse.Namespace) -> int:
    """Prints the answer.

    Raises: ConfigError; CloudTaskMissing when there is no such task; CloudError.
    """
    given = [name for name in FLAGS if getattr(options, name) is not None]
    if given or options.config is None:
        question = _from_flags(options, os.environ)
        answer = asyncio.run(_ask(question))
    else:
        answer = asyncio.run(_ask_configured(options))
    if options.json:
        print(json.dumps(answer.document, indent=2, ensure_ascii=False))
    else:
        print(plain_query.render(answer.sample))
    return 0


async def _ask(question: _Question) -> QueryAnswer:
    async with open_client(question.account, clock=SystemClock(), jitter=RandomJitter()) as client:
        return await client.query(question.task, budget=BUDGET)


async def _ask_configured(options: argparse.Namespace) -> QueryAnswer:
    if not options.task:
        raise ConfigError(["query: no task given, its name would be right"])
    settings = load(options.config, os.environ)
    task = await configured_task(settings, options.task)
    account = settings.accounts[task.key.account]
    return await _ask(_Question(account_config(account, timeout=BUDGET), task))


def _misread(options: argparse.Namespace) -> Iterator[str]:
    for name in FLAGS:
        read = origin if name == "endpoint" else identifier
        given = getattr(options, name)
        if not given:
            continue
        try:
            read(given)
        except Wrong as error:
            yield f"query: --{name.replace('_', '-')}: found {quoted(given)}, {error}"


def _from_flags(options: argparse.Namespace, environ: Mapping[str, str]) -> _Question:
    problems = [
        f"query: --{name.replace('_', '-')} is missing; give all four, or -c FILE and a task"
        for name in FLAGS
        if not getattr(options, name)
    ]
    problems += [
        f"query: the environment variable {variable} is not set"
        for variable in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")
        if not environ.get(variable)
    ]
    problems += _misread(options)
    if problems:
        raise ConfigError(problems)
    key = TaskKey("cloud", options.connector_id, options.task_id)
    keys = AkSk(
        environ["HUAWEICLOUD_SDK_AK"],
        environ["HUAWEICLOUD_SDK_SK"],
        environ.get("HUAWEICLOUD_SDK_SECURITY_TOKEN") or None,
    )
    account = AccountConfig("cloud", origin(options.endpoint), options.project_id, keys)
    return _Question(account, WatchedTask(key, options.task_id, options.task_id))
