"""`functions`, `function_call` and role `function` of 2023, translated to tools and back. Pure.

Engines only know tools; a program that sent `functions` reads `function_call` in the answer.
"""

from typing import Any, cast

import msgspec
from msgspec import UNSET

from understudy.errors import UnsupportedParameter
from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Delta,
    FunctionCall,
    Message,
)

_LEGACY_NAMES = {"tools": "functions", "tool_choice": "function_call"}


def with_tools(request: ChatRequest) -> ChatRequest:
    """Return `request` with every legacy field replaced by its newer form."""
    translated = cast("dict[str, Any]", dict(request))
    functions = translated.pop("functions", None)
    choice = translated.pop("function_call", None)
    if functions:
        translated["tools"] = [{"type": "function", "function": each} for each in functions]
    if isinstance(choice, dict):
        translated["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice is not None:
        translated["tool_choice"] = choice
    translated["messages"] = _messages(request["messages"])
    return cast("ChatRequest", translated)


def is_legacy(request: ChatRequest) -> bool:
    """Tell whether the program expects `function_call` in the answer."""
    return bool(request.get("functions"))


def legacy_refusal(error: UnsupportedParameter) -> UnsupportedParameter:
    """Return `error` under the name by which the program sent the parameter."""
    name = _LEGACY_NAMES.get(error.param or "")
    if name is None:
        return error
    message = error.message.replace(f" support {error.param}.", f" support {name}.")
    return UnsupportedParameter(message, param=name)


def _messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not any(m.get("role") == "function" or m.get("function_call") for m in messages):
        return messages
    translated = []
    call_id = ""
    for index, message in enumerate(messages):
        if message.get("function_call"):
            call_id = f"call_legacy_{index}"
            message = _with_tool_call(message, call_id)
        elif message.get("role") == "function":
            if not call_id:
                call_id = f"call_legacy_{index}"
                translated.append(_unseen_call(message, call_id))
            message = _tool_answer(message, call_id)
            call_id = ""
        translated.append(message)
    return translated


def _with_tool_call(message: dict[str, Any], call_id: str) -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": message["function_call"]}
    rest = {name: value for name, value in message.items() if name != "function_call"}
    return {"content": None, **rest, "tool_calls": [call]}


def _unseen_call(message: dict[str, Any], call_id: str) -> dict[str, Any]:
    """A function's answer without its call: the newer form demands one, so it is supplied."""
    function = {"name": message["name"], "arguments": "{}"}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _tool_answer(message: dict[str, Any], call_id: str) -> dict[str, Any]:
    content = message.get("content")
    if not isinstance(content, str | list):
        content = "" if content is None else msgspec.json.encode(content).decode()
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def legacy_completion(completion: ChatCompletion) -> ChatCompletion:
    """Return `completion` with its first tool call as `function_call`."""
    choices = [
        msgspec.structs.replace(
            choice,
            message=_legacy_message(choice.message),
            finish_reason=_legacy_reason(choice.finish_reason),
        )
        for choice in completion.choices
    ]
    return msgspec.structs.replace(completion, choices=choices)


def _legacy_message(message: Message) -> Message:
    if not message.tool_calls:
        return message
    first = message.tool_calls[0].function
    call = FunctionCall(first.name, first.arguments)
    return msgspec.structs.replace(message, tool_calls=UNSET, function_call=call)


def legacy_chunk(chunk: ChatChunk) -> ChatChunk | None:
    """Return `chunk` with the first call as `function_call`; None when nothing is left."""
    choices = []
    for choice in chunk.choices:
        delta = _legacy_delta(choice.delta)
        reason = _legacy_reason(choice.finish_reason)
        if delta is not None or reason is not None:
            choices.append(
                msgspec.structs.replace(choice, delta=delta or Delta(), finish_reason=reason)
            )
    if chunk.choices and not choices:
        return None
    return msgspec.structs.replace(chunk, choices=choices)


def _legacy_delta(delta: Delta) -> Delta | None:
    if not delta.tool_calls:
        return delta
    first = next((piece for piece in delta.tool_calls if piece.index == 0), None)
    if first is None and delta.content is UNSET and delta.role is UNSET:
        return None
    function = first.function if first is not None else UNSET
    return msgspec.structs.replace(delta, tool_calls=UNSET, function_call=function)


def _legacy_reason(reason: str | None) -> str | None:
    return "function_call" if reason == "tool_calls" else reason
