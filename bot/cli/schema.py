"""`schema`: the JSON Schema of the configuration, for editors."""

from __future__ import annotations

import argparse
import json

from bot.settings.schema import json_schema


def run(_options: argparse.Namespace) -> int:
    """Prints it."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
