"""What is wrong with a configuration: one line each, in the order of the file.

A line names the place, what was found there and what would be right. What was found is shown as
it was written, so a value that came from the environment or a file is never shown, and what
stands under a secret key is not shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.ports import ConfigError

Path = tuple[str | int, ...]
"""Where something stands in the file: keys and list positions from the top."""

SHOWN_LENGTH = 60
_CREDENTIAL = re.compile(r"\b(?:xox[a-z]|xapp|xoxe)[-.][\w.-]+|//[^/@\s]+@", re.IGNORECASE)


def dotted(path: Path) -> str:
    """A place as people write it: `rules[2].match.topic`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def quoted(text: str) -> str:
    """A text from the file in quotes: on one line, cut where long, credentials masked."""
    plain = _on_one_line(_CREDENTIAL.sub("***", text))
    if len(plain) > SHOWN_LENGTH:
        plain = plain[: SHOWN_LENGTH - 1] + "…"
    return f"'{plain}'"


def _on_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?`, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {quoted(near[0])}?" if near else ""


def listed(words: Iterable[str], last: str = "or") -> str:
    """Words as a sentence has them: `a, b or c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


@dataclass(slots=True)
class Problems:
    """Collects what is wrong with one file."""

    file: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    """The line of each place in the file, from 1."""
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: Path, what: str) -> None:
        """Something is wrong at a place."""
        key = dotted(path)
        self.at_line(self.line_of(path), f"{key}: {what}")

    def at_line(self, line: int, what: str) -> None:
        """Something is wrong in a line; 0 for the file as a whole. Said once."""
        # Keys stand in it as they are written, and may hold anything.
        found = (line, _on_one_line(what))
        if found not in self._found:
            self._found.append(found)

    def line_of(self, path: Path) -> int:
        """The line of a place, or of the nearest place around it that the file has; else 1."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def told(self) -> tuple[str, ...]:
        """Every problem as a line, in the order of the file."""
        return tuple(
            f"{self.file}:{line}: {what}" if line else f"{self.file}: {what}"
            for line, what in sorted(self._found, key=lambda found: found[0])
        )

    def raise_if_any(self) -> None:
        """Raises: ConfigError with every problem found so far."""
        if self._found:
            raise ConfigError(self.told())
