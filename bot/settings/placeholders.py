"""`${NAME}`, `${file:/path}` and `$${`: what the file leaves to the environment and to other files.

They are replaced in values, after parsing, so that nothing in a value can change the shape of the
file. A missing one names the key and the variable or path; no message ever holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from bot.settings.problems import Path, Problems, dotted, quoted
from bot.settings.yamlfile import Scalar, Tree

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = "file:"
MAX_FILE_BYTES = 1 << 20


@dataclass(slots=True)
class Replacing:
    """Replaces the placeholders of one file."""

    environ: Mapping[str, str]
    folder: FilePath
    """What a relative path starts from: the folder of the configuration."""
    problems: Problems
    required: bool = True
    """False: a missing variable or file is noted in `missing`, and is no problem."""
    files: set[FilePath] = field(default_factory=set)
    """Files that were asked for, found or not."""
    missing: list[str] = field(default_factory=list)
    """What had no value: the key and why."""

    def tree(self, tree: Tree, path: Path = ()) -> Tree:
        """The tree with every value replaced; problems are reported under the value's key."""
        if isinstance(tree, dict):
            return {key: self.tree(value, (*path, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self.tree(value, (*path, place)) for place, value in enumerate(tree)]
        return self._scalar(tree, path) if "${" in tree.text else tree

    def variable(self, name: str, path: Path) -> str | None:
        """The value of an environment variable; None when it has none, which is then reported."""
        value = self.environ.get(name)
        if value is None:
            self.lacks(path, f"the environment variable {name} is not set")
        return value

    def _scalar(self, scalar: Scalar, path: Path) -> Scalar:
        parts: list[str] = []
        end = 0
        missing = False
        for found in _PLACEHOLDER.finditer(scalar.written):
            value = "${" if found["inside"] is None else self._value(found, path)
            missing = missing or value is None
            parts += scalar.written[end : found.start()], value or ""
            end = found.end()
        text = "".join(parts) + scalar.written[end:]
        return replace(scalar, text=text, missing=missing)

    def _value(self, found: re.Match[str], path: Path) -> str | None:
        inside = found["inside"]
        if found["end"] and inside.startswith(_FILE):
            return self._content(inside.removeprefix(_FILE), path)
        if found["end"] and _NAME.fullmatch(inside):
            return self.variable(inside, path)
        right = "${NAME}, ${file:/path}, or $${ for a literal"
        self.problems.add(path, f"found {quoted(found[0])}, {right} would be right")
        return None

    def _content(self, name: str, path: Path) -> str | None:
        file = self.folder / name
        self.files.add(file)
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            self.lacks(path, f"the file {quoted(name)} cannot be read: {reason}")
            return None
        if len(content) > MAX_FILE_BYTES:
            self.lacks(path, f"the file {quoted(name)} is larger than {MAX_FILE_BYTES} bytes")
            return None
        try:
            return content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            self.lacks(path, f"the file {quoted(name)} is not UTF-8 text")
            return None

    def lacks(self, path: Path, what: str) -> None:
        """Notes that a value is not there: a problem only where values are required."""
        if self.required:
            self.problems.add(path, what)
        else:
            self.missing.append(f"{dotted(path)}: {what}")
