"""What Slack's error codes mean for whoever sent the message.

One table, from the lists in the Web API reference (each method's "Errors" section) and the plain
words that webhooks and response URLs answer. Every documented code of every method the bot calls
or will call stands in it by name; a code that nobody documented is refused as `other`, with its
name kept for the log.

The natures beside `Rejection` are those after which the same message may be sent again: wait for
the time Slack names, ambiguous (it may have been carried out), transient (it was not).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from bot.ports import Rejection


class Nature(StrEnum):
    """A refusal that does not speak against the message itself."""

    WAIT = "wait"
    """Too much, too fast: the same again after the time Slack names."""
    AMBIGUOUS = "ambiguous"
    """Slack failed half-way: it may have been carried out."""
    TRANSIENT = "transient"
    """Not carried out, for a reason that passes."""


Kind = Nature | Rejection

_CODES: Mapping[Kind, str] = {
    Nature.WAIT: """
        ratelimited rate_limited message_limit_exceeded
    """,
    # The two `duplicate_*` say that our client_msg_id is known and its message is not: an earlier
    # try got somewhere.
    Nature.AMBIGUOUS: """
        internal_error fatal_error service_unavailable request_timeout rollup_error
        duplicate_message_not_found duplicate_channel_not_found
    """,
    Nature.TRANSIENT: """
        team_added_to_org org_login_required external_channel_migrating update_failed
        streaming_state_conflict file_update_failed list_record_comment_fetch_failed
    """,
    Rejection.TARGET_GONE: """
        message_not_found cant_update_message edit_window_closed thread_not_found bad_timestamp
        cannot_reply_to_message file_deleted file_is_deleted file_not_found file_comment_not_found
        not_found expired_url used_url no_service no_active_hooks
    """,
    Rejection.CHANNEL: """
        channel_not_found not_in_channel is_archived is_inactive channel_is_archived
        restricted_action restricted_action_non_threadable_channel
        restricted_action_read_only_channel restricted_action_thread_locked
        restricted_action_thread_only_channel no_permission access_denied user_not_in_channel
        posting_to_channel_denied posting_to_general_channel_denied action_prohibited
        channel_is_limited_access messages_tab_disabled team_not_found invalid_channel
        method_not_supported_for_channel_type no_access thread_locked too_many_members
    """,
    Rejection.CREDENTIAL: """
        invalid_auth not_authed token_revoked token_expired account_inactive missing_scope
        not_allowed_token_type app_access_restricted accesslimited ekm_access_denied
        enterprise_is_restricted two_factor_setup_required is_bot forbidden_team insecure_request
        send_on_behalf_not_allowed invalid_token
    """,
    Rejection.PAYLOAD: """
        invalid_blocks invalid_blocks_format invalid_attachments block_mismatch msg_too_long
        msg_blocks_too_long too_many_attachments attachment_payload_limit_exceeded no_text
        markdown_text_conflict too_many_contact_cards invalid_message invalid_view view_too_large
        invalid_metadata_format invalid_metadata_schema metadata_too_large
        metadata_must_be_sent_from_app invalid_arguments invalid_json json_not_object
        invalid_payload duplicate_external_id missing_file_data alt_txt_too_large
        snippet_too_large unknown_snippet_type unknown_subtype file_type_not_allowed
        file_upload_size_restricted blocked_file_type slack_connect_blocked_file_type
        slack_connect_canvas_sharing_blocked slack_connect_clip_sharing_blocked
        slack_connect_file_link_sharing_blocked slack_connect_file_upload_sharing_blocked
        slack_connect_lists_sharing_blocked
    """,
    Rejection.HARMLESS: """
        already_reacted no_reaction already_pinned not_pinned hash_conflict
    """,
    # What only another program, another plan or another click could change.
    Rejection.OTHER: """
        deprecated_endpoint method_deprecated unknown_method not_implemented not_enabled
        invalid_arg_name invalid_array_arg invalid_charset invalid_form_data invalid_post_type
        missing_post_type missing_argument missing_args missing_profile_id as_user_not_supported
        cant_broadcast_message no_dual_broadcast_content_update cant_delete_message
        draft_already_deleted draft_already_sent draft_has_conflict draft_not_found
        exchanged_trigger_id expired_trigger_id invalid_trigger_id push_limit_reached
        invalid_cursor invalid_limit invalid_types invalid_team invalid_metadata_filter_keys
        invalid_ts_latest invalid_ts_oldest plan_upgrade_required
        channels_limit_exceeded file_share_limit_reached max_file_sharing_exceeded
        file_uploads_disabled file_uploads_except_images_disabled storage_limit_reached
        unable_to_share_files invalid_name no_item_specified not_reactable too_many_emoji
        too_many_reactions no_such_subteam too_many_users user_not_found user_not_visible
        users_not_found
    """,
}

KINDS: Mapping[str, Kind] = {code: kind for kind, text in _CODES.items() for code in text.split()}
"""Every documented code."""

METADATA_CODES = frozenset(
    {
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "metadata_must_be_sent_from_app",
    }
)
"""Refusals of a message's metadata, which is an extra that it can do without."""

DUPLICATE_CODES = frozenset({"duplicate_message_not_found", "duplicate_channel_not_found"})
"""Refusals of a client_msg_id whose message Slack cannot find."""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,79}")
_SCOPES = re.compile(r"[a-z0-9_:.,\- ]{1,200}")
_POINTER = re.compile(r"\[json-pointer:(/[^\]\s]{0,200})\]")
_POINTERS_KEPT = 50


def classify(code: str) -> Kind:
    """What a code means; `Rejection.OTHER` for one that nobody documented."""
    return KINDS.get(code, Rejection.OTHER)


def code_in(value: object) -> str:
    """An error code as Slack spells them, or empty: anything else may be somebody's text."""
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    return ""


def scope_in(value: object) -> str:
    """The names of scopes in a `missing_scope` answer, or empty when they are not such names."""
    if isinstance(value, str) and _SCOPES.fullmatch(value):
        return value
    return ""


def pointers_in(body: Mapping[str, object]) -> tuple[str, ...]:
    """The JSON pointers into the message that a refusal of blocks names, in order, each once.

    They stand at the end of sentences such as `must be less than 151 characters
    [json-pointer:/blocks/0/text/text]`, under `errors` and under `response_metadata.messages`.
    """
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    found = _pointers([*_sentences(body.get("errors")), *_sentences(messages)])
    return tuple(dict.fromkeys(found))[:_POINTERS_KEPT]


def _sentences(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _pointers(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        yield from _POINTER.findall(sentence)
