"""Copies every row from one database into another, whichever of the two kinds they are.

Works within the transactions of its caller, and expects the same schema on both sides.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, Table, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.schema import chunk_terms, chunks, metadata, vector_spaces

_BATCH = 500
_MADE_FROM_CHUNKS = frozenset({chunks, chunk_terms})
"""What `insert_chunks` writes: each kind of database indexes words in its own way."""


async def count_rows(source: AsyncConnection) -> int:
    """Return how many rows `copy_rows` is going to copy."""
    counted = [select(func.count()).select_from(table) for table in (*_plain_tables(), chunks)]
    return sum([(await source.execute(count)).scalar_one() for count in counted])


async def copy_rows(
    source: AsyncConnection, target: AsyncConnection, advance: Callable[[int], None]
) -> None:
    """Copy all rows into empty tables; `advance` is told of each batch's rows.

    Chunks keep their order, and get new numbers.
    """
    for table in _plain_tables():
        async for rows in _batches(source, select(table).order_by(*table.primary_key)):
            await target.execute(insert(table), [row._asdict() for row in rows])
            advance(len(rows))
        await _number_after(target, table)
    async for rows in _batches(source, select(chunks).order_by(chunks.c.seq)):
        for (store_id, file_seq), some in groupby(rows, _owner):
            await insert_chunks(target, store_id, file_seq, [_new_chunk(row) for row in some])
        advance(len(rows))
    if target.dialect.name == "sqlite":
        # What was made of vectors elsewhere, under whatever generation, names other chunks.
        await target.execute(update(vector_spaces).values(generation=func.random()))


async def empty_tables(target: AsyncConnection) -> None:
    """Delete every row, those included that only one kind of database has."""
    if target.dialect.name == "sqlite":
        for table in reversed(metadata.sorted_tables):
            await target.execute(delete(table))
        return
    # All tables of the schema: beside ours there are only those made from them.
    tables = await target.scalars(
        text(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
        )
    )
    await target.execute(text(f"TRUNCATE {', '.join(tables)}"))


def _plain_tables() -> list[Table]:
    """Return the tables that are copied row by row, each after those that it refers to."""
    return [table for table in metadata.sorted_tables if table not in _MADE_FROM_CHUNKS]


async def _batches(
    source: AsyncConnection, query: Select[Any]
) -> AsyncIterator[Sequence[Row[Any]]]:
    result = await source.stream(query)
    async for rows in result.partitions(_BATCH):
        yield rows


async def _number_after(target: AsyncConnection, table: Table) -> None:
    """Have PostgreSQL number new rows after those copied; SQLite does so by itself."""
    if target.dialect.name != "postgresql" or "seq" not in table.columns:
        return
    last = f"(SELECT coalesce(max(seq), 0) + 1 FROM {table.name})"
    await target.execute(
        text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), {last}, false)")
    )


def _owner(row: Row[Any]) -> tuple[str, int]:
    return row.vector_store_id, row.file_seq


def _new_chunk(row: Row[Any]) -> NewChunk:
    return NewChunk(
        position=row.position,
        text=row.text,
        page=row.page,
        heading=row.heading,
        tokens=row.tokens,
        terms=row.terms,
        embedding=row.embedding,
    )
