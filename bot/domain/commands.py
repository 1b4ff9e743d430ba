"""The /dumptask language: what a person types to a command, or an error that shows the usage.

`parse` takes plain text, as typed in a terminal. Text that came through Slack goes through
`from_slack` first, which takes back what Slack made of it: escapes, and the links, channels and
people that it saw in names. Arguments of a shell go through
`quoting.from_arguments`.

A command word wins over a task of that name: a task called `list` is reached by `status list`, or
by quoting it. Any other first word is the name of a task; whether there is one, and what a
mistyped word may have meant (`near_commands`), is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import assert_never

from bot.domain import act_commands
from bot.domain.act_commands import (
    Acknowledge,
    History,
    Mute,
    ShowSilences,
    Unacknowledge,
    Unmute,
)
from bot.domain.matching import glob_hits
from bot.domain.model import TaskState
from bot.domain.quoting import UnclosedQuote, Word, quoted, split
from bot.domain.reports import TaskView
from bot.domain.syntax import CommandSyntaxError, at_most
from bot.domain.verbs import BY_WORD, Verb, verb_named

TOP_DEFAULT = 10
TOP_MOST = 100


# --- commands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overview:
    """Nothing typed: one line about the fleet, then help."""


@dataclass(frozen=True, slots=True)
class Help:
    """Usage of everything, or of one command word."""

    word: str | None = None


@dataclass(frozen=True, slots=True)
class ByState:
    """Tasks in one state of the bot."""

    state: TaskState


@dataclass(frozen=True, slots=True)
class ByLabel:
    """Tasks that carry a label whose value fits a glob."""

    label: str
    glob: str


@dataclass(frozen=True, slots=True)
class ByName:
    """Tasks whose name, or account/name, fits a glob as a whole."""

    glob: str


TaskFilter = ByState | ByLabel | ByName


@dataclass(frozen=True, slots=True)
class ListTasks:
    """The tasks that fit every filter, worst first."""

    filters: tuple[TaskFilter, ...] = ()
    typed: str = ""
    """The filters as they were typed, for the answer's title."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The time to the first lost message of the tasks that fit every filter, soonest first."""

    filters: tuple[TaskFilter, ...] = ()
    typed: str = ""
    """The filters as they were typed, for the answer's title."""


@dataclass(frozen=True, slots=True)
class Status:
    """One task."""

    task: str


@dataclass(frozen=True, slots=True)
class LagOf:
    """Every partition of a task, or of one of its topics."""

    task: str
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Which rules a task has, and what they say of it now."""

    task: str


@dataclass(frozen=True, slots=True)
class Top:
    """The worst partitions of the fleet."""

    count: int = TOP_DEFAULT


@dataclass(frozen=True, slots=True)
class ShowIncidents:
    """Incidents of the fleet or of one task; ended ones too when not `open_only`."""

    open_only: bool = True
    task: str | None = None


@dataclass(frozen=True, slots=True)
class ShowIncident:
    """One incident with its timeline; the id as typed, any unique beginning of it."""

    id: str


@dataclass(frozen=True, slots=True)
class Health:
    """The bot about itself."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A live query of one task."""

    task: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """A command of the language that this version does not carry out."""

    word: str


Command = (
    Overview
    | Help
    | ListTasks
    | Loss
    | Status
    | LagOf
    | Why
    | Top
    | ShowIncidents
    | ShowIncident
    | Health
    | Refresh
    | Acknowledge
    | Unacknowledge
    | Mute
    | ShowSilences
    | Unmute
    | History
    | NotYet
)


def fits(wanted: TaskFilter, view: TaskView) -> bool:
    """Whether a task passes a filter. Case does not count: a phone writes the first letter big."""
    match wanted:
        case ByState(state):
            return view.state is state
        case ByLabel(label, glob):
            labels = {name.lower(): value for name, value in view.labels.items()}
            value = labels.get(label.lower())
            return value is not None and glob_hits(glob.lower(), value.lower())
        case ByName(glob):
            names = (view.name, f"{view.key.account}/{view.name}")
            return any(glob_hits(glob.lower(), name.lower()) for name in names)
    assert_never(wanted)


def near_commands(text: str) -> tuple[str, ...]:
    """What `text` may have meant as a command, likeliest first: at most three complete texts.

    Only its first word is doubted: `staus orders` gives `status orders`.
    """
    first, _, rest = text.strip().partition(" ")
    near = get_close_matches(first.lower(), list(BY_WORD), n=3, cutoff=0.7)
    return tuple(f"{word} {rest.strip()}".strip() for word in near)


# --- parsing ---------------------------------------------------------------------------------


def parse(text: str) -> Command:
    """The command that a person typed.

    Raises: CommandSyntaxError.
    """
    try:
        words = split(text)
    except UnclosedQuote as error:
        after = f"before {str(error)[:40]} " if str(error).strip() else "at the end "
        raise CommandSyntaxError(f"The quote {after}is not closed.") from None
    if not words:
        return Overview()
    first, *rest = words
    verb = None if first.quoted else verb_named(first.text)
    if verb is None:
        return _bare(words)
    arguments = [word.text for word in rest]
    if verb.later:
        return NotYet(verb.word)
    if verb.word in _ACT_PARSERS:
        return _ACT_PARSERS[verb.word](verb, rest)
    return _PARSERS[verb.word](verb, arguments)


def _bare(words: Sequence[Word]) -> Command:
    last = words[-1]
    verb = None if last.quoted or len(words) != 2 else verb_named(last.text)
    if verb is not None:
        meant = f"{verb.word} {quoted(words[0].text)}"
        problem = f'The command comes first: "{meant}".'
        raise CommandSyntaxError(problem, usage=verb.usage, suggestions=(meant,))
    return Status(" ".join(word.text for word in words))


