"""Messages of threads and items of the conversation log: each shown as the other. Pure."""

from collections.abc import Mapping, Sequence
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
    ImageDetail,
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
_ROLES = ("user", "assistant")
_SEARCHED = AttachedTo("file_search")
_DETAILS: dict[str, ImageDetail] = {"low": "low", "high": "high", "original": "high"}
"""What the Responses API says of images, in the words of threads; anything else is `auto`."""


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


def is_said(item: Item) -> bool:
    """Tell whether an item is a message of its thread.

    Instructions that conversations hold are for the model: a program that shows a thread to its
    user must not meet them as messages.
    """
    return item.type == MESSAGE and item.document["role"] in _ROLES


def message_of(item: Item, thread_id: str) -> Message:
    """Return an item of type `message` as a message of its thread."""
    document, extra = item.document, item.extra
    reason = extra.get("incomplete_details")
    attached = msgspec.convert(extra.get("attachments") or [], list[Attachment])
    files = [id_ for id_ in files_in(document) if all(id_ != one.file_id for one in attached)]
    return Message(
        id=item.id,
        created_at=item.created_at,
        thread_id=thread_id,
        role="assistant" if document["role"] == "assistant" else "user",
        content=_content(document["content"]),
        status=document["status"],
        incomplete_details=None if reason is None else IncompleteMessage(reason["reason"]),
        completed_at=_completed_at(item),
        incomplete_at=extra.get("incomplete_at"),
        assistant_id=item.assistant_id,
        run_id=item.run_id,
        attachments=[*attached, *(Attachment(id_, [_SEARCHED]) for id_ in files)],
        file_ids=[*(extra.get("file_ids") or []), *files],
        metadata=item.metadata,
    )


def _completed_at(item: Item) -> int | None:
    """Return when a message was complete; a response adds its messages when they are."""
    is_whole = item.response_id is not None and item.document["status"] == "completed"
    return item.extra.get("completed_at", item.created_at if is_whole else None)


def files_of(item: Item) -> list[MessageFile]:
    """Return the files of a message as v1 lists them."""
    ids = dict.fromkeys([*(item.extra.get("file_ids") or ()), *files_in(item.document)])
    return [MessageFile(id_, item.created_at, item.id) for id_ in ids]


def files_in(document: Mapping[str, Any]) -> list[str]:
    """Return the files of ours that are parts of a message, each once: those of conversations."""
    ids = (part.get("file_id") for part in document["content"] if part["type"] == "input_file")
    return list(dict.fromkeys(id_ for id_ in ids if id_))


def _content(parts: Sequence[Mapping[str, Any]]) -> list[MessageContent]:
    """Return what a message says; its files are attachments, and are no part of it."""
    said = [part for part in parts if part["type"] != "input_file" or not part.get("file_id")]
    if parts and not said:
        return [TextContent(Text(""))]  # programs read content[0]
    return [_shown(part) for part in said]


def _shown(part: Mapping[str, Any]) -> MessageContent:
    match part["type"]:
        case "refusal":
            return RefusalContent(part["refusal"])
        case "input_file":
            return TextContent(Text(f"[file: {part.get('filename') or 'without a name'}]"))
        case "input_image" if part.get("file_id"):
            return ImageFileContent(ImageFile(part["file_id"], _detail(part)))
        case "input_image":
            return ImageUrlContent(ImageUrl(part["image_url"], _detail(part)))
    annotations = [_annotation(a) for a in part.get("annotations") or () if _is_of_threads(a)]
    return TextContent(Text(part["text"], annotations))


def _detail(part: Mapping[str, Any]) -> ImageDetail:
    return _DETAILS.get(part.get("detail") or "auto", "auto")


def _is_of_threads(annotation: Mapping[str, Any]) -> bool:
    """Tell whether threads have such an annotation; clients bring others from elsewhere."""
    file_id = annotation.get("file_id")
    is_known = annotation.get("type") in ("file_citation", "file_path")
    return is_known and isinstance(file_id, str) and file_id != ""


def _annotation(annotation: Mapping[str, Any]) -> Annotation:
    """Return an annotation; one that a client brought has a place, but no text of its own."""
    place = annotation.get("index") or 0
    text = annotation.get("text") or ""
    start, end = annotation.get("start_index", place), annotation.get("end_index", place)
    if annotation["type"] == "file_path":  # of imported messages
        return FilePath(text, start, end, file_path=PathedFile(annotation["file_id"]))
    cited = CitedFile(annotation["file_id"], annotation.get("quote") or "")
    return FileCitation(text, start, end, file_citation=cited)
