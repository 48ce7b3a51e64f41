"""A plan as a whole completion or as the chunks of a stream; both say the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from understudy.engines.extractive import tokens
from understudy.engines.extractive.plan import Plan
from understudy.ids import new_id
from understudy.wire.chat import (
    ChatChunk,
    ChatCompletion,
    Choice,
    ChunkChoice,
    Delta,
    FunctionCall,
    FunctionDelta,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_FINGERPRINT = "fp_understudy_extractive_1"
_ARGUMENT_PIECE = re.compile(r".{1,16}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every part of one answer carries."""

    id: str
    created: int
    model: str
    choices: int


def envelope(model: str, choices: int, created: int) -> Envelope:
    """Return the envelope of a new answer with an id of its own."""
    return Envelope(new_id("chatcmpl-", 29), created, model, choices)


def completion(plan: Plan, carried: Envelope) -> ChatCompletion:
    """Return `plan` as a whole answer."""
    return ChatCompletion(
        id=carried.id,
        created=carried.created,
        model=carried.model,
        choices=[
            Choice(index=index, message=_message(plan), finish_reason=plan.finish_reason)
            for index in range(carried.choices)
        ],
        usage=_usage(plan, carried.choices),
        system_fingerprint=_FINGERPRINT,
    )


def chunks(plan: Plan, carried: Envelope) -> Iterator[ChatChunk]:
    """Yield `plan` in pieces, one choice after the other; the last chunk carries the usage."""
    for index in range(carried.choices):
        yield _chunk(carried, ChunkChoice(index, Delta(role="assistant")))
        for delta in _deltas(plan):
            yield _chunk(carried, ChunkChoice(index, delta))
        last = _chunk(carried, ChunkChoice(index, Delta(), finish_reason=plan.finish_reason))
        if index == carried.choices - 1:
            last.usage = _usage(plan, carried.choices)
        yield last


def _message(plan: Plan) -> Message:
    if not plan.calls:
        return Message(content=plan.text)
    made = [ToolCall(new_id("call"), FunctionCall(c.name, c.arguments)) for c in plan.calls]
    return Message(content=None, tool_calls=made)


def _deltas(plan: Plan) -> Iterator[Delta]:
    if not plan.calls:
        yield from (Delta(content=piece) for piece in tokens.words(plan.text) or [""])
        return
    for index, call in enumerate(plan.calls):
        opening = FunctionDelta(name=call.name, arguments="")
        yield Delta(tool_calls=[ToolCallDelta(index, new_id("call"), "function", opening)])
        for piece in _ARGUMENT_PIECE.findall(call.arguments):
            yield Delta(tool_calls=[ToolCallDelta(index, function=FunctionDelta(arguments=piece))])


def _chunk(carried: Envelope, choice: ChunkChoice) -> ChatChunk:
    return ChatChunk(
        id=carried.id,
        created=carried.created,
        model=carried.model,
        choices=[choice],
        system_fingerprint=_FINGERPRINT,
    )


def _usage(plan: Plan, choices: int) -> Usage:
    completion_tokens = plan.completion_tokens * choices
    return Usage(plan.prompt_tokens, completion_tokens, plan.prompt_tokens + completion_tokens)
