"""In how many chunks of each vector store a term occurs, kept as chunks come and go.

Every function works within the transaction of its caller, so the counts agree with the chunks
whatever is rolled back or killed. Nothing here knows where the chunks are.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.schema import chunk_terms

_EVERY_CHUNK = ""
"""Stands for a term that all chunks hold. It sorts before every term, so transactions that change
the counts of one store wait for each other here, and never for each other's terms."""

# Thousands of rows in one statement: as JSON, which both databases read in the order given.
_GIVEN = {
    "sqlite": "json_each(:counts)",
    "postgresql": "json_each_text(CAST(CAST(:counts AS text) AS json))",
}
_ADD = """
INSERT INTO chunk_terms (vector_store_id, term, chunks)
SELECT CAST(:store AS text), key, CAST(value AS bigint) FROM {given} AS given WHERE true
ON CONFLICT (vector_store_id, term) DO UPDATE SET chunks = chunk_terms.chunks + excluded.chunks
"""
_FORGET_UNUSED = """
DELETE FROM chunk_terms
WHERE vector_store_id = :store AND chunks = 0 AND term IN (SELECT key FROM {given} AS given)
"""


async def add_counts(
    connection: AsyncConnection, vector_store_id: str, added: Iterable[str]
) -> None:
    """Count chunks that were added, each given as its terms with spaces between them."""
    await _run(_ADD, connection, vector_store_id, _counted(added))


async def subtract_counts(
    connection: AsyncConnection, vector_store_id: str, gone: Iterable[str]
) -> None:
    """Take chunks out of the counts that were deleted, each given as in `add_counts`."""
    fewer = {term: -chunks for term, chunks in _counted(gone).items()}
    await _run(_ADD, connection, vector_store_id, fewer)
    await _run(_FORGET_UNUSED, connection, vector_store_id, fewer)


async def count_terms(
    connection: AsyncConnection, vector_store_ids: Sequence[str], terms: Sequence[str]
) -> tuple[int, dict[str, int]]:
    """Return how many chunks the stores hold, and how many of them hold each of the terms.

    Chunks of files that are still being read count too. Terms that none holds are left out.
    """
    parameters = {"stores": vector_store_ids, "terms": [_EVERY_CHUNK, *terms]}
    found: Counter[str] = Counter()
    for term, chunks in await connection.execute(_counts(), parameters):
        found[term] += chunks
    return found.pop(_EVERY_CHUNK, 0), dict(found)


def _counted(chunks: Iterable[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for terms in chunks:
        counted[_EVERY_CHUNK] += 1
        counted.update(set(terms.split()))
    return counted


async def _run(
    statement: str, connection: AsyncConnection, vector_store_id: str, counts: Mapping[str, int]
) -> None:
    given = json.dumps(counts, sort_keys=True, ensure_ascii=False)
    prepared = _prepared(statement, connection.dialect.name)
    await connection.execute(prepared, {"store": vector_store_id, "counts": given})


@lru_cache(maxsize=4)
def _prepared(statement: str, dialect: str) -> TextClause:
    return text(statement.format(given=_GIVEN[dialect]))


@lru_cache(maxsize=1)
def _counts() -> Select[Any]:
    """Return the statement of `count_terms`, made once: that costs more than to answer it."""
    return select(chunk_terms.c.term, chunk_terms.c.chunks).where(
        chunk_terms.c.vector_store_id.in_(bindparam("stores", expanding=True)),
        chunk_terms.c.term.in_(bindparam("terms", expanding=True)),
    )
