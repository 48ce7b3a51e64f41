"""Adapts a request to what a model can do: honoured, emulated, or refused by name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from understudy.engines.base import Capabilities
from understudy.errors import UnsupportedParameter
from understudy.settings import ModelSettings
from understudy.wire.chat import ChatRequest, ChatRequestShape

_KNOWN_FIELDS = frozenset(ChatRequestShape.__struct_fields__)
_HINTS = frozenset(
    {
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "verbosity",
    }
)
"""Fields of the API that an engine without unknown fields has no use for."""
_SCHEMA_PROMPT = (
    "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a request will be answered."""

    request: ChatRequest
    """What the engine gets."""
    copies: int = 1
    """How many calls make up the `n` choices."""
    schema: Mapping[str, Any] | None = None
    """The schema that answers are validated against, where the engine does not enforce it."""
    ignored: tuple[str, ...] = ()
    """Fields without effect, named in the header `x-understudy-ignored`."""


def adapt(
    request: ChatRequest, model: str, capabilities: Capabilities, defaults: ModelSettings
) -> Plan:
    """Return the plan for `request`; raise UnsupportedParameter for what `model` can't do."""
    fields = cast("dict[str, Any]", {k: v for k, v in request.items() if v is not None})
    fields["model"] = model
    _fill_defaults(fields, defaults)
    _refuse_unsupported(fields, model, capabilities)
    ignored = _drop_ignored(fields, capabilities)
    _reword(fields, capabilities)
    schema = None
    if _wants_schema(fields):
        asked = fields["response_format"]["json_schema"].get("schema") or {}
        if not capabilities.json_schema:
            schema = asked
            _ask_for_schema(fields, schema, capabilities)
        elif not capabilities.enforces_schema(asked):
            schema = asked
    copies = 1
    if not capabilities.n or schema is not None:
        copies = fields.pop("n", 1)
    return Plan(cast("ChatRequest", fields), copies, schema, ignored)


def _fill_defaults(fields: dict[str, Any], defaults: ModelSettings) -> None:
    if defaults.temperature is not None:
        fields.setdefault("temperature", defaults.temperature)
    if defaults.top_p is not None:
        fields.setdefault("top_p", defaults.top_p)
    if defaults.max_tokens is not None and "max_completion_tokens" not in fields:
        fields.setdefault("max_tokens", defaults.max_tokens)
    if not fields.get("tools", True):
        del fields["tools"]
        fields.pop("tool_choice", None)
    if "tools" not in fields:
        fields.pop("parallel_tool_calls", None)


def _refuse_unsupported(fields: dict[str, Any], model: str, can: Capabilities) -> None:
    forced = fields.get("tool_choice") == "required" or isinstance(fields.get("tool_choice"), dict)
    wanted_format = (fields.get("response_format") or {}).get("type")
    refusals = {
        "tools": not can.tools and bool(fields.get("tools")),
        "tool_choice": not can.forced_tool_choice and forced,
        "parallel_tool_calls": not can.parallel_tool_calls
        and fields.get("parallel_tool_calls") is False,
        "logprobs": not can.logprobs and bool(fields.get("logprobs")),
        "presence_penalty": not can.penalties and bool(fields.get("presence_penalty")),
        "frequency_penalty": not can.penalties and bool(fields.get("frequency_penalty")),
        "logit_bias": not can.logit_bias and bool(fields.get("logit_bias")),
        "seed": not can.seed and "seed" in fields,
        "response_format": not can.json_object and wanted_format == "json_object",
        "audio": not can.audio and "audio" in fields,
        "modalities": not can.audio and "audio" in fields.get("modalities", ()),
        "web_search_options": not can.unknown_fields and "web_search_options" in fields,
        "prediction": not can.unknown_fields and "prediction" in fields,
        "moderation": not can.unknown_fields and "moderation" in fields,
    }
    for param, is_refused in refusals.items():
        if is_refused:
            raise _unsupported(param, param, model)
    _refuse_custom_tools(fields, model)
    _refuse_parts(fields["messages"], model, can)


def _refuse_custom_tools(fields: dict[str, Any], model: str) -> None:
    for index, tool in enumerate(fields.get("tools", ())):
        if tool["type"] == "custom":
            raise _unsupported(f"tools[{index}].type", "tools of type 'custom'", model)


def _refuse_parts(messages: list[dict[str, Any]], model: str, can: Capabilities) -> None:
    refused = {
        kind
        for kind, supported in (
            ("image_url", can.vision),
            ("input_audio", can.audio),
            ("file", can.unknown_fields),
        )
        if not supported
    }
    if not refused:
        return
    for number, message in enumerate(messages):
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] in refused:
                param = f"messages[{number}].content[{index}]"
                raise _unsupported(param, f"content parts of type '{part['type']}'", model)


def _unsupported(param: str, what: str, model: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"'{model}' does not support {what}. Leave it out, or ask a model that does: "
        "GET /v1/models lists them.",
        param=param,
    )


def _drop_ignored(fields: dict[str, Any], can: Capabilities) -> tuple[str, ...]:
    """Remove what has no effect, and say what that was."""
    # What is stored is stored here, so providers get neither.
    is_stored = fields.pop("store", False)
    metadata = fields.pop("metadata", None)
    dropped = ["metadata"] if metadata and not is_stored else []
    if not can.unknown_fields:
        useless = [
            name
            for name in fields
            if (name not in _KNOWN_FIELDS or name in _HINTS) and name not in can.extra_fields
        ]
        for name in useless:
            del fields[name]
        dropped += useless
    return tuple(dropped)


def _reword(fields: dict[str, Any], can: Capabilities) -> None:
    """Say in other words what the model would not understand, or need not be told."""
    if not can.max_completion_tokens and "max_completion_tokens" in fields:
        limits = (fields.pop("max_completion_tokens"), fields.get("max_tokens"))
        fields["max_tokens"] = min(limit for limit in limits if limit is not None)
    if not can.forced_tool_choice and fields.get("tool_choice") == "none":
        # Functions that are not shown are not called.
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            fields.pop(name, None)
    if not can.parallel_tool_calls:
        # True allows several calls, and demands none.
        fields.pop("parallel_tool_calls", None)


def _wants_schema(fields: dict[str, Any]) -> bool:
    return (fields.get("response_format") or {}).get("type") == "json_schema"


def _ask_for_schema(
    fields: dict[str, Any], schema: Mapping[str, Any], capabilities: Capabilities
) -> None:
    """Put the schema into the prompt, and ask for JSON mode where there is one."""
    prompt = _SCHEMA_PROMPT + msgspec.json.encode(schema).decode()
    fields["messages"] = [{"role": "system", "content": prompt}, *fields["messages"]]
    if capabilities.json_object:
        fields["response_format"] = {"type": "json_object"}
    else:
        del fields["response_format"]
