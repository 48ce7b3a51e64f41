"""Calls that a request forces, which llama.cpp does not: the model writes a list of calls as JSON,
held to it by a grammar, and the list is read back as calls while it is written. Pure.

The functions stay in the prompt in the words of the model's own template.
"""

import re
from typing import Any, Final, cast

from understudy.engines.llama.schemas import (
    JSON_FORMATS,
    Schema,
    one_of,
    reference,
    without_places,
)
from understudy.ids import new_id
from understudy.wire.chat import ChatRequest, FunctionDelta, ToolCallDelta

_MOST_CALLS: Final = 16
"""A small model could go on for ever."""
_NO_ARGUMENTS: Final = {"type": "object", "properties": {}, "additionalProperties": False}
_COMBINATIONS: Final = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf"})
_CALL_OPENING: Final = re.compile(
    r'\s*\}?\s*[\[,]\s*\{\s*"name"\s*:\s*"([^"]*)"\s*,\s*"arguments"\s*:\s*(?=\S)'
)
_ANSWER: Final = "answer"


def forces_a_call(request: ChatRequest) -> bool:
    """Tell whether the answer has to be a call."""
    choice = request.get("tool_choice")
    return choice == "required" or isinstance(choice, dict)


def writes_calls_as_json(request: ChatRequest) -> bool:
    """Tell whether calls are to be read out of the answer's text.

    So they are where one is forced, and where a format is demanded beside tools, since llama.cpp
    then never calls.
    """
    if not request.get("tools") or request.get("tool_choice") == "none":
        return False
    return forces_a_call(request) or _has_format(request)


def allows_one_call(request: ChatRequest) -> bool:
    """Tell whether an answer may hold no more than one call."""
    is_named = isinstance(request.get("tool_choice"), dict)
    return is_named or request.get("parallel_tool_calls") is False


def with_calls_as_json(request: ChatRequest) -> ChatRequest:
    """Return the request for a list of calls as JSON; where none is forced, or for an answer."""
    body = cast("dict[str, Any]", dict(request))
    tools = [_complete(tool) for tool in body.pop("tools")]
    most = 1 if allows_one_call(request) else _MOST_CALLS
    schema = _calls(_callable(tools, body.get("tool_choice")), most)
    kwargs = {**(body.get("chat_template_kwargs") or {}), "tools": tools}
    if forces_a_call(request):
        kwargs["enable_thinking"] = False
        for name in ("logprobs", "top_logprobs"):  # They are those of text.
            body.pop(name, None)
    else:
        schema = _calls_or_answer(schema, body["response_format"])
    body["chat_template_kwargs"] = kwargs
    for name in ("tool_choice", "parallel_tool_calls", "grammar"):
        body.pop(name, None)
    form = {"name": "calls", "schema": schema, "strict": True}
    body["response_format"] = {"type": "json_schema", "json_schema": form}
    return cast("ChatRequest", body)


def in_words_of_the_request(reason: str, request: ChatRequest) -> str:
    """Return what is said of a schema that was made here as if of the one in the request."""
    if not writes_calls_as_json(request):
        return reason
    functions = (_place(number) for number in range(len(request["tools"] or ())))
    return without_places(reason, [_ANSWER, *functions])


def _place(number: int) -> str:
    return f"function_{number}"


def _has_format(request: ChatRequest) -> bool:
    return (request.get("response_format") or {}).get("type") in JSON_FORMATS


