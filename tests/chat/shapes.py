"""Short spellings of requests, answers and chunks, as the tests of chat need them."""

from typing import Any

from msgspec import UNSET

from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    Choice,
    ChunkChoice,
    Delta,
    FunctionCall,
    FunctionDelta,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

USER: dict[str, Any] = {"role": "user", "content": "hello"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
FUNCTION: dict[str, Any] = {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}
TOOL: dict[str, Any] = {"type": "function", "function": FUNCTION}
NAMED: dict[str, Any] = {"type": "function", "function": {"name": "get_weather"}}
JSON_SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "place", "schema": SCHEMA},
}


def called(call_id: str = "call_1", name: str = "get_weather") -> dict[str, Any]:
    """Return an assistant message with one tool call."""
    function = {"name": name, "arguments": "{}"}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def request(**fields: Any) -> Any:
    """Return a chat request that says hello, with these fields besides."""
    return {"messages": [USER], **fields}


def chunk(*choices: ChunkChoice, usage: Usage | None = None) -> ChatChunk:
    """Return a chunk of one stream."""
    return ChatChunk("c-1", 1, "m", list(choices), UNSET if usage is None else usage)


def piece(index: int = 0, finish: str | None = None, **fields: Any) -> ChunkChoice:
    """Return one choice's part of a chunk."""
    return ChunkChoice(index, Delta(**fields), finish)


def call_piece(index: int, *, arguments: str, name: str = "") -> ToolCallDelta:
    """Return a piece of a tool call; with a name it is the first one."""
    if not name:
        return ToolCallDelta(index, function=FunctionDelta(arguments=arguments))
    return ToolCallDelta(index, f"call_{index}", "function", FunctionDelta(name, arguments))


def completion(*choices: Choice, usage: Usage | None = None) -> ChatCompletion:
    """Return a whole answer."""
    return ChatCompletion("c-1", 1, "m", list(choices), usage or Usage(2, 3, 5))


def says(text: str | None, index: int = 0, finish: str = "stop", **fields: Any) -> Choice:
    """Return a choice that says `text`."""
    return Choice(index, Message(content=text, **fields), finish)


def calls(*names: str) -> list[ToolCall]:
    """Return calls without arguments."""
    return [ToolCall(f"call_{n}", FunctionCall(name, "{}")) for n, name in enumerate(names)]
