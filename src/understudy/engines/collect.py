"""Puts the chunks of a stream together into the answer that they make up. Pure."""

from msgspec import UNSET

from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    Choice,
    Delta,
    FunctionCall,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)


class Collector:
    """Puts the chunks of one stream together into the answer they make up."""

    def __init__(self) -> None:
        self._last: ChatChunk | None = None
        self._usage = Usage()
        self._choices: dict[int, Choice] = {}

    def add(self, chunk: ChatChunk) -> None:
        """Take the next chunk of the stream."""
        self._last = chunk
        if isinstance(chunk.usage, Usage):
            self._usage = chunk.usage
        for part in chunk.choices:
            choice = self._choices.setdefault(part.index, Choice(part.index, Message(), None))
            _extend_message(choice.message, part.delta)
            if part.finish_reason is not None:
                choice.finish_reason = part.finish_reason
            if part.logprobs:
                _extend_logprobs(choice, part.logprobs)

    def completion(self) -> ChatCompletion:
        """Return the answer so far; raises ValueError when there was no chunk."""
        if self._last is None:
            raise ValueError("no chunk was added")
        return ChatCompletion(
            id=self._last.id,
            created=self._last.created,
            model=self._last.model,
            choices=[self._choices[index] for index in sorted(self._choices)],
            usage=self._usage,
            system_fingerprint=self._last.system_fingerprint,
            service_tier=self._last.service_tier,
        )


def _extend_message(message: Message, delta: Delta) -> None:
    if delta.content is not UNSET:
        message.content = (message.content or "") + delta.content
    if delta.refusal is not UNSET:
        message.refusal = (message.refusal or "") + delta.refusal
    if delta.reasoning_content is not UNSET:
        message.reasoning_content = (message.reasoning_content or "") + delta.reasoning_content
    if delta.annotations is not UNSET:
        message.annotations = [*(message.annotations or ()), *delta.annotations]
    for piece in delta.tool_calls or ():
        _extend_calls(message, piece)


def _extend_calls(message: Message, piece: ToolCallDelta) -> None:
    calls = message.tool_calls or []
    message.tool_calls = calls
    while len(calls) <= piece.index:
        calls.append(ToolCall("", FunctionCall("", "")))
    call = calls[piece.index]
    call.id = piece.id or call.id
    if piece.function is not UNSET:
        call.function.name = piece.function.name or call.function.name
        call.function.arguments += piece.function.arguments or ""


def _extend_logprobs(choice: Choice, part: dict[str, object]) -> None:
    held = choice.logprobs or {"content": None, "refusal": None}
    for name in ("content", "refusal"):
        if isinstance(entries := part.get(name), list):
            held[name] = [*(held[name] or ()), *entries]
    choice.logprobs = held