def _complete(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool with all that chat templates expect of one."""
    function = tool["function"]
    described = {"description": function.get("description") or ""}
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {**function, **described, "parameters": parameters},
    }


def _callable(tools: list[dict[str, Any]], choice: Any) -> dict[str, Schema]:
    """Return the arguments' schema of each function that may be called, by name."""
    named = choice["function"]["name"] if isinstance(choice, dict) else None
    functions = [tool["function"] for tool in tools]
    return {
        each["name"]: _arguments(each["parameters"])
        for each in functions
        if named in (None, each["name"])
    }


def _arguments(parameters: Schema) -> Schema:
    """Return the schema of arguments: an object, and with no name that the function lacks."""
    schema = dict(parameters)
    if not _COMBINATIONS & schema.keys():
        schema["type"] = "object"
    if schema.get("type") != "object":
        return schema
    if not schema.get("properties") and "additionalProperties" not in schema:
        return _NO_ARGUMENTS
    schema.setdefault("additionalProperties", False)
    return schema


def _calls(functions: dict[str, Schema], most: int) -> dict[str, Any]:
    """Return the schema of a list of calls; definitions are named by number, not by strangers."""
    places = {_place(number): name for number, name in enumerate(functions)}
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": name}, "arguments": reference(place)},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for place, name in places.items()
    ]
    root = {"type": "array", "minItems": 1, "maxItems": most, "items": {"anyOf": calls}}
    return one_of({place: functions[name] for place, name in places.items()}, root)


def _calls_or_answer(calls: dict[str, Any], response_format: dict[str, Any]) -> dict[str, Any]:
    asked = (response_format.get("json_schema") or {}).get("schema") or {"type": "object"}
    functions = calls.pop("$defs")
    either = one_of({_ANSWER: asked}, {"anyOf": [calls, reference(_ANSWER)]})
    return {**either, "$defs": {**either["$defs"], **functions}}


class CallReader:
    """Reads calls out of the text of one choice as it grows; other text is passed through."""

    def __init__(self) -> None:
        self._held = ""
        self._is_text = False
        self._value: _Value | None = None
        self._count = 0

    @property
    def has_calls(self) -> bool:
        """Whether a call has begun."""
        return self._count > 0

    def take(self, text: str) -> tuple[str, list[ToolCallDelta]]:
        """Return what `text` adds: text that is no list of calls, and pieces of calls."""
        if self._is_text:
            return text, []
        self._held += text
        begun = self._held.lstrip()
        if begun and not self._count and begun[0] != "[":
            self._is_text = True
            return self._held, []
        pieces: list[ToolCallDelta] = []
        while piece := self._next():
            _append(pieces, piece)
        return "", pieces

    def _next(self) -> ToolCallDelta | None:
        if self._value is None:
            return self._open()
        end = self._value.end_in(self._held)
        arguments = self._held if end is None else self._held[:end]
        self._held = self._held[len(arguments) :]
        if end is not None:
            self._value = None
        if not arguments:
            return None
        return ToolCallDelta(index=self._count - 1, function=FunctionDelta(arguments=arguments))

    def _open(self) -> ToolCallDelta | None:
        opening = _CALL_OPENING.match(self._held)
        if opening is None:
            return None
        self._held = self._held[opening.end() :]
        self._value = _Value()
        self._count += 1
        function = FunctionDelta(name=opening[1], arguments="")
        return ToolCallDelta(self._count - 1, new_id("call"), "function", function)


def _append(pieces: list[ToolCallDelta], piece: ToolCallDelta) -> None:
    """Add a piece to the others of one chunk, where a call has one at most."""
    last = pieces[-1] if pieces else None
    if last is None or last.index != piece.index:
        pieces.append(piece)
    elif isinstance(last.function, FunctionDelta) and isinstance(piece.function, FunctionDelta):
        last.function.arguments = (last.function.arguments or "") + (piece.function.arguments or "")


class _Value:
    """Where a JSON value ends."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_in_text = False
        self._is_escaped = False

    def end_in(self, text: str) -> int | None:
        """Return how much of `text` belongs to the value, or None where it goes on after it."""
        for position, character in enumerate(text):
            if self._is_in_text:
                self._within_text(character)
            elif character == '"':
                self._is_in_text = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    return position + 1
                if self._depth < 0:  # it closes what the value is in
                    return position
            elif character == "," and self._depth == 0:
                return position
        return None

    def _within_text(self, character: str) -> None:
        if self._is_escaped:
            self._is_escaped = False
        elif character == "\\":
            self._is_escaped = True
        elif character == '"':
            self._is_in_text = False
