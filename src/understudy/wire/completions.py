"""Legacy text completions on the wire: the request's types, the answer, and its chunks."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.wire.chat import Penalty, Probability, StreamOptions, Usage

DEFAULT_MAX_TOKENS = 16
"""What an absent `max_tokens` means here, unlike in chat (spec)."""


class CompletionRequestShape(Struct):
    """Types and bounds of a text completion request."""

    prompt: str | list[Any] | None = None
    model: str | None = None
    best_of: Annotated[int, Meta(ge=0, le=20)] | None = None
    echo: bool | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    presence_penalty: Penalty | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Probability | None = None
    user: str | None = None


class TextChoice(Struct):
    """One completed text, or a piece of it in a stream."""

    text: str
    index: int
    finish_reason: str | None
    logprobs: dict[str, Any] | None = None


class TextCompletion(Struct):
    """A text completion; chunks of a stream have the same shape."""

    id: str
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage | UnsetType | None = UNSET
    object: str = "text_completion"
