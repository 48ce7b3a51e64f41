"""What a call of an MCP tool gave: the text that a model is shown, or an error. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from understudy.wire import tokens

_CUT = "\n[The rest of the output was left out: it is too long.]"


@dataclass(frozen=True, slots=True)
class McpResult:
    """The `output` or the `error` of an `mcp_call`; the other one is None."""

    output: str | None
    error: dict[str, Any] | None


def result_of(answer: Mapping[str, Any], most_tokens: int) -> McpResult:
    """Return a server's answer to `tools/call`, its text cut to `most_tokens`."""
    blocks = answer.get("content") or []
    if answer.get("isError"):
        content = [{"type": "text", "text": tokens.cut(_text(blocks), most_tokens)}]
        return McpResult(None, {"type": "mcp_tool_execution_error", "content": content})
    text = _text(blocks)
    if not blocks and "structuredContent" in answer:
        text = msgspec.json.encode(answer["structuredContent"]).decode()
    shown = tokens.cut(text, most_tokens)
    return McpResult(shown if shown == text else shown + _CUT, None)


def told(error: Mapping[str, Any]) -> str:
    """Return the `error` of an `mcp_call` as the model is told it."""
    if "content" not in error:
        return f"Error: {error['message']}"
    return f"Error: {_text(error['content'])}"


def _text(blocks: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(_shown(block) for block in blocks)


def _shown(block: Mapping[str, Any]) -> str:
    """Return one block as text; what is no text is named, so that the model knows of it."""
    match block["type"]:
        case "text":
            return str(block["text"])
        case "resource" if "text" in block["resource"]:
            return str(block["resource"]["text"])
        case "resource":
            return f"[{block['resource'].get('mimeType', 'data')}: {block['resource']['uri']}]"
        case "resource_link":
            return f"[{block.get('name', 'resource')}: {block['uri']}]"
        case kind:
            return f"[{kind}: {block.get('mimeType', 'data')}, not shown]"
