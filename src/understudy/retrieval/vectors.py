"""The vectors of a server's stores: embeds what is read and what is asked, and finds the nearest.

A store keeps the model that its first vector was made with. Without the setting
`retrieval.embedding_model` nothing is embedded and nothing found.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.engines.registry import Registry
from understudy.errors import (
    Conflict,
    NotReady,
    ProviderFailed,
    ProviderTimeout,
)
from understudy.retrieval.embed import PAUSES_S, Embedder, find_embedder
from understudy.retrieval.filters import Filter, to_sql
from understudy.settings import Settings
from understudy.store.db import Store
from understudy.store.storage import Storage
from understudy.store.vector_spaces import VectorSpace, find_spaces, settle_space
from understudy.store.vectors import VectorIndex, VectorQuery

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

_FLOAT_BYTES = 4
_KEEP_UP_EVERY_S = 30.0


class Vectors:
    """Embedding and vector search of one server; `open` comes first, once the store is open."""

    def __init__(
        self,
        storage: Storage,
        settings: Settings,
        registry: Registry,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._storage = storage
        self._registry = registry
        self._model = settings.retrieval.embedding_model
        self._query_s = settings.retrieval.embed_query_s
        self._folder = settings.data_dir / "vectors"
        self._pauses_s = pauses_s
        self._index: VectorIndex | None = None

    async def open(self) -> None:
        """Make ready what finds vectors. Raises StartupError where the database cannot."""
        if self._model is not None:
            self._index = _index(self._storage.database, self._folder)
            await self._index.prepare()

    async def run(self) -> None:
        """Keep what finds vectors up to date until cancelled, so that searches need not wait."""
        while self._index is not None:
            try:
                await self._index.keep_up()
            except (NotReady, SQLAlchemyError, OSError) as error:
                _log.warning("the index of vectors is not kept up to date now: %s", error)
            await anyio.sleep(_KEEP_UP_EVERY_S)

    @property
    def index(self) -> VectorIndex | None:
        """What finds vectors; None where nothing is embedded."""
        return self._index

    async def reader_of(self, vector_store_id: str) -> "Embedding | None":
        """Return what embeds the chunks of a store; None where nothing is embedded.

        Raises ModelNotFound or InvalidRequest where the model cannot be had.
        """
        if self._model is None or self._index is None:
            return None
        async with self._storage.database.read() as connection:
            spaces = await find_spaces(connection, [vector_store_id])
        embedder = await find_embedder(self._registry, spaces[0].model if spaces else self._model)
        return Embedding(embedder, self._index, vector_store_id, self._pauses_s)

    async def has_any(self, connection: AsyncConnection, vector_store_ids: Sequence[str]) -> bool:
        """Tell whether any of the stores holds vectors that can be searched."""
        return self._index is not None and bool(await find_spaces(connection, vector_store_ids))

    async def nearest(
        self,
        vector_store_ids: Sequence[str],
        queries: Sequence[str],
        where: Filter | None,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the chunks nearest to any query, nearest first.

        Raises ProviderError, ModelNotFound or InvalidRequest where the queries cannot be embedded.
        """
        asked = [query for query in queries if query.strip()]
        if self._index is None or not asked:
            return []
        database = self._storage.database
        async with database.read() as connection:
            spaces = await find_spaces(connection, vector_store_ids)
        condition = None if where is None else to_sql(where, database.dialect)
        found: list[tuple[int, float]] = []
        for (model, dimensions), alike in _by_model(spaces).items():
            vectors = await self._embed_queries(model, dimensions, asked)
            found += await self._index.nearest(VectorQuery(alike, vectors, condition, limit))
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:limit]

    async def _embed_queries(
        self, model: str, dimensions: int, queries: Sequence[str]
    ) -> "NDArray[np.float32]":
        embedder = await find_embedder(self._registry, model)
        try:
            with anyio.fail_after(self._query_s):
                vectors = await embedder.embed(queries)
        except TimeoutError as error:
            raise ProviderTimeout(
                f"'{model}' did not embed the query within {self._query_s:g} s "
                "(retrieval.embed_query_s)."
            ) from error
        if vectors.shape[1] != dimensions:
            raise ProviderFailed(_other_dimensions(model, vectors.shape[1], dimensions))
        return vectors


@dataclass(frozen=True, slots=True)
class Embedding:
    """How the chunks of one store get their vectors."""

    embedder: Embedder
    index: VectorIndex
    vector_store_id: str
    pauses_s: Sequence[float]

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.embedder.name

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors as they are stored; waits out failures that may pass."""
        vectors = await self.embedder.embed_patiently(texts, self.pauses_s)
        return [vector.tobytes() for vector in vectors]

    async def settle(self, connection: AsyncConnection, embeddings: Sequence[bytes]) -> None:
        """Make sure that the store takes these vectors. Raises Conflict where it has others."""
        for size_bytes in {len(embedding) for embedding in embeddings}:
            dimensions = size_bytes // _FLOAT_BYTES
            space = await settle_space(connection, self.vector_store_id, self.model, dimensions)
            if space.model != self.model:
                raise Conflict(
                    f"The vector store has vectors of '{space.model}', not of '{self.model}': "
                    "add the file again."
                )
            if space.dimensions != dimensions:
                raise Conflict(_other_dimensions(self.model, dimensions, space.dimensions))


def text_to_embed(text: str, heading: str | None) -> str:
    """Return what is embedded of a chunk: its heading tells what the text is about."""
    return f"{heading}\n\n{text}" if heading else text


def _index(database: Store, folder: Path) -> VectorIndex:
    if database.dialect == "postgresql":
        from understudy.store.vectors_postgres import PostgresVectors

        return PostgresVectors(database)
    from understudy.store.vectors_sqlite import MappedVectors

    return MappedVectors(database, folder)


def _by_model(spaces: Sequence[VectorSpace]) -> dict[tuple[str, int], list[VectorSpace]]:
    grouped: dict[tuple[str, int], list[VectorSpace]] = {}
    for space in spaces:
        grouped.setdefault((space.model, space.dimensions), []).append(space)
    return grouped


def _other_dimensions(model: str, given: int, expected: int) -> str:
    return (
        f"'{model}' gave vectors of {given} dimensions where the vector store has {expected}: its "
        "provider serves another model under this name. Create another vector store."
    )
