"""From the items of a response to a chat request, and from a chat's usage to a response's.

Pure. Messages are built as those of a run are: `prompt` shows what this module has reworded.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from understudy.responses.mcp.approvals import requests_by_id
from understudy.responses.offered import OfferedTools
from understudy.retrieval.search import SearchResult
from understudy.runs.prompt import ChatMessage, Setting, build, results_of_run
from understudy.store.items import Item
from understudy.wire.chat import Usage
from understudy.wire.response_options import JsonObjectFormat, JsonSchemaFormat, TextOptions
from understudy.wire.responses import (
    CreateResponse,
    InputTokensDetails,
    OutputTokensDetails,
    ResponseUsage,
)

_AS_THEY_ARE = (
    "model",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
)
"""Parameters that chat completions call the same."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the model is shown: items, oldest first, and what their ids lead to.

    `summary` stands for items that are left out. `filenames` and `images` (data URLs) are by file
    id, `file_texts` by `file_key`, `compacted` by the `encrypted_content` of compactions.
    """

    response_id: str
    items: Sequence[Item]
    instructions: str = ""
    summary: str = ""
    offered: OfferedTools = field(default_factory=OfferedTools)
    sees_images: bool = False
    filenames: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    file_texts: Mapping[str, str] = field(default_factory=dict)
    compacted: Mapping[str, str] = field(default_factory=dict)


def file_key(part: Mapping[str, Any]) -> str:
    """Return what tells the file of an `input_file` from others: its id, or a hash of its data."""
    if part.get("file_id"):
        return str(part["file_id"])
    return hashlib.sha256(str(part.get("file_data") or "").encode()).hexdigest()


def chat_messages(context: Context) -> list[ChatMessage]:
    """Return the chat messages that show the items, in their order, after the instructions."""
    setting = Setting(
        run_id=context.response_id,
        instructions=context.instructions,
        summary=_compacted(context),
        search_name=context.offered.search_name,
        sees_images=context.sees_images,
        filenames=context.filenames,
        images=context.images,
    )
    return build([*_as_of_runs(context)], setting)


def results_found(items: Sequence[Item], response_id: str) -> list[SearchResult]:
    """Return what all searches of a response found, so that passage n is the result n - 1."""
    searches = [replace(item, run_id=item.response_id) for item in items if _is_own(item)]
    return results_of_run(searches, response_id)


def _is_own(item: Item) -> bool:
    """Whether this server made the item: a search that a client has sent may hold anything."""
    return item.run_id is not None or "turn" in item.extra


def _compacted(context: Context) -> str:
    told = (item.document for item in context.items if item.type == "compaction")
    texts = (context.compacted.get(one["encrypted_content"], "") for one in told)
    return "\n\n".join(text for text in (context.summary, *texts) if text)


# --- items as those of runs -------------------------------------------------------------------


def _as_of_runs(context: Context) -> Iterator[Item]:
    """Yield the items as a run would have them, so that `prompt` can show them.

    What one turn called for has one `step_id`; what belongs to this response has its id as the id
    of a run.
    """
    requests: dict[str, dict[str, Any]] = {}
    round_ = 0
    for item in context.items:
        document = item.document
        match item.type:
            case "message":
                yield _message(item, context)
            case "function_call":
                yield _of_round(item, item.run_id, round_)
            case "function_call_output":
                round_ += 1
                yield from _output(item, context)
            case "file_search_call" if _is_own(item):
                yield _of_round(item, item.run_id or item.response_id, round_)
            case "mcp_call" if document["status"] in ("completed", "failed"):
                yield from _mcp_call(item, round_, context)
            case "mcp_approval_request":
                requests |= requests_by_id([document])
            case "mcp_approval_response" if not document["approve"]:
                yield from _refused(item, requests, context)
            case _:
                continue


def _of_round(item: Item, run_id: str | None, round_: int) -> Item:
    """Return a call as one of the turn that made it.

    Calls between which an output stands were made in different turns; of hosted calls, which hold
    their own outputs, `extra` has the number of the turn.
    """
    step_id = item.step_id or f"{round_}.{item.extra.get('turn', 0)}.{item.response_id}"
    return replace(item, run_id=run_id, step_id=step_id)


def _message(item: Item, context: Context) -> Item:
    parts = [_part(part, context) for part in item.document["content"]]
    document = {**item.document, "content": parts}
    return replace(item, run_id=item.run_id or item.response_id, document=document)


def _part(part: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return a part, a file as its text; one whose text is not at hand is named by `prompt`."""
    if part["type"] != "input_file" or (text := context.file_texts.get(file_key(part))) is None:
        return part
    named = context.filenames.get(part.get("file_id") or "") or part.get("filename") or "file"
    return {"type": "input_text", "text": f"[{named}]\n{text}"}


