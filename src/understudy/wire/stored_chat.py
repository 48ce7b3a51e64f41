"""Stored chat completions on the wire: the completion with its metadata, and its messages."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from understudy.wire.chat import ChatCompletion
from understudy.wire.metadata import Metadata


class StoredChatCompletion(ChatCompletion):
    """A chat completion as it is read back."""

    metadata: dict[str, str] | None = None


class MetadataUpdate(Struct):
    """What a stored completion can be changed in; null removes every pair."""

    metadata: Metadata | None


class StoredMessage(Struct):
    """A message of the request that a stored completion answers.

    `content` is text or null; where the request gave parts, they are in `content_parts`.
    """

    id: str
    role: str
    content: str | None = None
    content_parts: list[dict[str, Any]] | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET
    function_call: dict[str, Any] | UnsetType = UNSET


def stored_messages(completion_id: str, messages: list[dict[str, Any]]) -> list[StoredMessage]:
    """Return the validated messages of a request, each with an id of its own."""
    return [_stored(f"{completion_id}-{n}", message) for n, message in enumerate(messages)]


def _stored(id_: str, message: dict[str, Any]) -> StoredMessage:
    content = message.get("content")
    stored = StoredMessage(
        id_, message["role"], refusal=message.get("refusal"), name=message.get("name")
    )
    match content:
        case None | str():
            stored.content = content
        case list():
            stored.content_parts = content
        case _:  # of role `function`, whose content may be any object
            stored.content = msgspec.json.encode(content).decode()
    for field in ("tool_calls", "tool_call_id", "function_call"):
        if message.get(field) is not None:
            setattr(stored, field, message[field])
    return stored
