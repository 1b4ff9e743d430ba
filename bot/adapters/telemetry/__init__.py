"""Logs and metrics: the port Telemetry."""

from bot.adapters.telemetry.logs import LEVELS, Log, LogFormat
from bot.adapters.telemetry.metrics import Meters, Scrape
from bot.adapters.telemetry.redaction import Redactor
from bot.adapters.telemetry.voice import Voice

__all__ = ["LEVELS", "Log", "LogFormat", "Meters", "Redactor", "Scrape", "Voice"]
