"""The protocol that every engine speaks, and the record of what a model can do.

An engine receives requests that were validated and adapted to its capabilities by `chat/`: legacy
`functions` are already `tools`, and a parameter that it cannot honour never arrives.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

ModelKind = Literal["chat", "embedding", "moderation"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model can do. `chat/` adapts a request to it or refuses by name.

    The defaults describe a complete OpenAI-compatible server.
    """

    kind: ModelKind | None = None
    """None where it cannot be known; the provider then judges."""
    tools: bool = True
    forced_tool_choice: bool = True
    parallel_tool_calls: bool = True
    json_object: bool = True
    json_schema: bool = True
    logprobs: bool = True
    n: bool = True
    penalties: bool = True
    logit_bias: bool = True
    seed: bool = True
    vision: bool = True
    audio: bool = True
    text_completions: bool = False
    """Serves `/completions` itself; otherwise the prompt is sent as one user message."""
    token_ids: bool = True
    """Takes token ids as prompt or embedding input."""
    unknown_fields: bool = True
    """Forwards request fields that nobody here knows, such as `enable_thinking`."""
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as `/v1/models` lists it."""

    id: str
    owned_by: str
    created: int
    kind: ModelKind = "chat"


class Engine(Protocol):
    """Answers requests for the models of one provider. Model names are the provider's own."""

    name: str

    def capabilities(self, model: str) -> Capabilities:
        """Return what `model` can do; never touches the network."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer's chunks; the last one carries `usage`.

        Raises a ProviderError, before the first chunk or in between. Closing the generator cancels
        the work behind it.
        """
        ...

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer; cancelling the task cancels the work behind it."""
        ...

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one vector per input, in the order of the inputs."""
        ...

    async def models(self) -> list[ModelInfo]:
        """Return the models that can be used now; an empty list when the provider is away."""
        ...

    async def aclose(self) -> None:
        """Release connections and processes."""
        ...


@runtime_checkable
class TextEngine(Protocol):
    """An engine that also serves legacy text completions itself."""

    async def complete_text(self, request: dict[str, object]) -> dict[str, object]:
        """Return a whole `text_completion`."""
        ...

    def stream_text(self, request: dict[str, object]) -> AsyncGenerator[dict[str, object], None]:
        """Yield the chunks of a `text_completion`, usage on the last."""
        ...


@runtime_checkable
class ModerationEngine(Protocol):
    """An engine that also serves moderations."""

    async def moderate(self, request: dict[str, object]) -> dict[str, object]:
        """Return the provider's moderation answer."""
        ...
