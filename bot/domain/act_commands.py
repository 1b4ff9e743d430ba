"""The commands that change who hears: `ack`, `silence` and what belongs to them.

`silence WHAT [from TIME] [for] DURATION | until TIME [reason]`: WHAT is one word, the name of a
task, or any number of `name=glob`; a name or value with spaces or `=` in it stands in quotes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.quoting import Word, quoted
from bot.domain.silences import Cover
from bot.domain.syntax import CommandSyntaxError, at_most
from bot.domain.times import LONGEST, Period, Spoken, span, spoken
from bot.domain.verbs import Verb

YES = "yes"
_LOOKED_BACK = timedelta(hours=24)
_ONE = "the id of an incident or the name of a task"


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody has an incident, or all that is open of a task."""

    what: str
    """An incident's id or a task, as typed."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unacknowledge:
    """Nobody has it any more."""

    what: str


@dataclass(frozen=True, slots=True)
class Mute:
    """Keep quiet about something for a while."""

    period: Period
    task: str = ""
    """One task as typed; empty where `cover` says what."""
    cover: Cover | None = None
    reason: str = ""
    confirmed: bool = False
    """The line ended in `yes`."""
    typed: str = ""
    """The whole command without that, to be typed again."""


@dataclass(frozen=True, slots=True)
class ShowSilences:
    """What is silenced now and soon; with `every` what is over, too."""

    every: bool = False


@dataclass(frozen=True, slots=True)
class Unmute:
    """End a silence; the id as typed, any unique beginning of it."""

    id: str


@dataclass(frozen=True, slots=True)
class History:
    """What happened, and who did what."""

    what: str = ""
    """A task or an incident's id as typed; empty for everything."""
    person: str = ""
    """Only what this person did: a Slack user's id or a name."""
    back: timedelta = _LOOKED_BACK


def acknowledge(verb: Verb, words: Sequence[Word]) -> Acknowledge:
    """Raises: CommandSyntaxError."""
    what, *note = _some(verb, words, _ONE)
    return Acknowledge(what, " ".join(note))


def unacknowledge(verb: Verb, words: Sequence[Word]) -> Unacknowledge:
    """Raises: CommandSyntaxError."""
    return Unacknowledge(" ".join(_some(verb, words, _ONE)))


def unmute(verb: Verb, words: Sequence[Word]) -> Unmute:
    """Raises: CommandSyntaxError."""
    texts = _some(verb, words, "the id of a silence, such as s-4MD9; see silences")
    at_most(verb, texts, 1)
    return Unmute(texts[0])


def show_silences(verb: Verb, words: Sequence[Word]) -> ShowSilences:
    """Raises: CommandSyntaxError."""
    texts = [word.text for word in words]
    at_most(verb, texts, 1)
    if texts and texts[0].lower() != "all":
        raise CommandSyntaxError(f'"silences" takes all or nothing, not "{texts[0]}".')
    return ShowSilences(every=bool(texts))


def history(verb: Verb, words: Sequence[Word]) -> History:
    """Raises: CommandSyntaxError."""
    found = History()
    for word in words:
        back = None if word.quoted else span(word.text)
        if back is not None:
            if not timedelta(0) < back <= LONGEST:
                raise CommandSyntaxError(
                    f'"{word.text}" is not between a second and a year.', usage=verb.usage
                )
            found = replace(found, back=back)
        elif word.text.startswith("@") and not word.quoted and len(word.text) > 1:
            found = replace(found, person=word.text[1:])
        elif found.what:
            problem = '"history" takes one task or id; put a name with spaces in quotes.'
            raise CommandSyntaxError(problem, usage=verb.usage)
        else:
            found = replace(found, what=word.text)
    return found


def _some(verb: Verb, words: Sequence[Word], needed: str) -> list[str]:
    texts = [word.text for word in words]
    if not texts or not texts[0].strip():
        raise CommandSyntaxError(f'"{verb.word}" needs {needed}.', usage=verb.usage)
    return texts


# --- silences --------------------------------------------------------------------------------


