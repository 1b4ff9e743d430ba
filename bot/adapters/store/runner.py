"""What executes the statements: a runner takes a function over a synchronous connection and runs
it in one transaction. What the function returns must not hold on to the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Runner(Protocol):
    """One database."""

    @property
    def described(self) -> str:
        """What kind of store and where, without a password."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether it is sure that no other process writes."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that writes nothing. Raises: StoreError."""
        ...

    async def write(self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Runs `work` in a transaction, whole or not at all. Raises: StoreError.

        `durable`: it must outlast a power cut too, not only the end of the process.
        """
        ...

    async def compute(self, work: Callable[[], T]) -> T:
        """Runs `work`, which needs no database but time, beside the event loop."""
        ...
