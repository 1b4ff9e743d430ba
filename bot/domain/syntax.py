"""What is wrong with a command, and the checks that every kind of command needs."""

from __future__ import annotations

from bot.domain.verbs import Verb


class CommandSyntaxError(Exception):
    """What was typed is not a command. The text says what is wrong and is fit to be shown."""

    def __init__(
        self, problem: str, *, usage: str | None = None, suggestions: tuple[str, ...] = ()
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.usage = usage
        """The usage of the command that was meant; None where none can be told."""
        self.suggestions = suggestions
        """Complete commands that may have been meant, likeliest first."""


def at_most(verb: Verb, arguments: list[str], most: int) -> None:
    """Raises: CommandSyntaxError where more words follow than the command takes."""
    if len(arguments) <= most:
        return
    taken = ("nothing after it", "one word after it", "two words after it")[most]
    hint = "; put a name with spaces in quotes" if most else ""
    raise CommandSyntaxError(f'"{verb.word}" takes {taken}{hint}.', usage=verb.usage)
