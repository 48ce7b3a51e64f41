"""A whole answer as a stream of chunks, and the usage rule of streams. Pure."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    ChunkChoice,
    Delta,
    FunctionDelta,
    Message,
    ToolCallDelta,
    Usage,
)


def chunks_of(completion: ChatCompletion) -> Iterator[ChatChunk]:
    """Yield a whole answer as a stream: each choice in one chunk, its finish reason, the usage."""
    for choice in completion.choices:
        delta = _delta(choice.message)
        logprobs = UNSET if choice.logprobs is None else choice.logprobs
        yield _chunk(completion, [ChunkChoice(choice.index, delta, logprobs=logprobs)])
    for choice in completion.choices:
        yield _chunk(completion, [ChunkChoice(choice.index, Delta(), choice.finish_reason)])
    yield _chunk(completion, [], completion.usage)


def _chunk(
    completion: ChatCompletion, choices: list[ChunkChoice], usage: Usage | UnsetType = UNSET
) -> ChatChunk:
    return ChatChunk(
        completion.id,
        completion.created,
        completion.model,
        choices,
        usage,
        system_fingerprint=completion.system_fingerprint,
        service_tier=completion.service_tier,
    )


def _delta(message: Message) -> Delta:
    calls = [
        ToolCallDelta(
            index, call.id, call.type, FunctionDelta(call.function.name, call.function.arguments)
        )
        for index, call in enumerate(message.tool_calls or ())
    ]
    return Delta(
        role=message.role,
        content=message.content if message.content is not None else UNSET,
        refusal=message.refusal if message.refusal is not None else UNSET,
        reasoning_content=message.reasoning_content,
        tool_calls=calls or UNSET,
        annotations=message.annotations,
        audio=message.audio,
    )


def with_usage_last(chunk: ChatChunk) -> tuple[ChatChunk, ...]:
    """Return what a client that asked for usage gets: null until a last chunk without choices."""
    usage = chunk.usage
    last: tuple[ChatChunk, ...] = ()
    if isinstance(usage, Usage):
        last = (msgspec.structs.replace(chunk, choices=[], usage=usage),)
    if not chunk.choices:
        return last
    chunk.usage = None
    return (chunk, *last)


def without_usage(chunk: ChatChunk) -> tuple[ChatChunk, ...]:
    """Return what a client that did not ask for usage gets: nothing of a chunk without choices."""
    if not chunk.choices:
        return ()
    chunk.usage = UNSET
    return (chunk,)
