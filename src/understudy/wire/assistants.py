"""Assistants on the wire, the files of v1 among them, and what requests for them may say.

Pure: knows neither models nor files by id.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.wire.assistant_tools import (
    RequestedResponseFormat,
    RequestedToolResources,
    ResponseFormat,
    Tool,
    ToolResources,
    Tools,
    check_tool_resources,
    check_tools,
    response_format_of,
)
from understudy.wire.base import check_shape
from understudy.wire.dialect import V1, V2, in_latest_words
from understudy.wire.metadata import Metadata
from understudy.wire.vector_stores import FileId, Text

_NO_NUL = r"^[^\x00]*$"

Name: TypeAlias = Annotated[str, Meta(max_length=256, pattern=_NO_NUL)]
Description: TypeAlias = Annotated[str, Meta(max_length=512, pattern=_NO_NUL)]
Instructions: TypeAlias = Annotated[str, Meta(max_length=256_000, pattern=_NO_NUL)]
Model: TypeAlias = Annotated[Text, Meta(min_length=1)]
Temperature: TypeAlias = Annotated[float, Meta(ge=0, le=2)]
TopP: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
AssistantFileIds: TypeAlias = Annotated[list[FileId], Meta(max_length=20)]
"""v1: files that the assistant's tools work on, at most 20."""


class CreateAssistant(Struct):
    """A request for an assistant; without a model it gets the server's default."""

    model: Model | None = None
    name: Name | None = None
    description: Description | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    tool_resources: RequestedToolResources | None = None
    file_ids: AssistantFileIds | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: RequestedResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class ModifyAssistant(Struct):
    """What an assistant can be changed in; null empties a field, absence leaves it."""

    model: Model | UnsetType = UNSET
    name: Name | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    instructions: Instructions | UnsetType | None = UNSET
    tools: Tools | UnsetType | None = UNSET
    tool_resources: RequestedToolResources | UnsetType | None = UNSET
    file_ids: AssistantFileIds | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    top_p: TopP | UnsetType | None = UNSET
    response_format: RequestedResponseFormat | UnsetType | None = UNSET
    reasoning_effort: ReasoningEffort | UnsetType | None = UNSET


class Assistant(Struct):
    """An assistant; `reasoning_effort` is omitted rather than null."""

    id: str
    created_at: int
    model: str
    name: str | None = None
    description: str | None = None
    instructions: str | None = None
    tools: list[Tool] = []
    metadata: dict[str, str] = {}
    file_ids: Annotated[list[str], V1] = []
    tool_resources: Annotated[ToolResources | None, V2] = None
    temperature: Annotated[float | None, V2] = None
    top_p: Annotated[float | None, V2] = None
    response_format: Annotated[ResponseFormat | None, V2] = "auto"
    reasoning_effort: Annotated[str | UnsetType, V2] = UNSET
    object: Literal["assistant"] = "assistant"


class DeletedAssistant(Struct):
    """The answer to the deletion of an assistant."""

    id: str
    object: Literal["assistant.deleted"] = "assistant.deleted"
    deleted: bool = True


class CreateAssistantFile(Struct):
    """A request of v1 to attach a file to an assistant."""

    file_id: FileId


class AssistantFile(Struct):
    """A file attached to an assistant of v1; its id is that of the file."""

    id: str
    created_at: int
    assistant_id: str
    object: Literal["assistant.file"] = "assistant.file"


class DeletedAssistantFile(Struct):
    """The answer to the detachment of a file, which itself stays."""

    id: str
    object: Literal["assistant.file.deleted"] = "assistant.file.deleted"
    deleted: bool = True


def parse_create_assistant(body: object) -> CreateAssistant:
    """Return a request for an assistant. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(in_latest_words(body), CreateAssistant)
    check_tools(request.tools, "tools")
    check_tool_resources(request.tool_resources, "tool_resources")
    request.response_format = response_format_of(request.response_format, "response_format")
    return request


def parse_modify_assistant(body: object) -> ModifyAssistant:
    """Return what a request changes. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(in_latest_words(body), ModifyAssistant)
    check_tools(request.tools or None, "tools")
    check_tool_resources(request.tool_resources or None, "tool_resources")
    if request.response_format is not UNSET:
        request.response_format = response_format_of(request.response_format, "response_format")
    return request
