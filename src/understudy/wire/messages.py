"""Messages of threads on the wire: requests, the message, and the parts of its content.

Pure: knows neither how threads are stored nor what a file holds.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.errors import InvalidValue
from understudy.wire.base import check_shape
from understudy.wire.dialect import V1, V2
from understudy.wire.metadata import Metadata
from understudy.wire.vector_stores import FileId

_TEXT_MAX_LENGTH = 256_000

MessageRole = Literal["user", "assistant"]
MessageStatus = Literal["in_progress", "incomplete", "completed"]
IncompleteReason = Literal[
    "content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"
]
ImageDetail = Literal["auto", "low", "high"]
MessageFileIds: TypeAlias = Annotated[list[FileId], Meta(max_length=10)]
"""v1: files of a message, at most 10."""


# --- content ----------------------------------------------------------------------------------


class CitedFile(Struct):
    """The file that a citation points to; v1 has the quoted words as well."""

    file_id: str
    quote: Annotated[str, V1] = ""


class FileCitation(Struct, tag="file_citation", tag_field="type"):
    """A citation; `text` is what stands from `start_index` to `end_index` in the message."""

    text: str
    start_index: int
    end_index: int
    file_citation: CitedFile


class PathedFile(Struct):
    """The file that a path points to."""

    file_id: str


class FilePath(Struct, tag="file_path", tag_field="type"):
    """The path of a file that the tool code_interpreter made."""

    text: str
    start_index: int
    end_index: int
    file_path: PathedFile


Annotation: TypeAlias = FileCitation | FilePath


class Text(Struct):
    """A text with its annotations, whose indexes count code points."""

    value: str
    annotations: list[Annotation] = []


class TextContent(Struct, tag="text", tag_field="type"):
    """A text as a part of a message."""

    text: Text


class ImageFile(Struct):
    """An image that is a file of ours."""

    file_id: FileId
    detail: ImageDetail = "auto"


class ImageFileContent(Struct, tag="image_file", tag_field="type"):
    """An image file as a part of a message."""

    image_file: ImageFile


class ImageUrl(Struct):
    """An image that lies elsewhere."""

    url: Annotated[str, Meta(min_length=1)]
    detail: ImageDetail = "auto"


class ImageUrlContent(Struct, tag="image_url", tag_field="type"):
    """An image URL as a part of a message."""

    image_url: ImageUrl

    def as_v1(self) -> TextContent:
        """Return the URL as text: v1 has no such part."""
        return TextContent(Text(self.image_url.url))


class RefusalContent(Struct, tag="refusal", tag_field="type"):
    """A model's refusal as a part of a message."""

    refusal: str

    def as_v1(self) -> TextContent:
        """Return the refusal as text: v1 has no such part."""
        return TextContent(Text(self.refusal))


MessageContent: TypeAlias = TextContent | ImageFileContent | ImageUrlContent | RefusalContent


# --- requests ---------------------------------------------------------------------------------


class TextPart(Struct, tag="text", tag_field="type"):
    """A text in a request, where it is a plain string."""

    text: str


RequestedPart: TypeAlias = TextPart | ImageFileContent | ImageUrlContent


class AttachedTo(Struct):
    """A tool that an attached file is for."""

    type: Literal["code_interpreter", "file_search"]


class Attachment(Struct):
    """A file attached to a message, and the tools that it is for."""

    file_id: FileId
    tools: list[AttachedTo]


class CreateMessage(Struct):
    """A request for a message; `file_ids` is v1, `attachments` v2."""

    role: MessageRole
    content: str | Annotated[list[RequestedPart], Meta(min_length=1)]
    attachments: list[Attachment] | None = None
    file_ids: MessageFileIds | None = None
    metadata: Metadata | None = None


class ModifyMessage(Struct):
    """What a message can be changed in; null empties the metadata, absence leaves them."""

    metadata: Metadata | UnsetType | None = UNSET


def parse_create_message(body: object) -> CreateMessage:
    """Return a request for a message. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, CreateMessage)
    check_message(request, "content")
    return request


def check_messages(messages: Sequence[CreateMessage] | None, param: str) -> None:
    """Raise InvalidRequest for a message that is empty or too long; `param` is the list's place."""
    for index, message in enumerate(messages or ()):
        check_message(message, f"{param}[{index}].content")


def check_message(message: CreateMessage, param: str) -> None:
    """Raise InvalidRequest for a message that is empty or too long; `param` is the content's."""
    parts = content_of(message)
    length = sum(len(part.text.value) for part in parts if isinstance(part, TextContent))
    if length > _TEXT_MAX_LENGTH:
        reason = f"expected at most {_TEXT_MAX_LENGTH} characters of text, got {length}"
        raise InvalidValue(param, reason)
    if not length and all(isinstance(part, TextContent) for part in parts):
        raise InvalidValue(param, "the message is empty")


def content_of(message: CreateMessage) -> list[MessageContent]:
    """Return the content of a request in the shape that the message has."""
    if isinstance(message.content, str):
        return [TextContent(Text(message.content))]
    return [
        TextContent(Text(part.text)) if isinstance(part, TextPart) else part
        for part in message.content
    ]


# --- answers ----------------------------------------------------------------------------------


class IncompleteMessage(Struct):
    """Why a message is incomplete."""

    reason: IncompleteReason


class Message(Struct):
    """A message of a thread."""

    id: str
    created_at: int
    thread_id: str
    role: MessageRole
    content: list[MessageContent]
    status: MessageStatus = "completed"
    incomplete_details: IncompleteMessage | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: Annotated[list[Attachment] | None, V2] = []
    file_ids: Annotated[list[str], V1] = []
    metadata: dict[str, str] = {}
    object: Literal["thread.message"] = "thread.message"


class DeletedMessage(Struct):
    """The answer to the deletion of a message."""

    id: str
    object: Literal["thread.message.deleted"] = "thread.message.deleted"
    deleted: bool = True


class MessageFile(Struct):
    """A file of a message of v1; its id is that of the file."""

    id: str
    created_at: int
    message_id: str
    object: Literal["thread.message.file"] = "thread.message.file"
