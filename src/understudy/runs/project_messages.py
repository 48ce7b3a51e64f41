"""Messages of threads and items of the conversation log: each shown as the other. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from understudy.store.items import Item
from understudy.wire.messages import (
    Annotation,
    AttachedTo,
    Attachment,
    CitedFile,
    CreateMessage,
    FileCitation,
    FilePath,
    ImageFile,
    ImageFileContent,
    ImageUrl,
    ImageUrlContent,
    IncompleteMessage,
    Message,
    MessageContent,
    MessageFile,
    MessageRole,
    PathedFile,
    RefusalContent,
    Text,
    TextContent,
    content_of,
)

MESSAGE = "message"
"""The type of the items that are messages."""
_SEARCHED = AttachedTo("file_search")


# --- requests to items ------------------------------------------------------------------------


def item_of(wanted: CreateMessage, id_: str, created_at: int) -> Item:
    """Return the item that a request for a message makes."""
    document = {
        "type": MESSAGE,
        "id": id_,
        "role": wanted.role,
        "status": "completed",
        "content": [_part_of(shown, wanted.role) for shown in content_of(wanted)],
    }
    attachments = attachments_of(wanted)
    extra = {
        "attachments": msgspec.to_builtins(attachments),
        "file_ids": list(dict.fromkeys(attachment.file_id for attachment in attachments)),
        "completed_at": created_at,
    }
    return Item(id_, MESSAGE, created_at, document, metadata=wanted.metadata or {}, extra=extra)


def attachments_of(wanted: CreateMessage) -> list[Attachment]:
    """Return the files of a request in the form of v2; those of v1 are for the search."""
    of_v1 = [Attachment(id_, [_SEARCHED]) for id_ in wanted.file_ids or ()]
    return [*(wanted.attachments or ()), *of_v1]


def searched_files(wanted: CreateMessage) -> list[str]:
    """Return the files of a request that the thread's search is to find, in their order.

    An attachment for no tool in particular is searched too.
    """
    return [
        attachment.file_id
        for attachment in attachments_of(wanted)
        if not attachment.tools or _SEARCHED in attachment.tools
    ]


def _part_of(shown: MessageContent, role: MessageRole) -> dict[str, Any]:
    match shown:
        case TextContent(Text(value)) if role == "assistant":
            return {"type": "output_text", "text": value, "annotations": [], "logprobs": []}
        case TextContent(Text(value)):
            return {"type": "input_text", "text": value}
        case ImageFileContent(ImageFile(file_id, detail)):
            return {"type": "input_image", "file_id": file_id, "detail": detail}
        case ImageUrlContent(ImageUrl(url, detail)):
            return {"type": "input_image", "image_url": url, "detail": detail}
        case RefusalContent(refusal):
            return {"type": "refusal", "refusal": refusal}


# --- items to answers -------------------------------------------------------------------------


def message_of(item: Item, thread_id: str) -> Message:
    """Return an item of type `message` as a message of its thread."""
    document, extra = item.document, item.extra
    reason = extra.get("incomplete_details")
    attachments = extra.get("attachments")
    return Message(
        id=item.id,
        created_at=item.created_at,
        thread_id=thread_id,
        role="assistant" if document["role"] == "assistant" else "user",
        content=[_shown(part) for part in document["content"]],
        status=document["status"],
        incomplete_details=None if reason is None else IncompleteMessage(reason["reason"]),
        completed_at=extra.get("completed_at"),
        incomplete_at=extra.get("incomplete_at"),
        assistant_id=item.assistant_id,
        run_id=item.run_id,
        attachments=msgspec.convert(attachments, list[Attachment]) if attachments else [],
        file_ids=extra.get("file_ids") or [],
        metadata=item.metadata,
    )


def files_of(item: Item) -> list[MessageFile]:
    """Return the files of a message as v1 lists them."""
    ids = item.extra.get("file_ids") or []
    return [MessageFile(id_, item.created_at, item.id) for id_ in ids]


def _shown(part: Mapping[str, Any]) -> MessageContent:
    match part["type"]:
        case "refusal":
            return RefusalContent(part["refusal"])
        case "input_image" if part.get("file_id"):
            return ImageFileContent(ImageFile(part["file_id"], part["detail"]))
        case "input_image":
            return ImageUrlContent(ImageUrl(part["image_url"], part["detail"]))
    annotations = part.get("annotations")
    return TextContent(Text(part["text"], [_annotation(a) for a in annotations or ()]))


def _annotation(annotation: Mapping[str, Any]) -> Annotation:
    if annotation["type"] == "file_path":  # of imported messages
        return FilePath(
            text=annotation["text"],
            start_index=annotation["start_index"],
            end_index=annotation["end_index"],
            file_path=PathedFile(annotation["file_id"]),
        )
    return FileCitation(
        text=annotation["text"],
        start_index=annotation["start_index"],
        end_index=annotation["end_index"],
        file_citation=CitedFile(annotation["file_id"], annotation.get("quote") or ""),
    )
