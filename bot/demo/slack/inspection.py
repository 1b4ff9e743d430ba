"""Checking a structure against Slack's limits, collecting complaints in Slack's own form.

A complaint is a sentence and the JSON pointer of the place it is about. The sentences follow those
that bots have quoted from Slack's answers ("must be less than 151 characters
[json-pointer:/blocks/0/text/text]"); where none was quoted, ours has the same shape.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bot.demo.slack.wire import JsonObject, as_list, as_object


class Surface(Enum):
    """Where blocks are shown; each place takes its own kinds and number."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and where."""

    pointer: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.sentence} [json-pointer:{self.pointer}]"


@dataclass(frozen=True, slots=True)
class Place:
    """An object under inspection and the pointer to it."""

    value: JsonObject
    pointer: str

    def below(self, key: str) -> str:
        """The pointer of one of its fields."""
        return f"{self.pointer}/{key}"


class Inspection:
    """Collects complaints; every check returns what it found so that checks can be chained."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.complaints: list[Complaint] = []

    def complain(self, pointer: str, sentence: str) -> None:
        """Note one fault."""
        self.complaints.append(Complaint(pointer, sentence))

    def missing(self, place: Place, key: str) -> None:
        """Note that a required field is absent."""
        self.complain(place.pointer, f"missing required field: {key}")

    def known_fields(self, place: Place, allowed: Iterable[str]) -> None:
        """Slack refuses fields it does not know."""
        for key in place.value.keys() - set(allowed):
            self.complain(place.pointer, f"invalid additional property: {key}")

    def length(self, pointer: str, text: str, *, most: int, least: int = 1) -> None:
        """A text of `least` to `most` characters."""
        if len(text) > most:
            self.complain(pointer, f"must be less than {most + 1} characters")
        if len(text) < least:
            self.complain(pointer, f"must be more than {least - 1} characters")

    def string(
        self, place: Place, key: str, *, most: int, least: int = 1, required: bool = False
    ) -> str | None:
        """A text field; None when it is absent or no text."""
        value = place.value.get(key)
        if value is None:
            if required:
                self.missing(place, key)
            return None
        if not isinstance(value, str):
            self.complain(place.below(key), "must provide a string")
            return None
        self.length(place.below(key), value, most=most, least=least)
        return value

    def one_of(
        self, place: Place, key: str, *, allowed: Iterable[str], required: bool = False
    ) -> None:
        """A field with a closed set of words."""
        value = place.value.get(key)
        if value is None and required:
            self.missing(place, key)
        if value is not None and value not in tuple(allowed):
            self.complain(place.below(key), "must be a valid enum value")

    def items(self, place: Place, key: str, *, most: int, least: int = 1) -> list[object]:
        """A required list of `least` to `most` items; empty when it is none."""
        if place.value.get(key) is None:
            self.missing(place, key)
            return []
        found = as_list(place.value[key])
        if found is None:
            self.complain(place.below(key), "must provide an array")
            return []
        self.count(place.below(key), found, most=most, least=least)
        return found

    def count(self, pointer: str, found: list[object], *, most: int, least: int = 1) -> None:
        """The number of items of a list."""
        if len(found) > most:
            self.complain(pointer, f"no more than {most} items allowed")
        if len(found) < least:
            self.complain(pointer, f"no less than {least} items allowed")

    def places(self, place: Place, key: str, *, most: int, least: int = 1) -> list[Place]:
        """A required list of objects."""
        found = self.items(place, key, most=most, least=least)
        return self.objects(place.below(key), found)

    def objects(self, pointer: str, found: list[object]) -> list[Place]:
        """Those items that are objects; the others are complained about."""
        places = []
        for index, item in enumerate(found):
            value = as_object(item)
            if value is None:
                self.complain(f"{pointer}/{index}", "must provide an object")
            else:
                places.append(Place(value, f"{pointer}/{index}"))
        return places

    def object(self, place: Place, key: str, *, required: bool = False) -> Place | None:
        """A field that is an object; None when absent or something else."""
        if place.value.get(key) is None:
            if required:
                self.missing(place, key)
            return None
        value = as_object(place.value[key])
        if value is None:
            self.complain(place.below(key), "must provide an object")
            return None
        return Place(value, place.below(key))

    def plain_text(self, place: Place, key: str, *, most: int, required: bool = False) -> None:
        """A text object that may only be plain_text."""
        text = self.object(place, key, required=required)
        if text is not None:
            self.text_object(text, most, kinds=("plain_text",))

    def any_text(self, place: Place, key: str, *, most: int, required: bool = False) -> None:
        """A text object of either kind."""
        text = self.object(place, key, required=required)
        if text is not None:
            self.text_object(text, most)

    def text_object(
        self, text: Place, most: int, *, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
    ) -> None:
        """A text object: kind, length, and the options its kind has."""
        self.one_of(text, "type", allowed=kinds, required=True)
        self.string(text, "text", most=most, required=True)
        option = "emoji" if text.value.get("type") == "plain_text" else "verbatim"
        self.known_fields(text, ("type", "text", option))
