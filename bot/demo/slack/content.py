"""What a message may say: reads text, blocks, attachments and metadata, or refuses them.

Order of refusals follows what bots report: structure first (`invalid_blocks_format`), then the
blocks themselves (`invalid_blocks`, with pointers), then sums over the message. Sources: Slack's
chat.postMessage and chat.update pages; bolt-js issue 2509 for the sum over blocks; the 4,000-byte
rule of chat.update as measured by bots in the wild.
"""

import json
import re

from bot.demo.slack.block_rules import check_blocks, table_count
from bot.demo.slack.block_tables import characters
from bot.demo.slack.inspection import Complaint
from bot.demo.slack.messages import Content
from bot.demo.slack.wire import Call, JsonObject, SlackCallError, as_list, as_object

TEXT_MOST = 40_000
UPDATE_TEXT_MOST_BYTES = 4_000
BLOCKS_CHARACTERS_MOST = 13_200
MARKDOWN_TEXT_MOST = 12_000
ATTACHMENTS_MOST = 100
METADATA_MOST_BYTES = 16_000

_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")


def read_content(call: Call) -> Content:
    """The content of a new message. Raises: SlackCallError with Slack's own code."""
    content = Content(
        text=_read_text(call),
        blocks=read_blocks(call.structure("blocks", otherwise="invalid_blocks_format")),
        attachments=_read_attachments(
            call.structure("attachments", otherwise="invalid_attachments")
        ),
        metadata=_read_metadata(call),
    )
    if not content.text and not content.blocks and not _say_something(content.attachments):
        raise SlackCallError("no_text")
    if table_count([*content.blocks, *_blocks_of(content.attachments)]) > 1:
        raise _refused("invalid_attachments", [Complaint("/blocks", "only one table allowed")])
    return content


def _read_text(call: Call) -> str:
    markdown = call.text("markdown_text")
    if markdown and (call.has("text") or call.has("blocks")):
        raise SlackCallError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_TEXT_MOST:
        raise SlackCallError("msg_too_long")
    return markdown or call.text("text")


def read_blocks(value: object) -> tuple[JsonObject, ...]:
    """Blocks of a message, each within Slack's limits. Raises: SlackCallError."""
    blocks = [] if value is None else as_list(value)
    if blocks is None:
        raise SlackCallError("invalid_blocks_format")
    complaints = check_blocks(blocks)
    if complaints:
        raise _refused("invalid_blocks", complaints)
    if characters(blocks) > BLOCKS_CHARACTERS_MOST:
        raise SlackCallError("msg_blocks_too_long")
    return _objects(blocks)


def _read_attachments(value: object) -> tuple[JsonObject, ...]:
    attachments = [] if value is None else as_list(value)
    if attachments is None:
        raise SlackCallError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MOST:
        raise SlackCallError("too_many_attachments")
    for index, attachment in enumerate(attachments):
        _check_attachment(attachment, f"/attachments/{index}")
    return _objects(attachments)


def _check_attachment(value: object, pointer: str) -> None:
    attachment = as_object(value)
    if attachment is None:
        raise _refused("invalid_attachments", [Complaint(pointer, "must provide an object")])
    given = attachment.get("blocks")
    blocks = [] if given is None else as_list(given)
    if blocks is None:
        raise _refused("invalid_attachments", [Complaint(pointer, "must provide an array")])
    complaints = check_blocks(blocks, pointer=f"{pointer}/blocks")
    if complaints:
        raise _refused("invalid_attachments", complaints)


def _read_metadata(call: Call) -> JsonObject | None:
    value = call.structure("metadata", otherwise="invalid_metadata_format")
    if value is None:
        return None
    metadata = as_object(value)
    if metadata is None:
        raise SlackCallError("invalid_metadata_format")
    named = isinstance(metadata.get("event_type"), str) and metadata["event_type"] != ""
    if not named or as_object(metadata.get("event_payload")) is None:
        raise SlackCallError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > METADATA_MOST_BYTES:
        raise SlackCallError("metadata_too_large")
    return metadata


def truncated(content: Content) -> tuple[Content, list[str]]:
    """Content as chat.postMessage keeps it, and the warnings it answers with."""
    if len(content.text) <= TEXT_MOST:
        return content, []
    kept = Content(content.text[:TEXT_MOST], content.blocks, content.attachments, content.metadata)
    return kept, ["message_truncated"]


def check_update_length(text: str) -> None:
    """The text of chat.update, counted in bytes after `&` became `&amp;`.

    Raises: SlackCallError msg_too_long.
    """
    if len(_BARE_AMPERSAND.sub("&amp;", text).encode()) > UPDATE_TEXT_MOST_BYTES:
        raise SlackCallError("msg_too_long")


def complaint_fields(complaints: list[Complaint]) -> JsonObject:
    """The parts of an answer that say where a structure is wrong."""
    sentences = [str(complaint) for complaint in complaints]
    messages = [f"[ERROR] {sentence}" for sentence in sentences]
    return {"errors": sentences, "response_metadata": {"messages": messages}}


def _refused(code: str, complaints: list[Complaint]) -> SlackCallError:
    return SlackCallError(code, complaint_fields(complaints))


def _objects(values: list[object]) -> tuple[JsonObject, ...]:
    return tuple(value for value in map(as_object, values) if value is not None)


def _blocks_of(attachments: tuple[JsonObject, ...]) -> list[object]:
    lists = [as_list(attachment.get("blocks")) or [] for attachment in attachments]
    return [block for blocks in lists for block in blocks]


def _say_something(attachments: tuple[JsonObject, ...]) -> bool:
    speaking = ("text", "fallback", "blocks", "title", "fields", "image_url")
    return any(attachment.get(key) for attachment in attachments for key in speaking)
