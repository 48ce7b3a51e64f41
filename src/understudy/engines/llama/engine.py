"""The local engine: every local model as one provider, each answered by a child of its own.

What a request must become for llama.cpp, and its answers in turn, is decided by pure modules.
Importing this module costs half a second, so only `registry` does, and late.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import anyio.to_thread

from understudy.engines.base import Capabilities, ModelInfo
from understudy.engines.collect import Collector
from understudy.engines.llama import failures
from understudy.engines.llama.failures import LOCAL
from understudy.engines.llama.launches import context_length
from understudy.engines.llama.models import LocalModel, LocalModels, capabilities_of
from understudy.engines.llama.supervisor import Running, Supervisor
from understudy.engines.llama.vectors import shortened
from understudy.errors import (
    ContextLengthExceeded,
    ModelNotFound,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    StreamBroken,
    UnderstudyError,
)
from understudy.settings import Settings
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_EMBEDDED_AT_ONCE: Final = 4
_END_SHOWS_WITHIN_S: Final = 1.0
"""A connection breaks before the system tells that its process is gone."""


class LlamaEngine:
    """Answers with the models that run on this machine."""

    name = LOCAL

    def __init__(self, settings: Settings, models: LocalModels) -> None:
        self._settings = settings.local
        self._models = models
        self._supervisor = Supervisor(settings.local, settings.timeouts)

    def capabilities(self, model: str) -> Capabilities:
        """Return what `model` can do, by its file."""
        found = self._find(model)
        return capabilities_of(found, context_length(found, self._settings))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer's chunks; the last one has no choices and carries `usage`."""
        async with (
            self._asking(request["model"], "messages") as running,
            aclosing(running.client.stream(request)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer; it is streamed, since a slow one is silent for minutes."""
        collector = Collector()
        async with aclosing(self.stream(request)) as chunks:
            async for chunk in chunks:
                collector.add(chunk)
        return collector.completion()

    async def complete_text(self, request: dict[str, object]) -> dict[str, object]:
        """Return a whole `text_completion`."""
        async with self._asking(str(request["model"]), "prompt") as running:
            return await running.client.complete_text(request)

    async def stream_text(
        self, request: dict[str, object]
    ) -> AsyncGenerator[dict[str, object], None]:
        """Yield the chunks of a `text_completion`; the last has no choices and carries `usage`."""
        async with (
            self._asking(str(request["model"]), "prompt") as running,
            aclosing(running.client.stream_text(request)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one vector per input, in the order of the inputs."""
        model, inputs = request["model"], request["input"]
        whole = Embeddings(model, [], 0)
        async with self._asking(model, "input") as running:
            # A call that was begun goes on to its end, whoever goes away.
            for start in range(0, len(inputs), _EMBEDDED_AT_ONCE):
                some = inputs[start : start + _EMBEDDED_AT_ONCE]
                part = await running.client.embed({"model": model, "input": some})
                whole.vectors += part.vectors
                whole.prompt_tokens += part.prompt_tokens
        return shortened(whole, request.get("dimensions"))

    async def models(self) -> list[ModelInfo]:
        """Return the models whose files can be read."""
        return await anyio.to_thread.run_sync(self._models.listed)

    def preload(self) -> None:
        """Begin to load the models that are to be kept."""
        self._supervisor.keep(self._models.preloaded())

    async def aclose(self) -> None:
        """End every child."""
        await self._supervisor.aclose()

    def _find(self, name: str) -> LocalModel:
        if (model := self._models.find(name)) is not None:
            return model
        raise ModelNotFound(
            f"There is no local model '{name}'. GET /v1/models lists those that there are.",
            param="model",
        )

    @asynccontextmanager
    async def _asking(self, name: str, param: str) -> AsyncIterator[Running]:
        """Lend the model to one request whose prompt is in `param`, and tell its failures."""
        async with self._supervisor.running(self._find(name)) as running:
            try:
                yield running
            except (ProviderUnreachable, ProviderFailed) as error:
                raise await _explained(error, name, running, param) from error
            except (ContextLengthExceeded, ProviderRefused) as error:
                raise failures.in_our_words(error, name, param) from error


async def _explained(
    error: UnderstudyError, name: str, running: Running, param: str
) -> UnderstudyError:
    """Return the error to show for one that came while the engine was asked."""
    if not await running.process.ends_within(_END_SHOWS_WITHIN_S):
        return failures.in_our_words(error, name, param)
    how = running.process.end
    if isinstance(error, StreamBroken):
        return failures.ended_in_answer(name, how)
    return failures.ended_before_answer(name, how)
