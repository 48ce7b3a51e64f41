"""The engine itself: requests in, plans rendered out. No decision about an answer is made here."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from understudy.engines import lexical
from understudy.engines.base import Capabilities, ModelInfo
from understudy.engines.extractive import plan as plans
from understudy.engines.extractive import render, tokens
from understudy.ids import now_s
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_Result = TypeVar("_Result")

CHAT_MODEL = "understudy-extractive"
EMBEDDING_MODEL = "understudy-lexical"
_CREATED = 1_767_225_600
_LONGEST_ON_LOOP = 20_000
_MOST_THREADS = 2

_CHAT = Capabilities(
    kind="chat",
    logprobs=False,
    vision=False,
    audio=False,
    token_ids=False,
    unknown_fields=False,
    context_length=plans.CONTEXT_LENGTH,
)
_EMBEDDING = Capabilities(
    kind="embedding",
    tools=False,
    forced_tool_choice=False,
    parallel_tool_calls=False,
    json_object=False,
    json_schema=False,
    logprobs=False,
    n=False,
    penalties=False,
    logit_bias=False,
    seed=False,
    vision=False,
    audio=False,
    unknown_fields=False,
)


class ExtractiveEngine:
    """The embedded models: a deterministic chat model and lexical embeddings."""

    name = "understudy"

    def __init__(self, clock: Callable[[], int] = now_s) -> None:
        """`clock` gives the Unix time that relative dates are resolved against."""
        self._clock = clock
        self._threads = anyio.CapacityLimiter(_MOST_THREADS)

    def capabilities(self, model: str) -> Capabilities:
        """Return what `model` can do."""
        return _EMBEDDING if model == EMBEDDING_MODEL else _CHAT

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer."""
        plan = await self._plan(request)
        return render.completion(plan, self._envelope(request))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer word by word; the last chunk carries the usage."""
        plan = await self._plan(request)
        for chunk in render.chunks(plan, self._envelope(request)):
            await anyio.lowlevel.checkpoint()
            yield chunk

    async def say(self, text: str, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield `text` as the answer to `request`, in the pieces of a stream."""
        for chunk in render.chunks(plans.saying(text, request), self._envelope(request)):
            await anyio.lowlevel.checkpoint()
            yield chunk

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one lexical vector per input."""
        inputs = request.get("input", [])
        dimensions = lexical.checked_dimensions(request.get("dimensions"))
        vectors = await self._run(
            _size(inputs), lambda: [lexical.embed(t, dimensions) for t in inputs]
        )
        return Embeddings(
            model=request.get("model") or EMBEDDING_MODEL,
            vectors=vectors,
            prompt_tokens=sum(
                tokens.count(part) if isinstance(part, str) else len(part) for part in inputs
            ),
        )

    async def models(self) -> list[ModelInfo]:
        """Return both models; they are always ready."""
        return [
            ModelInfo(CHAT_MODEL, self.name, _CREATED),
            ModelInfo(EMBEDDING_MODEL, self.name, _CREATED, kind="embedding"),
        ]

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""

    async def _plan(self, request: ChatRequest) -> plans.Plan:
        now = datetime.fromtimestamp(self._clock())
        return await self._run(_size(request.get("messages")), lambda: plans.make(request, now))

    async def _run(self, size: int, work: Callable[[], _Result]) -> _Result:
        """Run `work`, in a thread when its input is large enough to hold up the event loop."""
        if size <= _LONGEST_ON_LOOP:
            return work()
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def _envelope(self, request: ChatRequest) -> render.Envelope:
        model = request.get("model") or CHAT_MODEL
        return render.envelope(model, request.get("n") or 1, self._clock())


def _size(value: object) -> int:
    """Return roughly how many characters a JSON value holds."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 0
