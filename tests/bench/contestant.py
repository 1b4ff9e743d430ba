"""One contestant in a process of its own: `python -m tests.bench.contestant NAME …`, for `rounds`.

Prints its lap as one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec

from tests.bench.canned import pin
from tests.bench.lap import Lap
from tests.bench.setting import Setting

SDK = "huaweicloudsdkkafka"


def sdk_is_installed() -> bool:
    """Whether the vendor's SDK can take part."""
    return find_spec(SDK) is not None


def run(name: str, setting: Setting) -> Lap:
    """Runs one contestant to its end."""
    module = import_module(f"tests.bench.{name}")
    lap: Callable[[Setting], Awaitable[Lap]] = module.lap
    # Only the bot has uvloop as an extra of its own; the yardsticks stay as they come.
    fast = setting.uvloop and name == "ours"
    factory = import_module("uvloop").new_event_loop if fast else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_awaited(lap, setting))


async def _awaited(lap: Callable[[Setting], Awaitable[Lap]], setting: Setting) -> Lap:
    return await lap(setting)


def main() -> None:
    """Reads the setting from the command line and prints the lap."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=("bare", "ours", "sdk"))
    parser.add_argument("setting", type=json.loads, help="a Setting as JSON")
    options = parser.parse_args()
    setting = Setting(**options.setting)
    pin(0, setting.core)
    print(json.dumps(run(options.name, setting).as_json()))


if __name__ == "__main__":
    main()
