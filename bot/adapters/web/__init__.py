"""HTTP for people and machines: health, metrics, JSON, the status page."""

from bot.adapters.web.application import METRICS_TYPE, web_application
from bot.adapters.web.sources import Reads, Sources

__all__ = ["METRICS_TYPE", "Reads", "Sources", "web_application"]
