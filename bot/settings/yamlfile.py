"""Reads YAML without guessing: every scalar as it was written, with its line.

PyYAML's resolver, which makes `no` False and `012` ten, is not asked; what a text means is decided
later, by its key. Anchors and `<<` work as YAML 1.1 describes them (a key given beside `<<` wins,
of several merged mappings the earlier). Keys given twice are a fault. Keys at the top that begin
with `x-` are ignored, so that they can hold what anchors share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.settings.problems import Path, Problems, dotted, quoted

MERGE = "<<"
PRIVATE = "x-"
MAX_REPEATS = 50_000
"""Places that aliases may repeat: aliases of aliases can make an endless file of a small one."""

_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_FAST_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
"""Nine times faster: a file of ten thousand tasks takes one second instead of ten."""

_HINTS = {
    "mapping values are not allowed": "a text with ': ' in it needs quotes; or the indentation"
    " differs from the lines above",
    "cannot start any token": "indent with spaces, not tabs; a text that begins so needs quotes",
    "expected ','": "close the bracket",
    "undefined alias": "a text that begins with * needs quotes; an anchor is made with &",
    "<block end>": "indent like the lines above",
    "end of stream": "close the quotes",
    "another document": "remove the '---' between them",
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text of the file."""

    text: str
    """What counts: as written, or with its placeholders replaced."""
    written: str
    """As it stands in the file; safe to show unless the key is a secret's."""
    plain: bool = False
    """Written without quotes."""
    missing: bool = False
    """A placeholder in it has no value here; whatever is to be said of that was said."""

    @property
    def nothing(self) -> bool:
        """Whether its key was given without a value."""
        return self.plain and not self.written


Tree = Scalar | list["Tree"] | dict[str, "Tree"]


def read(text: str, problems: Problems) -> dict[str, Tree]:
    """The mapping that a file holds; the lines of its places are put into `problems`.

    What is wrong goes to `problems` too; the rest is read as far as it makes sense.
    """
    try:
        root = _composed(text)
        if isinstance(root, MappingNode):
            reader = _Reader(problems)
            tree = reader.mapping(root, ())
            problems.lines = reader.lines
            return tree
        found = "nothing" if root is None else _kind(root)
        problems.at_line(
            1, f"found {found}, a mapping with accounts, routes and slack would be right"
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.at_line(mark.line + 1 if mark else 1, f"not YAML: {_explained(error)}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.at_line(line, f"not YAML: found the character U+{error.character:04X}, remove it")
    except RecursionError:
        problems.at_line(1, "nested too deeply, or aliases without end")
    return {}


def _composed(text: str) -> Node | None:
    try:
        return yaml.compose(text, Loader=_FAST_LOADER)
    except yaml.YAMLError as error:
        if "nesting depth" in str(error):
            raise RecursionError from None
        # The slower reader says better, and the same everywhere, what is wrong and where.
        return yaml.compose(text, Loader=yaml.BaseLoader)


def _explained(error: yaml.MarkedYAMLError) -> str:
    what = ", ".join(part for part in (error.problem, error.context) if part)
    if error.context_mark is not None:
        what += f" begun in line {error.context_mark.line + 1}"
    hint = next((text for words, text in _HINTS.items() if words in what), "")
    return f"{what}; {hint}" if hint else what


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return "a text"
    return "a list" if isinstance(node, SequenceNode) else "a mapping"


class _Reader:
    """Turns nodes into plain values and remembers their lines."""

    def __init__(self, problems: Problems) -> None:
        self.lines: dict[Path, int] = {}
        self._problems = problems
        self._seen: set[int] = set()
        self._repeats = 0

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Tree]:
        """A mapping with what it merges in."""
        merged: dict[str, Tree] = {}
        for key, value in node.value:
            if _merges(key):
                for source in self._sources(value, path):
                    merged = {**self.mapping(source, path), **merged}
        own: dict[str, Tree] = {}
        for key, value in node.value:
            if not _merges(key):
                self._entry(own, key, value, path)
        return {**merged, **own}

    def _entry(self, into: dict[str, Tree], key: Node, value: Node, path: Path) -> None:
        line = _line(key)
        if not isinstance(key, ScalarNode):
            self._wrong(path, line, f"found {_kind(key)} as a key, a text would be right")
            return
        name = str(key.value)
        if not path and name.startswith(PRIVATE):
            return
        here = (*path, name)
        if name in into:
            first = self.lines[here]
            self._wrong(here, line, f"given twice, first in line {first}; once would be right")
            return
        self.lines[here] = line
        into[name] = self._value(value, here)

    def _value(self, node: Node, path: Path) -> Tree:
        self._repeats += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeats > MAX_REPEATS:
            raise RecursionError
        if node.tag not in _TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self._wrong(path, _line(node), f"found the tag {quoted(tag)}, no tag would be right")
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, place)) for place, item in enumerate(node.value)]
        # A plain scalar has the style None or '', depending on the loader.
        plain = isinstance(node, ScalarNode) and not node.style
        return Scalar(str(node.value), str(node.value), plain=plain)

    def _item(self, node: Node, path: Path) -> Tree:
        self.lines[path] = _line(node)
        return self._value(node, path)

    def _sources(self, node: Node, path: Path) -> Iterator[MappingNode]:
        """The mappings under a `<<`: one, or a list of them."""
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(source, MappingNode):
                yield source
            else:
                what = f"found {_kind(source)}, a mapping (such as *name) would be right"
                self._wrong((*path, MERGE), _line(source), what)

    def _wrong(self, path: Path, line: int, what: str) -> None:
        key = dotted(path)
        self._problems.at_line(line, f"{key}: {what}" if key else what)


def _merges(key: Node) -> bool:
    if not isinstance(key, ScalarNode):
        return False
    return bool(key.value == MERGE and not key.style)
