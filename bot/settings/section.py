"""A mapping of the file with known keys: what is unknown, missing or contradictory is said here.

Pydantic finds the faults and their places; each section puts them into words before they leave
it, because only it knows its keys. Everything that leaves a section is of the type FAULT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from bot.settings.fields import word
from bot.settings.problems import did_you_mean, listed
from bot.settings.reading import FAULT, Reads, ReadsMany, faulty, kind_of

Conflict = tuple[str, str]
"""The key to blame ('' for the section as a whole), and what is wrong with it."""


class Section(BaseModel):
    """A mapping with known keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ELSEWHERE: ClassVar[Mapping[str, str]] = {}
    """Keys that are right elsewhere, and what to say of them here."""

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys as they are written."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    def given(self) -> dict[str, Any]:
        """The values of the keys that the file gives, by field name."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def conflicts(self) -> Iterator[Conflict]:
        """What contradicts within this section, all keys being well by themselves."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            section = handler(value)
        except ValidationError as error:
            faults = [cls._fault(one) for one in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, faults) from None
        if conflicts := list(section.conflicts()):
            faults = [fault((key,) if key else (), what) for key, what in conflicts]
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return section

    @classmethod
    def _fault(cls, error: ErrorDetails) -> InitErrorDetails:
        return fault(error["loc"], cls._words(error))

    @classmethod
    def _words(cls, error: ErrorDetails) -> str:
        key = str(error["loc"][-1]) if error["loc"] else ""
        match error["type"]:
            case "extra_forbidden":
                return cls._unknown(key)
            case "missing":
                return f"missing, {cls._right(key)} would be right"
            case "list_type" | "tuple_type":
                return f"found {kind_of(error['input'])}, a list would be right"
            case "dict_type" | "model_type":
                return f"found {kind_of(error['input'])}, a mapping would be right"
            case "too_short":
                kind = kind_of(error["input"]).removeprefix("a ")
                return f"found an empty {kind}, {cls._right(key)} would be right"
            case _:
                return error["ctx"]["what"] if error["type"] == FAULT else error["msg"]

    @classmethod
    def _unknown(cls, key: str) -> str:
        if key in cls.ELSEWHERE:
            return cls.ELSEWHERE[key]
        keys = cls.keys()
        meant = did_you_mean(key, keys)
        return f"unknown key{meant}" if meant else f"unknown key, {listed(keys)} would be right"

    @classmethod
    def _right(cls, key: str) -> str:
        fields = {field.alias or name: field for name, field in cls.model_fields.items()}
        readers = [one for one in fields[key].metadata if isinstance(one, Reads | ReadsMany)]
        return readers[0].right if readers else fields[key].description or "a mapping"


def fault(place: tuple[str | int, ...], what: str) -> InitErrorDetails:
    """A fault in words, for an error that pydantic carries outwards."""
    return InitErrorDetails(type=faulty(what), loc=place, input=None)


def by_type(sections: Mapping[str, type[Section]]) -> WrapValidator:
    """Annotates a union of sections: the key `type` decides which one is meant."""
    words = word(*sections)

    def choose(value: object, _: ValidatorFunctionWrapHandler) -> Section:
        if not isinstance(value, dict):
            raise faulty(f"found {kind_of(value)}, a mapping would be right")
        if "type" not in value:
            raise _fault_of_type(f"missing, {words.right} would be right")
        try:
            chosen = sections[words(value["type"])]
        except PydanticCustomError as error:
            raise _fault_of_type(error.message()) from None
        return chosen.model_validate(value)

    return WrapValidator(choose)


def _fault_of_type(what: str) -> ValidationError:
    return ValidationError.from_exception_data("type", [fault(("type",), what)])
