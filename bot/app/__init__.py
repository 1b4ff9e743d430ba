"""The composition root: makes every real thing once, starts and stops it in order."""

from bot.app.accounts import account_config
from bot.app.ambient import RandomJitter, SystemClock

__all__ = ["RandomJitter", "SystemClock", "account_config"]