def mute(verb: Verb, words: Sequence[Word]) -> Mute:
    """Raises: CommandSyntaxError."""
    if not words:
        raise CommandSyntaxError(
            f'"{verb.word}" needs a task, or something such as team=orders.', usage=verb.usage
        )
    confirmed = len(words) > 1 and not words[-1].quoted and words[-1].text.lower() == YES
    rest = list(words[:-1] if confirmed else words)
    typed = " ".join((verb.word, *map(_as_typed, rest)))
    task, cover, after = _what(verb, rest)
    period, reason = _period(verb, [word.text for word in after], task or "team=orders")
    return Mute(period, task, cover, reason, confirmed, typed)


def _as_typed(word: Word) -> str:
    """A word as it has to be typed again; the name before `=` needs no quotes."""
    name, equals, value = word.text.partition("=")
    if word.quoted or not equals:
        return quoted(word.text)
    return f"{name}={quoted(value)}"


def _what(verb: Verb, words: list[Word]) -> tuple[str, Cover | None, list[Word]]:
    """The task, or the cover, and the words after it."""
    if words[0].quoted or "=" not in words[0].text:
        return words[0].text, None, words[1:]
    count = next((i for i, word in enumerate(words) if not _says(word)), len(words))
    return "", _cover(verb, [word.text for word in words[:count]]), words[count:]


def _says(word: Word) -> bool:
    return not word.quoted and "=" in word.text[1:]


def _cover(verb: Verb, pairs: Sequence[str]) -> Cover:
    given: dict[str, str] = {}
    labels: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not value.strip():
            raise CommandSyntaxError(
                f'"{pair}" says nothing after "=": a name or a glob would be right.',
                usage=verb.usage,
            )
        known = name.lower() in _GLOBS
        where, key = (given, name.lower()) if known else (labels, name)
        if key in where:
            raise CommandSyntaxError(
                f'"{name}" is given twice; one glob with * or ? may fit both.', usage=verb.usage
            )
        where[key] = value
    return Cover(
        task=given.get("task", ""),
        account=given.get("account", ""),
        rule=given.get("rule", ""),
        topic=given.get("topic", ""),
        labels=tuple(labels.items()),
    )


_GLOBS = frozenset({"task", "account", "rule", "topic"})


def _period(verb: Verb, words: list[str], example: str) -> tuple[Period, str]:
    """When, and the reason that follows."""
    period, rest = Period(), _joined(words)
    if rest and rest[0].lower() == "from":
        begin, rest = _time(verb, rest[1:], "from")
        period = replace(period, begin=begin)
    if rest and rest[0].lower() == "for":
        rest = rest[1:]
    if rest and rest[0].lower() == "until":
        end, rest = _time(verb, rest[1:], "until")
        return replace(period, end=end), " ".join(rest)
    length = span(rest[0]) if rest else None
    if length is None:
        found = f', and "{rest[0]}" is no duration' if rest else ""
        raise CommandSyntaxError(
            f"A silence needs an end{found}: 2h, or until 18:00.",
            usage=verb.usage,
            suggestions=(f"{verb.word} {quoted(example) if '=' not in example else example} 2h",),
        )
    return replace(period, length=length), " ".join(rest[1:])


def _joined(words: list[str]) -> list[str]:
    """The words with `2 hours` as one."""
    joined: list[str] = []
    for word in words:
        both = joined[-1] + word if joined and joined[-1].isdigit() else ""
        if both and span(both) is not None:
            joined[-1] = both
        else:
            joined.append(word)
    return joined


def _time(verb: Verb, words: list[str], after: str) -> tuple[Spoken, list[str]]:
    found = spoken(words)
    if found is None:
        what = f'"{words[0]}"' if words else "nothing"
        raise CommandSyntaxError(
            f'"{after}" is followed by {what}; 18:00, tomorrow 9:00, monday 9:00 or'
            " 2026-12-24 18:00 would be right.",
            usage=verb.usage,
        )
    when, count = found
    return when, words[count:]
