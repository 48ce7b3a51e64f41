"""Events of a run's stream: their names, what each carries, and the deltas.

A delta omits what does not change and holds no null but the output of a call that has none yet.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from understudy.wire.dialect import V1, Dialect, differs, encode
from understudy.wire.messages import (
    ImageDetail,
    Message,
    MessageRole,
    MessageStatus,
    PathedFile,
)
from understudy.wire.runs import Run, RunStatus
from understudy.wire.steps import CodeImageFile, CreatedMessage, RunStep, StepStatus
from understudy.wire.threads import Thread

# --- deltas of messages -----------------------------------------------------------------------


class CitedFileDelta(Struct):
    """The file of a citation; v1 has the quoted words as well."""

    file_id: str | UnsetType = UNSET
    quote: Annotated[str | UnsetType, V1] = UNSET


class FileCitationDelta(Struct, tag="file_citation", tag_field="type"):
    """A citation, at its index among the annotations of the text."""

    index: int
    text: str | UnsetType = UNSET
    start_index: int | UnsetType = UNSET
    end_index: int | UnsetType = UNSET
    file_citation: CitedFileDelta | UnsetType = UNSET


class FilePathDelta(Struct, tag="file_path", tag_field="type"):
    """A file path, at its index among the annotations of the text."""

    index: int
    text: str | UnsetType = UNSET
    start_index: int | UnsetType = UNSET
    end_index: int | UnsetType = UNSET
    file_path: PathedFile | UnsetType = UNSET


class AddedText(Struct):
    """Text and annotations to append; the first of a part has `annotations: []`."""

    value: str | UnsetType = UNSET
    annotations: list[FileCitationDelta | FilePathDelta] | UnsetType = UNSET


class TextDelta(Struct, tag="text", tag_field="type"):
    """What is added to the text at an index of the content."""

    index: int
    text: AddedText | UnsetType = UNSET


class RefusalDelta(Struct, tag="refusal", tag_field="type"):
    """What is added to the refusal at an index of the content."""

    index: int
    refusal: str | UnsetType = UNSET

    def as_v1(self) -> TextDelta:
        """Return the refusal as text: v1 has no such part."""
        return TextDelta(self.index, AddedText(self.refusal))


class ImageFileDelta(Struct):
    """The fields of an image file."""

    file_id: str | UnsetType = UNSET
    detail: ImageDetail | UnsetType = UNSET


class ImageFileContentDelta(Struct, tag="image_file", tag_field="type"):
    """An image file at an index of the content."""

    index: int
    image_file: ImageFileDelta | UnsetType = UNSET


class ImageUrlDelta(Struct):
    """The fields of an image URL."""

    url: str | UnsetType = UNSET
    detail: ImageDetail | UnsetType = UNSET


class ImageUrlContentDelta(Struct, tag="image_url", tag_field="type"):
    """An image URL at an index of the content."""

    index: int
    image_url: ImageUrlDelta | UnsetType = UNSET

    def as_v1(self) -> TextDelta:
        """Return the URL as text: v1 has no such part."""
        url = self.image_url.url if isinstance(self.image_url, ImageUrlDelta) else UNSET
        return TextDelta(self.index, AddedText(url))


ContentDelta: TypeAlias = TextDelta | RefusalDelta | ImageFileContentDelta | ImageUrlContentDelta


class MessageChange(Struct):
    """What is added to a message; `role` only once."""

    role: MessageRole | UnsetType = UNSET
    content: list[ContentDelta] | UnsetType = UNSET


class MessageDelta(Struct):
    """The payload of `thread.message.delta`."""

    id: str
    delta: MessageChange
    object: Literal["thread.message.delta"] = "thread.message.delta"


# --- deltas of steps --------------------------------------------------------------------------


class FunctionCallDelta(Struct):
    """What is added to a call; its first delta has `name`, `arguments: ""` and `output: null`."""

    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET
    output: str | UnsetType | None = UNSET


class FunctionToolCallDelta(Struct, tag="function", tag_field="type"):
    """A call of a function, at its index among the step's calls; `id` only once."""

    index: int
    id: str | UnsetType = UNSET
    function: FunctionCallDelta | UnsetType = UNSET


class RetrievalToolCallDelta(Struct, tag="retrieval", tag_field="type"):
    """How v1 shows a search."""

    index: int
    id: str | UnsetType = UNSET
    retrieval: dict[str, str] = {}


class FileSearchToolCallDelta(Struct, tag="file_search", tag_field="type"):
    """A search, at its index among the step's calls; its results come with the whole step."""

    index: int
    id: str | UnsetType = UNSET
    file_search: dict[str, str] = {}

    def as_v1(self) -> RetrievalToolCallDelta:
        """Return the v1 form."""
        return RetrievalToolCallDelta(self.index, self.id)


