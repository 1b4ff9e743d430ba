"""The words of the command line. What a command does is imported only when it is run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

DESCRIPTION = "Watches Kafka dumping tasks and tells people, once, when one stalls."


def parser() -> argparse.ArgumentParser:
    """Everything that can be said on the command line."""
    top = argparse.ArgumentParser(prog="dumptask-bot", description=DESCRIPTION, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"dumptask-bot {program_version()}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for add in (_run, _check, _discover, _query, _ask, _demo, _backtest, _export, _schema):
        add(commands)
    return top


def program_version() -> str:
    """The version of the installed distribution."""
    return version("dumptask-bot")


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def _command(
    commands: Commands[argparse.ArgumentParser], name: str, does: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=does, description=does[0].upper() + does[1:] + ".", allow_abbrev=False
    )
    command.set_defaults(run=_imported(name))
    return command


def _imported(name: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        command: Callable[[argparse.Namespace], int] = import_module(f"bot.cli.{name}").run
        return command(options)

    return run


def _with_config(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    default = os.environ.get("DUMPTASK_CONFIG")
    command.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        default=Path(default) if default else None,
        required=required and not default,
        help="the configuration file (default: $DUMPTASK_CONFIG)",
    )


def _run(commands: Commands[argparse.ArgumentParser]) -> None:
    _with_config(_command(commands, "run", "run the bot until SIGTERM or SIGINT"))


def _check(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "check", "validate a configuration and print what it means")
    _with_config(command)
    command.add_argument(
        "--no-secrets", action="store_true", help="accept that secrets are not there, as in CI"
    )
    command.add_argument("--strict", action="store_true", help="warnings make the exit code 1")
    command.add_argument("--task", metavar="TASK", help="only this task")
    command.add_argument("--json", action="store_true", help="for machines")


def _discover(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "discover", "list every dumping task the accounts can see")
    _with_config(command)
    command.add_argument("--json", action="store_true", help="for machines")


def _query(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "query", "ask the cloud about one task, now")
    _with_config(command, required=False)
    command.add_argument("task", nargs="?", metavar="TASK", help="its name, with -c")
    for name, what in (
        ("--endpoint", "such as https://dms.eu-west-101.myhuaweicloud.eu"),
        ("--project-id", "the project's id"),
        ("--connector-id", "the instance's connector id"),
        ("--task-id", "the dumping task's id"),
    ):
        command.add_argument(name, metavar="VALUE", help=f"without -c: {what}")
    command.add_argument("--json", action="store_true", help="the validated values as JSON")


def _ask(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "ask", "any /dumptask text, answered over the store")
    _with_config(command)
    command.add_argument("--json", action="store_true", help="for machines")
    command.add_argument("text", nargs="*", metavar="TEXT", help="such as: list critical")


def _demo(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "demo", "run the bot against a simulated cloud and Slack")
    command.add_argument("--speed", type=_speed, default=60.0, metavar="N")
    command.add_argument("--duration", metavar="TIME", help="end after this long, such as 30s")
    command.add_argument("--port", type=_port, default=8321, help="of the page; 0: any free one")
    command.add_argument("--scenario", default="default", metavar="NAME")


def _backtest(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "backtest", "replay stored samples through a file's rules")
    _with_config(command)
    command.add_argument(
        "--since", default="7d", metavar="DURATION", help="how far back, such as 7d (the default)"
    )
    command.add_argument(
        "--samples", type=Path, metavar="FILE", help="what export wrote, instead of the store"
    )
    command.add_argument("--json", action="store_true", help="for machines")


def _export(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "export", "print stored samples and incidents as JSON lines")
    _with_config(command)
    command.add_argument("--task", metavar="TASK", help="only this task")
    command.add_argument(
        "--since", default="7d", metavar="DURATION", help="how far back, such as 7d (the default)"
    )


def _schema(commands: Commands[argparse.ArgumentParser]) -> None:
    _command(commands, "schema", "print the JSON Schema of the configuration")


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 600:
        raise argparse.ArgumentTypeError(f"found {text!r}, a number from 1 to 600 would be right")
    return value


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"found {text!r}, 0 to 65535 would be right")
    return int(text)
