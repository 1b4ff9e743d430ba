"""Answers about the bot and its language: help, health, and what it could not do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.quoting import quoted
from bot.domain.reports import AccountHealth, Ailment, FleetSummary, HealthReport
from bot.domain.syntax import CommandSyntaxError
from bot.domain.verbs import VERBS, Verb, verb_named
from bot.presenters.answer import (
    Answer,
    Entries,
    Facts,
    Line,
    Moment,
    Name,
    Part,
    Said,
    Span,
    Typed,
)
from bot.presenters.task_answers import fleet_line
from bot.presenters.words import age_in_words, ago, counted, in_words, number

LATER = "comes with a later version"
SUGGESTED = 8
NAMING = (
    "A task is named by its name, the beginning of it, its task id, or a topic that only it dumps. "
    "Put a name with spaces in quotes."
)


# --- help ------------------------------------------------------------------------------------


def overview(fleet: FleetSummary, now: datetime) -> Answer:
    """One line about the fleet, then help."""
    return Answer(("Dumping tasks",), (fleet_line(fleet, now), *usage().parts))


def usage(word: str | None = None) -> Answer:
    """How to use everything, or one command by its word or alias."""
    verb = None if word is None else verb_named(word)
    if verb is not None:
        return _usage_of(verb)
    now = tuple(((Typed(verb.usage),), (verb.does,)) for verb in VERBS if not verb.later)
    later = ", ".join(verb.word for verb in VERBS if verb.later)
    return Answer(
        ("What you can ask",), (Entries(now), (NAMING,)), (f"With a later version: {later}",)
    )


def _usage_of(verb: Verb) -> Answer:
    aliases: tuple[Part, ...] = ((f"Also: {', '.join(verb.aliases)}",),) if verb.aliases else ()
    later: Line = (f"This command {LATER}.",) if verb.later else ()
    return Answer((verb.word,), ((Typed(verb.usage), f" – {verb.does}"), *aliases), later)


def not_yet(word: str) -> Answer:
    """A command of the language that this version does not carry out."""
    verb = verb_named(word)
    meant: tuple[Part, ...] = ((Typed(verb.usage), f" – {verb.does}"),) if verb else ()
    return Answer((f"This command {LATER}",), meant, ("Nothing was done.",))


# --- what could not be done ------------------------------------------------------------------


def syntax_error(error: CommandSyntaxError) -> Answer:
    """What is wrong with a command, its usage, and what may have been meant."""
    parts: list[Part] = [(Said(error.problem),)]
    if error.usage is not None:
        parts.append(("Usage: ", Typed(error.usage)))
    if error.suggestions:
        parts.append(_meant(error.suggestions))
    return Answer(("That was not understood",), tuple(parts), refused=True)


def _meant(commands: Sequence[str]) -> Line:
    spans: list[Span] = ["Did you mean "]
    for command in commands:
        spans += [Typed(command), ", "]
    return (*spans[:-1], "?")


def suggestions(wanted: str, *, tasks: Sequence[str] = (), commands: Sequence[str] = ()) -> Answer:
    """No task is called so: near tasks and near commands, likeliest first."""
    title: Line = ("No task is called ", Name(wanted))
    near: list[tuple[Line, Line]] = [((Typed(command),), _about(command)) for command in commands]
    meant = near + [((Typed(f"status {quoted(task)}"),), ()) for task in tasks]
    if not meant:
        return Answer(title, (("All tasks: ", Typed("list")),), refused=True)
    items = tuple(meant[:SUGGESTED])
    left = len(meant) - len(items)
    note: Line = (
        (f"{number(left)} more are near; ", Typed("list"), " shows all") if left > 0 else ()
    )
    return Answer(title, (("Did you mean:",), Entries(items)), note, refused=True)


def _about(command: str) -> Line:
    verb = verb_named(command.split(" ", 1)[0])
    return (verb.does,) if verb is not None else ()


def several(wanted: str, tasks: Sequence[str]) -> Answer:
    """What was typed names more than one task."""
    title: Line = (Name(wanted), f" names {counted(len(tasks), 'task')}")
    items = tuple(((Typed(f"status {quoted(task)}"),), ()) for task in tasks[:SUGGESTED])
    left = len(tasks) - len(items)
    note: Line = (f"and {number(left)} more",) if left > 0 else ()
    return Answer(title, (("Which of them?",), Entries(items)), note, refused=True)


def refused(why: str) -> Answer:
    """What a person asked cannot be done; the reason is the answer."""
    return Answer(("That cannot be done",), ((Said(why),),), refused=True)


def refreshing(task: str) -> Answer:
    """The cloud is being asked; the answer follows."""
    return Answer((), (("Asking the cloud about ", Name(task), "; the answer follows."),))


def refresh_failed(task: str, why: str, *, read_at: datetime | None, now: datetime) -> Answer:
    """The live query gave nothing; what is known is as old as before."""
    return Answer(
        ("No fresh reading of ", Name(task)),
        ((Said(why),),),
        (f"Last reading: {ago(read_at, now)}",),
    )


# --- health ----------------------------------------------------------------------------------


def health(report: HealthReport, now: datetime) -> Answer:
    """The bot about itself: first what does not work, then the figures."""
    if report.well:
        title = "Health: all is well"
    else:
        title = f"Health: {counted(len(report.ailments), 'part does', 'parts do')} not work"
    parts: list[Part] = []
    if report.ailments:
        parts.append(Entries(tuple(map(_ailment, report.ailments))))
    parts.append(Facts(_health_facts(report, now)))
    if len(report.accounts) > 1:
        parts.append(Entries(tuple(map(_account, report.accounts))))
    return Answer((title,), tuple(parts), ("As of ", Moment(now)))


def _ailment(ailment: Ailment) -> tuple[Line, Line]:
    began: Line = () if ailment.since is None else (", since ", Moment(ailment.since))
    return (Name(ailment.part),), (Said(ailment.why), *began)


def _account(account: AccountHealth) -> tuple[Line, Line]:
    failure: Line = () if account.failure is None else (": ", Said(account.failure))
    fresh = f"{number(account.fresh)} of {counted(account.tasks, 'task')} freshly read"
    return (Name(account.account),), (fresh, *failure)


def _health_facts(report: HealthReport, now: datetime) -> tuple[tuple[str, Line], ...]:
    tasks = sum(account.tasks for account in report.accounts)
    fresh = sum(account.fresh for account in report.accounts)
    waiting = counted(report.outbox_waiting, "message waits", "messages wait")
    oldest = f", the oldest due {in_words(report.outbox_oldest)}" if report.outbox_waiting else ""
    lost = f"; {number(report.given_up)} given up since the start" if report.given_up else ""
    return (
        ("Polling", (f"{number(fresh)} of {counted(tasks, 'task')} freshly read",)),
        ("Lateness", (f"polls {in_words(report.lateness)} late at most",)),
        ("Outbox", (f"{waiting}{oldest}{lost}",)),
        ("Store", (Name(report.store),)),
        ("Version", (Name(report.version),)),
        ("Up", (age_in_words(report.started_at, now),)),
    )
