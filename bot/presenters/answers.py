"""Everything the bot answers, in one place to import from.

Each function takes values and gives an `Answer`; `plain.render` and `slack.render` show it.
"""

from __future__ import annotations

from bot.presenters.act_answers import (
    Looked,
    acknowledged,
    history,
    silence_list,
    silenced,
    unacknowledged,
    unsilenced,
    would_silence,
)
from bot.presenters.bot_answers import (
    health,
    not_yet,
    overview,
    refresh_failed,
    refreshing,
    refused,
    several,
    suggestions,
    syntax_error,
    usage,
)
from bot.presenters.incident_answers import incident_detail, incident_list
from bot.presenters.loss_answers import losses
from bot.presenters.task_answers import fleet_line, lag_table, task_list, task_status, top
from bot.presenters.why_answers import why

__all__ = [
    "Looked",
    "acknowledged",
    "fleet_line",
    "health",
    "history",
    "incident_detail",
    "incident_list",
    "lag_table",
    "losses",
    "not_yet",
    "overview",
    "refresh_failed",
    "refreshing",
    "refused",
    "several",
    "silence_list",
    "silenced",
    "suggestions",
    "syntax_error",
    "task_list",
    "task_status",
    "top",
    "unacknowledged",
    "unsilenced",
    "usage",
    "why",
    "would_silence",
]
