"""Dispatch: which command, and what its errors mean as an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import IntEnum

from bot.cli.arguments import parser
from bot.ports import BotError, CloudTaskMissing, ConfigError, RequestError

PROGRAM = "dumptask-bot"


class Exit(IntEnum):
    """What the program says to its caller."""

    OK = 0
    NOT_WELL = 1
    USAGE = 2
    OUTSIDE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BotError as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {line}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130


def exit_code(error: BotError) -> Exit:
    """What an error that ended the command means."""
    match error:
        case ConfigError() | RequestError():
            return Exit.USAGE
        case CloudTaskMissing():
            return Exit.NOT_WELL
        case _:
            return Exit.OUTSIDE
