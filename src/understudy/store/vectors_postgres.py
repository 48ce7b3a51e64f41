"""Vectors on PostgreSQL: pgvector, exact where few can be found and by an HNSW graph where many.

The table `chunk_vectors` holds the vectors in half precision, which is enough to choose candidates
and halves the graph; the cosines come from the float32 beside the chunks. The table is no part of
the schema, since a server without embeddings must do without the extension.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Row,
    Select,
    Text,
    bindparam,
    column,
    func,
    select,
    table,
    text,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

from understudy.errors import StartupError
from understudy.store.db import Store
from understudy.store.schema import chunks, vector_store_files
from understudy.store.vector_spaces import all_spaces, has_vectors
from understudy.store.vectors import VectorQuery

_log = logging.getLogger(__name__)

_OLDEST = (0, 8)
"""The first pgvector that goes on looking when a filter leaves too few."""
_MOST_DIMENSIONS = 4_000
"""More have no graph."""
_EXACT_UP_TO = 10_000
"""So many vectors are compared one by one, in less time than the graph takes."""
_GRAPH_FROM = 20_000
_LINKS, _BUILD_CANDIDATES = 32, 128
"""Twice what pgvector does by itself: of vectors that are far from everything, it missed a fifth of
the ten nearest."""
_CANDIDATES_OVER = 2
_BUILD_TIMEOUT_S = 86_400
_UNLOCK_TIMEOUT_S = 5
_LOCK = 7_215_020_827
_INDEXED_AT_ONCE = 500

_CREATE = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    (
        "CREATE TABLE IF NOT EXISTS chunk_vectors ("
        "seq bigint PRIMARY KEY REFERENCES chunks (seq) ON DELETE CASCADE,"
        " file_seq bigint NOT NULL, embedding halfvec NOT NULL)"
    ),
    "CREATE INDEX IF NOT EXISTS ix_chunk_vectors_file_seq ON chunk_vectors (file_seq)",
)
_ADD = text(
    "INSERT INTO chunk_vectors (seq, file_seq, embedding)"
    " VALUES (:seq, :file_seq, CAST(CAST(:embedding AS text) AS halfvec)) ON CONFLICT DO NOTHING"
)
_LACKING = text(
    "SELECT c.seq, c.embedding FROM chunks AS c WHERE c.file_seq = :file_seq"
    " AND c.position >= :from_position AND c.embedding IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM chunk_vectors AS v WHERE v.seq = c.seq)"
    " ORDER BY c.position LIMIT :most"
)
_INCOMPLETE_FILES = text(
    "SELECT f.seq FROM vector_store_files AS f"
    " WHERE f.embedding_model IS NOT NULL AND f.deleted_at IS NULL AND EXISTS"
    " (SELECT 1 FROM chunks AS c WHERE c.file_seq = f.seq AND c.embedding IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM chunk_vectors AS v WHERE v.seq = c.seq))"
)
_IS_LARGE = text(
    "SELECT count(*) = :least FROM (SELECT 1 FROM chunk_vectors"
    " WHERE vector_dims(embedding) = :dimensions LIMIT :least) AS counted"
)
_GRAPHS = text(
    "SELECT c.relname AS name, i.indisvalid FROM pg_index AS i"
    " JOIN pg_class AS c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = to_regclass('chunk_vectors') AND c.relname LIKE 'ix_chunk_vectors_hnsw_%'"
)
_SEARCH_SETTINGS = {
    "hnsw.ef_search": "400",
    "hnsw.iterative_scan": "strict_order",
    "hnsw.max_scan_tuples": "40000",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "join_collapse_limit": "1",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
_PREPARE_SEARCH = text(
    "SELECT "
    + ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in _SEARCH_SETTINGS.items()
    )
)

# Workers of a build share memory that containers are short of.
_BUILD_SETTINGS = "SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0"
_USUAL_SETTINGS = "RESET maintenance_work_mem; RESET max_parallel_maintenance_workers"


class _HalfVector(UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        return f"halfvec({self.dimensions})"


_vectors = table(
    "chunk_vectors",
    column("seq", BigInteger),
    column("file_seq", BigInteger),
    column("embedding"),
)


class PostgresVectors:
    """The vectors of one database."""

    def __init__(self, database: Store) -> None:
        self.database = database
        self._is_whole = False

    async def prepare(self) -> None:
        """Create the extension and the table. Raises StartupError where pgvector is missing."""
        try:
            async with self.database.write() as connection:
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                for statement in _CREATE:
                    await connection.execute(text(statement))
                version = await connection.scalar(
                    text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
                )
        except DBAPIError as error:
            raise StartupError(_missing(str(error.orig))) from error
        if tuple(int(part) for part in str(version).split(".")[:2]) < _OLDEST:
            raise StartupError(_missing(f"it has version {version}"))

    async def add(self, connection: AsyncConnection, file_seq: int, from_position: int) -> None:
        """Index the chunks of a file from a position on, in the transaction that stored them."""
        wanted = {"file_seq": file_seq, "from_position": from_position, "most": _INDEXED_AT_ONCE}
        while rows := (await connection.execute(_LACKING, wanted)).all():
            await connection.execute(_ADD, [_indexed(row, file_seq) for row in rows])

    async def nearest(self, query: VectorQuery) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the chunks nearest to any of the queries, nearest first."""
        condition = has_vectors([space.vector_store_id for space in query.spaces])
        if query.where is not None:
            condition = condition & query.where
        dimensions = query.queries.shape[1]
        embeddings: dict[int, bytes] = {}
        async with self.database.read() as connection:
            await connection.execute(_PREPARE_SEARCH)
            few = await _count(connection, condition) <= _EXACT_UP_TO
            wanted = (_exact if few else _by_graph)(condition, dimensions)
            for vector in query.queries:
                given = {"query": _written(vector), "most": _CANDIDATES_OVER * query.limit}
                seqs = [seq for (seq,) in await connection.execute(wanted, given)]
                embeddings |= await _embeddings(connection, seqs)
        return _ordered(embeddings, query)

    async def keep_up(self) -> None:
        """Index what a restored backup left out, and build the graphs that have become due."""
        if not self._is_whole:
            await self._complete()
            self._is_whole = True
        for name, dimensions, is_broken in await self._due():
            await self._build(name, dimensions, is_broken=is_broken)

    async def _due(self) -> list[tuple[str, int, bool]]:
        """Return (name, dimensions, whether there is a broken one) of the graphs to be built."""
        due = []
        async with self.database.read() as connection:
            graphs = {row.name: row.indisvalid for row in await connection.execute(_GRAPHS)}
            for dimensions in {space.dimensions for space in await all_spaces(connection)}:
                name = _graph(dimensions)
                if dimensions > _MOST_DIMENSIONS or graphs.get(name):
                    continue
                given = {"dimensions": dimensions, "least": _GRAPH_FROM}
                if await connection.scalar(_IS_LARGE, given):
                    due.append((name, dimensions, name in graphs))
        return due

    async def _complete(self) -> None:
        async with self.database.read() as connection:
            file_seqs = (await connection.scalars(_INCOMPLETE_FILES)).all()
        for file_seq in file_seqs:
            async with self.database.write() as connection:
                await self.add(connection, file_seq, 0)

    async def _build(self, name: str, dimensions: int, *, is_broken: bool) -> None:
        """Build a graph beside the work that goes on; one process at a time does."""
        engine = self.database.writer.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            if not await connection.scalar(select(func.pg_try_advisory_lock(_LOCK))):
                return
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            _log.info("building the graph of vectors with %s dimensions", dimensions)
            try:
                if is_broken:  # a build that was cut short leaves one
                    await driver.execute(f"DROP INDEX IF EXISTS {name}")
                await driver.execute(_BUILD_SETTINGS)
                await driver.execute(_graph_statement(name, dimensions), timeout=_BUILD_TIMEOUT_S)
            finally:
                with anyio.move_on_after(_UNLOCK_TIMEOUT_S, shield=True):
                    await driver.execute(f"SELECT pg_advisory_unlock({_LOCK}); {_USUAL_SETTINGS}")


