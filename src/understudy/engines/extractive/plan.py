"""One answer, decided before any of it is sent: a text or calls, why it ends, what it counts.

Pure: the same request at the same moment gives the same plan. Rendering it is `render`'s work.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from understudy.engines.extractive import (
    calls,
    choose,
    conversation,
    evidence,
    filling,
    json_mode,
    prose,
    results,
    structured,
    tokens,
)
from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive.conversation import Conversation
from understudy.engines.extractive.evidence import Evidence
from understudy.engines.extractive.parameters import label
from understudy.engines.extractive.phrases import enumerate_items, say
from understudy.engines.extractive.validity import UnsatisfiableError
from understudy.errors import ContextLengthExceeded, InvalidRequest
from understudy.wire.chat import ChatRequest

Mode = Literal["none", "auto", "required"]

CONTEXT_LENGTH = 131_072
_MODES: dict[str, Mode] = {"none": "none", "auto": "auto", "required": "required"}


@dataclass(frozen=True, slots=True)
class PlannedToolCall:
    """A call of the answer, its arguments already JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What every choice of the answer says, and its token counts for one choice."""

    text: str
    calls: tuple[PlannedToolCall, ...]
    finish_reason: Literal["stop", "length", "tool_calls"]
    prompt_tokens: int
    completion_tokens: int


def make(request: ChatRequest, now: datetime) -> Plan:
    """Return the plan for `request`.

    Raises ContextLengthExceeded, or InvalidRequest for a tool choice or schema that cannot be met.
    """
    messages = request.get("messages") or []
    prompt_tokens = tokens.count_prompt(messages, request.get("tools"))
    _refuse_longer(prompt_tokens)
    read = conversation.read(messages)
    found = _calls(request, read, now)
    if isinstance(found, list) and found:
        return _with_calls(found, request, prompt_tokens)
    text = found if isinstance(found, str) else _text(request, read, now)
    return _with_text(text, request, prompt_tokens)


def saying(text: str, request: ChatRequest) -> Plan:
    """Return the plan for `request` whose answer is known to be `text`, up to its limits."""
    messages = request.get("messages") or []
    return _with_text(text, request, tokens.count_prompt(messages, request.get("tools")))


def _refuse_longer(prompt_tokens: int) -> None:
    if prompt_tokens > CONTEXT_LENGTH:
        raise ContextLengthExceeded(
            f"This model's maximum context length is {CONTEXT_LENGTH} tokens. However, your "
            f"messages resulted in {prompt_tokens} tokens. Please reduce the length of the "
            "messages.",
            param="messages",
        )


# --- calls ------------------------------------------------------------------------------------


def _calls(
    request: ChatRequest, read: Conversation, now: datetime
) -> list[filling.PlannedCall] | str | None:
    """Return the calls to make, or the question to ask before one can be made."""
    functions = choose.read(request.get("tools"))
    mode, names = _choice(request.get("tool_choice"), functions)
    functions = [f for f in functions if names is None or f.name in names]
    if mode == "none" or not functions:
        return None
    wanted = filling.Request(read, functions, now)
    if mode == "required":
        name = functions[0].name if names is not None and len(functions) == 1 else None
        made = calls.remaining(calls.forced(wanted, name=name), read.since_user)
        return _limited(made or calls.forced(wanted, name=name).calls, request)
    if prose.is_small_talk(read):
        return None
    found = calls.wanted(wanted)
    if found.told and not read.has_fresh_results:
        return " ".join(results.facts(found.told, read.language))
    if found.missing and not read.has_fresh_results:
        return _question(found, read)
    if calls.were_made(found, read.before_user) and prose.of_earlier_results(read):
        return None
    return _limited(calls.remaining(found, read.since_user), request)


def _limited(found: list[filling.PlannedCall], request: ChatRequest) -> list[filling.PlannedCall]:
    return found[:1] if request.get("parallel_tool_calls") is False else found


def _choice(
    choice: str | dict[str, Any] | None, functions: list[choose.Function]
) -> tuple[Mode, set[str] | None]:
    """Return how a function is to be chosen, and among which names, None for all."""
    if not isinstance(choice, dict):
        return _MODES.get(choice or "auto", "auto"), None
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict):
        names = {_named(tool) for tool in allowed.get("tools") or []}
        return ("required" if allowed.get("mode") == "required" else "auto"), names
    name = _named(choice)
    if name not in {function.name for function in functions}:
        raise InvalidRequest(
            f"Invalid value for 'tool_choice': no function named '{name}' is among 'tools'.",
            param="tool_choice",
        )
    return "required", {name}


def _named(choice: Any) -> str:
    if not isinstance(choice, dict):
        return ""
    function = choice.get("function")
    named = function.get("name") if isinstance(function, dict) else choice.get("name")
    return named if isinstance(named, str) else ""


def _question(found: filling.Wanted, read: Conversation) -> str:
    names = [label(one) for one in found.missing]
    phrase = "ask" if len(names) == 1 else "ask_several"
    listed = enumerate_items(names, read.language)
    return say(phrase, read.language, missing=listed) + say("ask_question", read.language)


def _with_calls(found: list[filling.PlannedCall], request: ChatRequest, prompt_tokens: int) -> Plan:
    limit = _limit(request)
    made: list[PlannedToolCall] = []
    used = 0
    for call in found:
        arguments = json.dumps(call.arguments, ensure_ascii=False, default=str)
        size = tokens.count(call.name) + tokens.count(arguments)
        if limit is not None and used + size > limit:
            room = max(0, limit - used - tokens.count(call.name))
            made.append(PlannedToolCall(call.name, tokens.cut(arguments, room)))
            return Plan("", tuple(made), "length", prompt_tokens, limit)
        made.append(PlannedToolCall(call.name, arguments))
        used += size
    return Plan("", tuple(made), "tool_calls", prompt_tokens, used)


# --- text -------------------------------------------------------------------------------------


def _text(request: ChatRequest, read: Conversation, now: datetime) -> str:
    wanted = request.get("response_format") or {}
    kind = wanted.get("type")
    offered = [f.description or f.name for f in choose.read(request.get("tools"))]
    text = prose.write(read, offered)
    if kind == "json_object":
        schema = json_mode.schema_of(f"{read.system}\n{read.last_user}")
        told = evidence.read(json_mode.without_fields(read.last_user), read.language, now)
        return _json(schema, told, text)
    if kind == "json_schema":
        definition = wanted.get("json_schema")
        given = definition.get("schema") if isinstance(definition, dict) else None
        told = evidence.read(read.last_user, read.language, now)
        return _json(schemas.as_schema(given), told, text)
    return text


def _json(schema: dict[str, Any], told: Evidence, text: str) -> str:
    try:
        value = structured.instance(schema, told, text)
    except UnsatisfiableError as error:
        raise InvalidRequest(
            "Invalid schema for response_format: no instance that satisfies it was found. "
            "Check that its bounds, patterns and references can be met.",
            param="response_format",
        ) from error
    return json.dumps(json_mode.with_unknown(schema, value), ensure_ascii=False)


def _with_text(text: str, request: ChatRequest, prompt_tokens: int) -> Plan:
    text = _stopped(text, request.get("stop"))
    limit = _limit(request)
    size = tokens.count(text)
    if limit is not None and size > limit:
        return Plan(tokens.cut(text, limit), (), "length", prompt_tokens, limit)
    return Plan(text, (), "stop", prompt_tokens, size)


def _stopped(text: str, stop: str | list[str] | None) -> str:
    """Return `text` up to the first of the stop sequences."""
    sequences = [stop] if isinstance(stop, str) else stop or []
    ends = [text.find(sequence) for sequence in sequences if sequence]
    return text[: min((end for end in ends if end >= 0), default=len(text))]


def _limit(request: ChatRequest) -> int | None:
    limits = [request.get("max_completion_tokens"), request.get("max_tokens")]
    return min((limit for limit in limits if limit is not None), default=None)
