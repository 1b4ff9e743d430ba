"""Orchestration over ports: asyncio, but no sockets, no database, no Slack."""