class CodeLogsDelta(Struct, tag="logs", tag_field="type"):
    """What code printed, at its index among the outputs."""

    index: int
    logs: str | UnsetType = UNSET


class CodeImageDelta(Struct, tag="image", tag_field="type"):
    """An image that code made, at its index among the outputs."""

    index: int
    image: CodeImageFile | UnsetType = UNSET


class CodeRunDelta(Struct):
    """What is added to code and its outputs."""

    input: str | UnsetType = UNSET
    outputs: list[CodeLogsDelta | CodeImageDelta] | UnsetType = UNSET


class CodeInterpreterToolCallDelta(Struct, tag="code_interpreter", tag_field="type"):
    """A run of code, at its index among the step's calls."""

    index: int
    id: str | UnsetType = UNSET
    code_interpreter: CodeRunDelta | UnsetType = UNSET


StepToolCallDelta: TypeAlias = (
    FunctionToolCallDelta | FileSearchToolCallDelta | CodeInterpreterToolCallDelta
)


class MessageCreationDelta(Struct, tag="message_creation", tag_field="type"):
    """The message that a step makes."""

    message_creation: CreatedMessage | UnsetType = UNSET


class ToolCallsDelta(Struct, tag="tool_calls", tag_field="type"):
    """What is added to the calls of a step."""

    tool_calls: list[StepToolCallDelta] | UnsetType = UNSET


class StepChange(Struct):
    """What is added to a step."""

    step_details: MessageCreationDelta | ToolCallsDelta | UnsetType = UNSET


class RunStepDelta(Struct):
    """The payload of `thread.run.step.delta`."""

    id: str
    delta: StepChange
    object: Literal["thread.run.step.delta"] = "thread.run.step.delta"


# --- events -----------------------------------------------------------------------------------


class ErrorDetails(Struct):
    """An error as every answer has it."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEvent(ErrorDetails):
    """The payload of `error`: bare, as the description has it, and nested, as Python reads it."""

    error: ErrorDetails


RunEventName = Literal[
    "thread.run.created",
    "thread.run.queued",
    "thread.run.in_progress",
    "thread.run.requires_action",
    "thread.run.completed",
    "thread.run.incomplete",
    "thread.run.failed",
    "thread.run.cancelling",
    "thread.run.cancelled",
    "thread.run.expired",
]
StepEventName = Literal[
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.run.step.delta",
    "thread.run.step.completed",
    "thread.run.step.failed",
    "thread.run.step.cancelled",
    "thread.run.step.expired",
]
MessageEventName = Literal[
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.message.incomplete",
]
EventName: TypeAlias = (
    Literal["thread.created", "error"] | RunEventName | StepEventName | MessageEventName
)
"""All events but the last, `done`, whose data is no JSON."""
EventPayload: TypeAlias = (
    Thread | Run | RunStep | RunStepDelta | Message | MessageDelta | ErrorEvent
)

_V1_NAMES: Mapping[EventName, EventName] = MappingProxyType(
    {"thread.run.incomplete": "thread.run.completed"}
)


def event_of_run(status: RunStatus) -> RunEventName:
    """Return the event that says that a run entered `status`."""
    return cast("RunEventName", f"thread.run.{status}")


def event_of_step(status: StepStatus) -> StepEventName:
    """Return the event that says that a step entered `status`."""
    return cast("StepEventName", f"thread.run.step.{status}")


def event_of_message(status: MessageStatus) -> MessageEventName:
    """Return the event that says that a message entered `status`."""
    return cast("MessageEventName", f"thread.message.{status}")


def error_event(error: ErrorDetails) -> ErrorEvent:
    """Return the payload of the event `error`."""
    return ErrorEvent(error.message, error.type, error.param, error.code, error)


def shown_name(event: EventName, dialect: Dialect) -> EventName:
    """Return the name of an event in a dialect: v1 knows no incomplete run."""
    return _V1_NAMES.get(event, event) if dialect == "v1" else event


def shown_data(event: EventName, data: bytes, dialect: Dialect) -> bytes:
    """Return an event's data, stored as the struct was encoded, as a dialect shows it."""
    kind = payload_type(event)
    return encode(msgspec.json.decode(data, type=kind), dialect) if differs(kind, dialect) else data


def payload_type(event: EventName) -> type[EventPayload]:
    """Return the class of what an event carries."""
    match event:
        case "thread.created":
            return Thread
        case "thread.run.step.delta":
            return RunStepDelta
        case "thread.message.delta":
            return MessageDelta
        case "error":
            return ErrorEvent
    if event.startswith("thread.message."):
        return Message
    return RunStep if event.startswith("thread.run.step.") else Run
