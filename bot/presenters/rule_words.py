"""What a rule asks, in a few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bot.domain.policy import (
    NO_TIME,
    AgeRule,
    AnyRule,
    DataLossRule,
    FallingBehindRule,
    LagRule,
    MissingRule,
    OffsetResetRule,
    Span,
    StatusRule,
    UnreachableRule,
)
from bot.presenters.words import in_words, messages


def in_short(rule: AnyRule) -> str:
    """What a rule asks, without its match: `above 100,000 messages warning, trough`."""
    return ", ".join(_words(rule))


def _words(rule: AnyRule) -> Iterator[str]:
    match rule:
        case StatusRule():
            yield f"outside {', '.join(rule.ok)}, {rule.severity.word} when broken"
            yield from _lasting(rule.hold_for)
        case LagRule():
            yield from _lag_words(rule)
        case AgeRule():
            yield f"warning above {_span(rule.warning)}, critical above {_span(rule.critical)}"
            yield f"idle tail above {_span(rule.idle_tail)}"
        case FallingBehindRule():
            yield f"{rule.severity.word} after {rule.troughs} rising troughs"
        case OffsetResetRule():
            yield rule.severity.word
        case MissingRule():
            severity = "warning (critical if configured)"
            yield f"{rule.severity.word if rule.severity else severity} after {rule.polls} polls"
        case UnreachableRule():
            yield f"{rule.severity.word}, critical after {_span(rule.critical_after)}"
        case DataLossRule():
            yield f"warning below {_span(rule.warning)}, critical below {_span(rule.critical)}"
        case _:
            assert_never(rule)


def _lag_words(rule: LagRule) -> Iterator[str]:
    for word, level in (("warning", rule.warning), ("critical", rule.critical)):
        if level is not None:
            yield f"{word} above {messages(level)}"
    yield rule.view.value
    yield from _lasting(rule.hold_for)


def _lasting(span: Span) -> Iterator[str]:
    if span != NO_TIME:
        yield f"for {_span(span)}"


def _span(span: Span) -> str:
    if span.intervals is None:
        return in_words(span.fixed)
    return f"{span.intervals:g} delivery intervals"
