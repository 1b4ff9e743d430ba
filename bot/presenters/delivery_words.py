"""Ages, drains and causes in words."""

from __future__ import annotations

from collections import Counter

from bot.domain.drain import Drain
from bot.domain.incidents import Incident
from bot.domain.marks import Age
from bot.domain.reports import TaskView
from bot.domain.verdicts import Cause, Judgement
from bot.presenters.answer import Line, Moment, Name
from bot.presenters.words import UNKNOWN, bounds, counted, in_words, messages, number


def age_words(age: Age | None) -> str:
    """How long the oldest undelivered message has waited."""
    return UNKNOWN if age is None else bounds(age.at_least, age.at_most)


def drain_words(drain: Drain) -> str:
    """`10,000 messages in about 2 h (3,000 come in each minute, 4,000 go out)`."""
    how = "never at this rate" if drain.lasts is None else f"in about {in_words(drain.lasts)}"
    rates = f"{_rate(drain.intake_per_minute)} come in each minute, {_rate(drain.outgo_per_minute)}"
    return f"{messages(drain.backlog)} {how} ({rates} go out)"


def _rate(per_minute: float) -> str:
    return number(round(per_minute)) if per_minute >= 1 else f"{per_minute:.1g}"


def cause(incident: Incident, task: TaskView) -> Line:
    """Why, as far as it can be seen: `nothing delivered since 10:42, all 12 partitions`.

    Empty where nothing is seen beyond the value itself.
    """
    causes = Counter(judgement.cause for judgement in incident.evidence if judgement.cause)
    if not causes:
        return ()
    (commonest, _), *_ = causes.most_common(1)
    shown = next(j for j in incident.evidence if j.cause is commonest)
    return (*_reason(commonest, shown), *_share(incident, task))


def _reason(why: Cause, shown: Judgement) -> Line:
    when: Line = (" since ", Moment(shown.since)) if shown.since is not None else ()
    match why:
        case Cause.NO_PROGRESS:
            return ("nothing delivered", *when)
        case Cause.TOO_SLOW:
            return ("it delivers, but less than comes in",)
        case Cause.IDLE_TAIL:
            return ("the last messages of a topic that fell silent", *when)
        case _:
            return ("never delivered; messages have come", *when)


def _share(incident: Incident, task: TaskView) -> Line:
    """How many of how many partitions, where the task has several."""
    sizes = {topic.topic: topic.partitions for topic in task.topics}
    every = sum(sizes.values())
    hit = sum(len(partitions) for _, partitions in incident.spread)
    if every <= 1 or not hit:
        return ()
    if hit >= every:
        return (f"; all {number(every)} partitions",)
    if hit > 1:
        return (f"; {number(hit)} of {counted(every, 'partition')}",)
    ((topic, (partition,)),) = ((t, p) for t, p in incident.spread if p)
    named: Line = (" of ", Name(topic)) if len(sizes) > 1 else ()
    return (f"; only partition {partition}", *named, f", the other {number(every - 1)} are well")
