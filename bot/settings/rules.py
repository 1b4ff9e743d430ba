"""The rules of the file: a section per type, each with its own keys.

A key that is not given is not handed on, so the defaults stand in one place: the domain's policies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from bot.domain.policy import (
    AgeRule,
    AnyRule,
    DataLossRule,
    FallingBehindRule,
    LagRule,
    MissingRule,
    OffsetResetRule,
    RuleType,
    Span,
    StatusRule,
    UnreachableRule,
)
from bot.settings.fields import (
    ASeverity,
    AtLeastOne,
    AtLeastTwo,
    AView,
    Count,
    Flag,
    Name,
    PositiveDuration,
    PositiveSpan,
    Share,
    SpanFromZero,
    StatusWords,
    word,
)
from bot.settings.matches import TaskMatch, TopicMatch
from bot.settings.problems import quoted
from bot.settings.reading import Reads
from bot.settings.scalars import span_text
from bot.settings.section import Conflict, Section, by_type


class RuleSection(Section):
    """What every rule has."""

    name: Name
    match: TaskMatch = TaskMatch()
    enabled: Flag = True

    def asked(self) -> dict[str, Any]:
        """What the file gives, in the words of the policies; the rest keeps its defaults."""
        asked = {name: value for name, value in self.given().items() if value is not None}
        return {**asked, "match": self.match.value()}

    def value(self) -> AnyRule:
        """The rule as judgement uses it."""
        raise NotImplementedError


def of_type(*types: RuleType) -> Reads[RuleType]:
    """The type that chose the section."""
    reader = word(*types)
    return Reads(lambda text: RuleType(reader.read(text)), types[0], reader.schema)


class StatusSection(RuleSection):
    """A status outside `ok`."""

    type: Annotated[RuleType, of_type(RuleType.STATUS)]
    match: TopicMatch = TopicMatch()
    ok: StatusWords | None = None
    severity: ASeverity | None = None
    intended: StatusWords | None = None
    warning_after: PositiveSpan | None = None
    transitional: StatusWords | None = None
    transitional_for: PositiveSpan | None = None
    hold_for: SpanFromZero | None = Field(default=None, alias="for")

    def conflicts(self) -> Iterator[Conflict]:
        """A word that is said to be two things."""
        seen: dict[str, str] = {}
        for key in ("ok", "intended", "transitional"):
            for status in map(str.upper, getattr(self, key) or ()):
                if seen.setdefault(status, key) != key:
                    yield key, f"found {quoted(status)}, which is also in {seen[status]}"

    def value(self) -> StatusRule:
        """The rule as judgement uses it. CREATING is never given less time than the others."""
        rule = StatusRule(**self.asked())
        if rule.transitional_for.fixed > rule.creating_for.fixed:
            return replace(rule, creating_for=rule.transitional_for)
        return rule


class LagLevels(RuleSection):
    """What the three lag types share."""

    warning: Count | None = None
    critical: Count | None = None
    view: AView | None = None
    hold_for: SpanFromZero | None = Field(default=None, alias="for")
    clear: Share | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """No level, or levels the wrong way round."""
        match self.warning, self.critical:
            case None, None:
                yield "", "no level, warning or critical (or both) would be right"
            case int(warning), int(critical) if warning >= critical:
                yield "warning", f"found {warning}, less than critical ({critical}) would be right"

    def value(self) -> LagRule:
        """The rule as judgement uses it."""
        return LagRule(**self.asked())


class LagSection(LagLevels):
    """Lag in messages of a partition or a topic."""

    type: Annotated[RuleType, of_type(RuleType.PARTITION_LAG, RuleType.TOPIC_LAG)]
    match: TopicMatch = TopicMatch()


class TaskLagSection(LagLevels):
    """Lag in messages of the task as a whole, which has no topic to match."""

    type: Annotated[RuleType, of_type(RuleType.TASK_LAG)]


class AgeSection(RuleSection):
    """The oldest undelivered message is surely older than a level."""

    type: Annotated[RuleType, of_type(RuleType.AGE)]
    match: TopicMatch = TopicMatch()
    warning: PositiveSpan | None = None
    critical: PositiveSpan | None = None
    idle_tail: PositiveSpan | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Levels the wrong way round, also against a default."""
        rule = self.value()
        yield from _ordered(self, ("warning", rule.warning), ("critical", rule.critical))

    def value(self) -> AgeRule:
        """The rule as judgement uses it."""
        return AgeRule(**self.asked())


