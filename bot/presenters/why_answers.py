"""`why TASK`: every rule, what it looks at, what it says, and what would change it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.domain.incidents import Phase
from bot.domain.inquiry import Inquiry, Told
from bot.domain.matching import literal
from bot.domain.policy import (
    AgeRule,
    AnyRule,
    LagRule,
    RuleType,
    StatusRule,
)
from bot.domain.reports import TaskView
from bot.domain.verdicts import Unit, Verdict
from bot.presenters.answer import Answer, Entries, Line, Moment, Name, Part, joined
from bot.presenters.incident_lines import TITLES, in_unit, subject
from bot.presenters.rule_words import in_short
from bot.presenters.task_answers import reading_note
from bot.presenters.words import counted, in_words, number, seconds_in_words

_WORDS = {
    Verdict.BREACHED: "breached",
    Verdict.HOLDING: "near its level, holding",
    Verdict.CLEAR: "clear",
    Verdict.UNKNOWN: "unknown",
    Verdict.GONE: "gone",
}


def why(view: TaskView, inquiries: Sequence[Inquiry], now: datetime) -> Answer:
    """Why a task is told of or is not."""
    entries = tuple((_heading(one), _said(one, now)) for one in inquiries)
    parts: list[Part] = [_interval_line(view), Entries(entries)]
    yaml = tuple(_lines_of_yaml(view, inquiries))
    if yaml:
        parts.append(joined([("Under rules:, this would change it:",), *yaml]))
    return Answer((Name(view.name), f": {view.state}, and why"), (*parts,), reading_note(view, now))


def _interval_line(view: TaskView) -> Line:
    if view.delivery_interval is None:
        return ("No reading yet: nothing is judged before the first.",)
    told = _other_interval(view)
    assumed = " (assumed: the answer names no interval)" if view.interval_assumed else ""
    return (f"It uploads every {in_words(view.delivery_interval)}{assumed}{told}.",)


def _other_interval(view: TaskView) -> str:
    effective = view.effective_interval
    if effective is None or effective == view.delivery_interval:
        return ""
    return f" by its settings, and every {in_words(effective)} by what it does"


def _heading(inquiry: Inquiry) -> Line:
    title = TITLES[inquiry.type]
    rule = inquiry.rule
    named: Line = () if rule is None or rule.name == inquiry.type else (", rule ", Name(rule.name))
    few = joined([(Name(topic),) for topic in inquiry.topics[:3]], ", ")
    more = f" and {number(len(inquiry.topics) - 3)} more" if len(inquiry.topics) > 3 else ""
    of: Line = (" (", *few, more, ")") if few else ()
    return (title, *named, *of)


def _said(inquiry: Inquiry, now: datetime) -> Line:
    if inquiry.rule is None:
        return ("no rule is on for this task",)
    return joined([part for part in _parts(inquiry, inquiry.rule, now) if part], "; ")


def _parts(inquiry: Inquiry, rule: AnyRule, now: datetime) -> Iterator[Line]:
    yield (_WORDS[inquiry.verdict], *_phase(inquiry, now))
    yield _input(inquiry)
    yield _levels(inquiry, rule)
    yield _change(inquiry)
    yield _routes(inquiry.told)


def _levels(inquiry: Inquiry, rule: AnyRule) -> Line:
    """What the rule asks; levels in deliveries as what they are for this task."""
    warning, critical = inquiry.level.warning, inquiry.level.critical
    if inquiry.type is not RuleType.AGE or warning is None:
        return (in_short(rule),)
    words = f"warning above {seconds_in_words(round(warning))}"
    if critical is None:
        return (f"{words}, for an idle tail",)
    return (f"{words}, critical above {seconds_in_words(round(critical))}",)


def _phase(inquiry: Inquiry, now: datetime) -> Line:
    since: Line = ()
    if inquiry.since is not None and inquiry.verdict is Verdict.BREACHED:
        since = (f" for {in_words(now - inquiry.since)}, since ", Moment(inquiry.since))
    match inquiry.phase:
        case Phase.QUIET:
            return since
        case Phase.PENDING:
            return (*since, ", waits for its time to run")
        case Phase.OPEN:
            return (*since, ", told")
        case _:
            return (", told, recovering",)


def _input(inquiry: Inquiry) -> Line:
    value = inquiry.value
    if value is None and inquiry.type is RuleType.DATA_LOSS:
        return ("the retention is not known",)
    if value is None:
        return ("its input is unknown",)
    if isinstance(value, str):
        said = "the cloud says " if inquiry.type is RuleType.STATUS else ""
        return (said, Name(value), *_in(inquiry))
    if value == 0 and inquiry.verdict is Verdict.UNKNOWN:
        return ("the latest poll says nothing of it",)
    if value == 0 and inquiry.type in (RuleType.AGE, RuleType.FALLING_BEHIND):
        return ("nothing waits" if inquiry.type is RuleType.AGE else "no trough rises",)
    return (_counted(inquiry, value), *_in(inquiry))


def _counted(inquiry: Inquiry, value: int) -> str:
    match inquiry.type:
        case RuleType.AGE:
            return f"the oldest message waits {_aged(value, inquiry.at_most)}"
        case RuleType.FALLING_BEHIND if inquiry.verdict is Verdict.CLEAR:
            return counted(value, "rising trough")
        case RuleType.UNREACHABLE:
            return f"{counted(value, 'poll')} in a row without a reading"
        case RuleType.DATA_LOSS if inquiry.verdict is not Verdict.CLEAR:
            return f"first loss in {seconds_in_words(value)}"
        case RuleType.MISSING | RuleType.OFFSET_RESET | RuleType.DATA_LOSS:
            return "nothing of the kind is seen"
        case _:
            return f"{number(value)} messages"


def _aged(at_least: int, at_most: int | None) -> str:
    low = seconds_in_words(at_least)
    return f"at least {low}" if at_most is None else f"{low} to {seconds_in_words(at_most)}"


def _in(inquiry: Inquiry) -> Line:
    return () if inquiry.subject.is_task else (" in ", *subject(inquiry.subject))


def _change(inquiry: Inquiry) -> Line:
    """How far it is from its level."""
    lowest, value = inquiry.level.lowest, inquiry.value
    if lowest is None or not isinstance(value, int) or inquiry.verdict is not Verdict.CLEAR:
        return ()
    if inquiry.stands:
        return ("its time stands still while the task is halted",)
    if inquiry.type is RuleType.AGE:
        left = seconds_in_words(max(round(lowest) - value, 0))
        return (f"fires in {left} if nothing is delivered",) if value else ()
    rest = in_unit(max(lowest - value, 0), Unit.MESSAGES)
    return (f"fires with {rest} messages more",)


def _routes(told: Sequence[Told]) -> Line:
    heard = [one for one in told if one.heard]
    if not heard:
        return ("told nowhere: no route takes it",)
    channels = dict.fromkeys(one.channel for one in heard)
    lines = [(Name(channel), f" from {_lowest(heard, channel)}") for channel in channels]
    kept = [one for one in told if not one.heard]
    silent = f"; below that nowhere ({kept[-1].severity.word} and less)" if kept else ""
    return ("told to ", *joined(lines, ", "), silent)


def _lowest(told: Sequence[Told], channel: str) -> str:
    return min(one.severity for one in told if one.channel == channel).word


# --- the YAML that would change it -------------------------------------------------------------


def _lines_of_yaml(view: TaskView, inquiries: Sequence[Inquiry]) -> Iterator[Line]:
    given: Counter[str] = Counter()
    for inquiry in inquiries:
        keys = _keys(inquiry)
        if inquiry.rule is not None and keys:
            match = f"match: {{task: {_scalar(literal(view.name))}{_topics(inquiry)}}}"
            name = f"my-{inquiry.type.value}"
            given[name] += 1
            name = name if given[name] == 1 else f"{name}-{given[name]}"
            rule = f"  - {{name: {name}, type: {inquiry.type.value}, {match}, {keys}}}"
            then = "quiet now" if inquiry.verdict is Verdict.BREACHED else "would fire now"
            yield (Name(rule), f"  # {then}")


def _topics(inquiry: Inquiry) -> str:
    """The topics that the rule decides for, where another decides for others."""
    if not inquiry.topics or inquiry.subject.is_task:
        return ""
    return f", topic: [{', '.join(_scalar(literal(topic)) for topic in inquiry.topics)}]"


def _keys(inquiry: Inquiry) -> str:
    """The keys that would turn the verdict, empty where there are none."""
    if inquiry.verdict is Verdict.UNKNOWN or inquiry.stands:
        return ""
    breached, value, rule = inquiry.verdict is Verdict.BREACHED, inquiry.value, inquiry.rule
    match rule:
        case LagRule() if isinstance(value, int) and value > 0:
            level = 2 * value if breached else value // 2
            return f"warning: {level}, view: {rule.view.value}"
        case AgeRule() if isinstance(value, int) and value > 1:
            level = 2 * value if breached else value // 2
            return f"warning: {level}s, critical: {2 * level}s, idle_tail: {level}s"
        case StatusRule() if breached and isinstance(value, str):
            return f"ok: [RUNNING, {_scalar(value)}]"
        case LagRule() | AgeRule() | StatusRule() | None:
            return ""
        case _:
            return "enabled: false" if breached else ""


def _scalar(text: str) -> str:
    """A text as YAML's flow style takes it: JSON is YAML."""
    return json.dumps(text, ensure_ascii=False)
