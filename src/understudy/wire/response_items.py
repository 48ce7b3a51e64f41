"""Items of responses and conversations on the wire: what comes in, judged and normalised.

Pure: knows no store, so an id that an item names may lead nowhere.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from understudy.errors import InvalidValue, MissingParameter, UnsupportedParameter
from understudy.wire.base import check_shape, json_type
from understudy.wire.kept_json import check_kept_json

ItemDocument: TypeAlias = dict[str, Any]
ItemStatus = Literal["in_progress", "completed", "incomplete"]
_Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]


# --- parts ------------------------------------------------------------------------------------


class InputText(Struct, tag="input_text", tag_field="type"):
    """A text for the model."""

    text: str


class InputImage(Struct, tag="input_image", tag_field="type", kw_only=True):
    """An image, as an address or as a file of this server."""

    detail: Literal["auto", "low", "high", "original"] | None = None
    image_url: str | None = None
    file_id: _Id | None = None


class InputFile(Struct, tag="input_file", tag_field="type", omit_defaults=True):
    """A file, by id or with its content in base64."""

    file_id: _Id | None = None
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None


class OutputText(Struct, tag="output_text", tag_field="type"):
    """A text that the model wrote."""

    text: str
    annotations: list[dict[str, Any]] | None = None
    logprobs: list[dict[str, Any]] | None = None


class Refusal(Struct, tag="refusal", tag_field="type"):
    """A refusal that the model wrote."""

    refusal: str


class SummaryText(Struct, tag="summary_text", tag_field="type"):
    """A summary of reasoning."""

    text: str


class ReasoningText(Struct, tag="reasoning_text", tag_field="type"):
    """A text of reasoning."""

    text: str


InputPart: TypeAlias = InputText | InputImage | InputFile
Part: TypeAlias = InputText | InputImage | InputFile | OutputText | Refusal


# --- items ------------------------------------------------------------------------------------


class Message(Struct, tag="message", tag_field="type", omit_defaults=True):
    """What somebody said."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]
    status: ItemStatus | None = None
    phase: Literal["commentary", "final_answer"] | None = None


class FunctionCall(Struct, tag="function_call", tag_field="type", omit_defaults=True):
    """A call of a function of the client; `arguments` is JSON text."""

    call_id: _Id
    name: _Name
    arguments: str
    status: ItemStatus | None = None


class FunctionCallOutput(Struct, tag="function_call_output", tag_field="type", omit_defaults=True):
    """What a function of the client returned."""

    call_id: _Id
    output: str | list[InputPart]
    status: ItemStatus | None = None


class FileSearchResult(Struct, omit_defaults=True):
    """A passage that a search found."""

    file_id: str | None = None
    text: str | None = None
    filename: str | None = None
    attributes: dict[str, str | float | bool] | None = None
    score: float | None = None


class FileSearchCall(Struct, tag="file_search_call", tag_field="type"):
    """A search of files that the model made."""

    queries: list[str]
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"] = "completed"
    results: list[FileSearchResult] | None = None


class ReasoningItem(Struct, tag="reasoning", tag_field="type", omit_defaults=True):
    """What the model thought."""

    summary: list[SummaryText] | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: ItemStatus | None = None


class ItemReference(Struct, tag="item_reference", tag_field="type"):
    """An item of the project, by its id."""

    id: _Id


class Compaction(Struct, tag="compaction", tag_field="type"):
    """A conversation made short by `POST /responses/compact`."""

    encrypted_content: str


class McpListedTool(Struct, omit_defaults=True):
    """A tool that an MCP server offers."""

    name: _Name
    input_schema: dict[str, Any]
    description: str | None = None
    annotations: dict[str, Any] | None = None


class McpListTools(Struct, tag="mcp_list_tools", tag_field="type", omit_defaults=True):
    """What an MCP server offers."""

    server_label: _Name
    tools: list[McpListedTool]
    error: str | None = None


class McpApprovalRequest(Struct, tag="mcp_approval_request", tag_field="type"):
    """A call that waits for approval; it keeps its id, by which the answer names it."""

    id: _Id
    server_label: _Name
    name: _Name
    arguments: str


class McpApprovalResponse(
    Struct, tag="mcp_approval_response", tag_field="type", omit_defaults=True
):
    """The answer to a request for approval."""

    approval_request_id: _Id
    approve: bool
    reason: str | None = None


class McpCall(Struct, tag="mcp_call", tag_field="type"):
    """A call of an MCP server's tool, with what it returned."""

    server_label: _Name
    name: _Name
    arguments: str
    output: str | None = None
    error: str | dict[str, Any] | None = None
    status: Literal["in_progress", "completed", "incomplete", "calling", "failed"] = "completed"
    approval_request_id: str | None = None


InputItem: TypeAlias = (
    Message
    | FunctionCall
    | FunctionCallOutput
    | FileSearchCall
    | ReasoningItem
    | ItemReference
    | Compaction
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponse
    | McpCall
)
ITEM_TYPES = (
    "message",
    "function_call",
    "function_call_output",
    "item_reference",
    "reasoning",
    "file_search_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "compaction",
)
_INPUT_PARTS = ("input_text", "input_image", "input_file")
_OUTPUT_PARTS = ("output_text", "refusal")


class _Input(Struct):
    input: list[InputItem]


class _Items(Struct):
    items: list[InputItem]


