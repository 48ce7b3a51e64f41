"""Structured output for models that do not enforce a schema: validate the answer, ask again."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from jsonschema.exceptions import best_match
from referencing.exceptions import Unresolvable

from understudy.engines.base import Engine
from understudy.engines.json_schema import validator
from understudy.errors import InvalidRequest, ProviderFailed
from understudy.wire.chat import ChatCompletion, ChatRequest, Usage

MAX_ATTEMPTS = 3
_PARAM = "response_format.json_schema.schema"


async def complete_validated(
    engine: Engine, request: ChatRequest, schema: Mapping[str, Any]
) -> ChatCompletion:
    """Return an answer whose content is valid against `schema`; usage counts every attempt.

    An answer that calls tools, or was cut by its token limit, is returned as it is. Raises
    ProviderFailed when `MAX_ATTEMPTS` answers in a row were not valid.
    """
    usage = Usage()
    problem = ""
    for _ in range(MAX_ATTEMPTS):
        completion = await engine.complete(request)
        usage = add_usage(usage, completion.usage)
        completion.usage = usage
        choice = completion.choices[0]
        if choice.finish_reason != "stop":
            return completion
        problem = schema_problem(choice.message.content or "", schema)
        if not problem:
            choice.message.content = _bare_json(choice.message.content or "")
            return completion
        request = _with_correction(request, choice.message.content or "", problem)
    raise ProviderFailed(
        f"'{request.get('model')}' gave no answer that is valid against the schema of "
        f"'response_format' in {MAX_ATTEMPTS} attempts; last: {problem}. "
        "Simplify the schema, or use a model that enforces schemas."
    )


def schema_problem(content: str, schema: Mapping[str, Any]) -> str:
    """Say what keeps `content` from being valid JSON of `schema`; an empty string when nothing.

    Raises InvalidRequest when `schema` refers to what it does not hold: no URL is fetched.
    """
    try:
        value = msgspec.json.decode(_bare_json(content))
    except msgspec.DecodeError as error:
        return f"not JSON: {error}"
    try:
        worst = best_match(validator(schema).iter_errors(value))
    except (Unresolvable, RecursionError) as error:
        raise InvalidRequest(
            f"Invalid schema for '{_PARAM}': a reference in it leads nowhere, or to itself.",
            param=_PARAM,
            code="invalid_json_schema",
        ) from error
    return f"{worst.json_path}: {worst.message[:300]}" if worst else ""


def _bare_json(content: str) -> str:
    """Strip the Markdown fence that models like to put around JSON."""
    text = content.strip()
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text


def _with_correction(request: ChatRequest, answer: str, problem: str) -> ChatRequest:
    correction = f"That is not valid: {problem}. Answer again with valid JSON only."
    messages = [
        *request["messages"],
        {"role": "assistant", "content": answer},
        {"role": "user", "content": correction},
    ]
    return cast("ChatRequest", {**request, "messages": messages})


def add_usage(one: Usage, other: Usage) -> Usage:
    """Return the sum of two calls' usage."""
    total: Usage = msgspec.convert(
        _sum(msgspec.to_builtins(one), msgspec.to_builtins(other)), Usage
    )
    return total


def _sum(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _sum(value, other[name]) if isinstance(value, dict) else value + other[name]
        for name, value in one.items()
    }
