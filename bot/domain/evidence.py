"""What an incident shows of a breach: the worst subjects, how far it has spread, its peak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.alerts import Incident
from bot.domain.model import Severity, Subject
from bot.domain.policy import RuleType
from bot.domain.verdicts import Finding, Judgement, Verdict

EVIDENCE_KEPT = 100
"""Judgements an incident keeps, worst first; `spread` names every breached subject."""


def with_evidence(
    incident: Incident, finding: Finding, now: datetime, *, severity: Severity
) -> Incident:
    """The incident as this finding shows it; its severity rises to the one given, never falls."""
    low_is_bad = finding.type is RuleType.DATA_LOSS
    breached = worst_first(
        [judgement for judgement in finding.judgements if judgement.verdict is Verdict.BREACHED],
        low_is_bad=low_is_bad,
    )
    numbers = [judgement.value for judgement in breached if isinstance(judgement.value, int)]
    peak = (min if low_is_bad else max)(numbers, default=None)
    higher = peak is not None and (
        incident.peak is None or (peak < incident.peak if low_is_bad else peak > incident.peak)
    )
    return replace(
        incident,
        rule=breached[0].rule if breached else incident.rule,
        severity=max(severity, incident.severity),
        evidence=tuple(breached[:EVIDENCE_KEPT]),
        spread=_spread(breached),
        observed_at=now,
        peak=peak if higher else incident.peak,
        peak_at=now if higher else incident.peak_at,
        closes_at=None,
    )


def worst_first(judgements: Iterable[Judgement], *, low_is_bad: bool = False) -> list[Judgement]:
    """By severity, then value, then subject. Of the time that is left, the least is the worst."""

    def badness(judgement: Judgement) -> tuple[int, int, Subject]:
        value = judgement.value if isinstance(judgement.value, int) else 0
        return -judgement.severity, value if low_is_bad else -value, judgement.subject

    return sorted(judgements, key=badness)


def _spread(judgements: list[Judgement]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    topics: dict[str, list[int]] = {}
    for judgement in judgements:
        partitions = topics.setdefault(judgement.subject.topic, [])
        if judgement.subject.partition >= 0:
            partitions.append(judgement.subject.partition)
    return tuple((topic, tuple(sorted(topics[topic]))) for topic in sorted(topics))


def fingerprint(incidents: Iterable[Incident]) -> str:
    """What a reader would notice of the evidence, coarsely: the two leading digits of each
    incident's worst value, how far it has spread, its severity and phase."""
    return "|".join(
        f"{i.id}:{i.severity}:{i.phase}:{_two_digits(i)}:{sum(max(len(p), 1) for _, p in i.spread)}"
        for i in incidents
    )


def _two_digits(incident: Incident) -> str:
    worst = incident.evidence[0].value if incident.evidence else None
    digits = str(worst)
    # Not as a float: an offset may have any number of digits.
    return f"{digits[:2]}e{len(digits)}" if isinstance(worst, int) else digits
