"""Requests rewritten so that DashScope takes them. Pure; docs/providers.md lists the repairs."""

from typing import Any, cast

from understudy.engines.qwen import QwenModel
from understudy.wire.chat import ChatRequest

_JSON_FORMATS = frozenset({"json_object", "json_schema"})
_JSON_LINE = "Answer in JSON."
_NO_THINKING_EFFORTS = frozenset({"none", "minimal"})


def repaired(request: ChatRequest, model: QwenModel) -> ChatRequest:
    """Return `request` in the form that DashScope accepts for `model`."""
    body: dict[str, Any] = dict(request)
    body["messages"] = [_message(message) for message in request["messages"]]
    _rename_token_limit(body)
    _decide_thinking(body, model)
    if _wants_json(body):
        body["messages"] = _with_json_line(body["messages"])
    return cast("ChatRequest", body)


def must_stream(request: ChatRequest, model: QwenModel) -> bool:
    """Whether a repaired request is only answered as a stream."""
    return model.stream_only or _thinks(cast("dict[str, Any]", request), model)


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without the role and the null that DashScope does not know."""
    if message.get("role") == "developer":
        return {**message, "role": "system"}
    if message.get("role") == "assistant" and message.get("content") is None:
        return {**message, "content": ""}
    return message


def _rename_token_limit(body: dict[str, Any]) -> None:
    limit = body.pop("max_completion_tokens", None)
    if limit is not None:
        body["max_tokens"] = limit


def _decide_thinking(body: dict[str, Any], model: QwenModel) -> None:
    """Set `enable_thinking` where the request implies it: by effort, or by what excludes it."""
    if model.thinking not in ("off", "on"):
        return
    effort = body.pop("reasoning_effort", None)
    if effort is not None and body.get("enable_thinking") is None:
        body["enable_thinking"] = effort not in _NO_THINKING_EFFORTS
    if _thinks(body, model) and (_forces_a_tool(body) or _wants_json(body)):
        body["enable_thinking"] = False
        body.pop("thinking_budget", None)


def _thinks(body: dict[str, Any], model: QwenModel) -> bool:
    if model.thinking in ("none", "always"):
        return model.thinking == "always"
    asked = body.get("enable_thinking")
    return model.thinking == "on" if asked is None else bool(asked)


def _forces_a_tool(body: dict[str, Any]) -> bool:
    choice = body.get("tool_choice")
    return choice == "required" or isinstance(choice, dict)


def _wants_json(body: dict[str, Any]) -> bool:
    return (body.get("response_format") or {}).get("type") in _JSON_FORMATS


def _with_json_line(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with the word "json" in one of them, which JSON mode demands."""
    if any("json" in _text(message.get("content")).lower() for message in messages):
        return messages
    first, *rest = messages
    if first.get("role") != "system":
        return [{"role": "system", "content": _JSON_LINE}, *messages]
    content = first.get("content")
    if isinstance(content, list):
        longer: Any = [*content, {"type": "text", "text": _JSON_LINE}]
    else:
        longer = f"{content or ''}\n{_JSON_LINE}".lstrip()
    return [{**first, "content": longer}, *rest]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
