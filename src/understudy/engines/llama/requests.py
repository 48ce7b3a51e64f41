"""A chat request in the words of llama.cpp's server. Pure; docs/local-models.md lists what differs.

Which calls a request forces is decided in `forced_calls`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta, Struct

from understudy.engines.base import Capabilities
from understudy.engines.llama.schemas import JSON_FORMATS, is_enforced
from understudy.errors import InvalidValue
from understudy.wire.base import check_shape
from understudy.wire.chat import ChatRequest, Probability

_NO_THINKING_EFFORTS: Final = frozenset({"none", "minimal"})
_SEEDS: Final = 2**32 - 1
"""llama.cpp's seeds have 32 bits, and the largest of them means a random one."""
_MOST_TOKENS: Final = 2**31 - 1
_ALL: Final = -1
_WHOLE_TEXT: Final = 131_072
"""Tokens; llama.cpp keeps room for as many as it is told to look back at."""
_SWITCH: Final = re.compile(r"^\s*/(no_)?think\b|(?<!\S)/(no_)?think\s*$")
_PENALTIES: Final = ("presence_penalty", "frequency_penalty", "repeat_penalty")

Positive = Annotated[float, Meta(gt=0)]
LookBack = Annotated[int, Meta(ge=-1, le=_WHOLE_TEXT)]


class LlamaFields(Struct):
    """Types and bounds of the fields that local models know and OpenAI's API does not."""

    top_k: Annotated[int, Meta(ge=-1)] | None = None
    """0 and -1 mean all tokens."""
    min_p: Probability | None = None
    typical_p: Probability | None = None
    top_n_sigma: float | None = None
    repetition_penalty: Positive | None = None
    repeat_penalty: Positive | None = None
    repeat_last_n: LookBack | None = None
    """How many tokens the penalties look back; -1 means all."""
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_last_n: LookBack | None = None
    xtc_probability: Probability | None = None
    xtc_threshold: Probability | None = None
    mirostat: Annotated[int, Meta(ge=0, le=2)] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    dynatemp_range: float | None = None
    dynatemp_exponent: float | None = None
    ignore_eos: bool | None = None
    cache_prompt: bool | None = None
    grammar: str | None = None
    """GBNF, in place of `response_format`."""
    enable_thinking: bool | None = None
    thinking_budget: Annotated[int, Meta(ge=0)] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: str | None = None


CHAT: Final = Capabilities(
    kind="chat",
    vision=False,
    audio=False,
    text_completions=True,
    unknown_fields=False,
    extra_fields=frozenset(LlamaFields.__struct_fields__),
    enforces_schema=is_enforced,
)
"""What llama.cpp's server can do with a text model."""


def llama_request(request: ChatRequest) -> ChatRequest:
    """Return `request` as llama.cpp understands it; raise InvalidRequest for a value out of bounds.

    `n` and forced calls stay as they are. Where an answer may be ended from here, at a stop string
    or a second call, every chunk will say how many tokens there are.
    """
    body = sampling_body(request)
    _refuse_second_grammar(body)
    body["messages"] = [_message(message) for message in request["messages"]]
    _decide_thinking(body)
    if body.get("logprobs"):
        # 0 switches them off there, and an absent field means 20.
        body["top_logprobs"] = max(body.get("top_logprobs", 0), 1)
    if "tools" in body:
        body.setdefault("parallel_tool_calls", True)
        if not body["parallel_tool_calls"]:
            body["timings_per_token"] = True
    return cast("ChatRequest", body)


def sampling_body(request: Mapping[str, object]) -> dict[str, Any]:
    """Return a request, of chats or of texts, with what it says of sampling in llama.cpp's words.

    Raises InvalidRequest for a value out of bounds.
    """
    check_shape(request, LlamaFields)
    body: dict[str, Any] = {name: value for name, value in request.items() if value is not None}
    _rename(body)
    _look_back_at_everything(body)
    if body.pop("stop", None):
        body["timings_per_token"] = True
    if "seed" in body:
        body["seed"] %= _SEEDS
    return body


def thinks(request: ChatRequest) -> bool | None:
    """Tell whether `request` switches thinking on or off; None where it says nothing.

    `/think` and `/no_think` count at the beginning or end of a user's or system message, the last
    one of all.
    """
    fields = cast("dict[str, Any]", request)
    asked = fields.get("enable_thinking")
    if asked is None:
        asked = (fields.get("chat_template_kwargs") or {}).get("enable_thinking")
    if asked is None and fields.get("reasoning_effort") in _NO_THINKING_EFFORTS:
        asked = False
    if asked is False:
        return False
    switched = _switched(request["messages"])
    return asked if switched is None else switched


def _switched(messages: list[dict[str, Any]]) -> bool | None:
    for message in reversed(messages):
        if message.get("role") in ("user", "system"):
            switches = list(_SWITCH.finditer(_text(message.get("content"))))
            if switches:
                return "no_" not in switches[-1][0]
    return None


def _refuse_second_grammar(body: Mapping[str, Any]) -> None:
    """Refuse a grammar beside what is held to one of its own."""
    has_format = (body.get("response_format") or {}).get("type") in JSON_FORMATS
    may_call = bool(body.get("tools")) and body.get("tool_choice") != "none"
    if body.get("grammar") and (has_format or may_call):
        raise InvalidValue("grammar", "it cannot stand beside 'tools' or a 'response_format'")


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as chat templates know them: role, content and calls."""
    if message.get("role") == "developer":
        return {**message, "role": "system"}
    if message.get("tool_calls"):
        return {**message, "tool_calls": [_call(call) for call in message["tool_calls"]]}
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [_part(part) for part in content]}
    return {**message, "content": ""} if content is None else message


def _part(part: Any) -> Any:
    """Return a part of a message, a refusal as text."""
    if isinstance(part, dict) and part.get("type") == "refusal":
        return {"type": "text", "text": part["refusal"]}
    return part


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    arguments = _as_object(function.get("arguments") or "")
    return {**call, "function": {**function, "arguments": arguments}}


def _as_object(arguments: str) -> str:
    """Return arguments as the JSON object that templates expect; an answer may have broken off."""
    if not arguments.strip():
        return "{}"
    try:
        is_object = isinstance(msgspec.json.decode(arguments), dict)
    except msgspec.DecodeError:
        is_object = False
    return arguments if is_object else msgspec.json.encode({"arguments": arguments}).decode()


def _decide_thinking(body: dict[str, Any]) -> None:
    decided = thinks(cast("ChatRequest", body))
    body.pop("enable_thinking", None)
    if decided is not None:
        kwargs = body.get("chat_template_kwargs") or {}
        body["chat_template_kwargs"] = {**kwargs, "enable_thinking": decided}


def _rename(body: dict[str, Any]) -> None:
    for name, theirs in (
        ("max_completion_tokens", "max_tokens"),
        ("repetition_penalty", "repeat_penalty"),
        ("thinking_budget", "thinking_budget_tokens"),
    ):
        if name in body:
            body[theirs] = body.pop(name)
    for name in ("max_tokens", "thinking_budget_tokens"):
        if name in body:
            body[name] = min(body[name], _MOST_TOKENS)


def _look_back_at_everything(body: dict[str, Any]) -> None:
    """Count tokens in the whole text, as the API says, where llama.cpp looks at the last 64."""
    if any(name in body for name in _PENALTIES):
        body.setdefault("repeat_last_n", _ALL)
    for name in ("repeat_last_n", "dry_penalty_last_n"):
        if body.get(name) == _ALL:
            body[name] = _WHOLE_TEXT


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
