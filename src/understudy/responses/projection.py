"""Items of the conversation log as the Responses and Conversations APIs show them, and new items as
the log keeps them, so that the Assistants API can show them as well. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from understudy.runs.project_messages import files_in
from understudy.runs.prompt import attached_ids
from understudy.store.items import Item
from understudy.wire.response_items import ItemDocument
from understudy.wire.responses import Include

_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "file_search_call": "fs",
    "reasoning": "rs",
    "compaction": "cmp",
    "mcp_list_tools": "mcpl",
    "mcp_call": "mcp",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "message": ("role", "content", "phase"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "file_search_call": ("queries", "results"),
    "reasoning": ("summary", "content", "encrypted_content"),
    "compaction": ("encrypted_content",),
    "mcp_list_tools": ("server_label", "tools", "error"),
    "mcp_call": ("server_label", "name", "arguments", "output", "error", "approval_request_id"),
    "mcp_approval_request": ("server_label", "name", "arguments"),
    "mcp_approval_response": ("approval_request_id", "approve", "reason"),
}
"""What each type of item shows besides `type`, `id` and `status`."""
_RESULT_FIELDS = ("file_id", "filename", "score", "text", "attributes")
_HAS_STATUS = frozenset(("message", "function_call", "function_call_output", "file_search_call"))
"""Types that show a status in any case."""


# --- stored items to answers ------------------------------------------------------------------


def shown(item: Item, include: frozenset[Include] = frozenset()) -> ItemDocument:
    """Return an item as clients see it.

    Without `include`, results of searches and URLs of images are null, log probabilities an empty
    list, and encrypted reasoning is absent. Files attached to a message of a thread are parts of
    its content.
    """
    document = item.document
    made: ItemDocument = {"type": item.type, "id": item.id}
    if document.get("status") or item.type in _HAS_STATUS:
        made["status"] = document.get("status") or "completed"
    made |= {name: document[name] for name in _FIELDS[item.type] if name in document}
    match item.type:
        case "message":
            made["content"] = [_part(part, include) for part in _content(item)]
        case "function_call_output" if isinstance(document["output"], list):
            made["output"] = [_part(part, include) for part in document["output"]]
        case "file_search_call":
            made["results"] = _results(document, include)
        case "reasoning" if "reasoning.encrypted_content" not in include:
            made.pop("encrypted_content", None)
        case "mcp_approval_response":
            made["request_id"] = document["approval_request_id"]  # which the spec demands besides
    return made


def shown_event(data: ItemDocument, include: frozenset[Include]) -> ItemDocument:
    """Return the data of an event with as much of its item in it as clients see of it."""
    made = dict(data)
    if (document := data.get("item")) is not None:
        made["item"] = shown(Item(document["id"], document["type"], 0, document), include)
    if (part := data.get("part")) is not None:
        made["part"] = _part(part, include)
    if "logprobs" in data and "message.output_text.logprobs" not in include:
        made["logprobs"] = []
    return made


def _content(item: Item) -> list[ItemDocument]:
    """Return the parts of a message, its attached files among them."""
    there = files_in(item.document)
    attached = [id_ for id_ in attached_ids(item) if id_ not in there]
    files = [{"type": "input_file", "file_id": id_} for id_ in attached]
    return [*item.document["content"], *files]


def _part(part: Mapping[str, Any], include: frozenset[Include]) -> ItemDocument:
    match part["type"]:
        case "output_text":
            probabilities = part.get("logprobs") or []
            return {
                "type": "output_text",
                "text": part["text"],
                "annotations": [_annotation(one) for one in part.get("annotations") or ()],
                "logprobs": probabilities if "message.output_text.logprobs" in include else [],
            }
        case "input_text":
            return {"type": "input_text", "text": part["text"]}
        case "input_image":
            is_shown = "message.input_image.image_url" in include
            return {
                "type": "input_image",
                "detail": part.get("detail") or "auto",
                "file_id": part.get("file_id"),
                "image_url": part.get("image_url") if is_shown else None,
            }
    return dict(part)


def _annotation(kept: Mapping[str, Any]) -> ItemDocument:
    """Return an annotation without what only messages of threads have: text, offsets, quote."""
    index = kept.get("start_index", kept.get("index") or 0)
    match kept.get("type"):
        case "file_citation":
            filename = kept.get("filename") or ""  # imported messages lack it
            cited = {"file_id": kept["file_id"], "filename": filename, "index": index}
            return {"type": "file_citation", **cited}
        case "file_path":
            return {"type": "file_path", "file_id": kept["file_id"], "index": index}
    return dict(kept)


def _results(document: Mapping[str, Any], include: frozenset[Include]) -> list[ItemDocument] | None:
    if "file_search_call.results" not in include:
        return None
    return [
        {"attributes": {}} | {name: one[name] for name in _RESULT_FIELDS if name in one}
        for one in document.get("results") or ()
    ]


# --- requests to stored items -----------------------------------------------------------------


def id_prefix(type_: str) -> str:
    """Return what the ids of items of this type begin with."""
    return _PREFIXES[type_]


def with_ids(documents: Sequence[ItemDocument], ids: Sequence[str]) -> list[ItemDocument]:
    """Return the documents under ids of ours, whatever they say.

    What names a request for approval among them names it by its new id.
    """
    renamed = {
        document["id"]: id_
        for document, id_ in zip(documents, ids, strict=True)
        if document["type"] == "mcp_approval_request"
    }
    made = []
    for document, id_ in zip(documents, ids, strict=True):
        own = {**document, "id": id_}
        if document["type"] == "mcp_approval_request":
            own["known_as"] = document["id"]  # to who has sent it
        if (named := document.get("approval_request_id")) in renamed:
            own["approval_request_id"] = renamed[named]
        made.append(own)
    return made


def kept(document: ItemDocument, created_at: int) -> Item:
    """Return the item that the log keeps of a document with its id."""
    extra = {"completed_at": created_at} if document.get("status") == "completed" else {}
    return Item(document["id"], document["type"], created_at, document, extra=extra)


def copied(item: Item) -> ItemDocument:
    """Return the document of which a copy of an item can be made."""
    if item.type != "message":
        return item.document
    return {**item.document, "content": _content(item)}


def file_ids(documents: Sequence[ItemDocument]) -> list[str]:
    """Return the files that messages have as parts, each once, in their order."""
    messages = (document for document in documents if document["type"] == "message")
    return list(dict.fromkeys(id_ for document in messages for id_ in files_in(document)))
