"""The wording of cards and of the replies in their threads.

A card says severity in words, task, rule, value against level, since when, where, what it means
and what to do, when it would close, and when the next reminder comes. Resolved, it becomes the
record of what was. A reply is one line about one step.
"""

from __future__ import annotations

from bot.domain.incidents import Incident, Phase
from bot.domain.model import Severity
from bot.domain.notifications import Notice, Reason
from bot.domain.reports import TaskView
from bot.presenters.act_words import rest_of
from bot.presenters.advice import advice
from bot.presenters.answer import Answer, Facts, Line, Moment, Name, Part, Said, Strong, joined
from bot.presenters.delivery_words import age_words, cause, drain_words
from bot.presenters.incident_lines import (
    TITLES,
    closing,
    ending,
    over,
    peak,
    record,
    rule_title,
    severity_word,
    shown_id,
    since,
    what,
    where,
    worst,
)
from bot.presenters.words import age_in_words, counted, in_words, total

IN_FULL = 3
"""Open incidents told with advice; further ones in one line each."""
IN_BRIEF = 10

_MARKS = {Severity.CRITICAL: "🚨", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}
_DONE = "✅"


# --- the card --------------------------------------------------------------------------------


def card_answer(notice: Notice) -> Answer:
    """The card of a notice."""
    going = [incident for incident in notice.incidents if incident.open]
    ended = [incident for incident in notice.incidents if not incident.open]
    parts: list[Part] = [_in_full(incident, notice) for incident in going[:IN_FULL]]
    parts += [_in_brief(incident, notice) for incident in going[IN_FULL:IN_BRIEF]]
    parts += [_record(incident) for incident in ended[: IN_BRIEF - len(going[:IN_BRIEF])]]
    shown = min(len(going), IN_BRIEF)
    left = len(notice.incidents) - shown - min(len(ended), IN_BRIEF - shown)
    if left:
        parts.append((f"… and {counted(left, 'more alert')}",))
    facts = _facts(notice) if going else ()
    return Answer(
        _title(notice, going), (*parts[:1], *_fact_part(facts), *parts[1:]), _note(notice)
    )


def _fact_part(pairs: tuple[tuple[str, Line], ...]) -> tuple[Part, ...]:
    return (Facts(pairs),) if pairs else ()


def _title(notice: Notice, going: list[Incident]) -> Line:
    if not notice.incidents:
        return _resolved(notice, ())
    kind = _kinds(going or list(notice.incidents))
    if not going:
        return (f"{_DONE} {over(notice.incidents)}: ", *_whom(notice), f" – {kind}")
    mark = _MARKS[max(incident.severity for incident in going)]
    return (f"{mark} {_severity_of(going)}: ", *_whom(notice), f" – {kind}")


def _severity_of(going: list[Incident]) -> str:
    word = max(incident.severity for incident in going).word.capitalize()
    recovering = all(incident.phase is Phase.RECOVERING for incident in going)
    return f"{word}, recovering" if recovering else word


def _kinds(incidents: list[Incident]) -> str:
    return TITLES[incidents[0].type] if len(incidents) == 1 else counted(len(incidents), "alert")


def _whom(notice: Notice) -> Line:
    name = Name(notice.task.name)
    return ("account ", name) if notice.task.key.is_account else (name,)


def _in_full(incident: Incident, notice: Notice) -> Line:
    recovering = incident.phase is Phase.RECOVERING
    evidence = ("Last: ", *what(incident)) if recovering else capitalised(what(incident))
    lines: list[Line] = [
        (Strong(f"{severity_word(incident)}:"), " ", *rule_title(incident)),
        evidence,
        capitalised(since(incident, notice.at)),
        capitalised(cause(incident, notice.task)),
        capitalised(where(incident)),
        capitalised(worst(incident)),
        capitalised(closing(incident)) if recovering else (advice(incident),),
        capitalised(rest_of(incident, notice.silences.get(incident.id), notice.at)),
    ]
    return joined(lines)


def _in_brief(incident: Incident, notice: Notice) -> Line:
    return (
        Strong(f"{severity_word(incident)}:"),
        " ",
        *rule_title(incident),
        " – ",
        *what(incident),
        ", ",
        *since(incident, notice.at),
    )


