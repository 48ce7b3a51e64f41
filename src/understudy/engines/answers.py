"""Plain answers of upstream servers in OpenAI's form, and the parts that streams share: finish
reasons, text, usage. Pure.
"""

from typing import Any

from msgspec import UNSET, UnsetType

from understudy.engines.decode import RawAnswer, RawChoice, RawFunction, RawMessage, RawUsage
from understudy.engines.tool_call_pieces import arguments_text
from understudy.ids import new_id, now_s
from understudy.wire.chat import (
    ChatCompletion,
    ChatRequest,
    Choice,
    CompletionTokensDetails,
    FunctionCall,
    Message,
    PromptTokensDetails,
    ToolCall,
    Usage,
)

CHARACTERS_PER_TOKEN = 4
"""For the estimate where a provider reports no usage; documented in docs/providers.md."""

_FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
_FINAL = frozenset({"length", "content_filter"})


def finish_reason(upstream: str | None, *, has_calls: bool) -> str:
    """Return the reason in OpenAI's closed set: calls and their reason always go together.

    A reason that nobody knows (`eos`, `end_turn`) is `stop`.
    """
    reason = _FINISH_REASONS.get((upstream or "").lower(), "stop")
    if reason in _FINAL:
        return reason
    return "tool_calls" if has_calls else "stop"


def text_of(content: Any) -> str | None:
    """Return content as text; a list of parts is joined, None stays None."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part_text(part) for part in content)
    return None


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def reasoning_of(message: RawMessage) -> str | None:
    """Return the reasoning under whichever of its two names the server uses."""
    return text_of(message.reasoning_content) or text_of(message.reasoning)


def usage_of(raw: RawUsage) -> Usage:
    """Return the counts with details as objects; the total is the sum where it is missing."""
    prompt = raw.prompt_tokens or raw.input_tokens or 0
    completion = raw.completion_tokens or raw.output_tokens or 0
    said = raw.prompt_tokens_details or {}
    made = raw.completion_tokens_details or {}
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=raw.total_tokens or prompt + completion,
        prompt_tokens_details=PromptTokensDetails(
            cached_tokens=_count(said, "cached_tokens"),
            audio_tokens=_count(said, "audio_tokens"),
        ),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=_count(made, "reasoning_tokens"),
            audio_tokens=_count(made, "audio_tokens"),
            accepted_prediction_tokens=_count(made, "accepted_prediction_tokens"),
            rejected_prediction_tokens=_count(made, "rejected_prediction_tokens"),
        ),
    )


def _count(details: dict[str, Any], name: str) -> int:
    value = details.get(name)
    return int(value) if isinstance(value, int | float) else 0


def estimated_usage(prompt_characters: int, completion_characters: int) -> Usage:
    """Return an estimate for servers that report no usage."""
    prompt = -(-prompt_characters // CHARACTERS_PER_TOKEN)
    completion = -(-completion_characters // CHARACTERS_PER_TOKEN)
    return Usage(prompt, completion, prompt + completion)


def prompt_characters(request: ChatRequest) -> int:
    """Return how many characters of text the messages of `request` hold."""
    return sum(len(text_of(message.get("content")) or "") for message in request["messages"])


def plain_answer(raw: RawAnswer, request: ChatRequest) -> ChatCompletion | None:
    """Return the answer in OpenAI's form, or None when it holds no choice."""
    if not raw.choices:
        return None
    choices = _choices(raw.choices)
    usage = usage_of(raw.usage) if raw.usage else None
    if usage is None:
        made = sum(_message_characters(choice.message) for choice in choices)
        usage = estimated_usage(prompt_characters(request), made)
    return ChatCompletion(
        id=str(raw.id or new_id("chatcmpl-")),
        created=int(raw.created or now_s()),
        model=raw.model or request["model"],
        choices=choices,
        usage=usage,
        system_fingerprint=raw.system_fingerprint or UNSET,
        service_tier=raw.service_tier or UNSET,
    )


def _choices(raw: list[RawChoice]) -> list[Choice]:
    """Return the choices in the order of their indexes, renumbered where those make no sense."""
    ordered = sorted(raw, key=lambda choice: choice.index or 0)
    return [_choice(choice, index) for index, choice in enumerate(ordered)]


def _choice(raw: RawChoice, index: int) -> Choice:
    message = _message(raw.message or raw.delta or RawMessage())
    return Choice(
        index=index,
        message=message,
        finish_reason=finish_reason(raw.finish_reason, has_calls=message.tool_calls is not UNSET),
        logprobs=complete_logprobs(raw.logprobs),
    )


def complete_logprobs(logprobs: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the log probabilities with both lists that the API requires, which may be null."""
    return None if logprobs is None else {"content": None, "refusal": None, **logprobs}


def _message(raw: RawMessage) -> Message:
    calls = _tool_calls(raw)
    content = text_of(raw.content)
    if content is None and calls is UNSET and not raw.refusal:
        content = ""
    return Message(
        content=content,
        refusal=raw.refusal or None,
        reasoning_content=reasoning_of(raw) or UNSET,
        tool_calls=calls,
        annotations=raw.annotations or UNSET,
        audio=raw.audio or UNSET,
    )


def _tool_calls(raw: RawMessage) -> list[ToolCall] | UnsetType:
    functions: list[tuple[Any, RawFunction]] = [
        (call.id, call.function) for call in raw.tool_calls or () if call.function
    ]
    if not functions and raw.function_call:
        functions = [(None, raw.function_call)]
    seen: set[str] = set()
    calls = []
    for upstream_id, function in functions:
        call_id = str(upstream_id or "")
        if not call_id or call_id in seen:
            call_id = new_id("call")
        seen.add(call_id)
        arguments = arguments_text(function.arguments) or "{}"
        calls.append(ToolCall(call_id, FunctionCall(function.name or "", arguments)))
    return calls or UNSET


def _message_characters(message: Message) -> int:
    texts = (message.content, message.reasoning_content)
    total = sum(len(text) for text in texts if isinstance(text, str))
    if message.tool_calls is not UNSET:
        calls = (call.function for call in message.tool_calls)
        total += sum(len(call.name) + len(call.arguments) for call in calls)
    return total
