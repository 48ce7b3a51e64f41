"""A provider that behaves as DashScope's compatible mode does: what it refuses, with which body,
and how its streams look. Written against its public documentation and public error reports.

`dashscope("intl")` and `dashscope("cn")` are two hosts; each accepts only its own region's key.
A prompt with `FORBIDDEN` is refused by content inspection, one with `FORBIDDEN-LATE` amid the
stream, `ARREARS` by billing, `THROTTLE` by rate limit.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.upstreams.chat_echo import (
    Draft,
    Refusal,
    completion,
    draft,
    embeddings,
    stream_chunks,
    text_of,
)
from tests.upstreams.http_server import Behaviour, Call, Reply

KEYS = {"intl": "sk-intl-000000000001", "cn": "sk-cn-000000000002", "us": "sk-us-000000000003"}

_ALWAYS_THINKING = ("qwq", "qvq")
_STREAM_ONLY = ("qwq", "qvq", "qwen-omni", "qwen3-omni", "qwen2.5-omni")
_THINKING_BY_DEFAULT = ("qwen3.5", "qwen3.6", "qwen3-8b", "qwen3-32b", "qwen3-235b-a22b")
_MAY_THINK = ("qwen-plus", "qwen-flash", "qwen-turbo", "qwen3-max", *_THINKING_BY_DEFAULT)
_MODELS = (*_MAY_THINK, *_STREAM_ONLY, "qwen-max", "qwen-vl", "qwen-coder", "text-embedding-v")
_ROLES = ("system", "assistant", "user", "tool", "function")
_MAX_INPUTS = 10


def dashscope(region: str) -> Behaviour:
    """Return the behaviour of one region's host."""

    async def behave(call: Call, reply: Reply) -> None:
        request_id = hashlib.sha256(call.body).hexdigest()[:32]
        try:
            if call.key != KEYS[region]:
                raise _wrong_key()
            await _route(call, reply)
        except Refusal as refusal:
            body = {
                "error": refusal.error,
                "id": f"chatcmpl-{request_id}",
                "request_id": request_id,
            }
            await reply.json(body, refusal.status)

    return behave


def _wrong_key() -> Refusal:
    return Refusal(
        "Incorrect API key provided. For details, see the error codes in the documentation.",
        401,
        code="invalid_api_key",
    )


def _refused(message: str) -> Refusal:
    return Refusal(message, code="invalid_parameter_error")


async def _route(call: Call, reply: Reply) -> None:
    match call.method, call.path:
        case "POST", "/chat/completions":
            await _chat(call.json, reply)
        case "POST", "/embeddings":
            _check_embeddings(call.json)
            await reply.json(embeddings(call.json))
        case _:
            raise Refusal("Not found", 404)


async def _chat(body: dict[str, Any], reply: Reply) -> None:
    _check_model(body)
    _check_messages(body)
    _check_thinking(body)
    _check_json_mode(body)
    _check_n(body)
    _check_content(body)
    # The token limit is only known under its old name; the new one is without effect.
    known = {name: value for name, value in body.items() if name != "max_completion_tokens"}
    made = [draft(known, number) for number in range(body.get("n") or 1)]
    if thinks(body):
        for one in made:
            one.reasoning = "Let me think."
    if body.get("stream"):
        await reply.events(_stream(known, made))
    else:
        await reply.json({**completion(known, made), "system_fingerprint": None})


def thinks(body: dict[str, Any]) -> bool:
    """Whether the model thinks before it answers this request."""
    model = body["model"]
    if model.startswith(_ALWAYS_THINKING) or "-thinking" in model:
        return True
    if not model.startswith(_MAY_THINK) or "-instruct" in model:
        return False
    return bool(body.get("enable_thinking", model.startswith(_THINKING_BY_DEFAULT)))


def _check_model(body: dict[str, Any]) -> None:
    model = body.get("model", "")
    if not model.startswith(_MODELS):
        raise Refusal(
            f"The model `{model}` does not exist or you do not have access to it.",
            404,
            code="model_not_found",
        )


