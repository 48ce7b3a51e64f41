"""Threads on the wire, and what requests for them may say. Pure: knows no store."""

from typing import Annotated, Literal

from msgspec import UNSET, Struct, UnsetType

from understudy.wire.assistant_tools import (
    RequestedToolResources,
    ToolResources,
    check_tool_resources,
)
from understudy.wire.base import check_shape
from understudy.wire.dialect import V2
from understudy.wire.messages import CreateMessage, check_messages
from understudy.wire.metadata import Metadata


class CreateThread(Struct):
    """A request for a thread, with its first messages."""

    messages: list[CreateMessage] | None = None
    tool_resources: RequestedToolResources | None = None
    metadata: Metadata | None = None


class ModifyThread(Struct):
    """What a thread can be changed in; null empties a field, absence leaves it."""

    tool_resources: RequestedToolResources | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class Thread(Struct):
    """A thread; its messages are read apart from it."""

    id: str
    created_at: int
    metadata: dict[str, str] = {}
    tool_resources: Annotated[ToolResources | None, V2] = None
    object: Literal["thread"] = "thread"


class DeletedThread(Struct):
    """The answer to the deletion of a thread."""

    id: str
    object: Literal["thread.deleted"] = "thread.deleted"
    deleted: bool = True


def parse_create_thread(body: object) -> CreateThread:
    """Return a request for a thread. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, CreateThread)
    check_thread(request, "")
    return request


def check_thread(request: CreateThread, prefix: str) -> None:
    """Raise InvalidRequest for messages or resources that make no sense.

    `prefix` goes before the names of the fields: "" or `thread.`.
    """
    check_messages(request.messages, f"{prefix}messages")
    check_tool_resources(request.tool_resources, f"{prefix}tool_resources")


def parse_modify_thread(body: object) -> ModifyThread:
    """Return what a request changes. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, ModifyThread)
    check_tool_resources(request.tool_resources or None, "tool_resources")
    return request