def _help(verb: Verb, arguments: list[str]) -> Command:
    at_most(verb, arguments, 1)
    if not arguments:
        return Help()
    asked = verb_named(arguments[0])
    if asked is not None:
        return Help(asked.word)
    near = tuple(f"help {word}" for word in near_commands(arguments[0]))
    raise CommandSyntaxError(
        f'There is no command "{arguments[0]}".', usage=verb.usage, suggestions=near
    )


def _list(_verb: Verb, arguments: list[str]) -> Command:
    return ListTasks(tuple(_filter(word) for word in arguments), " ".join(map(quoted, arguments)))


def _loss(_verb: Verb, arguments: list[str]) -> Command:
    return Loss(tuple(_filter(word) for word in arguments), " ".join(map(quoted, arguments)))


def _filter(word: str) -> TaskFilter:
    if word.lower() in set(TaskState):
        return ByState(TaskState(word.lower()))
    label, equals, glob = word.partition("=")
    if equals and label:
        return ByLabel(label, glob)
    return ByName(word)


def _status(verb: Verb, arguments: list[str]) -> Command:
    return Status(_name(verb, arguments))


def _refresh(verb: Verb, arguments: list[str]) -> Command:
    return Refresh(_name(verb, arguments))


def _why(verb: Verb, arguments: list[str]) -> Command:
    return Why(_name(verb, arguments))


def _name(verb: Verb, arguments: list[str]) -> str:
    """All of the rest is the name, so that one with spaces needs no quotes."""
    name = " ".join(arguments).strip()
    if not name:
        raise CommandSyntaxError(
            f'"{verb.word}" needs the name of a task; "list" shows them.',
            usage=verb.usage,
            suggestions=("list",),
        )
    return name


def _lag(verb: Verb, arguments: list[str]) -> Command:
    _name(verb, arguments[:1])
    at_most(verb, arguments, 2)
    return LagOf(arguments[0], arguments[1] if len(arguments) > 1 else None)


def _top(verb: Verb, arguments: list[str]) -> Command:
    at_most(verb, arguments, 1)
    if not arguments:
        return Top()
    word = arguments[0]
    count = int(word) if re.fullmatch("[0-9]{1,6}", word) else 0
    if not 1 <= count <= TOP_MOST:
        problem = f'"top" takes a whole number from 1 to {TOP_MOST}, not "{word}".'
        raise CommandSyntaxError(problem, usage=verb.usage)
    return Top(count)


def _incidents(verb: Verb, arguments: list[str]) -> Command:
    at_most(verb, arguments, 2)
    scopes = [word.lower() for word in arguments if word.lower() in ("open", "all")]
    # The first of the two words says how much; after it, `all` is the name of a task.
    scope = scopes[0] if scopes else "open"
    rest = list(arguments)
    if scopes:
        del rest[[word.lower() for word in rest].index(scope)]
    if len(rest) > 1:
        problem = (
            f'"incidents" takes one task; put a name with spaces in quotes: "{" ".join(rest)}".'
        )
        raise CommandSyntaxError(problem, usage=verb.usage)
    return ShowIncidents(open_only=scope == "open", task=rest[0] if rest else None)


def _incident(verb: Verb, arguments: list[str]) -> Command:
    at_most(verb, arguments, 1)
    if not arguments or not arguments[0]:
        raise CommandSyntaxError(
            '"incident" needs an id such as i-7KQ2; "incidents" shows them.',
            usage=verb.usage,
            suggestions=("incidents",),
        )
    return ShowIncident(arguments[0])


def _health(verb: Verb, arguments: list[str]) -> Command:
    at_most(verb, arguments, 0)
    return Health()


_PARSERS: Mapping[str, Callable[[Verb, list[str]], Command]] = {
    "help": _help,
    "list": _list,
    "loss": _loss,
    "status": _status,
    "lag": _lag,
    "top": _top,
    "incidents": _incidents,
    "incident": _incident,
    "refresh": _refresh,
    "why": _why,
    "health": _health,
}
_ACT_PARSERS: Mapping[str, Callable[[Verb, Sequence[Word]], Command]] = {
    "ack": act_commands.acknowledge,
    "unack": act_commands.unacknowledge,
    "silence": act_commands.mute,
    "silences": act_commands.show_silences,
    "unsilence": act_commands.unmute,
    "history": act_commands.history,
}
"""Those that need to know what was quoted."""


# --- what Slack makes of a text --------------------------------------------------------------

_SLACK = re.compile(r"<([^<>]*)>|&(lt|gt|amp);")
_ENTITIES: Mapping[str, str] = {"lt": "<", "gt": ">", "amp": "&"}
_SIGILS: Mapping[str, str] = {"#": "#", "@": "@", "!": "@"}


def from_slack(text: str) -> str:
    """The text a person typed, from what Slack sends of it.

    Slack escapes `& < >` and writes what it recognises as `<#C1|name>`, `<@U1|name>`,
    `<http://orders.example|orders.example>`, `<mailto:a@b|a@b>` (slash commands with should_escape,
    and its clients' own links). The name is what was typed.
    """
    return _SLACK.sub(_typed, text)


def _typed(found: re.Match[str]) -> str:
    if found[2] is not None:
        return _ENTITIES[found[2]]
    target, _, label = from_slack(found[1]).partition("|")
    sigil = _SIGILS.get(target[:1], "")
    if not sigil:
        return label or target
    shown = label or target[1:]
    return shown if shown.startswith(sigil) else sigil + shown
