"""The facts of one incident in words: what, against which level, where, since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.alerts import UNWATCHED
from bot.domain.ids import short
from bot.domain.incidents import Incident, Phase
from bot.domain.model import Severity, Subject
from bot.domain.policy import RuleType
from bot.domain.verdicts import Judgement, Unit
from bot.presenters.act_words import acknowledged_after
from bot.presenters.answer import Line, Moment, Name, Said, joined
from bot.presenters.words import (
    age_in_words,
    amount,
    bounds,
    counted,
    in_words,
    number,
    ranges,
    seconds_in_words,
)

RUNS_SHOWN = 12
"""Runs of partitions named of one incident; the rest is counted."""
TOPICS_SHOWN = 5
WORST_NAMED = 3

TITLES = {
    RuleType.STATUS: "status",
    RuleType.PARTITION_LAG: "partition lag",
    RuleType.TOPIC_LAG: "topic lag",
    RuleType.TASK_LAG: "task lag",
    RuleType.AGE: "age",
    RuleType.FALLING_BEHIND: "falling behind",
    RuleType.OFFSET_RESET: "offset reset",
    RuleType.MISSING: "missing",
    RuleType.UNREACHABLE: "unreachable",
    RuleType.DATA_LOSS: "data loss",
}
"""What people read for a rule type."""


def severity_word(incident: Incident) -> str:
    """`Critical`, as a sentence begins."""
    return incident.severity.word.capitalize()


def state_word(incident: Incident) -> str:
    """open, recovering or resolved."""
    if not incident.open:
        return "resolved"
    return "recovering" if incident.phase is Phase.RECOVERING else "open"


def rule_title(incident: Incident) -> Line:
    """The kind of alert, and the rule where it has a name of its own."""
    title = TITLES[incident.type]
    return (
        (title,)
        if incident.rule in ("", incident.type)
        else (title, ", rule ", Name(incident.rule))
    )


def shown_id(incident: Incident) -> Line:
    """The id as people see and type it."""
    return (Name(short(incident.id)),)


def what(incident: Incident) -> Line:
    """The worst evidence: value against level; what the cloud says where it is a word."""
    if not incident.evidence:
        return ("no evidence kept",)
    worst = incident.evidence[0]
    if isinstance(worst.value, str):
        return _word_against_rule(worst, worst.value, incident)
    value = _valued(worst, incident)
    return (f"{value} in ", *subject(worst.subject), *_against(worst, incident), *_why(worst))


def _why(worst: Judgement) -> Line:
    """Evidence in words after a number; empty without any."""
    return (" (", Said(worst.detail), ")") if worst.detail else ()


def _valued(worst: Judgement, incident: Incident) -> str:
    if worst.value is None or isinstance(worst.value, str):
        return "unknown"
    match incident.type:
        case RuleType.AGE:
            return f"messages wait {_aged(worst.value, worst.at_most)}"
        case RuleType.DATA_LOSS if worst.value == 0:
            return "messages are being lost"
        case RuleType.DATA_LOSS:
            return f"first loss in about {_rounded(worst.value)}"
        case RuleType.FALLING_BEHIND:
            return f"{amount(worst.value, incident.unit)} left behind"
        case _:
            behind = " behind" if incident.unit is Unit.MESSAGES else ""
            return f"{amount(worst.value, incident.unit)}{behind}"


def _rounded(seconds: int) -> str:
    """From a minute on without seconds."""
    return seconds_in_words(seconds if seconds < 60 else seconds - seconds % 60)


def _aged(at_least: int, at_most: int | None) -> str:
    return bounds(
        timedelta(seconds=at_least), None if at_most is None else timedelta(seconds=at_most)
    )


def worst_value(incident: Incident) -> str:
    """The worst value alone, for a cell: `1,234,567`, `12 min`, `FAILED`; empty without any."""
    value = incident.evidence[0].value if incident.evidence else None
    if value is None or isinstance(value, str):
        return value or ""
    return in_unit(value, incident.unit)


def _word_against_rule(worst: Judgement, word: str, incident: Incident) -> Line:
    detail: Line = (" (", Said(worst.detail), ")") if worst.detail else ()
    if incident.type is RuleType.OFFSET_RESET:
        return (f"{word} in ", *subject(worst.subject), *detail)
    if incident.type is RuleType.MISSING:
        return _missed(worst, word, detail)
    if incident.type is RuleType.UNREACHABLE:
        whole = "the account" if incident.key.is_account else "the task"
        return (f"no reading of {whole}: ", Name(word), *detail)
    of: Line = () if worst.subject.is_task else (" of ", *subject(worst.subject))
    return ("the cloud says ", Name(word), *of, *detail)


def _missed(worst: Judgement, word: str, detail: Line) -> Line:
    if not worst.subject.is_task:
        return (*subject(worst.subject), " was there and is gone", *detail)
    if word == "gone":
        return ("the cloud says that the task does not exist", *detail)
    return ("the task runs and reports no partitions", *detail)


def _against(worst: Judgement, incident: Incident) -> Line:
    level = worst.level.critical if worst.severity is Severity.CRITICAL else worst.level.warning
    if level is None:
        level = worst.level.lowest
    if level is None:
        return ()
    shown = in_unit(level, incident.unit)
    side = "below" if incident.type is RuleType.DATA_LOSS else "above"
    return (f", {side} the {worst.severity.word} level of {shown}",)


def in_unit(level: float, unit: Unit) -> str:
    """A level without the noun that its value carries already."""
    return number(int(level)) if unit is Unit.MESSAGES else amount(int(level), unit)


def subject(of: Subject) -> Line:
    """The task, a topic or a partition."""
    if of.is_task:
        return ("the task",)
    return (Name(of.topic),) if of.partition < 0 else (Name(of.topic), f" partition {of.partition}")


def where(incident: Incident) -> Line:
    """Partitions as ranges, the worst topic first: `orders 0-17, 19; payments 3, and 37 more`.

    Empty where one subject is all, for `what` names it already.
    """
    everywhere = _worst_topics(incident)
    if sum(max(len(partitions), 1) for _, partitions in everywhere) <= 1:
        return ()
    lines: list[Line] = []
    room, left_out = RUNS_SHOWN, 0
    for topic, partitions in everywhere:
        if room <= 0 or len(lines) == TOPICS_SHOWN:
            left_out += max(len(partitions), 1)
            continue
        shown, more = ranges(partitions, room)
        room -= max(shown.count(",") + 1, 1)
        left_out += more
        lines.append((*_topic_or_task(topic), f" {shown}" if shown else ""))
    rest = f", and {number(left_out)} more" if left_out else ""
    return (*_affected(incident), *joined(lines, "; "), rest)


def _topic_or_task(topic: str) -> Line:
    return (Name(topic),) if topic else ("the task itself",)


def _affected(incident: Incident) -> Line:
    partitions = sum(len(partitions) for _, partitions in incident.spread)
    return (f"{counted(partitions, 'partition')}: ",) if partitions else ("affected: ",)


def _worst_topics(incident: Incident) -> list[tuple[str, tuple[int, ...]]]:
    spread = dict(incident.spread)
    worst_first = dict.fromkeys((*(j.subject.topic for j in incident.evidence), *spread))
    return [(topic, spread[topic]) for topic in worst_first if topic in spread]


def worst(incident: Incident) -> Line:
    """The worst few subjects by number; empty where there are no numbers, or one subject only."""
    named = [j for j in incident.evidence[:WORST_NAMED] if isinstance(j.value, int)]
    if len(named) < 2:
        return ()
    lines: list[Line] = [
        (Name(str(j.subject)), f" {in_unit(j.value, incident.unit)}")
        for j in named
        if isinstance(j.value, int)
    ]
    return ("worst: ", *joined(lines, "; "))


def since(incident: Incident, now: datetime) -> Line:
    """When it began, and how long that is at `now`."""
    began = incident.breached_since
    return ("since ", Moment(began), f" ({age_in_words(began, now)})")


def closing(incident: Incident) -> Line:
    """While recovering: when it would close. Empty while it does not."""
    if incident.phase is not Phase.RECOVERING:
        return ()
    if incident.closes_at is None:
        return ("recovering",)
    return ("recovering, closes about ", Moment(incident.closes_at), " if it stays clear")


def over(incidents: Iterable[Incident]) -> str:
    """How a card of incidents that are over is headed. What nobody looks at is not resolved."""
    unwatched = all(incident.resolution == UNWATCHED for incident in incidents)
    return "Closed" if unwatched else "Resolved"


def record(incident: Incident) -> Line:
    """What is left of an incident that ended: how long, how bad, why it ended."""
    ended = incident.resolved_at or incident.opened_at
    lasted = in_words(ended - incident.breached_since)
    return (
        f"lasted {lasted}, from ",
        Moment(incident.breached_since),
        " to ",
        Moment(ended),
        *peak(incident),
        *acknowledged_after(incident),
        *ending(incident),
    )


def peak(incident: Incident) -> Line:
    """`; peak 1,234 messages at …`; empty where values are words."""
    if incident.peak is None:
        return ()
    when: Line = () if incident.peak_at is None else (" at ", Moment(incident.peak_at))
    word = "least left" if incident.type is RuleType.DATA_LOSS else "peak"
    return (f"; {word} {amount(incident.peak, incident.unit)}", *when)


def ending(incident: Incident) -> Line:
    """`; ended: no longer watched`; empty where it simply cleared."""
    if incident.resolution in ("", "cleared"):
        return ()
    if incident.resolution == "gone":
        return ("; what was alerted is gone",)
    return ("; ended: ", Said(incident.resolution))