def _missing(reason: str) -> str:
    return (
        "The setting retrieval.embedding_model needs the extension pgvector, version "
        f"{'.'.join(map(str, _OLDEST))} or newer, in the PostgreSQL database ({reason}): install "
        "it on the database server and have its administrator run CREATE EXTENSION vector, or "
        "remove the setting."
    )


def _graph(dimensions: int) -> str:
    return f"ix_chunk_vectors_hnsw_{dimensions}"


def _graph_statement(name: str, dimensions: int) -> str:
    return (
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON chunk_vectors"
        f" USING hnsw ((embedding::halfvec({dimensions})) halfvec_ip_ops)"
        f" WITH (m = {_LINKS}, ef_construction = {_BUILD_CANDIDATES})"
        f" WHERE vector_dims(embedding) = {dimensions}"
    )


def _indexed(row: Row[Any], file_seq: int) -> dict[str, Any]:
    import numpy as np

    embedding = _written(np.frombuffer(row.embedding, dtype="<f4"))
    return {"seq": row.seq, "file_seq": file_seq, "embedding": embedding}


def _written(vector: Any) -> str:
    """Return a vector as pgvector reads it."""
    return f"[{','.join(f'{value:.6g}' for value in vector.tolist())}]"


async def _count(connection: AsyncConnection, condition: ColumnElement[bool]) -> int:
    """Return how many vectors can be found, counting no further than it matters."""
    files = vector_store_files.join(_vectors, _vectors.c.file_seq == vector_store_files.c.seq)
    some = select(_vectors.c.seq).select_from(files).where(condition).limit(_EXACT_UP_TO + 1)
    return (
        await connection.execute(select(func.count()).select_from(some.subquery()))
    ).scalar_one()


