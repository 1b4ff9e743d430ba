"""What the bot says of itself: the Telemetry port over the log and the metrics."""

from __future__ import annotations

from typing import assert_never

from bot.adapters.telemetry.logs import Log
from bot.adapters.telemetry.metrics import Meters
from bot.ports import DeliveryMeasured, Measured, Noted, PollMeasured


class Voice:
    """Counts and logs. Never raises for a line that cannot be written, never waits."""

    def __init__(self, log: Log, meters: Meters) -> None:
        self._log = log
        self._meters = meters

    def record(self, measured: Measured) -> None:
        """Counts or logs one thing. Single polls and deliveries are logged at debug only."""
        match measured:
            case PollMeasured():
                self._meters.polled(measured)
                self._debug_poll(measured)
            case DeliveryMeasured():
                self._meters.delivered(measured)
                fields = {"reason": measured.reason, "result": measured.result}
                self._log.write("debug", "delivery", fields)
            case Noted():
                self._log.write(
                    measured.level, measured.event, measured.fields, error=measured.error
                )
            case _:
                assert_never(measured)

    def _debug_poll(self, poll: PollMeasured) -> None:
        # Thousands a minute: nothing is built for a line that is not written.
        if self._log.enabled("debug"):
            fields = {"account": poll.account, "result": poll.result}
            self._log.write("debug", "poll", {**fields, "took_s": poll.took, "late_s": poll.late})
