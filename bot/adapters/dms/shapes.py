"""The shapes of the API's answers, and how one is read from its bytes.

Every field is optional and unknown fields are ignored (Kafka API reference: no response table has
required fields). Numbers come as text or, in a few places, as JSON integers; `Number` is either. A
value of another JSON type, such as a fraction, `true`, or a list where text belongs, is an answer
we do not understand: `CloudProtocolError` names the place in it, never its content.

Envelopes are models, what they hold many of are typed dictionaries: that is the fastest layout that
pydantic validates straight from the bytes.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, with_config
from typing_extensions import TypedDict

from bot.ports import CloudProtocolError

_STRICT = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WORDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a whole number",
    float: "a fraction",
    str: "text",
    list: "a list",
}
_UNION_TAGS = frozenset({"str", "int"})

Text = str | None
Number = Annotated[str | int, Field(union_mode="left_to_right")] | None


@with_config(_STRICT)
class PartitionShape(TypedDict, total=False):
    """One row of a topic."""

    partition_id: Number
    status: Text
    last_transfer_offset: Number
    log_end_offset: Number
    lag: Number


@with_config(_STRICT)
class TopicShape(TypedDict, total=False):
    """One topic of a dumping task."""

    topic: Text
    partitions: list[PartitionShape] | None


@with_config(_STRICT)
class DescriptorShape(TypedDict, total=False):
    """Where a dumping task dumps to."""

    consumer_strategy: Text
    destination_file_type: Text
    obs_bucket_name: Text
    obs_path: Text
    partition_format: Text
    record_delimiter: Text
    deliver_time_interval: Number
    obs_part_size: Number
    # Below: not in the vendor's table, but in samples or read by its Terraform provider.
    flush_size: Number
    connector_class: Text
    storage_class: Text
    format_class: Text
    schema_generator_class: Text
    partitioner_class: Text
    value_converter: Text
    key_converter: Text
    topics: Text
    topics_regex: Text


class _TaskFields(BaseModel):
    """What an answer about one dumping task says beside its topics."""

    model_config = _STRICT

    task_name: Text = None
    destination_type: Text = None
    create_time: Number = None
    status: Text = None
    topics: Text = None
    obs_destination_descriptor: DescriptorShape | None = None
    error_code: object = None
    """Only in complaints, which have no business in a success."""


class TaskShape(_TaskFields):
    """The answer about one dumping task (ShowSinkTaskDetail). It does not say the task's id."""

    topics_info: list[TopicShape] | None = None


Digits = Annotated[int, Field(strict=False)]
"""Reads more than digits (blanks, a sign, true, 3.0): only for what is known to be plain."""


@with_config(_STRICT)
class PlainPartitionShape(TypedDict):
    """One row whose numbers are plain digits."""

    partition_id: Digits
    status: Text
    last_transfer_offset: Digits
    log_end_offset: Digits


@with_config(_STRICT)
class PlainTopicShape(TypedDict):
    """One topic of such rows."""

    topic: str
    partitions: list[PlainPartitionShape]


class PlainTaskShape(_TaskFields):
    """An answer of which all rows are plain (see `plain`)."""

    topics_info: list[PlainTopicShape]


@with_config(_STRICT)
class ListedTaskShape(TypedDict, total=False):
    """One dumping task of a connector's list."""

    task_id: Text
    task_name: Text
    status: Text
    topics: Text


class TaskListShape(BaseModel):
    """The dumping tasks of a connector (ListSinkTasks)."""

    model_config = _STRICT

    tasks: list[ListedTaskShape] | None = None
    total_number: Number = None
    error_code: object = None


@with_config(_STRICT)
class TagShape(TypedDict, total=False):
    """A tag of an instance."""

    key: Text
    value: Text


@with_config(_STRICT)
class InstanceShape(TypedDict, total=False):
    """What a monitor needs of an instance's ninety fields."""

    instance_id: Text
    name: Text
    connector_id: Text
    """Empty or absent where dumping is off."""
    tags: list[TagShape] | None


class InstanceListShape(BaseModel):
    """One page of instances (ListInstances)."""

    model_config = _STRICT

    instances: list[InstanceShape] | None = None
    instance_num: Number = None
    error_code: object = None


@with_config(_STRICT)
class TopicEntryShape(TypedDict, total=False):
    """A topic as an instance lists it."""

    name: Text
    retention_time: Number


class TopicListShape(BaseModel):
    """One page of topics (ListInstanceTopics)."""

    model_config = _STRICT

    topics: list[TopicEntryShape] | None = None
    total: Number = None
    error_code: object = None


@with_config(_STRICT)
class LogShape(TypedDict, total=False):
    """A partition of a topic; `lso` is where its log begins."""

    partition: Number
    lso: Number


class TopicPartitionsShape(BaseModel):
    """The partitions of a topic (ShowInstanceTopicDetail)."""

    model_config = _STRICT

    partitions: list[LogShape] | None = None
    error_code: object = None


class SmartConnectShape(BaseModel):
    """One page of Smart Connect tasks (ListConnectorTasks); only the total is of interest."""

    model_config = _STRICT

    total_number: Number = None
    error_code: object = None


Shape = TypeVar(
    "Shape",
    TaskShape,
    PlainTaskShape,
    TaskListShape,
    InstanceListShape,
    TopicListShape,
    TopicPartitionsShape,
    SmartConnectShape,
)


def read(shape: type[Shape], body: bytes) -> Shape:
    """An answer of that shape. A byte order mark before it is forgiven.

    Raises: CloudProtocolError.
    """
    try:
        answer = shape.model_validate_json(body)
    except ValidationError as error:
        if body.startswith(_BYTE_ORDER_MARK):
            return read(shape, body.removeprefix(_BYTE_ORDER_MARK))
        raise CloudProtocolError(_what_is_wrong(error)) from error
    if answer.error_code is not None:
        raise CloudProtocolError("the answer: HTTP 200 with an error_code in it")
    return answer


def _what_is_wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return f"the answer is not JSON ({first['msg'].removeprefix('Invalid JSON: ')})"
    place, wanted = first["loc"], _wanted(first["type"])
    if len(place) > 1 and place[-1] in _UNION_TAGS:
        place, wanted = place[:-1], "a whole number or its digits as text"
    return f"{_path(place)}: {_found(first['input'])} where {wanted} belongs"


def _path(place: tuple[int | str, ...]) -> str:
    if not place:
        return "the answer"
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)[1:]


def _wanted(error_type: str) -> str:
    match error_type:
        case "string_type":
            return "text"
        case "list_type":
            return "a list"
        case _:
            return "an object"


def _found(value: object) -> str:
    return _WORDS.get(type(value), "an object")