def _check_messages(body: dict[str, Any]) -> None:
    if not body.get("messages"):
        raise _refused("[] is too short - 'messages'")
    for number, message in enumerate(body["messages"]):
        if message.get("role") not in _ROLES:
            raise _refused(
                f"{message.get('role')} is not one of {list(_ROLES)} - 'messages.{number}.role'"
            )
        if message.get("content") is None:
            raise _refused(f"Input should be a valid string: messages.{number}.content")


def _check_thinking(body: dict[str, Any]) -> None:
    model = body["model"]
    if not body.get("stream"):
        if model.startswith(_STREAM_ONLY):
            raise _refused(
                "This model only support stream mode, please enable the stream parameter to "
                "access the model. "
            )
        if thinks(body):
            raise _refused("parameter.enable_thinking must be set to false for non-streaming calls")
    choice = body.get("tool_choice")
    if thinks(body) and (choice == "required" or isinstance(choice, dict)):
        raise _refused(
            "The tool_choice parameter does not support being set to required or object in "
            "thinking mode"
        )
    if thinks(body) and _wants_json(body):
        raise _refused("Json mode response is not supported when enable_thinking is true")


def _wants_json(body: dict[str, Any]) -> bool:
    return (body.get("response_format") or {}).get("type") in ("json_object", "json_schema")


def _check_json_mode(body: dict[str, Any]) -> None:
    texts = [text_of(message["content"]).lower() for message in body["messages"]]
    if _wants_json(body) and not any("json" in text for text in texts):
        raise _refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'."
        )


def _check_n(body: dict[str, Any]) -> None:
    if (body.get("n") or 1) > (1 if body.get("tools") else 4):
        raise _refused("Range of n should be [1, 4], and 1 with tools")


def _check_content(body: dict[str, Any]) -> None:
    text = " ".join(text_of(message["content"]) for message in body["messages"])
    if "FORBIDDEN" in text and "FORBIDDEN-LATE" not in text:
        raise Refusal(
            "Input data may contain inappropriate content.",
            type="data_inspection_failed",
            code="data_inspection_failed",
        )
    if "ARREARS" in text:
        raise Refusal(
            "Access denied, please make sure your account is in good standing.",
            type="Arrearage",
            code="Arrearage",
        )
    if "THROTTLE" in text:
        raise Refusal(
            "Requests rate limit exceeded, please try again later.",
            429,
            type="limit_requests",
            code="limit_requests",
        )


def _check_embeddings(body: dict[str, Any]) -> None:
    inputs = body.get("input")
    inputs = [inputs] if isinstance(inputs, str) else inputs
    if any(not isinstance(one, str) for one in inputs):
        raise _refused("Value error, contents is neither str nor list of str.: input.contents")
    if len(inputs) > _MAX_INPUTS:
        raise _refused(
            "Value error, batch size is invalid, it should not be larger than 10.: input.contents"
        )


def _stream(body: dict[str, Any], made: list[Draft]) -> Iterator[dict[str, Any]]:
    """Yield chunks as DashScope words them: roles repeated, nulls, empty ids and names."""
    is_late = "FORBIDDEN-LATE" in json.dumps(body["messages"])
    for number, chunk in enumerate(stream_chunks(body, made)):
        if is_late and number == 2:
            error = {"message": "Output data may contain inappropriate content."}
            error |= {"type": "data_inspection_failed", "code": "data_inspection_failed"}
            yield {"error": error, "request_id": "late"}
            return
        for choice in chunk["choices"]:
            _garble(choice["delta"])
        yield {**chunk, "system_fingerprint": None}


def _garble(delta: dict[str, Any]) -> None:
    if not delta:
        delta["content"] = ""
    if "reasoning_content" in delta:
        delta["content"] = None
    for call in delta.get("tool_calls", ()):
        delta["content"] = None
        delta["role"] = "assistant"
        call.setdefault("id", "")
        call.setdefault("type", "function")
        call["function"].setdefault("name", "")
