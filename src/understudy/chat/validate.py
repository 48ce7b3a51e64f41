"""Judges a chat request before any engine sees it: types, roles, tools, formats. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from understudy.errors import InvalidValue, MissingParameter
from understudy.wire.base import check_shape
from understudy.wire.chat import ChatRequest, ChatRequestShape, RequestedMessage
from understudy.wire.json_schemas import check_schema

_MODES = frozenset({"none", "auto", "required"})
_PARTS: dict[str, str] = {
    "text": "text",
    "image_url": "image_url",
    "input_audio": "input_audio",
    "file": "file",
    "refusal": "refusal",
}


def validate_chat(body: object) -> ChatRequest:
    """Return `body` as a chat request; raise InvalidRequest naming the field at fault."""
    shape = check_shape(body, ChatRequestShape)
    request = cast("ChatRequest", body)
    for index, message in enumerate(shape.messages):
        _check_message(message, f"messages[{index}]")
    _check_tool_answers(shape.messages)
    _check_tools(shape)
    _check_functions(shape)
    _check_format(shape)
    _check_dependencies(shape)
    return request


def _check_message(message: RequestedMessage, param: str) -> None:
    match message.role:
        case "tool":
            if not message.tool_call_id:
                raise MissingParameter(f"{param}.tool_call_id")
        case "function":
            if not message.name:
                raise MissingParameter(f"{param}.name")
            return
        case "assistant":
            _check_assistant(message, param)
            if message.content is None:
                return
        case _:
            pass
    if message.content is None:
        raise InvalidValue(f"{param}.content", "a message of this role needs content, got null")
    if isinstance(message.content, dict):
        raise InvalidValue(
            f"{param}.content", "expected a string or an array of parts, got an object"
        )
    if isinstance(message.content, list):
        _check_parts(message.content, f"{param}.content")


def _check_assistant(message: RequestedMessage, param: str) -> None:
    for index, call in enumerate(message.tool_calls or ()):
        if call.function is None and call.custom is None:
            raise MissingParameter(f"{param}.tool_calls[{index}].function")
    says_nothing = message.content is None and message.refusal is None
    if says_nothing and not message.tool_calls and message.function_call is None:
        raise InvalidValue(
            f"{param}.content", "an assistant message needs content, tool_calls or function_call"
        )


def _check_parts(parts: list[dict[str, Any]], param: str) -> None:
    if not parts:
        raise InvalidValue(param, "the array of content parts is empty")
    for index, part in enumerate(parts):
        kind = part.get("type")
        if not isinstance(kind, str) or kind not in _PARTS:
            raise InvalidValue(f"{param}[{index}].type", f"expected one of {', '.join(_PARTS)}")
        if _PARTS[kind] not in part:
            raise MissingParameter(f"{param}[{index}].{_PARTS[kind]}")
        if kind == "text" and not isinstance(part["text"], str):
            raise InvalidValue(f"{param}[{index}].text", "expected a string")
        if kind == "image_url" and not _is_image(part["image_url"]):
            raise InvalidValue(f"{param}[{index}].image_url", "expected an object with a url")


def _is_image(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("url"), str))


def _check_tool_answers(messages: list[RequestedMessage]) -> None:
    called: set[str] = set()
    for index, message in enumerate(messages):
        called.update(call.id for call in message.tool_calls or ())
        if message.role == "tool" and message.tool_call_id not in called:
            raise InvalidValue(
                f"messages[{index}].tool_call_id",
                "messages with role 'tool' must answer a call in the 'tool_calls' of an earlier "
                f"message; there is no call '{message.tool_call_id}'",
            )


def _check_tools(shape: ChatRequestShape) -> None:
    names = set()
    for index, tool in enumerate(shape.tools or ()):
        if tool.type == "custom" and tool.custom is not None:
            names.add(str(tool.custom.get("name")))
            continue
        if tool.function is None:
            raise MissingParameter(f"tools[{index}].{tool.type}")
        names.add(tool.function.name)
        check_schema(tool.function.parameters, f"tools[{index}].function.parameters")
    if shape.tool_choice is not None:
        _check_tool_choice(shape.tool_choice, names)


def _check_tool_choice(choice: str | dict[str, Any], names: set[str]) -> None:
    if choice == "none" or (choice == "auto" and not names):
        return
    if not names:
        raise InvalidValue("tool_choice", "it is only allowed when 'tools' are given")
    if isinstance(choice, str):
        if choice not in _MODES:
            raise InvalidValue("tool_choice", f"expected one of {', '.join(sorted(_MODES))}")
        return
    for name in _chosen_names(choice):
        if name not in names:
            raise InvalidValue("tool_choice", f"there is no tool '{name}' in 'tools'")


def _chosen_names(choice: Mapping[str, Any]) -> list[object]:
    kind = choice.get("type")
    if kind == "allowed_tools" and isinstance(allowed := choice.get("allowed_tools"), dict):
        tools = allowed.get("tools")
        entries = tools if isinstance(tools, list) else []
        return [_name_in(entry) for entry in entries]
    if kind in ("function", "custom"):
        return [_name_in(choice)]
    raise InvalidValue("tool_choice.type", "expected 'function', 'custom' or 'allowed_tools'")


def _name_in(entry: object) -> object:
    if isinstance(entry, dict):
        inner = entry.get(entry.get("type") or "function")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            return inner["name"]
    raise MissingParameter("tool_choice.function.name")


def _check_functions(shape: ChatRequestShape) -> None:
    names = {function.name for function in shape.functions or ()}
    for index, function in enumerate(shape.functions or ()):
        check_schema(function.parameters, f"functions[{index}].parameters")
    if shape.functions and shape.tools:
        raise InvalidValue("functions", "give either 'tools' or the older 'functions', not both")
    if (choice := shape.function_call) is None:
        return
    if not names:
        raise InvalidValue("function_call", "it is only allowed when 'functions' are given")
    if isinstance(choice, str) and choice not in ("none", "auto"):
        raise InvalidValue("function_call", 'expected "none", "auto" or {"name": ...}')
    if isinstance(choice, dict) and choice.get("name") not in names:
        raise InvalidValue("function_call", f"there is no function '{choice.get('name')}'")


def _check_format(shape: ChatRequestShape) -> None:
    if shape.response_format is None or shape.response_format.type != "json_schema":
        return
    if shape.response_format.json_schema is None:
        raise MissingParameter("response_format.json_schema")
    check_schema(shape.response_format.json_schema.schema, "response_format.json_schema.schema")


def _check_dependencies(shape: ChatRequestShape) -> None:
    if shape.stream_options is not None and not shape.stream:
        raise InvalidValue("stream_options", "it is only allowed when 'stream' is true")
    if shape.top_logprobs is not None and not shape.logprobs:
        raise InvalidValue("top_logprobs", "it is only allowed when 'logprobs' is true")
