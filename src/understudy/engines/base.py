"""The protocol that every engine speaks, and the record of what a model can do.

An engine receives requests that were validated and adapted to its capabilities by `chat/`: legacy
`functions` are already `tools`, and a parameter that it cannot honour never arrives.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

ModelKind = Literal["chat", "embedding", "moderation", "speech", "transcription"]
AudioTask = Literal["transcriptions", "translations"]


def _any_schema(_: Mapping[str, Any]) -> bool:
    return True


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
    max_completion_tokens: bool = True
    """Knows the limit of an answer by this name; otherwise it is sent as `max_tokens`."""
    vision: bool = True
    audio: bool = True
    text_completions: bool = False
    """Serves `/completions` itself; otherwise the prompt is sent as one user message."""
    token_ids: bool = True
    """Takes token ids as prompt or embedding input."""
    unknown_fields: bool = True
    """Forwards request fields that nobody here knows, such as `enable_thinking`."""
    extra_fields: frozenset[str] = frozenset()
    """What it knows beyond the API, or uses of its hints, where it forwards nothing unknown."""
    enforces_schema: Callable[[Mapping[str, Any]], bool] = _any_schema
    """Whether `json_schema` holds for a schema; where not, answers are validated as well."""
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


@dataclass(frozen=True, slots=True)
class AudioForm:
    """A recording for a provider, and the fields of the form that it is sent in."""

    path: Path
    filename: str
    fields: Mapping[str, str | list[str]]
    """A list is sent as `name[]`, once for each value."""


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """The body of a provider's answer as it arrives: audio, text, JSON or events."""

    content_type: str
    pieces: AsyncGenerator[bytes, None]


@runtime_checkable
class AudioEngine(Protocol):
    """An engine whose provider may have the audio endpoints; bytes go through as they are.

    Both raise a ProviderError, or UnsupportedParameter where the provider has no such endpoint.
    Leaving the block ends the call.
    """

    def speak(self, request: Mapping[str, object]) -> AbstractAsyncContextManager[MediaAnswer]:
        """Open the answer to a request for speech."""
        ...

    def transcribe(
        self, task: AudioTask, form: AudioForm
    ) -> AbstractAsyncContextManager[MediaAnswer]:
        """Open the answer to a request for the words of a recording."""
        ...
