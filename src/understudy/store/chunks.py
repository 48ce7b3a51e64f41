"""Chunks of files and the index of their words, on both databases alike.

Every function works within the transaction of its caller. Terms come ready from `retrieval/terms`;
nothing here knows what a word is or how passages are ranked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2s
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    TextClause,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.schema import chunks, objects, vector_store_files
from understudy.store.term_counts import add_counts, subtract_counts

_HITS_PER_CANDIDATE = 2
_NO_LIMIT = 2**31 - 1
_STATEMENTS = 128
_FTS5_SYNTAX = ('"', "OR", "AND")
_TSQUERY_SYNTAX = ("'", "|", "&")

_ADD_WORDS = text("INSERT INTO chunks_fts (rowid, terms) VALUES (:seq, :terms)")
_FORGET_WORDS = text(
    "INSERT INTO chunks_fts (chunks_fts, rowid, terms) VALUES ('delete', :seq, :terms)"
)

_SEARCH_SETTINGS = {
    "enable_seqscan": "off",
    "join_collapse_limit": "1",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
_PREFER_INDEXES = text(
    "SELECT "
    + ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in _SEARCH_SETTINGS.items()
    )
)

_INDEXED_CHUNKS = table(
    "chunks",
    *(column(name.name, name.type) for name in chunks.columns),
    column("terms_indexed"),
)
"""The table on PostgreSQL, with the column that `schema` leaves out."""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to store; `terms` are the words that find it, as `retrieval/terms` writes them."""

    position: int
    text: str
    page: int | None
    heading: str | None
    tokens: int
    terms: str
    embedding: bytes | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms that a chunk must hold, all of them, to gain the weight."""

    terms: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may answer, with what ranking needs."""

    seq: int
    terms: str


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk as it is shown; `filename` is empty when the file itself is gone."""

    seq: int
    vector_store_id: str
    file_id: str
    filename: str
    attributes: dict[str, Any]
    position: int
    page: int | None
    heading: str | None
    text: str


async def insert_chunks(
    connection: AsyncConnection, vector_store_id: str, file_seq: int, made: Sequence[NewChunk]
) -> None:
    """Add the chunks of a file, and their words to the index and to the counts."""
    if not made:
        return
    insert_rows = _insert_indexed if connection.dialect.name == "postgresql" else _insert_and_index
    rows = [_row(vector_store_id, file_seq, chunk) for chunk in made]
    await insert_rows(connection, vector_store_id, rows)
    await add_counts(connection, vector_store_id, (chunk.terms for chunk in made))


async def delete_chunks(
    connection: AsyncConnection, file_seq: int, *, limit: int | None = None
) -> int:
    """Delete chunks of a file, at most `limit`, with their words and counts; return how many."""
    doomed = select(chunks.c.seq, chunks.c.terms, chunks.c.vector_store_id)
    doomed = doomed.where(chunks.c.file_seq == file_seq).order_by(chunks.c.position).limit(limit)
    rows = (await connection.execute(doomed)).all()
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        # An FTS5 table without content forgets only what it is told word by word.
        words = [(row.seq, row.terms) for row in rows]
        await _index(_FORGET_WORDS, connection, rows[0].vector_store_id, words)
    gone = delete(chunks).where(chunks.c.seq == bindparam("doomed"))
    await connection.execute(gone, [{"doomed": row.seq} for row in rows])
    await subtract_counts(connection, rows[0].vector_store_id, (row.terms for row in rows))
    return len(rows)


async def prefer_indexes(connection: AsyncConnection) -> None:
    """Have PostgreSQL search through its indexes, in this process, until the transaction ends.

    Its planner knows neither how rare a term is, which differs from store to store, nor, before
    statistics are gathered, how many chunks there are: it read every chunk, or started processes
    for a thousand rows, which takes ten times as long as the search.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_PREFER_INDEXES)


async def find_candidates(
    connection: AsyncConnection,
    vector_store_ids: Sequence[str],
    clauses: Sequence[Clause],
    where: ColumnElement[bool] | None,
    limit: int,
) -> list[Candidate]:
    """Return the chunks of finished files whose clauses weigh most, heaviest first.

    `where` is a condition on `vector_store_files`.
    """
    if not clauses or not vector_store_ids:
        return []
    marks = [_mark(id_) for id_ in vector_store_ids]
    parameters: dict[str, Any] = {"stores": vector_store_ids, "limit": limit}
    for i, clause in enumerate(clauses):
        parameters[f"m{i}"] = _match(connection, marks, clause.terms)
        parameters[f"w{i}"] = clause.weight
    wanted = _heaviest(connection.dialect.name, len(clauses))
    if where is not None:
        wanted = wanted.where(where)
    # Looking at the heaviest alone is enough unless `where` leaves too few of them.
    for most_hits in (_HITS_PER_CANDIDATE * limit, _NO_LIMIT):
        rows = (await connection.execute(wanted, {**parameters, "most_hits": most_hits})).all()
        if len(rows) == limit:
            break
    return [Candidate(seq, terms) for seq, terms in rows]


async def load_chunks(
    connection: AsyncConnection,
    project_id: str,
    vector_store_ids: Sequence[str],
    seqs: Sequence[int],
) -> dict[int, FoundChunk]:
    """Return those of the chunks, by their seq, that the stores hold and whose file is finished."""
    if not seqs:
        return {}
    parameters = {"project": project_id, "stores": vector_store_ids, "seqs": seqs}
    rows = (await connection.execute(_shown(), parameters)).all()
    return {row.seq: FoundChunk(*row) for row in rows}


# SQLAlchemy needs longer to put these statements together than the database to answer them, so
# each is made once.


