"""Slack: messages out, signed commands in."""
