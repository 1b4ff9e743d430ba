"""The vocabulary of the method tables: what a method needs before it is carried out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.demo.slack.rates import Tier
from bot.demo.slack.wire import Call, JsonObject

Run: TypeAlias = Callable[[Call], JsonObject]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what carries it out, its tier, and the scopes of which one is needed."""

    run: Run
    tier: Tier
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    public: bool = False
    """Whether it is answered without a token."""


MethodTable: TypeAlias = Mapping[str, Method]


def answer(**fields: object) -> JsonObject:
    """A successful answer."""
    return {"ok": True, **fields}