def _exact(condition: ColumnElement[bool], dimensions: int) -> Select[Any]:
    files = vector_store_files.join(_vectors, _vectors.c.file_seq == vector_store_files.c.seq)
    # OFFSET 0 keeps the planner from the graph.
    every = select(_vectors).select_from(files).where(condition).offset(0).subquery()
    return _first(select(every.c.seq), every.c.embedding, dimensions)


def _by_graph(condition: ColumnElement[bool], dimensions: int) -> Select[Any]:
    files = _vectors.join(vector_store_files, vector_store_files.c.seq == _vectors.c.file_seq)
    # As the index has it, literally: a parameter would hide that the two conditions are one.
    is_in_graph = text(f"vector_dims(chunk_vectors.embedding) = {int(dimensions)}")
    found = select(_vectors.c.seq).select_from(files).where(is_in_graph, condition)
    return _first(found, sql_cast(_vectors.c.embedding, _HalfVector(dimensions)), dimensions)


def _first(found: Select[Any], embedding: Any, dimensions: int) -> Select[Any]:
    query = sql_cast(sql_cast(bindparam("query"), Text()), _HalfVector(dimensions))
    return found.order_by(embedding.op("<#>", return_type=Float())(query)).limit(bindparam("most"))


async def _embeddings(connection: AsyncConnection, seqs: Sequence[int]) -> dict[int, bytes]:
    wanted = select(chunks.c.seq, chunks.c.embedding).where(chunks.c.seq.in_(seqs))
    return {row.seq: row.embedding for row in await connection.execute(wanted)}


def _ordered(embeddings: Mapping[int, bytes], query: VectorQuery) -> list[tuple[int, float]]:
    import numpy as np

    if not embeddings:
        return []
    seqs = np.array(list(embeddings), dtype=np.int64)
    vectors = np.frombuffer(b"".join(embeddings.values()), dtype="<f4").reshape(len(seqs), -1)
    cosines = (vectors @ query.queries.T).max(axis=1)
    order = np.lexsort((seqs, -cosines))[: query.limit]
    return list(zip(seqs[order].tolist(), cosines[order].tolist(), strict=True))
