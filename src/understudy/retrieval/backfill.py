"""Embeds what was read into vector stores before an embedding model was configured.

Works in the background, one batch of chunks at a time, and goes on after a crash where it stood.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from sqlalchemy import Row, Select, Update, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.retrieval.embed import EmbeddingErrors
from understudy.retrieval.vectors import Vectors, text_to_embed
from understudy.store.schema import chunks, vector_store_files
from understudy.store.storage import Storage

_log = logging.getLogger(__name__)

_BATCH = 64
_PAUSE_S = 300.0
_files = vector_store_files.c


@dataclass(frozen=True, slots=True)
class _File:
    """A file as one attempt read it into a store."""

    seq: int
    attempt: int
    vector_store_id: str


class Backfill:
    """The files of one server that lack vectors."""

    def __init__(self, storage: Storage, vectors: Vectors) -> None:
        self._storage = storage
        self._vectors = vectors
        self._turn = anyio.Lock()
        self._is_done = False
        self._refused: dict[str, float] = {}

    async def step(self) -> bool:
        """Embed a batch of chunks; tell whether there was one, and nobody else at it."""
        if self._is_done or self._vectors.index is None or self._turn.locked():
            return False
        async with self._turn:
            return await self._step()

    async def _step(self) -> bool:
        file = await self._next_file()
        if file is None:
            # Whatever is read from now on gets its vectors while it is read.
            self._is_done = not self._refused
            return False
        try:
            await self._embed_some(file)
        except EmbeddingErrors as error:
            _log.warning(
                "the vector store %s is searched by words alone, since its files cannot be "
                "embedded now: %s",
                file.vector_store_id,
                error.message,
            )
            self._refused[file.vector_store_id] = time.monotonic() + _PAUSE_S
        return True

    async def _next_file(self) -> _File | None:
        now = time.monotonic()
        self._refused = {id_: until for id_, until in self._refused.items() if until > now}
        wanted = (
            select(_files.seq, _files.attempt, _files.vector_store_id)
            .where(
                _files.status == "completed",
                _files.deleted_at.is_(None),
                _files.embedding_model.is_(None),
                _files.vector_store_id.not_in(list(self._refused)),
            )
            .order_by(_files.seq)
            .limit(1)
        )
        async with self._storage.database.read() as connection:
            found = (await connection.execute(wanted)).first()
        return None if found is None else _File(*found)

    async def _embed_some(self, file: _File) -> None:
        embedding = await self._vectors.reader_of(file.vector_store_id)
        if embedding is None:
            return
        async with self._storage.database.read() as connection:
            rows = (await connection.execute(_lacking(file.seq))).all()
        texts = [text_to_embed(row.text, row.heading) for row in rows]
        embedded = await embedding.embed(texts) if texts else []
        async with self._storage.database.write() as connection:
            if not await _still_stands(connection, file):
                return
            if not rows:
                await connection.execute(_finished(file, embedding.model))
                return
            await embedding.settle(connection, embedded)
            await _fill(connection, rows, embedded)
            await embedding.index.add(connection, file.seq, rows[0].position)


def _lacking(file_seq: int) -> Select[Any]:
    return (
        select(chunks.c.seq, chunks.c.position, chunks.c.text, chunks.c.heading)
        .where(chunks.c.file_seq == file_seq, chunks.c.embedding.is_(None))
        .order_by(chunks.c.position)
        .limit(_BATCH)
    )


async def _still_stands(connection: AsyncConnection, file: _File) -> bool:
    """Tell whether the file is the one that was looked at, and keep it so."""
    wanted = (
        select(_files.seq)
        .where(
            _files.seq == file.seq,
            _files.attempt == file.attempt,
            _files.status == "completed",
            _files.deleted_at.is_(None),
        )
        .with_for_update()
    )
    return (await connection.execute(wanted)).first() is not None


def _finished(file: _File, model: str) -> Update:
    return update(vector_store_files).where(_files.seq == file.seq).values(embedding_model=model)


async def _fill(
    connection: AsyncConnection, rows: Sequence[Row[Any]], embedded: Sequence[bytes]
) -> None:
    filled = update(chunks).where(chunks.c.seq == bindparam("lacking"))
    given = [
        {"lacking": row.seq, "embedding": vector}
        for row, vector in zip(rows, embedded, strict=True)
    ]
    await connection.execute(filled.values(embedding=bindparam("embedding")), given)
