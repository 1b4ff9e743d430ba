"""`loss`: how long until the first message is lost, soonest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.loss import LossView
from bot.domain.reports import TaskView
from bot.presenters.answer import Answer, Column, Line, Name, Part, Table, joined
from bot.presenters.task_answers import LIST_SHOWN, readings_note
from bot.presenters.words import UNKNOWN, counted, in_words, number

NAMED = 3
HINT = (
    ". It is asked of the task's instance; where that is not known, give instance_id in tasks, or"
    " retention in a rule of type data_loss."
)


def losses(
    rows: Sequence[tuple[TaskView, LossView]], now: datetime, *, watched: int, typed: str = ""
) -> Answer:
    """Tasks by the time to their first loss. `watched` counts all tasks."""
    title: Line = (f"Time to the first loss: {counted(len(rows), 'task')}",)
    if typed:
        title = (*title, f" of {number(watched)}, filter ", Name(typed))
    if not rows:
        return Answer(title, (("No task fits.",),))
    table = Table(
        (
            Column("first loss", "right"),
            Column("task"),
            Column("partition"),
            Column("retention", "right"),
            Column("lost", "right"),
        ),
        tuple(_row(view, loss) for view, loss in sorted(rows, key=_badness)),
    ).cut_to(LIST_SHOWN)
    parts: list[Part] = [table]
    unknown = [(view, loss) for view, loss in rows if loss.unknown]
    if unknown:
        parts.append(_unknown(unknown))
    return Answer(title, (*parts,), readings_note([view for view, _ in rows], now))


def _badness(row: tuple[TaskView, LossView]) -> tuple[int, timedelta, str]:
    view, loss = row
    rank = 0 if loss.lost else 1 if loss.left is not None else 2 if loss.unknown else 3
    return rank, loss.left or timedelta(0), view.name


def _row(view: TaskView, loss: LossView) -> tuple[str, ...]:
    gone = sum(lost.count for _, lost in loss.lost)
    return (
        _when(view, loss),
        view.name,
        str(loss.worst) if loss.worst is not None else "",
        UNKNOWN if loss.retention is None else in_words(loss.retention),
        number(gone) if gone else "",
    )


def _when(view: TaskView, loss: LossView) -> str:
    if loss.lost or loss.left == timedelta(0):
        return "now"
    if loss.left is not None:
        return f"at most {in_words(loss.left)}" if loss.unsure else in_words(loss.left)
    return UNKNOWN if loss.unknown or view.read_at is None else "nothing waits"


def _unknown(rows: Sequence[tuple[TaskView, LossView]]) -> Line:
    named = joined([(Name(view.name),) for view, _ in rows[:NAMED]], ", ")
    more = f" and {number(len(rows) - NAMED)} more" if len(rows) > NAMED else ""
    return (
        "Retention unknown: ",
        *named,
        more,
        HINT,
    )
