"""What an alert means and what to do about it, in words for whoever is woken by it.

Restarting is never advised: restarting a Smart Connect task resets its progress, and it dumps
everything again (Smart Connect API reference, RestartConnectorTask); resuming continues.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.history import status_word
from bot.domain.incidents import Incident
from bot.domain.model import FailureKind
from bot.domain.policy import RuleType
from bot.domain.verdicts import Cause

NEVER_RESTART = "Do not restart the task: a restart resets its progress and dumps everything again."
_LAG = (
    "More is written than is dumped, and it does not drain between two uploads. Compare the rate "
    "of the producers with the dump, look at the worst partitions, and see that the bucket takes "
    f"files. {NEVER_RESTART}"
)
_BROKEN = (
    "The task has stopped dumping and does not recover by itself. Check that the bucket exists, "
    f"that its key is valid and may write, and its quota. {NEVER_RESTART}"
)

_TAIL = (
    "Nothing new is written, and the last messages are not dumped. Some sinks upload them only "
    "when more come; if this one does, give `idle_tail` of the rule a longer time. Otherwise check "
    f"the bucket, its key and its quota. {NEVER_RESTART}"
)

_STATUS: Mapping[str, str] = {
    "FAILED": _BROKEN,
    "ERROR": _BROKEN,
    "PAUSED": "Somebody paused the task; nothing is dumped meanwhile, and messages older than the "
    "topic's retention are lost. If it is intended, nothing is wrong. To go on, resume it; "
    "resuming continues where it stopped, a restart would dump everything again.",
    "STOPPED": "The task was stopped; nothing is dumped meanwhile, and messages older than the "
    "topic's retention are lost. If it is intended, nothing is wrong.",
    "WAITING": "The task was made but never started. If it should dump, start it in the console.",
    "CREATING": "The task is still being created, longer than that takes. See in the console "
    "whether the instance or its dumping is being changed.",
    "RESTARTING": "The task is restarting, longer than that takes. Somebody restarted it, which "
    "resets its progress: expect it to dump everything again.",
    "UNASSIGNED": "The task waits for a node to run on. That is normal for moments; when it lasts, "
    "check the nodes of the instance's dumping.",
}
_STRANGE = (
    "The cloud reports a status that nobody documents. See the task in the console; if it is fine, "
    "add the word to `ok` of the rule."
)

_FAILURES: Mapping[str, str] = {
    FailureKind.UNAVAILABLE: "The cloud does not answer. The dump itself may be well. Check the "
    "network and the cloud's own status page.",
    FailureKind.THROTTLED: "The cloud refuses so many requests. The dump itself may be well. Poll "
    "less often, or lower requests_per_second of the account.",
    FailureKind.DENIED: "The cloud refuses the credentials. Check that the key or user still "
    "exists and may read dumping tasks; readings stop until then.",
    FailureKind.FORBIDDEN: "The credentials are accepted, but may not read this. Give their user "
    "the rights that the reason names, for this project; readings stop until then.",
    FailureKind.MISSING: "The cloud says that the task does not exist. If it was deleted, take it "
    "out of the configuration; if not, compare its ids.",
    FailureKind.PROTOCOL: "The cloud's answer is not understood; the log names the place in it. "
    "The dump itself may be well.",
    FailureKind.DEFECT: "The bot itself failed; its log has the trace. The dump may be well.",
}


_BY_TYPE: Mapping[RuleType, str] = {
    RuleType.PARTITION_LAG: _LAG,
    RuleType.TOPIC_LAG: _LAG,
    RuleType.TASK_LAG: _LAG,
    RuleType.AGE: "Messages wait longer than several uploads take. Check that the bucket exists "
    "and takes files, that its key is not revoked, its quota, and the connector's nodes. "
    f"{NEVER_RESTART}",
    RuleType.FALLING_BEHIND: "Each upload leaves more behind than the one before. Compare the "
    "producers' rate with the dump, and the load of the partitions and of the connector's nodes. "
    f"{NEVER_RESTART}",
    RuleType.OFFSET_RESET: "A topic was made anew, or the task began again. Files may repeat or "
    "lack messages: compare the bucket with the topic. Where the position stands beyond the log "
    "end, what is written before it is skipped.",
    RuleType.MISSING: "It was there and is gone from the cloud's answer. If somebody deleted it, "
    "nothing is left to do here.",
    RuleType.DATA_LOSS: "The oldest messages leave the topic before they are dumped, and cannot "
    f"be got back. Lengthen the topic's retention now. {NEVER_RESTART}",
}


def advice(incident: Incident) -> str:
    """What the alert means and what to do, in one to three sentences."""
    match incident.type:
        case RuleType.STATUS:
            return _STATUS.get(status_word(_worst_word(incident)), _STRANGE)
        case RuleType.UNREACHABLE:
            return _FAILURES.get(_worst_word(incident), _FAILURES[FailureKind.UNAVAILABLE])
        case RuleType.AGE if _only(incident, Cause.IDLE_TAIL):
            return _TAIL
        case others:
            return _BY_TYPE[others]


def _only(incident: Incident, cause: Cause) -> bool:
    return all(judgement.cause is cause for judgement in incident.evidence)


def _worst_word(incident: Incident) -> str:
    """The status or kind of failure that counts most; empty where values are numbers."""
    value = incident.evidence[0].value if incident.evidence else None
    return value if isinstance(value, str) else ""