@lru_cache(maxsize=_STATEMENTS)
def _heaviest(dialect: str, clauses: int) -> Select[int, str]:
    """Return the statement of `find_candidates` for so many clauses.

    Its joins stand in the order in which they cost least: see `prefer_indexes`.
    """
    hits = _hits(dialect, clauses).columns(column("seq", Integer), column("score", Integer))
    heaviest = hits.subquery("hits")
    joined = heaviest.join(chunks, chunks.c.seq == heaviest.c.seq).join(
        vector_store_files, vector_store_files.c.seq == chunks.c.file_seq
    )
    return (
        select(chunks.c.seq, chunks.c.terms)
        .select_from(joined)
        .where(_is_searchable(chunks.c.vector_store_id))
        .order_by(heaviest.c.score.desc(), chunks.c.seq)
        .limit(bindparam("limit"))
    )


@lru_cache(maxsize=1)
def _shown() -> Select[Any]:
    """Return the statement of `load_chunks`, which picks the chunks before it looks at files."""
    is_picked = chunks.c.seq.in_(bindparam("seqs", expanding=True))
    picked = select(chunks).where(is_picked).cte("picked").prefix_with("MATERIALIZED")
    files = vector_store_files.c
    project = bindparam("project", type_=String)
    is_file = and_(objects.c.project_id == project, objects.c.id == files.file_id)
    return (
        select(
            picked.c.seq,
            picked.c.vector_store_id,
            files.file_id,
            func.coalesce(objects.c.document["filename"].as_string(), "").label("filename"),
            files.attributes,
            picked.c.position,
            picked.c.page,
            picked.c.heading,
            picked.c.text,
        )
        .join(vector_store_files, files.seq == picked.c.file_seq)
        .outerjoin(objects, is_file)
        .where(_is_searchable(picked.c.vector_store_id), files.project_id == project)
    )


async def _insert_indexed(
    connection: AsyncConnection, vector_store_id: str, rows: list[dict[str, Any]]
) -> None:
    """Insert rows with the column that PostgreSQL indexes."""
    lexemes: Any = func.array_to_tsvector(bindparam("marked", type_=ARRAY(Text)))
    for row in rows:
        row["marked"] = _marked_terms(vector_store_id, row["terms"])
    await connection.execute(insert(_INDEXED_CHUNKS).values(terms_indexed=lexemes), rows)


async def _insert_and_index(
    connection: AsyncConnection, vector_store_id: str, rows: list[dict[str, Any]]
) -> None:
    """Insert rows, then their words into the table beside them that SQLite searches."""
    added = insert(chunks).returning(chunks.c.seq, chunks.c.terms, sort_by_parameter_order=True)
    found = (await connection.execute(added, rows)).all()
    await _index(_ADD_WORDS, connection, vector_store_id, found)


def _row(vector_store_id: str, file_seq: int, chunk: NewChunk) -> dict[str, Any]:
    return {
        "vector_store_id": vector_store_id,
        "file_seq": file_seq,
        "position": chunk.position,
        "page": chunk.page,
        "heading": chunk.heading,
        "text": chunk.text,
        "tokens": chunk.tokens,
        "terms": chunk.terms,
        "embedding": chunk.embedding,
    }


async def _index(
    statement: TextClause,
    connection: AsyncConnection,
    vector_store_id: str,
    rows: Iterable[Sequence[Any]],
) -> None:
    """Run the FTS5 statement for each (seq, terms)."""
    words = [
        {"seq": seq, "terms": " ".join(_marked_terms(vector_store_id, terms))}
        for seq, terms in rows
    ]
    await connection.execute(statement, words)


def _is_searchable(store_of_chunk: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(
        store_of_chunk.in_(bindparam("stores", expanding=True)),
        vector_store_files.c.status == "completed",
        vector_store_files.c.deleted_at.is_(None),
    )


def _mark(vector_store_id: str) -> str:
    """Return what stands before each term of a store in the index.

    So each store has posting lists of its own, and a search costs what its own store holds. Stores
    that share a mark by chance only cost time: rows are compared by id as well.
    """
    return blake2s(vector_store_id.encode(), digest_size=5).hexdigest()


def _marked_terms(vector_store_id: str, terms: str) -> list[str]:
    mark = _mark(vector_store_id)
    return [f"{mark}{term}" for term in sorted(set(terms.split()))]


def _match(connection: AsyncConnection, marks: Sequence[str], terms: Sequence[str]) -> str:
    """Return the full-text query for chunks of one of the stores that hold all the terms."""
    is_postgres = connection.dialect.name == "postgresql"
    quote, either, both = _TSQUERY_SYNTAX if is_postgres else _FTS5_SYNTAX
    stores = (f" {both} ".join(f"{quote}{mark}{term}{quote}" for term in terms) for mark in marks)
    return f" {either} ".join(f"({store})" for store in stores)


def _matching(dialect: str, parameter: str) -> str:
    """Return FROM and WHERE of the rows that match a full-text query."""
    if dialect == "postgresql":
        return f"chunks WHERE terms_indexed @@ CAST(CAST(:{parameter} AS text) AS tsquery)"
    return f"chunks_fts WHERE chunks_fts MATCH :{parameter}"


def _hits(dialect: str, clauses: int) -> TextClause:
    """Return the SQL that adds up the clauses' weights by chunk, heaviest first."""
    seq = "seq" if dialect == "postgresql" else "rowid"
    found = " UNION ALL ".join(
        f"SELECT {seq} AS seq, CAST(:w{i} AS integer) AS weight FROM {_matching(dialect, f'm{i}')}"
        for i in range(clauses)
    )
    return text(
        f"SELECT seq, sum(weight) AS score FROM ({found}) AS clauses"
        " GROUP BY seq ORDER BY score DESC, seq LIMIT :most_hits"
    )
