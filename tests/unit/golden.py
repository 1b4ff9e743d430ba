"""Golden files: what the presenters wrote when somebody last looked at it and found it right.

With GOLDEN=write in the environment the files are written anew; read the difference before
committing it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from bot.presenters.message import Message

GOLDEN = Path(__file__).parent.parent / "data" / "golden"


def check_golden(name: str, shown: object) -> None:
    """Compares a JSON value with the golden file of that name."""
    file = GOLDEN / f"{name}.json"
    text = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(file.read_text(encoding="utf-8"))


def as_json(message: Message) -> dict[str, object]:
    """A message as the golden files hold it."""
    return {"text": message.text, "blocks": list(message.blocks)}
