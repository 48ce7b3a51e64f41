"""Embeds texts with the model of a vector store, through whatever engine serves it.

Vectors come out as float32 of unit length, so that their inner product is the cosine. Knows neither
files nor databases.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from understudy.engines.registry import Registry, Route
from understudy.errors import (
    Conflict,
    InvalidRequest,
    ModelNotFound,
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnreachable,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

EmbeddingErrors = (ProviderError, ModelNotFound, InvalidRequest, Conflict)
"""What keeps texts from being embedded; each message names cause and remedy."""

_TEXTS_PER_CALL = 16
_CALLS_AT_ONCE = 4
_LONGEST_PAUSE_S = 60.0
PAUSES_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""How long work that can wait rests after each failure that may pass, on top of the retries that
`upstream_retries` allows a single call."""

_PASSING = (ProviderRateLimited, ProviderUnreachable, ProviderTimeout, ProviderFailed)


@dataclass(frozen=True, slots=True)
class Embedder:
    """Embeds with one model; `name` is the one by which the registry finds it again."""

    name: str
    route: Route

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return (texts, dimensions) float32, L2-normalised.

        Raises a ProviderError, or InvalidRequest where the engine refuses a text.
        """
        parts = list(_batched(texts, _TEXTS_PER_CALL))
        found: dict[int, list[list[float]]] = {}
        failures: list[ProviderError | InvalidRequest] = []
        free = anyio.CapacityLimiter(_CALLS_AT_ONCE)

        async def ask(number: int, part: list[str]) -> None:
            async with free:
                if failures:
                    return
                try:
                    found[number] = await self._ask(part)
                except (ProviderError, InvalidRequest) as error:
                    failures.append(error)

        async with anyio.create_task_group() as tasks:
            for number, part in enumerate(parts):
                tasks.start_soon(ask, number, part)
        if failures:
            raise failures[0]
        vectors = [vector for number in range(len(parts)) for vector in found[number]]
        return await anyio.to_thread.run_sync(_normalised, vectors, self.name)

    async def embed_patiently(
        self, texts: Sequence[str], pauses_s: Sequence[float] = PAUSES_S
    ) -> "NDArray[np.float32]":
        """Do the same, again after each pause while the failure is one that may pass."""
        for pause_s in pauses_s:
            try:
                return await self.embed(texts)
            except _PASSING as error:
                wait_s = max(pause_s, _retry_after_s(error))
                _log.warning("embedding rests for %s s: %s", wait_s, error.message)
                await anyio.sleep(wait_s)
        return await self.embed(texts)

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        answer = await self.route.engine.embed({"model": self.route.model, "input": texts})
        if len(answer.vectors) != len(texts):
            raise ProviderFailed(
                f"'{self.name}' gave {len(answer.vectors)} vectors for {len(texts)} texts."
            )
        return answer.vectors


async def find_embedder(registry: Registry, name: str) -> Embedder:
    """Return what embeds with the model `name`. Raises ModelNotFound or InvalidRequest."""
    route = await registry.find(name)
    if route is None:
        raise ModelNotFound(
            f"The embedding model '{name}' does not exist here: GET /v1/models lists what can be "
            "used. The setting retrieval.embedding_model names the model of new vector stores."
        )
    if route.engine.capabilities(route.model).kind not in (None, "embedding"):
        raise InvalidRequest(
            f"'{name}' is not a model for embeddings: correct the setting "
            "retrieval.embedding_model."
        )
    return Embedder(route.served, route)


def _normalised(vectors: list[list[float]], name: str) -> "NDArray[np.float32]":
    import numpy as np

    if not vectors or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ProviderFailed(f"'{name}' gave vectors of different lengths.")
    with np.errstate(over="ignore"):
        matrix: NDArray[np.float32] = np.array(vectors, dtype="<f4")
    if not np.isfinite(matrix).all():
        raise ProviderFailed(f"'{name}' gave vectors with values that are no numbers.")
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths > 0, lengths, 1)
    return matrix


def _batched(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(texts), size):
        yield list(texts[start : start + size])


def _retry_after_s(error: ProviderError) -> float:
    try:
        asked_s = float(error.headers.get("retry-after", "0"))
    except ValueError:  # a date, which no provider of models sends
        return 0.0
    return min(max(asked_s, 0.0), _LONGEST_PAUSE_S)
