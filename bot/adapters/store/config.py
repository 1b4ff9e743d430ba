"""Where the state is kept, as the configuration says it. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """A SQLite file or the address of a PostgreSQL database; exactly one of the two."""

    path: Path | None = None
    url: str | None = field(default=None, repr=False)
    """`postgresql://user@host:port/database`; out of the repr, because it may hold a password."""
    password: str | None = field(default=None, repr=False)
    """For the url; wins over one that the url has."""

    def __post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ValueError("a store has a path or a url, and not both")


class Access(Enum):
    """What a process does with the store."""

    OWNER = auto()
    """It runs the bot: holds the file's lock, and makes and migrates the tables."""
    GUEST = auto()
    """It writes beside the bot: an act of a person, as any replica would."""
    READER = auto()
    """It changes nothing."""