def _output(item: Item, context: Context) -> Iterator[Item]:
    """Yield the output of a function, and its images as a message, if they can be seen."""
    output = item.document["output"]
    if isinstance(output, str):
        yield item
        return
    parts = [_part(part, context) for part in output]
    yield replace(item, document={**item.document, "output": parts})
    images = [part for part in parts if part["type"] == "input_image"]
    if images and context.sees_images:
        shown = {"type": "message", "role": "user", "content": images}
        yield replace(item, type="message", document=shown)


def _mcp_call(item: Item, round_: int, context: Context) -> Iterator[Item]:
    """Yield a call of an MCP server's tool as that of a function, and its output."""
    document = item.document
    name = context.offered.mcp_name(document["server_label"], document["name"])
    call = {
        "type": "function_call",
        "call_id": item.id,
        "name": name,
        "arguments": document["arguments"],
    }
    run_id = item.run_id or item.response_id
    made = replace(item, type="function_call", document=call)
    yield _of_round(made, run_id, round_)
    told = {"type": "function_call_output", "call_id": item.id, "output": _mcp_output(document)}
    yield replace(item, type="function_call_output", run_id=run_id, document=told)


def _refused(
    item: Item, requests: Mapping[str, dict[str, Any]], context: Context
) -> Iterator[Item]:
    """Yield a call that was not approved, with that as its output."""
    request = requests.get(item.document["approval_request_id"])
    if request is None:
        return
    reason = item.document.get("reason")
    said = f"the user did not approve it{f': {reason}' if reason else '.'}"
    yield from _mcp_call(replace(item, document={**request, "error": said}), -1, context)


def _mcp_output(document: Mapping[str, Any]) -> str:
    error = document.get("error")
    if error is None:
        return str(document.get("output") or "")
    said = error if isinstance(error, str) else msgspec.json.encode(error).decode()
    return f"The call failed: {said}"


# --- the request ------------------------------------------------------------------------------


def chat_request(
    wanted: CreateResponse, messages: Sequence[ChatMessage], tools: OfferedTools
) -> dict[str, Any]:
    """Return the chat request of a response's turn, as a stream that ends with its usage."""
    request: dict[str, Any] = {
        **wanted.unknown,
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {name: getattr(wanted, name) for name in _AS_THEY_ARE}
    optional["max_completion_tokens"] = wanted.max_output_tokens
    optional["service_tier"] = None if wanted.service_tier == "auto" else wanted.service_tier
    optional["reasoning_effort"] = wanted.reasoning.effort if wanted.reasoning else None
    optional["verbosity"] = wanted.text.verbosity if wanted.text else None
    optional["response_format"] = response_format(wanted.text)
    if wanted.wants_logprobs:
        optional |= {"logprobs": True, "top_logprobs": wanted.top_logprobs}
    if tools.tools:
        optional |= {"tools": tools.tools, "tool_choice": tools.choice}
        optional["parallel_tool_calls"] = wanted.parallel_tool_calls
    request |= {name: value for name, value in optional.items() if value is not None}
    return request


def response_format(text: TextOptions | None) -> dict[str, Any] | None:
    """Return `text.format` as chat completions have it; None for plain text."""
    given = text.format if text is not None else None
    if isinstance(given, JsonObjectFormat):
        return {"type": "json_object"}
    if not isinstance(given, JsonSchemaFormat):
        return None
    said = {"name": given.name, "description": given.description, "strict": given.strict}
    schema = {name: value for name, value in said.items() if value is not None}
    return {"type": "json_schema", "json_schema": {**schema, "schema": given.schema}}


def usage_of(used: Usage) -> ResponseUsage:
    """Return the usage of chat completions as that of a response."""
    return ResponseUsage(
        input_tokens=used.prompt_tokens,
        input_tokens_details=InputTokensDetails(used.prompt_tokens_details.cached_tokens),
        output_tokens=used.completion_tokens,
        output_tokens_details=OutputTokensDetails(used.completion_tokens_details.reasoning_tokens),
        total_tokens=used.total_tokens,
    )
