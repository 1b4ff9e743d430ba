"""The words of the /dumptask language, in the order of the help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """A command word, how it is used and what it answers."""

    word: str
    usage: str
    does: str
    aliases: tuple[str, ...] = ()
    later: bool = False
    """Part of the language, but not of this version."""


VERBS = (
    Verb("help", "help [command]", "how to use this, or one command"),
    Verb("list", "list [filter]", "tasks, worst first; a filter is a glob, team=orders or a state"),
    Verb("status", "status TASK", "one task; the name of the task alone does the same"),
    Verb("lag", "lag TASK [TOPIC]", "every partition: offsets, lag, status"),
    Verb("top", "top [N]", "the N worst partitions of all tasks"),
    Verb("incidents", "incidents [open|all] [TASK]", "what is wrong now, or was"),
    Verb("incident", "incident ID", "one incident with its timeline"),
    Verb("refresh", "refresh TASK", "ask the cloud now; the answer follows"),
    Verb("health", "health", "how the bot itself is doing"),
    Verb("loss", "loss [filter]", "time to the first lost message, soonest first"),
    Verb("chart", "chart TASK [TOPIC] [6h]", "lag over time", later=True),
    Verb("why", "why TASK", "which rules apply, and what they say now"),
    Verb("history", "history [TASK|ID|@person] [12h]", "what happened, who did what"),
    Verb("ack", "ack ID|TASK [note]", "say that somebody has it", ("acknowledge",)),
    Verb("unack", "unack ID|TASK", "take an acknowledgement back"),
    Verb(
        "silence",
        "silence WHAT [from TIME] [for] DURATION | until TIME [reason]",
        "keep quiet about something for a while",
        ("mute", "snooze", "maintenance"),
    ),
    Verb("silences", "silences [all]", "what is silenced now and soon"),
    Verb("unsilence", "unsilence ID", "end a silence"),
    Verb("test", "test [CHANNEL|TASK]", "a drill, marked as one", later=True),
)
"""In the order of the help."""

BY_WORD: Mapping[str, Verb] = {word: verb for verb in VERBS for word in (verb.word, *verb.aliases)}


def verb_named(word: str) -> Verb | None:
    """The command of this word or alias, in any case; None when there is none."""
    return BY_WORD.get(word.lower())