def input_items(given: str | list[Any]) -> list[ItemDocument]:
    """Return the input of a response as items: type set, content a list of parts, no ids.

    Only an `item_reference` and an `mcp_approval_request` keep theirs. Raises InvalidRequest whose
    `param` names the field, as in `input[2].content[0].type`.
    """
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    return _normalised(given, "input")


def conversation_items(given: list[Any]) -> list[ItemDocument]:
    """Return the `items` of a request for a conversation as `input_items` does."""
    return _normalised(given, "items")


# --- judging ----------------------------------------------------------------------------------


def _normalised(given: list[Any], param: str) -> list[ItemDocument]:
    typed = [_typed(item, f"{param}[{index}]") for index, item in enumerate(given)]
    check_kept_json(typed, param)
    judged: list[InputItem] = (
        check_shape({param: typed}, _Input).input
        if param == "input"
        else check_shape({param: typed}, _Items).items
    )
    return [_document(item, f"{param}[{index}]") for index, item in enumerate(judged)]


def _typed(item: object, at: str) -> dict[str, Any]:
    """Return an item with its type set. Raises InvalidRequest for a type that is not known."""
    if not isinstance(item, dict):
        raise InvalidValue(at, f"expected an object, got {json_type(item)}")
    type_ = item.get("type") or _implied_type(item)
    if type_ is None:
        raise MissingParameter(f"{at}.type")
    if type_ not in ITEM_TYPES:
        raise InvalidValue(
            f"{at}.type", f"'{type_}' is not supported; expected one of {', '.join(ITEM_TYPES)}"
        )
    if type_ in ("message", "function_call_output"):
        _check_parts(item, at)
    return {**item, "type": type_}


def _implied_type(item: dict[str, Any]) -> str | None:
    if "role" in item:
        return "message"
    return "item_reference" if set(item) <= {"id", "type"} and "id" in item else None


def _check_parts(item: dict[str, Any], at: str) -> None:
    """Raise InvalidRequest for a part of a type that does not belong to who speaks."""
    field = "output" if item.get("type") == "function_call_output" else "content"
    parts = item.get(field)
    is_said = item.get("role") == "assistant"
    known = (*_OUTPUT_PARTS, "input_text") if is_said else _INPUT_PARTS
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if not isinstance(part, dict):
            continue
        param = f"{at}.{field}[{index}].type"
        if "type" not in part:
            raise MissingParameter(param)
        if part["type"] not in known:
            said = f"'{part['type']}' is not supported here; expected one of {', '.join(known)}"
            raise InvalidValue(param, said)


def _document(item: InputItem, at: str) -> ItemDocument:
    """Return an item as the API shows it."""
    if isinstance(item, Message):
        return _message(item, at)
    document: ItemDocument = msgspec.to_builtins(item)
    if isinstance(item, FunctionCall | FunctionCallOutput):
        document.setdefault("status", "completed")
    if isinstance(item, FunctionCallOutput) and not isinstance(item.output, str):
        document["output"] = _input_parts(item.output, f"{at}.output")
    if isinstance(item, ReasoningItem):
        document.setdefault("summary", [])
    return document


def _message(item: Message, at: str) -> ItemDocument:
    is_said = item.role == "assistant"
    parts = item.content
    if isinstance(parts, str):
        parts = [OutputText(parts) if is_said else InputText(parts)]
    if not parts:
        raise InvalidValue(f"{at}.content", "the array of content parts is empty")
    document: ItemDocument = {
        "type": "message",
        "role": item.role,
        "status": item.status or "completed",
        "content": [_said(part) for part in parts]
        if is_said
        else _input_parts(parts, f"{at}.content"),
    }
    return document if item.phase is None else {**document, "phase": item.phase}


def _said(part: Part) -> dict[str, Any]:
    if isinstance(part, InputText):
        part = OutputText(part.text)
    document: dict[str, Any] = msgspec.to_builtins(part)
    if isinstance(part, OutputText):
        document["annotations"] = [_annotation(one) for one in part.annotations or ()]
        document["logprobs"] = part.logprobs or []
    return document


def _annotation(given: dict[str, Any]) -> dict[str, Any]:
    """Return a citation of a file as the API has it: offsets of strangers are not kept."""
    if given.get("type") != "file_citation":
        return given
    index = given.get("index")
    return {
        "type": "file_citation",
        "file_id": str(given.get("file_id") or ""),
        "filename": str(given.get("filename") or ""),
        "index": index if isinstance(index, int) else 0,
    }


def _input_parts(parts: Sequence[Part], at: str) -> list[dict[str, Any]]:
    return [_input_part(part, f"{at}[{index}]") for index, part in enumerate(parts)]


def _input_part(part: Part, at: str) -> dict[str, Any]:
    if isinstance(part, InputImage):
        if not part.image_url and not part.file_id:
            raise MissingParameter(f"{at}.image_url")
        part.detail = part.detail or "auto"
    if isinstance(part, InputFile):
        _check_file(part, at)
    document: dict[str, Any] = msgspec.to_builtins(part)
    return document


def _check_file(part: InputFile, at: str) -> None:
    if part.file_url is not None:
        raise UnsupportedParameter(
            f"'{at}.file_url': this server fetches no address of a client. Upload the file and "
            "give its 'file_id', or send it as 'file_data'.",
            param=f"{at}.file_url",
        )
    if not part.file_id and not part.file_data:
        raise MissingParameter(f"{at}.file_id")