class FallingBehindSection(RuleSection):
    """Trough after trough is higher."""

    type: Annotated[RuleType, of_type(RuleType.FALLING_BEHIND)]
    match: TopicMatch = TopicMatch()
    troughs: AtLeastTwo | None = None
    severity: ASeverity | None = None

    def value(self) -> FallingBehindRule:
        """The rule as judgement uses it."""
        return FallingBehindRule(**self.asked())


class OffsetResetSection(RuleSection):
    """Offsets fell, or ran ahead."""

    type: Annotated[RuleType, of_type(RuleType.OFFSET_RESET)]
    match: TopicMatch = TopicMatch()
    severity: ASeverity | None = None

    def value(self) -> OffsetResetRule:
        """The rule as judgement uses it."""
        return OffsetResetRule(**self.asked())


class MissingSection(RuleSection):
    """Was there and is gone."""

    type: Annotated[RuleType, of_type(RuleType.MISSING)]
    match: TopicMatch = TopicMatch()
    polls: AtLeastOne | None = None
    severity: ASeverity | None = None

    def value(self) -> MissingRule:
        """The rule as judgement uses it."""
        return MissingRule(**self.asked())


class UnreachableSection(RuleSection):
    """No reading for a while."""

    type: Annotated[RuleType, of_type(RuleType.UNREACHABLE)]
    severity: ASeverity | None = None
    critical_after: PositiveSpan | None = None

    def value(self) -> UnreachableRule:
        """The rule as judgement uses it."""
        return UnreachableRule(**self.asked())


class DataLossSection(RuleSection):
    """The oldest undelivered message is about to leave retention."""

    type: Annotated[RuleType, of_type(RuleType.DATA_LOSS)]
    match: TopicMatch = TopicMatch()
    warning: PositiveSpan | None = None
    critical: PositiveSpan | None = None
    retention: PositiveDuration | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Levels the wrong way round, also against a default: less time left is worse."""
        rule = self.value()
        yield from _ordered(self, ("critical", rule.critical), ("warning", rule.warning))

    def value(self) -> DataLossRule:
        """The rule as judgement uses it."""
        return DataLossRule(**self.asked())


def _ordered(section: Section, low: tuple[str, Span], high: tuple[str, Span]) -> Iterator[Conflict]:
    """Two levels of which the first must be the smaller; spans of two kinds cannot be compared."""
    (low_key, low_span), (high_key, high_span) = low, high
    if (low_span.intervals is None) != (high_span.intervals is None):
        return
    if _size(low_span) < _size(high_span):
        return
    default = "" if high_key in section.model_fields_set else ", the default"
    if low_key in section.model_fields_set:
        limit = f"less than {high_key} ({span_text(high_span)}{default})"
        yield low_key, f"found {span_text(low_span)}, {limit} would be right"
    else:
        limit = f"more than {low_key} ({span_text(low_span)}, the default)"
        yield high_key, f"found {span_text(high_span)}, {limit} would be right"


def _size(span: Span) -> float:
    return span.fixed.total_seconds() if span.intervals is None else span.intervals


SECTIONS: dict[str, type[RuleSection]] = {
    RuleType.STATUS: StatusSection,
    RuleType.PARTITION_LAG: LagSection,
    RuleType.TOPIC_LAG: LagSection,
    RuleType.TASK_LAG: TaskLagSection,
    RuleType.AGE: AgeSection,
    RuleType.FALLING_BEHIND: FallingBehindSection,
    RuleType.OFFSET_RESET: OffsetResetSection,
    RuleType.MISSING: MissingSection,
    RuleType.UNREACHABLE: UnreachableSection,
    RuleType.DATA_LOSS: DataLossSection,
}

AnyRuleSection = Annotated[
    StatusSection
    | LagSection
    | TaskLagSection
    | AgeSection
    | FallingBehindSection
    | OffsetResetSection
    | MissingSection
    | UnreachableSection
    | DataLossSection,
    by_type(SECTIONS),
]
