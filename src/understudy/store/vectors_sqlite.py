"""Vectors on SQLite: exact search over matrices in the data directory, one a store.

A matrix is made from the vectors in the database and trusted only while the store's generation is
the one that it was made at. Whoever finds another one brings the matrix up to date first.
"""

from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2s
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotReady
from understudy.store.db import Store
from understudy.store.schema import chunks, vector_store_files
from understudy.store.vector_spaces import VectorSpace, all_spaces, find_spaces, has_vectors
from understudy.store.vectors import VectorQuery

if TYPE_CHECKING:
    from understudy.store.matrices import FileVersion, Matrix, Place

_MOST_OPEN = 256
_FILES_AT_ONCE = 200
_ROWS_AT_ONCE = 2_000
_THREADS = 2

_embedded = (
    select(chunks.c.file_seq, chunks.c.position, chunks.c.seq, chunks.c.embedding)
    .where(chunks.c.embedding.isnot(None))
    .order_by(chunks.c.file_seq, chunks.c.position)
)


class MappedVectors:
    """The matrices of one data directory."""

    def __init__(self, database: Store, folder: Path) -> None:
        self.database = database
        self._folder = folder
        self._open: OrderedDict[str, Matrix] = OrderedDict()
        self._saved: dict[str, int] = {}
        self._turns: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._threads: anyio.CapacityLimiter | None = None

    async def prepare(self) -> None:
        """Load what reads matrices, so that the first search does not wait for it."""
        self._threads = anyio.CapacityLimiter(_THREADS)
        await anyio.to_thread.run_sync(_load)

    async def add(self, connection: AsyncConnection, file_seq: int, from_position: int) -> None:
        """Do nothing: a matrix takes a file's vectors once the file is completed."""

    async def nearest(self, query: VectorQuery) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the chunks nearest to any of the queries, nearest first."""
        found: list[tuple[int, float]] = []
        for space in query.spaces:
            found += await self._nearest_in(space, query)
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[: query.limit]

    async def keep_up(self) -> None:
        """Bring every matrix up to date and save it, so that neither search nor start waits."""
        async with self.database.read() as connection:
            spaces = await all_spaces(connection)
        for space in spaces:
            if self._saved.get(space.vector_store_id) != space.generation:
                await self._save(space.vector_store_id)

    async def _nearest_in(self, space: VectorSpace, query: VectorQuery) -> list[tuple[int, float]]:
        files = None
        if query.where is not None:
            async with self.database.read() as connection:
                files = await _file_seqs(connection, space.vector_store_id, query.where)
        matrix = await self._current(space)
        return await anyio.to_thread.run_sync(
            matrix.nearest, query.queries, query.limit, files, limiter=self._threads
        )

    async def _save(self, vector_store_id: str) -> None:
        """Bring a store's matrix up to date and save it.

        Saving removes the files of other matrices, so nobody else may be about to use one.
        """
        async with self._turn(vector_store_id):
            matrix = await self._renewed(vector_store_id)
            if matrix.living.any():
                await anyio.to_thread.run_sync(matrix.place.save, matrix)
            else:
                await anyio.to_thread.run_sync(matrix.place.clear)
                del self._open[vector_store_id]  # nothing can be added behind a file that is gone
            self._saved[vector_store_id] = matrix.generation

    async def _current(self, space: VectorSpace) -> "Matrix":
        """Return the store's matrix, of the space's generation or a later one."""
        id_ = space.vector_store_id
        matrix = self._open.get(id_)
        if matrix is None or matrix.generation != space.generation:
            async with self._turn(id_):
                matrix = await self._renewed(id_)
        if id_ in self._open:
            self._open.move_to_end(id_)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return matrix

    @asynccontextmanager
    async def _turn(self, vector_store_id: str) -> AsyncIterator[None]:
        """Let one at a time change a store's matrix. Raises NotReady where files fail."""
        try:
            async with self._turns[vector_store_id]:
                yield
        except OSError as error:
            self._open.pop(vector_store_id, None)
            raise NotReady(
                f"The vectors cannot be searched ({error}): {self._folder} must be writable "
                "and have room."
            ) from error

    async def _renewed(self, vector_store_id: str) -> "Matrix":
        """Return the store's matrix as the database has it now; only within its `_turn`."""
        async with self.database.read() as connection:
            (space,) = await find_spaces(connection, [vector_store_id])
            matrix = self._open.get(vector_store_id)
            if matrix is not None and matrix.generation == space.generation:
                return matrix
            place = _place(self._folder, space)
            if matrix is None:
                saved = await anyio.to_thread.run_sync(place.load, space.generation)
                if saved is not None:
                    self._open[vector_store_id] = saved
                    return saved
                matrix = await anyio.to_thread.run_sync(place.create)
            extended = await _extended(connection, space, matrix)
        if extended.is_worn:
            extended = await anyio.to_thread.run_sync(place.rewritten, extended)
        self._open[vector_store_id] = extended
        return extended


async def _extended(connection: AsyncConnection, space: VectorSpace, matrix: "Matrix") -> "Matrix":
    """Return the matrix as the database has it now; reads only what the matrix lacks."""
    from understudy.store.matrices import Extension, rows_of

    versions = await _versions(connection, space.vector_store_id)
    added = Extension(matrix)
    async for part, attempts in _parts(connection, sorted(matrix.lacks(versions))):
        await anyio.to_thread.run_sync(added.write, rows_of(part, attempts))
    return matrix.extended(added, set(versions)).at(space.generation)


async def _parts(
    connection: AsyncConnection, lacking: "Sequence[FileVersion]"
) -> AsyncIterator[tuple[Sequence[Any], dict[int, int]]]:
    """Yield (file_seq, position, seq, embedding) of the files, some at a time, with attempts."""
    start, last_position = 0, -1
    while start < len(lacking):
        attempts = dict(lacking[start : start + _FILES_AT_ONCE])
        is_new = or_(chunks.c.file_seq > lacking[start][0], chunks.c.position > last_position)
        wanted = _embedded.where(chunks.c.file_seq.in_(attempts), is_new).limit(_ROWS_AT_ONCE)
        part = (await connection.execute(wanted)).all()
        if part:
            yield part, attempts
        if len(part) < _ROWS_AT_ONCE:
            start, last_position = start + _FILES_AT_ONCE, -1
        else:
            start, last_position = _place_of(part[-1].file_seq, lacking), part[-1].position


def _place_of(file_seq: int, versions: "Sequence[FileVersion]") -> int:
    return bisect_left(versions, file_seq, key=itemgetter(0))


async def _versions(connection: AsyncConnection, vector_store_id: str) -> "list[FileVersion]":
    wanted = select(vector_store_files.c.seq, vector_store_files.c.attempt)
    rows = await connection.execute(wanted.where(has_vectors([vector_store_id])))
    return [(seq, attempt) for seq, attempt in rows]


async def _file_seqs(
    connection: AsyncConnection, vector_store_id: str, where: ColumnElement[bool]
) -> set[int]:
    wanted = select(vector_store_files.c.seq).where(has_vectors([vector_store_id]), where)
    return set((await connection.scalars(wanted)).all())


def _place(folder: Path, space: VectorSpace) -> "Place":
    from understudy.store.matrices import Place

    # Ids may come from elsewhere, and not all of them make names of files.
    stem = blake2s(space.vector_store_id.encode(), digest_size=12).hexdigest()
    return Place(folder, stem, space.dimensions)


def _load() -> None:
    import understudy.store.matrices  # noqa: F401
