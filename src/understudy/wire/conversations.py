"""Conversations on the wire: what requests may say of them, and how they are answered.

Knows no store; the items that conversations hold are judged in `response_items`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from understudy.errors import InvalidValue
from understudy.wire.metadata import Metadata
from understudy.wire.responses import Include

_INCLUDE_NAMES = frozenset({"include", "include[]"})

RequestedItems = Annotated[list[Any], Meta(max_length=20)]
"""Items of one request, at most 20 (spec)."""


class CreateConversation(Struct):
    """A request for a conversation, with its first items."""

    items: RequestedItems | None = None
    metadata: Metadata | None = None


class UpdateConversation(Struct):
    """What a conversation can be changed in; null empties the metadata."""

    metadata: Metadata | None


class CreateItems(Struct):
    """A request for items at the end of a conversation."""

    items: RequestedItems


class Conversation(Struct):
    """A conversation; its items are read apart from it."""

    id: str
    created_at: int
    metadata: dict[str, str] = {}
    object: Literal["conversation"] = "conversation"


class DeletedConversation(Struct):
    """The answer to the deletion of a conversation."""

    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: bool = True


def include_of(parameters: Iterable[tuple[str, str]]) -> frozenset[Include]:
    """Return what a query asks for with `include` or `include[]`. Raises InvalidValue."""
    known: tuple[Include, ...] = get_args(Include)
    asked = [value for name, value in parameters if name in _INCLUDE_NAMES]
    for value in asked:
        if value not in known:
            raise InvalidValue("include", f"expected some of {', '.join(known)}, got '{value}'")
    return frozenset(name for name in known if name in asked)
