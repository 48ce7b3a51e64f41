"""Reads queued files into vector stores in the background: parse, cut, index, embed, store.

The queue is in the database: what was acknowledged is read to its end or fails with a reason,
whatever happens to this process. Knows no HTTP.
"""

import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from pathlib import PurePath

import anyio
import anyio.from_thread
import anyio.to_thread

from understudy.errors import NotFound, NotReady, UnderstudyError
from understudy.retrieval.backfill import Backfill
from understudy.retrieval.chunk import Chunk, Chunking, chunks
from understudy.retrieval.embed import EmbeddingErrors
from understudy.retrieval.extract import Block, ExtractionFailed, Limits
from understudy.retrieval.extract.sandbox import extract_in_child
from understudy.retrieval.terms import index_terms
from understudy.retrieval.vectors import Embedding, Vectors, text_to_embed
from understudy.settings import RetrievalSettings, Settings
from understudy.store import vector_store_files as queue
from understudy.store.chunks import NewChunk, delete_chunks, insert_chunks
from understudy.store.files import Files, StoredFile
from understudy.store.storage import Storage
from understudy.store.vector_store_files import Job

_log = logging.getLogger(__name__)

_BATCH = 64
"""Chunks stored in one transaction."""
_PURGED_AT_ONCE = 500
_POLL_S = 5.0
"""How soon a file is seen that another process queued, or whose worker died there."""
_MOST_ATTEMPTS = 6
_FAREWELL_S = 5.0


class _LeaseLost(Exception):
    """The file was removed, cancelled or taken over: what was read of it is not wanted."""


class Ingest:
    """The readers of one server; `run` owns them."""

    def __init__(self, storage: Storage, settings: Settings, vectors: Vectors) -> None:
        self._storage = storage
        self._vectors = vectors
        self._backfill = Backfill(storage, vectors)
        self._workers = settings.retrieval.workers
        self._limits = limits_of(settings.retrieval)
        # The lock on the data directory lets one process at a time bear this name, so whatever
        # is leased to it when it starts was leased to a process that is gone.
        self._owner = f"{socket.gethostname()}:{settings.data_dir}"
        self._woken = anyio.Event()

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()
        self._woken = anyio.Event()

    async def prepare(self) -> None:
        """Make ready what reading needs. Raises StartupError where the database lacks it."""
        await self._vectors.open()

    async def run(self) -> None:
        """Read files until cancelled."""
        async with self._storage.database.write() as connection:
            await queue.release_leases(connection, self._owner)
        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(self._workers):
                    tasks.start_soon(self._work)
                tasks.start_soon(self._vectors.run)
        finally:
            with anyio.move_on_after(_FAREWELL_S, shield=True):
                await self._give_back()

    async def _give_back(self) -> None:
        """Leave what is not read yet to the next start, without an attempt counted."""
        try:
            async with self._storage.database.write() as connection:
                await queue.give_back(connection, self._owner)
        except NotReady as error:
            _log.warning("the queue of files is not left in order: %s", error.message)

    async def _work(self) -> None:
        while True:
            woken = self._woken
            try:
                busy = await self._step()
            except NotReady as error:
                _log.warning("the queue of files cannot be read: %s", error.message)
                busy = False
            if not busy:
                with anyio.move_on_after(_POLL_S):
                    await woken.wait()

    async def _step(self) -> bool:
        """Read one file, or do what waits for idle times; tell whether there was any work."""
        async with self._storage.database.write() as connection:
            job = await queue.claim(connection, self._owner)
        if job is None:
            return await self._purge() or await self._backfill.step()
        await self._read(job)
        return True

    async def _purge(self) -> bool:
        async with self._storage.database.read() as connection:
            seq = await queue.find_leftovers(connection)
        if seq is None:
            return False
        async with self._storage.database.write() as connection:
            await delete_chunks(connection, seq, limit=_PURGED_AT_ONCE)
        return True

    async def _read(self, job: Job) -> None:
        """Read one file to its end: completed, failed with a reason, or no longer wanted."""
        try:
            if job.tries > _MOST_ATTEMPTS:
                raise ExtractionFailed("server_error", _GIVEN_UP)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep_lease, job)
                reading = _Reading(self._storage, job, await self._embedding(job))
                await reading.run(await self._file(job), self._limits)
                tasks.cancel_scope.cancel()
        except* _LeaseLost:
            _log.info("%s is no longer wanted in %s", job.file_id, job.vector_store_id)
        except* ExtractionFailed as group:
            await self._fail(job, _first(group))
        except* NotReady as group:
            _log.warning("reading %s is interrupted: %s", job.file_id, group.exceptions[0])
        except* Exception:  # the root of a job: its file fails, the others go on
            _log.exception("unexpected error while reading %s", job.file_id)
            await self._fail(job, ExtractionFailed("server_error", _UNEXPECTED))

    async def _file(self, job: Job) -> StoredFile:
        try:
            return await Files(self._storage, job.project_id).find(job.file_id)
        except NotFound as error:
            raise _LeaseLost from error

    async def _embedding(self, job: Job) -> Embedding | None:
        try:
            return await self._vectors.reader_of(job.vector_store_id)
        except EmbeddingErrors as error:
            raise _not_embedded(error) from error

    async def _keep_lease(self, job: Job) -> None:
        while True:
            await anyio.sleep(queue.LEASE_S / 3)
            async with self._storage.database.write() as connection:
                if not await queue.hold(connection, job):
                    raise _LeaseLost

    async def _fail(self, job: Job, failure: ExtractionFailed) -> None:
        error = {"code": failure.code, "message": failure.message}
        async with self._storage.database.write() as connection:
            await queue.hold(connection, job, status="failed", last_error=error, lease_until=None)


