"""How a call of the Web API arrives and how it is refused.

Three forms are in use and all are read here: a JSON body, a form body, and arguments in the query
string of a GET or POST (the official clients use all three; list and object arguments are JSON
text in the latter two). The token comes in the Authorization header, or as the argument `token`
of a form or query; a JSON body's token is not looked at, as Slack documents.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

JsonObject: TypeAlias = dict[str, object]

_TRUE = frozenset({"1", "true", "True"})


class SlackCallError(Exception):
    """A call is refused with one of Slack's error codes; `extra` joins the body of the answer."""

    def __init__(self, code: str, extra: JsonObject | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra or {}

    def body(self) -> JsonObject:
        """The answer as Slack writes it."""
        return {"ok": False, "error": self.code, **self.extra}


def missing_argument(name: str) -> SlackCallError:
    """The refusal of a call that lacks a required argument."""
    return invalid_arguments([f"missing required field: {name}"])


def invalid_arguments(messages: list[str]) -> SlackCallError:
    """The refusal of arguments, with a sentence for each fault."""
    listed = [f"[ERROR] {message}" for message in messages]
    return SlackCallError("invalid_arguments", {"response_metadata": {"messages": listed}})


@dataclass(frozen=True, slots=True)
class Call:
    """One call: method, arguments as they came (text in forms, any JSON in bodies), and token."""

    method: str
    arguments: Mapping[str, object]
    token: str | None = field(default=None, repr=False)
    origin: str = ""

    def has(self, name: str) -> bool:
        """Whether the argument was given and is not null or empty."""
        return self.arguments.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """The argument as text; numbers of a JSON body are written out."""
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """The argument as text. Raises: SlackCallError invalid_arguments when absent."""
        if not self.has(name):
            raise missing_argument(name)
        return self.text(name)

    def flag(self, name: str) -> bool:
        """The argument as a truth value: true, "true" and 1 in any spelling of a form."""
        return self.text(name) in _TRUE

    def number(self, name: str, default: int) -> int:
        """The argument as a whole number. Raises: SlackCallError invalid_arguments."""
        given = self.text(name, str(default))
        if not given.lstrip("-").isdigit():
            raise invalid_arguments([f"must provide an integer [json-pointer:/{name}]"])
        return int(given)

    def structure(self, name: str, *, otherwise: str) -> object:
        """The argument as JSON: given so, or as JSON text. None when absent.

        Raises: SlackCallError with the code `otherwise` when it is text but not JSON.
        """
        value = self.arguments.get(name)
        if value is None or value == "":
            return None
        return parsed(value, otherwise=otherwise) if isinstance(value, str) else value


def parsed(text: str, *, otherwise: str) -> object:
    """JSON text as a value. Raises: SlackCallError with the code `otherwise`."""
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise SlackCallError(otherwise) from error
    return value


def as_object(value: object) -> JsonObject | None:
    """The value when it is a JSON object, else None."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """The value when it is a JSON list, else None."""
    return list(value) if isinstance(value, list) else None


async def read_call(request: web.Request, method: str) -> Call:
    """Read one request of the Web API. Raises: SlackCallError when the body cannot be read."""
    arguments: dict[str, object] = dict(request.query)
    in_body = await _body_arguments(request)
    token = _bearer(request) or _argument_token(request, query=arguments, in_body=in_body)
    arguments.update(in_body)
    arguments.pop("token", None)
    return Call(method, arguments, token, str(request.url.origin()))


async def _body_arguments(request: web.Request) -> dict[str, object]:
    if request.method != "POST":
        return {}
    if request.content_type == "application/json":
        return _json_arguments(await request.read())
    try:
        return {name: value for name, value in (await request.post()).items()}  # noqa: C416 - mypy: values widen to object
    except (ValueError, LookupError) as error:
        raise SlackCallError("invalid_form_data") from error


def _json_arguments(raw: bytes) -> dict[str, object]:
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise SlackCallError("invalid_json") from error
    found = as_object(value)
    if found is None:
        raise SlackCallError("json_not_object")
    return found


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _argument_token(
    request: web.Request, *, query: Mapping[str, object], in_body: Mapping[str, object]
) -> str | None:
    form = {} if request.content_type == "application/json" else in_body
    token = form.get("token", query.get("token"))
    return token if isinstance(token, str) and token else None
