"""How a key reads its value: from a scalar of the file to a typed value, or a sentence.

Pydantic is given these as annotations. They replace its own conversions wholly, because pydantic
would guess; and they say the JSON Schema of the key. A value that is not there (an environment
variable without a value, already reported) reads as the stand-in, so that it is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bot.settings.problems import quoted
from bot.settings.scalars import Wrong
from bot.settings.yamlfile import Scalar

T = TypeVar("T")
JsonSchema = dict[str, Any]

PLACEHOLDER = r"\$\{"
"""A value with a placeholder cannot be judged by an editor."""


FAULT = "fault"
"""The type of the errors that already say everything."""


def faulty(what: str) -> PydanticCustomError:
    """An error in a value, in words."""
    return PydanticCustomError(FAULT, "{what}", {"what": what})


def kind_of(value: object) -> str:
    """What stands there, without showing it."""
    match value:
        case Scalar(nothing=True):
            return "nothing"
        case Scalar():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _found(scalar: Scalar, *, hidden: bool) -> str:
    if scalar.nothing:
        return "nothing"
    if not scalar.text:
        return (
            "an empty text" if scalar.text == scalar.written else f"{quoted(scalar.written)}, empty"
        )
    if hidden:
        return "a text"
    if scalar.text != scalar.written:
        return f"{quoted(scalar.written)} (its value is not shown)"
    return quoted(scalar.text)


def schema(pattern: str) -> JsonSchema:
    """The schema of a text that fits a pattern, or has a placeholder."""
    return {"type": "string", "pattern": f"^(?:{pattern})$|{PLACEHOLDER}"}


def number_schema(pattern: str, kind: str = "integer", **limits: int) -> JsonSchema:
    """The schema of a number, which editors read as one, or of its text."""
    return {"anyOf": [{"type": kind, "minimum": 0, **limits}, schema(pattern)]}


def word_schema(words: Iterable[str]) -> JsonSchema:
    """The schema of one of a few words, which editors offer."""
    return {"anyOf": [{"enum": list(words)}, {"type": "string", "pattern": PLACEHOLDER}]}


TEXT_SCHEMA: JsonSchema = {"type": ["string", "number", "boolean"]}
"""Any scalar: editors read an all-digit id as a number and `no` as a boolean; we do not."""


@dataclass(frozen=True, eq=False)
class Reads(Generic[T]):
    """Annotates a field with the reader of its scalar."""

    read: Callable[[str], T]
    stand_in: T
    schema: JsonSchema = field(default_factory=lambda: dict(TEXT_SCHEMA))
    hidden: bool = False
    """What was found is never shown."""

    @property
    def right(self) -> str:
        """What the reader wants in general."""
        try:
            self.read("")
        except Wrong as wrong:
            return wrong.right
        return "a text"

    def __call__(self, value: object) -> T:
        """The value. Raises: PydanticCustomError with what was found and would be right."""
        if isinstance(value, str):  # a key of a mapping
            value = Scalar(value, value)
        if not isinstance(value, Scalar):
            raise faulty(f"found {kind_of(value)}, {self.right} would be right")
        if value.missing:
            return self.stand_in
        try:
            return self.read(value.text)
        except Wrong as wrong:
            # What is said of a value from the environment must not quote it.
            what = f"{self.right} would be right" if value.text != value.written else str(wrong)
            raise faulty(f"found {_found(value, hidden=self.hidden)}, {what}") from None

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchema:
        return {"description": self.right, **self.schema}


@dataclass(frozen=True, eq=False)
class ReadsMany(Generic[T]):
    """Annotates a field that takes one scalar, or a list of them with one at least."""

    item: Reads[T]

    @property
    def right(self) -> str:
        """What would be right in general."""
        return f"{self.item.right}, or a list of such,"

    def __call__(self, value: object) -> tuple[T, ...]:
        """The values in their order. Raises: PydanticCustomError."""
        if isinstance(value, list):
            if not value:
                raise faulty(f"found an empty list, {self.right} would be right")
            return tuple(self.item(one) for one in value)
        if isinstance(value, dict):
            raise faulty(f"found a mapping, {self.right} would be right")
        return (self.item(value),)

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self)

    @property
    def schema(self) -> JsonSchema:
        """One, or a list."""
        several = {"type": "array", "items": dict(self.item.schema), "minItems": 1}
        return {"anyOf": [dict(self.item.schema), several]}

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchema:
        return {"description": self.right, **self.schema}