def limits_of(settings: RetrievalSettings) -> Limits:
    """Return what reading a file may take."""
    return Limits(
        time_s=settings.parse_time_s,
        memory_bytes=settings.parse_memory_bytes,
        pages=settings.parse_pages,
    )


class _Reading:
    """One attempt to read one file."""

    def __init__(self, storage: Storage, job: Job, embedding: Embedding | None) -> None:
        self._storage = storage
        self._job = job
        self._embedding = embedding
        self._usage_bytes = 0
        self._stored = 0

    async def run(self, file: StoredFile, limits: Limits) -> None:
        """Store the file's chunks and mark it completed. Raises ExtractionFailed, _LeaseLost."""
        path = self._storage.blobs.path(file.sha256)
        filename = file.file.filename
        async with aclosing(extract_in_child(path, filename, limits)) as blocks:
            await anyio.to_thread.run_sync(self._cut, blocks, filename)
        if not self._stored:
            raise ExtractionFailed("invalid_file", "The file holds no text.")
        model = None if self._embedding is None else self._embedding.model
        await self._store(
            [], status="completed", embedding_model=model, lease_until=None, lease_owner=None
        )

    def _cut(self, blocks: AsyncIterator[Block], filename: str) -> None:
        """Cut the blocks and hand the chunks over; runs in a thread, since cutting is CPU work."""
        chunking = Chunking(self._job.max_tokens, self._job.overlap_tokens)
        made = _until_cancelled(chunks(_from_loop(blocks), chunking))
        stem = PurePath(filename).stem
        while batch := [_new_chunk(chunk, stem) for chunk in islice(made, _BATCH)]:
            anyio.from_thread.run(self._embed_and_store, batch)

    async def _embed_and_store(self, batch: list[NewChunk]) -> None:
        if self._embedding is None:
            await self._store(batch)
            return
        texts = [text_to_embed(chunk.text, chunk.heading) for chunk in batch]
        try:
            embedded = await self._embedding.embed(texts)
            await self._store(_with_vectors(batch, embedded))
        except EmbeddingErrors as error:
            raise _not_embedded(error) from error

    async def _store(self, batch: list[NewChunk], **values: object) -> None:
        job = self._job
        self._usage_bytes += sum(len(chunk.text.encode()) for chunk in batch)
        async with self._storage.database.write() as connection:
            held = await queue.hold(connection, job, usage_bytes=self._usage_bytes, **values)
            if not held:
                raise _LeaseLost
            if not self._stored:
                await delete_chunks(connection, job.seq)  # of an attempt that was cut short
            await insert_chunks(connection, job.vector_store_id, job.seq, batch)
            if self._embedding is not None and batch:
                embeddings = [chunk.embedding for chunk in batch if chunk.embedding is not None]
                await self._embedding.settle(connection, embeddings)
                await self._embedding.index.add(connection, job.seq, batch[0].position)
        self._stored += len(batch)


def _from_loop(blocks: AsyncIterator[Block]) -> Iterator[Block]:
    """Yield, in a worker thread, what an iterator of the event loop yields."""

    async def following() -> Block | None:
        return await anext(blocks, None)

    while (block := anyio.from_thread.run(following)) is not None:
        yield block


def _until_cancelled(made: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield chunks while they are wanted: a server that stops waits for its threads."""
    for chunk in made:
        anyio.from_thread.check_cancelled()
        yield chunk


def _new_chunk(chunk: Chunk, stem: str) -> NewChunk:
    return NewChunk(
        position=chunk.index,
        text=chunk.text,
        page=chunk.page,
        heading=chunk.heading,
        tokens=chunk.tokens,
        terms=index_terms(chunk.text, stem, chunk.heading or ""),
    )


def _with_vectors(batch: Sequence[NewChunk], embedded: Sequence[bytes]) -> list[NewChunk]:
    return [replace(c, embedding=vector) for c, vector in zip(batch, embedded, strict=True)]


def _not_embedded(error: UnderstudyError) -> ExtractionFailed:
    return ExtractionFailed("server_error", f"The file could not be embedded. {error.message}")


def _first(group: BaseExceptionGroup[ExtractionFailed]) -> ExtractionFailed:
    error = group.exceptions[0]
    return error if isinstance(error, ExtractionFailed) else _first(error)


_GIVEN_UP = (
    "Reading the file stopped the server or was interrupted several times, so it was given up. "
    "Look into the server's log, then add the file again."
)
_UNEXPECTED = "The server had an error while reading the file; its log has the details."