def _record(incident: Incident) -> Line:
    title = (
        Strong(f"{over((incident,))}:"),
        " ",
        *rule_title(incident),
        f" ({incident.severity.word})",
    )
    return joined([title, capitalised(record(incident))])


def capitalised(line: Line) -> Line:
    """The line as a sentence begins; one that begins with a name stays."""
    if not line or not isinstance(line[0], str):
        return line
    return (line[0][:1].upper() + line[0][1:], *line[1:])


def _facts(notice: Notice) -> tuple[tuple[str, Line], ...]:
    task = notice.task
    own = () if task.key.is_account else (*_task_facts(task), ("Reading", _reading(notice)))
    reminder = notice.reminder_at
    return (*own, *((("Next reminder", (Moment(reminder),)),) if reminder else ()))


def _task_facts(task: TaskView) -> tuple[tuple[str, Line], ...]:
    since: Line = (", since ", Moment(task.status_since)) if task.status_since else ()
    status: Line = (Name(task.cloud_status), *since) if task.cloud_status else ("unknown",)
    return (
        ("Cloud status", status),
        ("Lag", (total(task.lag, known=task.known, unknown=task.unknown),)),
        *([("Oldest undelivered", (age_words(task.age),))] if task.age is not None else []),
        *([("Drains", (drain_words(task.drain),))] if task.drain is not None else []),
    )


def _reading(notice: Notice) -> Line:
    read_at = notice.task.read_at
    if read_at is None:
        return ("none yet",)
    age = age_in_words(read_at, notice.at)
    failing: Line = (", none since: ", Said(notice.task.failure)) if notice.task.failure else ()
    return (Moment(read_at), f", {age} old when this was written", *failing)


def _note(notice: Notice) -> Line:
    ids = joined([shown_id(incident) for incident in notice.incidents[:IN_BRIEF]], ", ")
    return (*ids, f" · {notice.reason.replace('_', ' ')}")


# --- the lock screen, and replies ------------------------------------------------------------


def headline(notice: Notice) -> Line:
    """What a lock screen shows of a card: severity, task, what, since."""
    going = [incident for incident in notice.incidents if incident.open]
    if not going:
        return _resolved(notice, notice.incidents)
    return _about(f"{_severity_of(going)}: ", notice, going)


def _about(lead: str, notice: Notice, incidents: list[Incident]) -> Line:
    first, others = incidents[0], len(incidents) - 1
    return (
        lead,
        *_whom(notice),
        f" – {TITLES[first.type]}: ",
        *what(first),
        ", ",
        *since(first, notice.at),
        f", and {counted(others, 'more alert')}" if others else "",
    )


def _resolved(notice: Notice, incidents: tuple[Incident, ...]) -> Line:
    if not incidents:
        return ("Nothing is wrong any more with ", *_whom(notice))
    first, others = incidents[0], len(incidents) - 1
    ended = first.resolved_at or notice.at
    return (
        f"{over(incidents)}: ",
        *_whom(notice),
        f" – {TITLES[first.type]} after {in_words(ended - first.breached_since)}",
        *peak(first),
        *ending(first),
        f", and {counted(others, 'more alert')}" if others else "",
    )


def reply_answer(notice: Notice) -> Answer:
    """A line for the thread. Its title is that line, for the lock screen of a broadcast."""
    line = _reply_line(notice)
    return Answer(line, (line,), ())


def _reply_line(notice: Notice) -> Line:
    going = [incident for incident in notice.incidents if incident.open]
    if not going and notice.reason is Reason.SETTLED:
        kind = _kinds(list(notice.incidents))
        return ("Settled: ", *_whom(notice), f" – {kind}, which came back again and again")
    if not going:
        return _resolved(notice, notice.incidents)
    severity = max(incident.severity for incident in going).word
    return _about(_leads(notice, severity, going[0]), notice, going)


def _leads(notice: Notice, severity: str, first: Incident) -> str:
    match notice.reason:
        case Reason.ESCALATED:
            return f"Now {severity}: "
        case Reason.FLAPPING:
            return f"Flapping, told no more until it settles, {severity}: "
        case Reason.REMINDER:
            return f"Still {severity} after {age_in_words(first.breached_since, notice.at)}: "
        case _:
            return f"{severity.capitalize()}: "
