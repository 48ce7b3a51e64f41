"""Chunks as providers send them, and what is in the events that a client gets."""

from typing import Any

HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {}}}}
TOOLS = [{"type": "function", "function": WEATHER}]


def chunk(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}


def call_piece(arguments: str = "", **fields: Any) -> dict[str, Any]:
    """A piece of a tool call as an upstream sends it; `name` goes where it belongs."""
    function = {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return {"function": function, **fields}


def calls_chunk(*pieces: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(pieces)})


def choices_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice for event in events for choice in event["choices"]]


def text_of(events: list[dict[str, Any]], field: str = "content") -> str:
    return "".join(choice["delta"].get(field) or "" for choice in choices_of(events))


def reasons_of(events: list[dict[str, Any]]) -> list[str]:
    return [c["finish_reason"] for c in choices_of(events) if c["finish_reason"] is not None]


def calls_of(events: list[dict[str, Any]]) -> dict[int, dict[str, str]]:
    """Put streamed calls together as an SDK does: everything but `index` is concatenated."""
    calls: dict[int, dict[str, str]] = {}
    for choice in choices_of(events):
        for piece in choice["delta"].get("tool_calls", ()):
            assert type(piece["index"]) is int
            call = calls.setdefault(piece["index"], {"id": "", "type": "", "name": "", "args": ""})
            call["id"] += piece.get("id", "")
            call["type"] += piece.get("type", "")
            call["name"] += piece.get("function", {}).get("name", "")
            call["args"] += piece.get("function", {}).get("arguments", "")
    return calls
